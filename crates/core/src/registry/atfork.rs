//! The handlers that other libraries register with pthread_atfork: who registered them, and how long each takes.
use crate::{gate, kernel};
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::*};

/// Registrations that can be timed; further ones are passed on as they are.
pub const CAPACITY: usize = 64;

/// One registration.
pub struct Registration {
    taken: AtomicU32,
    /// Its prepare, parent and child handler; 0 none.
    handlers: [AtomicUsize; 3],
    dso: AtomicUsize,
    site: AtomicUsize,
    /// Nanoseconds that each took at this process's last fork.
    spent: [AtomicU64; 3],
}

/// Which of the three handlers.
#[derive(Clone, Copy)]
pub enum Phase {
    /// Before the fork.
    Prepare = 0,
    /// After it, in the leader.
    Parent = 1,
    /// After it, in the child.
    Child = 2,
}

static REGISTRATIONS: [Registration; CAPACITY] = [const {
    Registration {
        taken: AtomicU32::new(0),
        handlers: [const { AtomicUsize::new(0) }; 3],
        dso: AtomicUsize::new(0),
        site: AtomicUsize::new(0),
        spent: [const { AtomicU64::new(0) }; 3],
    }
}; CAPACITY];
static COUNT: AtomicUsize = AtomicUsize::new(0);
static MISSED: AtomicU32 = AtomicU32::new(0);

/// Records a registration; its index, or None when there is no room. The same one made again (a library loaded again) keeps its
/// entry.
pub fn register(handlers: [usize; 3], dso: usize, site: usize) -> Option<usize> {
    let known = all().position(|r| r.key() == (handlers, dso));
    if known.is_some() {
        return known;
    }
    let Ok(index) = COUNT.fetch_update(AcqRel, Relaxed, |count| (count < CAPACITY).then_some(count + 1)) else {
        MISSED.fetch_add(1, Relaxed);
        return None;
    };
    let entry = &REGISTRATIONS[index];
    for (word, handler) in entry.handlers.iter().zip(handlers) {
        word.store(handler, Relaxed);
    }
    entry.dso.store(dso, Relaxed);
    entry.site.store(site, Relaxed);
    entry.taken.store(1, Release);
    Some(index)
}

impl Registration {
    fn key(&self) -> ([usize; 3], usize) {
        ([0, 1, 2].map(|i: usize| self.handlers[i].load(Relaxed)), self.dso.load(Relaxed))
    }

    /// Address of a handler; 0 none.
    pub fn handler(&self, phase: Phase) -> usize {
        self.handlers[phase as usize].load(Relaxed)
    }

    /// Return address of the registering call.
    pub fn site(&self) -> usize {
        self.site.load(Relaxed)
    }

    /// Microseconds that a handler took at this process's last fork; None without one.
    pub fn spent_us(&self, phase: Phase) -> Option<f64> {
        (self.handler(phase) != 0).then(|| self.spent[phase as usize].load(Relaxed) as f64 / 1000.0)
    }
}

/// All registrations, in order.
pub fn all() -> impl Iterator<Item = &'static Registration> {
    REGISTRATIONS.iter().take(COUNT.load(Acquire)).filter(|r| r.taken.load(Acquire) != 0)
}

/// How many found no room.
pub fn missed() -> u32 {
    MISSED.load(Relaxed)
}

/// Runs one handler and notes how long it took.
pub fn run(index: usize, phase: Phase) {
    let Some(registration) = REGISTRATIONS.get(index) else { return };
    let handler = registration.handler(phase);
    if handler == 0 {
        return;
    }
    // SAFETY: the address was given to pthread_atfork as a function of no arguments, and its library is still loaded: glibc drops
    // the handlers of a library that is unloaded, and ours with them.
    let handler = unsafe { core::mem::transmute::<usize, extern "C-unwind" fn()>(handler) };
    if !gate::awake() {
        return handler();
    }
    let start = kernel::monotonic();
    if matches!(phase, Phase::Child) {
        RUNNING.store(index + 1, Relaxed);
    }
    handler();
    registration.spent[phase as usize].store(kernel::monotonic() - start, Relaxed);
    RUNNING.store(0, Relaxed);
}

/// The registration whose child handler runs, plus one: a child has one thread then.
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// The registration whose child handler runs now.
pub fn running() -> Option<&'static Registration> {
    REGISTRATIONS.get(RUNNING.load(Relaxed).checked_sub(1)?)
}
