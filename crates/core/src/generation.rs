//! How many forks lie between the program's start and this process: what a registry noted in an older generation, it noted in a
//! process that this one was forked from. One word, so that a child need not touch the registries themselves.
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

#[unsafe(link_section = "forkguard_words")]
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// This process's.
#[inline(always)]
pub fn current() -> u32 {
    GENERATION.load(Relaxed)
}

/// In a forked child.
pub(crate) fn next() {
    GENERATION.fetch_add(1, Relaxed);
}
