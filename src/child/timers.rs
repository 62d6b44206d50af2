//! Timers that the child has lost, and arms again.
use crate::describe;
use crate::entry::{Scratch, record_with_scratch};
use crate::findings::timer_lost;
use crate::ledger;
use forkguard_core::fork::{self as core_fork, Snapshot};
use forkguard_report::event::{FindingKind, State};

/// A timer that a forked child arms.
#[derive(Clone, Copy)]
pub(crate) enum Armed {
    /// One of the three of setitimer(2), by its number.
    Interval(i32),
    /// One of timer_create(2), by its clock.
    Created(i32),
}

/// The child arms a timer: of those that it has lost it may have one again.
pub(crate) fn armed(timer: Armed) {
    let lost = |snapshot: &&Snapshot| match timer {
        Armed::Interval(which) => (0..3).contains(&which) && snapshot.interval_timers & 1 << which != 0,
        Armed::Created(clock) => snapshot.timers.as_slice().iter().any(|t| t.clock == clock),
    };
    if let Some(snapshot) = core_fork::birth().filter(lost) {
        record_with_scratch(|scratch| resolve(scratch, snapshot, timer));
    }
}

fn resolve(scratch: &Scratch, snapshot: &Snapshot, timer: Armed) {
    let arena = scratch.arena();
    let clock = match timer {
        Armed::Interval(which) => describe::interval_clock(which),
        Armed::Created(clock) => describe::clock_name(&arena, clock),
    };
    let is_created = matches!(timer, Armed::Created(_));
    let names = describe::timers(&arena, snapshot).iter().enumerate();
    let same = names.filter(|(_, t)| t.clock == clock && (t.call == "timer_create") == is_created);
    let mut open = same
        .map(|(index, lost)| timer_lost::what(lost, index))
        .filter(|what| ledger::find(FindingKind::TimerLost, what.as_str()).is_none());
    let Some(what) = open.next() else { return };
    ledger::report_state(
        scratch,
        FindingKind::TimerLost,
        format_args!("{}", what.as_str()),
        State::Resolved,
        None,
        "the child armed it again",
    );
}
