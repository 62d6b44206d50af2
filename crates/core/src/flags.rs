//! The bytes that hooks test before anything else: each says whether a family of calls means something to this process now. They lie with the
//! other words that a child writes.
use core::sync::atomic::{AtomicU8, Ordering::*};

/// Not zero in a forked child.
#[unsafe(link_section = "forkguard_words")]
pub static FORKED_CHILD: AtomicU8 = AtomicU8::new(0);
/// Not zero in a forked child until it settles.
#[unsafe(link_section = "forkguard_words")]
pub static SETTLING: AtomicU8 = AtomicU8::new(0);
/// Not zero in a forked child that has not settled, or has inherited descriptors whose use is an event ([`USES`]); and in a process that may
/// wait for another one by a pipe ([`PIPES`]), has forked with connections that it accepted ([`ACCEPTED`]), or has closed all descriptors ([`SWEPT`]).
#[unsafe(link_section = "forkguard_words")]
pub static WATCH_USES: AtomicU8 = AtomicU8::new(0);
/// Not zero while calls that wait for work are an event: the child settles there, and the leader has time for its children.
#[unsafe(link_section = "forkguard_words")]
pub static WATCH_WAITS: AtomicU8 = AtomicU8::new(0);
/// Not zero once the end of this process is an event: of a forked child, and of a leader that reports.
#[unsafe(link_section = "forkguard_words")]
pub static REPORT_END: AtomicU8 = AtomicU8::new(0);

/// Not zero in a process that has forked, or has exit handlers of its leader's: signals that it sends are an event.
#[unsafe(link_section = "forkguard_words")]
pub static WATCH_SENT_SIGNALS: AtomicU8 = AtomicU8::new(0);

/// Not zero while an exit handler that this child has from its leader runs, or may run: what it removes and whom it ends is an event.
#[unsafe(link_section = "forkguard_words")]
pub static WATCH_TAKING: AtomicU8 = AtomicU8::new(0);

/// In [`WATCH_USES`].
pub const USES: u8 = 1;
/// In [`WATCH_USES`].
pub const PIPES: u8 = 2;

/// In [`WATCH_USES`].
pub const ACCEPTED: u8 = 4;

/// In [`WATCH_USES`].
pub const SWEPT: u8 = 8;

/// Writes to files of the leader's that this process closed with all others are an event from now on.
pub fn watch_swept() {
    if !watches_swept() {
        WATCH_USES.fetch_or(SWEPT, SeqCst);
    }
}

/// True when they are.
#[inline(always)]
pub fn watches_swept() -> bool {
    WATCH_USES.load(Relaxed) & SWEPT != 0
}

/// What this process sends on accepted connections is an event, or no more.
pub fn watch_accepted(watched: bool) {
    if watched {
        WATCH_USES.fetch_or(ACCEPTED, SeqCst);
    } else {
        WATCH_USES.fetch_and(!ACCEPTED, SeqCst);
    }
}

/// Uses of inherited descriptors are an event, or no more.
pub fn watch_uses(watched: bool) {
    if watched {
        WATCH_USES.fetch_or(USES, SeqCst);
    } else {
        WATCH_USES.fetch_and(!USES, SeqCst);
    }
}

/// True while they are.
pub fn watches_uses() -> bool {
    WATCH_USES.load(SeqCst) & USES != 0
}

/// Waits by pipes are an event from now on.
pub fn watch_pipes() {
    if WATCH_USES.load(Relaxed) & PIPES == 0 {
        WATCH_USES.fetch_or(PIPES, SeqCst);
    }
}

/// The next call that waits for work is an event.
pub fn watch_waits() {
    WATCH_WAITS.store(1, SeqCst);
}

/// The end of this process is an event from now on.
pub fn report_end() {
    REPORT_END.store(1, Relaxed);
}

/// True for a forked child.
pub fn is_forked_child() -> bool {
    FORKED_CHILD.load(Relaxed) != 0
}

/// True for a forked child that has not settled.
pub fn is_settling() -> bool {
    SETTLING.load(Relaxed) != 0
}
