//! Bookkeeping inside a hook: only while hooks record, never on re-entry, with errno kept and no panic let out.
use super::scratch::{Scratch, on_scratch_stack};
use forkguard_core::gate::{self, Inside, Life};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs work of our own alone, out of which no panic may come: what called the hook is C. None when one did, after which nothing is done.
pub(crate) fn catch_panic<R>(work: impl FnOnce() -> R) -> Option<R> {
    let result = catch_unwind(AssertUnwindSafe(work));
    if result.is_err() {
        gate::set_life(Life::Off);
    }
    result.ok()
}

/// Runs bookkeeping: see the module's text. None when it did not run.
pub(crate) fn record<R>(work: impl FnOnce(&Inside) -> R) -> Option<R> {
    let inside = Inside::enter()?;
    let errno = super::errno::get();
    let result = catch_panic(|| work(&inside));
    super::errno::set(errno);
    result
}

/// Runs work that needs room (describing, writing) like [`record`], on a stack of its own.
pub(crate) fn record_with_scratch<R>(work: impl FnOnce(&Scratch) -> R) -> Option<R> {
    record(|_| on_scratch_stack(work)).flatten()
}
