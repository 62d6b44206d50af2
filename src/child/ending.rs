//! The end of a child, by exec or exit: every hazard that the report left open gets its last state.
use super::settle;
use super::uses;
use super::waits;
use crate::describe;
use crate::entry::Scratch;
use crate::findings::{self, Evidence};
use crate::guards;
use crate::ledger;
use forkguard_core::fork::{self as core_fork, Snapshot, shared_page};
use forkguard_core::{flags, gate};
use forkguard_report::event::{Finding, FindingKind, FindingState, Severity, State};
use std::borrow::Cow::Borrowed;

/// True for a child that has not settled and has made no process, of a fork that is not reported in full: its exec or end is not reported
/// either, and that says that it came at once.
pub(crate) fn ends_unreported() -> bool {
    let in_full = |fork: &Snapshot| fork.full && fork.like == 0;
    flags::is_settling()
        && core_fork::birth().is_some_and(|birth| !in_full(birth))
        && gate::owns_registries()
        && core_fork::made() == 0
        && ledger::spawns::made() == 0
}

/// The child execs or ends: what it postponed is done now.
#[unsafe(link_section = ".text.forkguard_child")]
pub(crate) fn finish_postponed() {
    settle::settle_if_postponed();
    uses::report_deferred_in_time();
}

/// The state that a child's end gives to the hazards that it never touched, and why.
#[derive(Clone, Copy)]
struct Ending {
    state: State,
    because: &'static str,
}

/// How a child is gone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    /// It executes a program.
    Execs,
    /// It ends.
    Ended,
}

/// The child execs or ends before it settled: what it inherited does no harm any more. A leader that has not reported yet says so itself.
pub(super) fn report_moot(scratch: &Scratch, id: &str, gone: Gone) {
    let Some(fork) = core_fork::birth() else { return };
    let executes_only = gone == Gone::Execs && flags::is_settling();
    if shared_page::mark_gone(fork.sequence, executes_only) && fork.full {
        let because = if gone == Gone::Execs { "the child execs" } else { "the child ended before it waited for work" };
        let ending = Ending { state: State::Moot, because };
        // What needs no call it may have met before it ended.
        report_last_states(scratch, fork, id, ending, |finding| executes_only || !finding.kind.is_met_unseen());
        if flags::is_settling() {
            uses::report_pending(scratch, id);
            uses::report_unused(scratch, id, ending.state, ending.because);
        }
    }
    shared_page::let_leader_return(fork.leader, fork.thread, fork.sequence);
}

/// The child lived and worked without its lost threads: locks and connections that it never touched did no harm, though the next child may
/// well touch them.
pub(super) fn report_untouched(scratch: &Scratch, id: &str) {
    if let Some(fork) = core_fork::birth().filter(|fork| fork.full) {
        let ending = Ending { state: State::Untouched, because: "the child ended without touching it" };
        report_last_states(scratch, fork, id, ending, |finding| finding.kind == FindingKind::LockOrphaned);
        uses::report_unused(scratch, id, ending.state, ending.because);
    }
}

/// Reports the last state of each such finding of this child's fork that has no final state: it was dealt with, or what `ending` says.
fn report_last_states(
    scratch: &Scratch,
    fork: &'static Snapshot,
    id: &str,
    ending: Ending,
    concerns: impl Fn(&Finding<'_>) -> bool,
) {
    shared_page::await_leader(fork.leader, fork.sequence);
    let arena = scratch.arena();
    let losses = describe::losses(&arena, fork);
    let evidence = Evidence::of(&losses, fork, &arena, id);
    ledger::write_states(scratch, id, |each| {
        findings::apply_rules_of_gone(&evidence, |finding| {
            let what = finding.what();
            if concerns(&finding) && ledger::find(finding.kind, what).is_none() {
                let Ending { state, because } = lock_ending(fork, &finding, what).unwrap_or(ending);
                // A hazard that did no harm in this run is worth knowing, no more.
                let severity = (state == State::Untouched && finding.severity > Severity::Info).then_some(Severity::Info);
                each(FindingState { id: finding.id, state, severity, because: Borrowed(because) });
            }
        });
    });
}

/// The last state of an orphaned lock that the child or a guard dealt with; None for all others.
fn lock_ending(fork: &'static Snapshot, finding: &Finding<'_>, what: &str) -> Option<Ending> {
    let because = match finding.kind == FindingKind::LockOrphaned {
        true if waits::is_repaired(fork, what) => guards::REPAIRED,
        true if waits::is_dealt_with(fork, what) => waits::RELEASED,
        _ => return None,
    };
    Some(Ending { state: State::Resolved, because })
}
