//! No panic of ours reaches the program: what calls a hook is C.
use forkguard_core::dispatch;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs work of ours that may panic. None when it did: forkguard is off from then on.
pub(crate) fn catch_panic<R>(work: impl FnOnce() -> R) -> Option<R> {
    let result = catch_unwind(AssertUnwindSafe(work));
    if result.is_err() {
        dispatch::switch_off();
    }
    result.ok()
}
