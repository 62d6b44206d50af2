//! How many forks lie between the program's start and this process, and how many this process has begun. A fact that a registry recorded in
//! an older generation was recorded in a process that this one was forked from: so a child need not touch the registries themselves.
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

#[unsafe(link_section = "forkguard_words")]
static GENERATION: AtomicU32 = AtomicU32::new(0);
#[unsafe(link_section = "forkguard_words")]
static SEQUENCE: AtomicU64 = AtomicU64::new(0);

/// This process's generation.
#[inline(always)]
pub fn current() -> u32 {
    GENERATION.load(Relaxed)
}

/// The sequence number of the last fork of this process; 0 before its first.
pub fn last_sequence() -> u64 {
    SEQUENCE.load(Relaxed)
}

/// Takes the sequence number of the next fork of this process.
pub fn next_sequence() -> u64 {
    SEQUENCE.fetch_add(1, Relaxed) + 1
}

/// From now on forks have sequence numbers above this one.
pub fn continue_from(least: u64) {
    SEQUENCE.fetch_max(least, Relaxed);
}

/// In a forked child.
pub(crate) fn init_child() {
    GENERATION.fetch_add(1, Relaxed);
    SEQUENCE.store(0, Relaxed);
}
