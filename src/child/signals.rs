//! Signals that the leader blocked, and the child unblocks.
use crate::entry::{Scratch, record_with_scratch};
use crate::findings::signals_blocked;
use crate::ledger;
use forkguard_core::fork::{self as core_fork, Snapshot};
use forkguard_report::event::{FindingKind, State};

/// This child, which has not settled, is about to block exactly these signals. A child that unblocks one of those that its leader blocked has
/// a mask of its own, and what it blocks is its own affair (PostgreSQL's backends unblock them in two steps, with a read between).
pub(crate) fn before_mask(mask: u64) {
    let unblocks = |fork: &&Snapshot| signals_blocked::steers(fork.blocked & !mask);
    if let Some(fork) = core_fork::birth().filter(unblocks) {
        record_with_scratch(|scratch| report_unblocked(scratch, fork, mask));
    }
}

/// Reports once that the child unblocked some of the signals that its leader blocked, if only these are blocked now.
pub(super) fn report_unblocked(scratch: &Scratch, fork: &Snapshot, blocked: u64) {
    if signals_blocked::steers(fork.blocked & !blocked) {
        let because = "the child unblocked them, or waits for them";
        let what = format_args!("{}", signals_blocked::MASK);
        ledger::report_state(scratch, FindingKind::SignalsBlocked, what, State::Resolved, None, because);
    }
}

/// True once it was reported.
pub(super) fn are_unblocked() -> bool {
    ledger::find(FindingKind::SignalsBlocked, signals_blocked::MASK).is_some_and(|reported| reported.is(State::Resolved))
}
