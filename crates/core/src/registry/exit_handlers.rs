//! The exit handlers that the application registered with atexit(3), on_exit(3) or, as the C++ compiler does, with __cxa_atexit: who
//! registered them, and which one runs. And those that an interpreter keeps, as they stood at the last fork.
use crate::registry::generation;
use core::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering::*};

/// Handlers that are recorded; further ones are passed on as they are.
pub const CAPACITY: usize = 128;

/// One handler.
pub struct ExitHandler {
    /// The function, of an interpreter's its code object; 0: not filled yet.
    address: AtomicUsize,
    argument: AtomicUsize,
    site: AtomicUsize,
    generation: AtomicU32,
    /// One of [`keeper`].
    keeper: AtomicU8,
}

/// Who keeps a handler.
mod keeper {
    pub(super) const C_LIBRARY: u8 = 0;
    pub(super) const INTERPRETER: u8 = 1;
    /// It was an interpreter's.
    pub(super) const NOBODY: u8 = 2;
}

static HANDLERS: [ExitHandler; CAPACITY] = [const {
    ExitHandler {
        address: AtomicUsize::new(0),
        argument: AtomicUsize::new(0),
        site: AtomicUsize::new(0),
        generation: AtomicU32::new(0),
        keeper: AtomicU8::new(keeper::C_LIBRARY),
    }
}; CAPACITY];
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Records a registration; None when there is no room.
pub fn register(address: usize, argument: usize, site: usize) -> Option<&'static ExitHandler> {
    add(address, argument, site, keeper::C_LIBRARY)
}

/// Records what the interpreter keeps now: code objects, and the sites of their functions. Those that it does not keep any more are left out.
/// By the thread that forks and has the interpreter's lock.
pub fn set_interpreted(functions: &[(usize, usize)]) {
    let is = |handler: &ExitHandler, function: &(usize, usize)| (handler.address(), handler.site()) == *function;
    for handler in filled().filter(|handler| handler.keeper.load(Relaxed) != keeper::C_LIBRARY) {
        let is_kept = functions.iter().any(|function| is(handler, function));
        handler.keeper.store(if is_kept { keeper::INTERPRETER } else { keeper::NOBODY }, Relaxed);
    }
    for function in functions.iter().filter(|function| !all().any(|handler| handler.is_interpreted() && is(handler, function))) {
        add(function.0, 0, function.1, keeper::INTERPRETER);
    }
}

fn add(address: usize, argument: usize, site: usize, keeper: u8) -> Option<&'static ExitHandler> {
    let index = COUNT.fetch_update(AcqRel, Relaxed, |count| (count < CAPACITY).then_some(count + 1)).ok()?;
    let entry = &HANDLERS[index];
    entry.argument.store(argument, Relaxed);
    entry.site.store(site, Relaxed);
    entry.generation.store(generation::current(), Relaxed);
    entry.keeper.store(keeper, Relaxed);
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

    /// Where it was registered; of an interpreter's, which keeps no such line, where the function begins.
    pub fn site(&self) -> usize {
        self.site.load(Relaxed)
    }

    /// True for one that an interpreter keeps.
    pub fn is_interpreted(&self) -> bool {
        self.keeper.load(Relaxed) == keeper::INTERPRETER
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

/// True once an interpreter forked in this process, or in one that led to it.
static INTERPRETED: AtomicU8 = AtomicU8::new(0);

/// By an interpreter's thread, which forks.
pub fn note_interpreter() {
    if INTERPRETED.load(Relaxed) == 0 {
        INTERPRETED.store(1, Relaxed);
    }
}

/// True where an interpreter may destroy objects at its end that a leader had made.
pub fn has_interpreter() -> bool {
    INTERPRETED.load(Relaxed) != 0
}

/// All handlers, in the order of their registration.
pub fn all() -> impl Iterator<Item = &'static ExitHandler> {
    filled().filter(|handler| handler.keeper.load(Relaxed) != keeper::NOBODY)
}

fn filled() -> impl Iterator<Item = &'static ExitHandler> {
    HANDLERS.iter().take(COUNT.load(Acquire)).filter(|handler| handler.address() != 0)
}
