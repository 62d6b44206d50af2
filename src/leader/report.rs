//! Reports that a child waits in vain, and that it went on after all.
use super::child::{Child, ReportedHit};
use super::hit::{self, Behind};
use super::outside::{self, Wait};
use crate::entry::{Arena, Scratch};
use crate::findings::{self, Hit};
use crate::options::{self, Summary};
use crate::{describe, ledger};
use forkguard_core::fixed::Text;
use forkguard_core::kernel;
use forkguard_report::event::{Event, Finding, FindingKind, FindingState, Role, Severity, State};
use std::borrow::Cow::Borrowed;

/// A child waits for a lost thread, or for a lock that one held.
pub(super) fn report_hang(scratch: &Scratch, child: &mut Child, wait: &Wait) {
    let arena = &scratch.arena();
    let id = fork_id(arena, child);
    let lost = describe::lost_threads(arena, child.lost.as_slice());
    let frames = outside::wait_frames(arena, child.pid, wait);
    let site = describe::native_site(arena, Role::Waits, child.pid, frames.iter().copied());
    let (hit, behind) = hit::of_wait(arena, child, wait, lost, (site, frames));
    let finding = finding_of(arena, id, child, Severity::Error, &hit);
    let hazard_id = arena.format(format_args!("{id}:{}:{}", behind.kind.name(), behind.what));
    let hazard = hazard(arena, id, child, &hit, &behind, hazard_id);
    child.hit = Some(ReportedHit {
        finding: Text::of(format_args!("{}", finding.id)),
        hazard: if hazard.is_some() { Text::of(format_args!("{hazard_id}")) } else { Text::new() },
    });
    ledger::write_events(scratch, Some(id), [hazard, Some(Event::Finding(finding.clone()))]);
    if options::get().summary != Summary::Never {
        ledger::print_hit(arena, child.pid, kernel::process_id(), &finding);
    }
}

fn finding_of<'a>(arena: &'a Arena, id: &'a str, child: &Child, severity: Severity, hit: &Hit<'a>) -> Finding<'a> {
    Finding { child: Some(child.pid), ..findings::of_hit(arena, id, severity, hit) }
}

/// That the fork's finding hit the child. A lock whose holder no hook saw becomes a finding only now.
fn hazard<'a>(
    arena: &'a Arena,
    id: &'a str,
    child: &Child,
    hit: &Hit<'a>,
    behind: &Behind<'a>,
    hazard_id: &'a str,
) -> Option<Event<'a>> {
    if behind.known {
        return Some(new_state(hazard_id, State::Hit, hit.kind.name()));
    }
    let orphan = || Hit { kind: behind.kind, what: behind.what, subject: hit.subject, sites: hit.sites, hazard: None };
    (behind.kind == FindingKind::LockOrphaned).then(|| Event::Finding(finding_of(arena, id, child, Severity::Warning, &orphan())))
}

/// The child went on.
pub(super) fn report_resolved(scratch: &Scratch, child: &Child) {
    let Some(hit) = &child.hit else { return };
    let arena = &scratch.arena();
    let resolved = |id: &Text<160>| {
        let id = arena.text(id.as_str());
        (!id.is_empty()).then(|| new_state(id, State::Resolved, "the child went on after all"))
    };
    let events = [&hit.finding, &hit.hazard].map(resolved);
    ledger::write_events(scratch, Some(fork_id(arena, child)), events);
}

fn fork_id<'a>(arena: &'a Arena, child: &Child) -> &'a str {
    arena.text(describe::fork_id(kernel::process_id(), child.sequence).as_str())
}

fn new_state<'a>(id: &'a str, state: State, because: &'a str) -> Event<'a> {
    Event::FindingState(FindingState { id: Borrowed(id), state, severity: None, because: Borrowed(because) })
}
