//! Signals that the leader blocked, and the child unblocks.
use crate::entry::{Scratch, record_with_scratch};
use crate::findings::signals_blocked;
use crate::ledger;
use forkguard_core::fork::{self as core_fork, Snapshot};
use forkguard_core::kernel;
use forkguard_core::registry::descriptors::{self as table, FdKind};
use forkguard_report::event::{FindingKind, Severity, State};

/// Of the signals that were blocked at the fork, those that tell whether the child has a mask of its own: the ones that were blocked first. What
/// was blocked for the moment of the fork only (Perl blocks all signals there) is unblocked by whoever forks.
fn telling(fork: &Snapshot) -> u64 {
    let calls = fork.blocking_calls.map(|call| call.signals & fork.blocked);
    let unknown = fork.blocked & !calls.iter().fold(0, |all, signals| all | signals);
    let mut oldest_first = [unknown].into_iter().chain(calls);
    oldest_first.find(|&signals| signals_blocked::steers(signals)).unwrap_or(fork.blocked)
}

/// This child, which has not settled, is about to block exactly these signals. A child that unblocks one of those that its leader blocked has
/// a mask of its own, and what it blocks is its own affair (PostgreSQL's backends unblock them in two steps, with a read between).
pub(crate) fn before_mask(mask: u64) {
    let unblocks = |fork: &&Snapshot| signals_blocked::steers(telling(fork) & !mask);
    if let Some(fork) = core_fork::birth().filter(unblocks) {
        record_with_scratch(|scratch| report_unblocked(scratch, fork, mask));
    }
}

/// Reports once that the child unblocked some of the signals that its leader blocked, if only these are blocked now.
pub(super) fn report_unblocked(scratch: &Scratch, fork: &Snapshot, blocked: u64) {
    let by_guard = || ledger::subject_of(FindingKind::SignalsBlocked, signals_blocked::MASK).is_some();
    if signals_blocked::steers(telling(fork) & !blocked) && !by_guard() {
        let because = "the child unblocked them, or waits for them";
        let what = format_args!("{}", signals_blocked::MASK);
        ledger::report_state(scratch, FindingKind::SignalsBlocked, what, State::Resolved, None, because);
    }
}

/// The child settles with them blocked.
pub(super) fn report_blocked(scratch: &Scratch) {
    let what = format_args!("{}", signals_blocked::MASK);
    let because = "the child waits for work with them blocked";
    ledger::report_state(scratch, FindingKind::SignalsBlocked, what, State::Open, Some(Severity::Warning), because);
}

/// Signals that this process takes by a signalfd, for which they have to be blocked.
pub(super) fn taken_by_descriptors() -> u64 {
    let descriptors = table::recorded().filter(|(_, record)| record.kind == FdKind::Signalfd);
    descriptors.filter_map(|(fd, _)| kernel::signals_of(fd)).fold(0, |all, signals| all | signals)
}

/// True once it was reported, or a guard has unblocked them.
pub(super) fn are_unblocked() -> bool {
    ledger::subject_of(FindingKind::SignalsBlocked, signals_blocked::MASK).is_some()
        || ledger::find(FindingKind::SignalsBlocked, signals_blocked::MASK).is_some_and(|reported| reported.is(State::Resolved))
}
