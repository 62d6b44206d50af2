//! Whether hooks work: the library's life, whose registries these are, which locks are recorded and checked, and the proof that this thread
//! is not already inside a hook.
//!
//! In `forkguard_words` lie, together, the words that every start, every fork or every child writes: each page that is written is copied.
use crate::{kernel, tls};
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering::*, compiler_fence};

/// The library's life.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Life {
    /// The constructor has not run: hooks pass straight through.
    Asleep = 0,
    /// Hooks record.
    Awake = 1,
    /// Switched off by option, by a fault of its own, or because the process is ending: hooks pass straight through.
    Off = 2,
}

#[unsafe(link_section = "forkguard_words")]
static LIFE: AtomicU8 = AtomicU8::new(Life::Asleep as u8);

/// True while hooks record.
#[inline(always)]
pub fn awake() -> bool {
    LIFE.load(Relaxed) == Life::Awake as u8
}

/// The library's life.
pub fn life() -> Life {
    match LIFE.load(Relaxed) {
        0 => Life::Asleep,
        1 => Life::Awake,
        _ => Life::Off,
    }
}

/// In the constructor: from now on hooks record.
pub fn wake() {
    LIFE.store(Life::Awake as u8, Relaxed);
}

/// Hooks pass straight through from now on; the lock calls are switched by [`crate::dispatch::switch_off`].
pub(crate) fn end_life() {
    LIFE.store(Life::Off as u8, Relaxed);
}

/// The process that the registries describe: any other one is a child that no atfork handler of ours saw.
#[unsafe(link_section = "forkguard_words")]
static OWNER: AtomicU32 = AtomicU32::new(0);

/// In the constructor, and in a forked child: the registries describe this process.
pub fn own_registries() {
    OWNER.store(kernel::process_id(), Relaxed);
}

/// False in a child that no atfork handler of ours saw.
pub fn owns_registries() -> bool {
    OWNER.load(Relaxed) == kernel::process_id()
}

/// A process was made that shares this one's memory.
#[unsafe(link_section = "forkguard_words")]
static MEMORY_SHARED: AtomicBool = AtomicBool::new(false);

/// A process is about to be made that shares this one's memory, by other means than vfork(3), and maybe runs beside its leader.
pub fn share_memory() {
    MEMORY_SHARED.store(true, Relaxed);
}

/// True in a process that runs on its leader's memory: its hooks must leave every registry alone.
#[inline(always)]
pub fn is_guest() -> bool {
    tls::vfork() != 0 || MEMORY_SHARED.load(Relaxed) && !owns_registries()
}

/// Not zero while lock hooks record: never before the first second thread, so that single-threaded processes pay one test.
#[unsafe(link_section = "forkguard_words")]
pub static TRACKED: AtomicU8 = AtomicU8::new(0);

/// In [`TRACKED`]: locks are recorded, and taken through the gate of `safe_point`.
pub const GATED: u8 = 2;

/// Not zero in a forked child whose waits are checked: it lacks threads, cannot use locks of its leader, or has one thread.
#[unsafe(link_section = "forkguard_words")]
pub static WATCHED: AtomicU8 = AtomicU8::new(0);

/// In [`WATCHED`]: nothing was lost, but the process has one thread: what that one held at the fork nobody else releases. Until it starts
/// another.
pub const WATCHED_ALONE: u8 = 1;
/// In [`WATCHED`]: the process lacks threads or cannot use locks.
pub const WATCHED_LOSSES: u8 = 2;
/// In [`WATCHED`]: a lost thread waits for what others post, so posts of semaphores with waiters are checked, too.
pub const WATCHED_POSTS: u8 = 3;
/// In [`WATCHED`]: a lost thread holds a lock that does not name its owner, so releases of such locks are checked, too.
pub const WATCHED_WHOLLY: u8 = 4;

/// True in a child whose waits are checked.
#[inline(always)]
pub fn is_watched() -> bool {
    WATCHED.load(Relaxed) != 0
}

/// Proof that this thread runs forkguard's own code and that no hook will record meanwhile.
pub struct Inside(());

impl Inside {
    /// None when the library is not awake, this thread is inside already, or the memory is the leader's.
    #[inline]
    pub fn enter() -> Option<Inside> {
        if !awake() || tls::inside() != 0 || is_guest() {
            return None;
        }
        tls::set_inside(1);
        let inside = Inside(());
        // Another thread may have switched the library off between the question and the mark; it looks for marks after that.
        compiler_fence(SeqCst);
        awake().then_some(inside)
    }
}

impl Inside {
    /// Runs work in a forked child's first handler, even if this thread forked in the middle of a hook (in a signal handler).
    pub fn regardless(work: impl FnOnce()) {
        let before = tls::inside();
        tls::set_inside(1);
        work();
        tls::set_inside(before);
    }
}

impl Drop for Inside {
    #[inline]
    fn drop(&mut self) {
        tls::set_inside(0);
    }
}
