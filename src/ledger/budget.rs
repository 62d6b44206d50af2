//! How many events of a kind are written: a burst, then one an interval.
use forkguard_core::kernel;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A bucket of so many tokens that fills by one an interval of so many nanoseconds: the time at which it will be full.
pub(crate) struct Budget<const BURST: u64 = 64, const INTERVAL_NS: u64 = 50_000_000>(AtomicU64);

impl<const BURST: u64, const INTERVAL_NS: u64> Budget<BURST, INTERVAL_NS> {
    pub(crate) const fn new() -> Self {
        Budget(AtomicU64::new(0))
    }

    /// Takes a token; false when there is none.
    pub(crate) fn take(&self) -> bool {
        let now = kernel::monotonic();
        let fuller = |next: u64| (next.max(now) - now <= BURST * INTERVAL_NS).then_some(next.max(now) + INTERVAL_NS);
        self.0.fetch_update(Relaxed, Relaxed, fuller).is_ok()
    }

    /// The bucket is full.
    pub(crate) fn reset(&self) {
        self.0.store(0, Relaxed);
    }
}
