//! Whether the C library's generators were used: their state is copied into every child.
use crate::gate;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

#[unsafe(link_section = "forkguard_words")]
static USED: AtomicUsize = AtomicUsize::new(0);

/// Records the first use.
pub fn record(site: impl FnOnce() -> usize) {
    if USED.load(Relaxed) == 0 && gate::awake() {
        let _ = USED.compare_exchange(0, site(), Relaxed, Relaxed);
    }
}

/// Word of the first use; 0 when there was none.
pub fn used() -> usize {
    USED.load(Relaxed)
}
