//! Bookkeeping inside a hook: only while hooks record, never on re-entry, with errno kept and no panic let out.
use super::errno;
use super::panic::catch_panic;
use super::scratch::{Scratch, on_scratch_stack};
use forkguard_core::gate::Inside;

/// Runs bookkeeping: see the module's text. None when it did not run.
pub(crate) fn record<R>(work: impl FnOnce(&Inside) -> R) -> Option<R> {
    let inside = Inside::enter()?;
    errno::preserve(|| catch_panic(|| work(&inside)))
}

/// Runs work that needs room (describing, writing) like [`record`], on a stack of its own.
pub(crate) fn record_with_scratch<R>(work: impl FnOnce(&Scratch) -> R) -> Option<R> {
    record(|_| on_scratch_stack(work)).flatten()
}
