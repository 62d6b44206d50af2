//! Whether hooks work at all, and the proof that this thread is not already inside one.
use crate::tls;
use core::sync::atomic::{AtomicBool, AtomicU8, Ordering::*, compiler_fence};

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

/// In `forkguard_words` lie, together, the words that every start, every fork or every child writes: each page that is written is copied.
#[unsafe(link_section = "forkguard_words")]
static LIFE: AtomicU8 = AtomicU8::new(Life::Asleep as u8);

/// True while hooks record.
#[inline(always)]
pub fn awake() -> bool {
    LIFE.load(Relaxed) == Life::Awake as u8
}

/// Where the library's life stands.
pub fn life() -> Life {
    match LIFE.load(Relaxed) {
        0 => Life::Asleep,
        1 => Life::Awake,
        _ => Life::Off,
    }
}

/// Moves the library's life on.
pub fn set_life(life: Life) {
    LIFE.store(life as u8, Relaxed);
    if life != Life::Awake {
        crate::held::stop_tracking();
    }
}

/// A process has been made that shares this one's memory.
#[unsafe(link_section = "forkguard_words")]
static LENT: AtomicBool = AtomicBool::new(false);

/// A process is about to be made that shares this one's memory, by other means than vfork(3), and maybe beside its leader.
pub fn lend_memory() {
    LENT.store(true, Relaxed);
}

/// True in a process that runs on its leader's memory: its hooks must leave every registry alone.
#[inline(always)]
pub fn is_guest() -> bool {
    tls::vfork() != 0 || LENT.load(Relaxed) && !crate::fork::owned()
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
        // Who switches the library off looks at this mark afterwards: between the question and the mark that may have been done.
        compiler_fence(SeqCst);
        awake().then_some(inside)
    }
}

impl Inside {
    /// Runs work in a forked child's first handler, whatever this thread was in the middle of when it forked (a signal handler may
    /// have forked inside one of our hooks).
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
