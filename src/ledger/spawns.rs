//! Processes that this one made by ways that run no atfork handlers.
use crate::ledger::budget::Budget;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// Those that are reported singly.
#[unsafe(link_section = "forkguard_words")]
static SINGLE: Budget = Budget::new();
/// Those since the last `fork` event that were not.
#[unsafe(link_section = "forkguard_words")]
static UNREPORTED: AtomicU32 = AtomicU32::new(0);
#[unsafe(link_section = "forkguard_words")]
static ALL: AtomicU64 = AtomicU64::new(0);

/// Counts one; true when it is to be reported singly.
pub(crate) fn count() -> bool {
    ALL.fetch_add(1, Relaxed);
    let singly = crate::emit::wanted() && SINGLE.take();
    if !singly {
        UNREPORTED.fetch_add(1, Relaxed);
    }
    singly
}

/// Those that the next `fork` event must count.
pub(crate) fn take_unreported() -> u32 {
    UNREPORTED.swap(0, Relaxed)
}

/// All of them.
pub(crate) fn made() -> u64 {
    ALL.load(Relaxed)
}

/// In a forked child.
pub(super) fn reset_in_child() {
    SINGLE.reset();
    UNREPORTED.store(0, Relaxed);
    ALL.store(0, Relaxed);
}
