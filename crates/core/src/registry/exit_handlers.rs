//! The exit handlers that the application registered with atexit(3), on_exit(3) or, as the C++ compiler does, with __cxa_atexit: who
//! registered them, and which one runs.
use crate::registry::generation;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::*};

/// Handlers that are recorded; further ones are passed on as they are.
pub const CAPACITY: usize = 128;

/// One handler.
pub struct ExitHandler {
    /// The function; 0: not filled yet.
    address: AtomicUsize,
    argument: AtomicUsize,
    site: AtomicUsize,
    generation: AtomicU32,
}

static HANDLERS: [ExitHandler; CAPACITY] = [const {
    ExitHandler {
        address: AtomicUsize::new(0),
        argument: AtomicUsize::new(0),
        site: AtomicUsize::new(0),
        generation: AtomicU32::new(0),
    }
}; CAPACITY];
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Records a registration; None when there is no room.
pub fn register(address: usize, argument: usize, site: usize) -> Option<&'static ExitHandler> {
    let index = COUNT.fetch_update(AcqRel, Relaxed, |count| (count < CAPACITY).then_some(count + 1)).ok()?;
    let entry = &HANDLERS[index];
    entry.argument.store(argument, Relaxed);
    entry.site.store(site, Relaxed);
    entry.generation.store(generation::current(), Relaxed);
    entry.address.store(address, Release);
    Some(entry)
}

impl ExitHandler {
    /// The function.
    pub fn address(&self) -> usize {
        self.address.load(Acquire)
    }

    /// What it is given.
    pub fn argument(&self) -> usize {
        self.argument.load(Relaxed)
    }

    /// Where it was registered.
    pub fn site(&self) -> usize {
        self.site.load(Relaxed)
    }

    /// True when this process has it from a leader.
    pub fn is_inherited(&self) -> bool {
        self.generation.load(Relaxed) != generation::current()
    }

    /// Its place in the order of registrations.
    pub fn index(&self) -> usize {
        (core::ptr::from_ref(self).addr() - HANDLERS.as_ptr().addr()) / size_of::<ExitHandler>()
    }
}

/// All handlers, in the order of their registration.
pub fn all() -> impl Iterator<Item = &'static ExitHandler> {
    HANDLERS.iter().take(COUNT.load(Acquire)).filter(|handler| handler.address() != 0)
}
