//! Definite errors: written at once, with one write(2), before the child may hang; taken back when it does not.
use crate::describe::own_fork_id;
use crate::emit;
use crate::entry::{Arena, Scratch};
use crate::findings::{self, Hazard, Hit};
use crate::ledger::printed::{self, mark_printed};
use crate::ledger::report::write_events;
use crate::ledger::states;
use crate::options::{self, Summary};
use forkguard_core::fork::shared_page::{self, Printing};
use forkguard_core::fork::{self as core_fork, Snapshot};
use forkguard_core::kernel;
use forkguard_report::event::{Event, Finding, FindingKind, FindingState, Severity, State, Text};
use forkguard_report::summary::Head;
use std::borrow::Cow::Borrowed;
use std::fmt::{Arguments, Display};

/// Where a hit is reported.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// In the report and on stderr.
    Stderr,
    /// In the report only: the hit may turn out harmless.
    Report,
}

fn state<'a>(id: Text<'a>, state: State, because: &'a str) -> Event<'a> {
    Event::FindingState(FindingState { id, state, severity: None, because: Borrowed(because) })
}

/// The event that a hazard was dealt with; None when the hazard or that event was reported before, or the hazard was not.
pub(crate) fn resolved<'a>(arena: &'a Arena, hazard: &Hazard<'_>, because: &'a str) -> Option<Event<'a>> {
    states::advance(hazard.kind, hazard.what, State::Resolved).filter(|_| hazard.fork.full)?;
    Some(state(Borrowed(hazard.id(arena)), State::Resolved, because))
}

/// The event that the hazard behind a hit has hit; None when there is no hazard, or its hit was reported before.
pub(crate) fn hit_hazard<'a>(arena: &'a Arena, hit: &Hit<'a>) -> Option<Event<'a>> {
    let hazard = hit.hazard.as_ref().filter(|h| h.fork.full)?;
    states::advance(hazard.kind, hazard.what, State::Hit)?;
    Some(state(Borrowed(hazard.id(arena)), State::Hit, hit.kind.name()))
}

/// Reports a hit once; false when it was reported before. `fixup`: the fixup that runs.
pub(crate) fn report_hit<'w>(
    scratch: &Scratch,
    severity: Severity,
    output: Output,
    kind: FindingKind,
    fixup: Option<&str>,
    find: impl for<'a> FnOnce(&'a Arena) -> Option<Hit<'a>> + 'w,
) -> bool {
    let (Some(fork), Some(id)) = (core_fork::birth(), own_fork_id()) else { return false };
    let arena = &scratch.arena();
    let Some(hit) = find(arena) else { return false };
    let again = states::find(kind, hit.what).is_some();
    if states::advance(kind, hit.what, State::Hit).is_none() {
        return false;
    }
    let finding = findings::of_hit(arena, id.as_str(), severity, &hit);
    let hazard = hit_hazard(arena, &hit);
    if hazard.is_some() {
        shared_page::await_leader(fork.leader, fork.sequence);
    }
    let event = match again {
        true => state(finding.id.clone(), State::Hit, "once more"),
        false => Event::Finding(finding.clone()),
    };
    write_events(scratch, Some(id.as_str()), [Some(event), hazard]);
    if output == Output::Stderr && !finding.suppressed && options::get().summary != Summary::Never {
        print_hit(arena, kernel::process_id(), fork.leader, &finding);
        if let Some(fixup) = fixup {
            emit::print_line(format_args!("  in the fixup {fixup}"));
        }
    }
    true
}

/// Prints a hit of a child.
pub(crate) fn print_hit(arena: &Arena, child: u32, leader: u32, finding: &Finding<'_>) {
    let head = head(arena, child, leader);
    print_once_a_kind(arena, &head, std::slice::from_ref(finding), || findings::hit_text(arena, &head, finding));
}

/// What is printed about a child begins so.
pub(crate) fn head(arena: &Arena, child: u32, leader: u32) -> Head<'_> {
    let report = emit::file::path();
    let report = (!report.is_empty()).then_some(report);
    Head {
        child,
        leader,
        program: findings::program(arena),
        report,
        with_notes: options::get().summary == Summary::Always,
        cures: &[],
    }
}

/// Prints the `text` of findings, or of children that are like an earlier one at most a line a minute.
pub(crate) fn print_once_a_kind<'a>(arena: &'a Arena, head: &Head<'_>, findings: &[Finding<'_>], text: impl FnOnce() -> &'a str) {
    match shared_page::note_printed(head.leader, head.child, findings::kinds(findings)) {
        Printing::Whole => {
            findings.iter().for_each(mark_printed);
            emit::print(text());
        }
        Printing::Alike { first, more } => emit::print(findings::alike_text(arena, head, first, more)),
        Printing::Nothing => {}
    }
}

/// A finding of this child, or of the fork that made it, has a new state: reported once.
pub(crate) fn report_state(
    scratch: &Scratch,
    kind: FindingKind,
    what: Arguments<'_>,
    state: State,
    severity: Option<Severity>,
    because: &str,
) {
    if let Some(birth) = core_fork::birth() {
        report_state_of(scratch, birth, kind, what, state, severity, because);
    }
}

/// The same for a finding of one of the forks that made this process.
pub(crate) fn report_state_of(
    scratch: &Scratch,
    fork: &'static Snapshot,
    kind: FindingKind,
    what: impl Display,
    state: State,
    severity: Option<Severity>,
    because: &str,
) {
    let Some(id) = own_fork_id() else { return };
    let arena = scratch.arena();
    let what = arena.format(format_args!("{what}"));
    let own = states::find(kind, what).is_some();
    if states::advance(kind, what, state).is_none() {
        return;
    }
    if state == State::Resolved
        && let Some(subject) = printed::take_printed(arena.format(format_args!("{}:{what}", kind.name())))
    {
        let head = head(&arena, kernel::process_id(), fork.leader);
        emit::print(findings::resolved_text(&arena, &head, kind, subject, because));
    }
    // A fork that was reported by its counts only has no findings in the report.
    if !own && !fork.full {
        return;
    }
    if !own {
        shared_page::await_leader(fork.leader, fork.sequence);
    }
    let of = Hazard { fork, kind, what }.id(&arena);
    let event = FindingState { id: Borrowed(of), state, severity, because: Borrowed(because) };
    write_events(scratch, Some(id.as_str()), [Some(Event::FindingState(event))]);
}
