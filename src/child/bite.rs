//! Definite errors: written at once, with one write(2), before the child may hang; taken back when it does not.
use super::{fate, said};
use crate::emit;
use crate::entry::Arena;
use crate::entry::Scratch;
use crate::findings;
use crate::guards::fixups;
use crate::options::{self, Summary};
use forkguard_core::fork::{self as core_fork, Inner};
use forkguard_core::raw;
use forkguard_report::event::{Event, Finding, FindingState, Kind, Severity, Site, State, Text};
use forkguard_report::summary::{self, Head};
use std::borrow::Cow::Borrowed;
use std::fmt::{Arguments, Display};
use std::sync::atomic::Ordering::Relaxed;

/// What bites.
pub(crate) struct Bite<'a> {
    pub(crate) kind: Kind,
    /// What stands for it in its id, beside the fork that made this child.
    pub(crate) what: &'a str,
    /// What it is about, by name.
    pub(crate) subject: &'a str,
    /// Causes first, what the child does last.
    pub(crate) sites: &'a [Site<'a>],
    /// The finding of a fork that it comes from.
    pub(crate) hazard: Option<Hazard<'a>>,
}

/// A finding of the fork that made this child, or of an earlier one.
pub(crate) struct Hazard<'a> {
    pub(crate) fork: &'static Inner,
    pub(crate) kind: Kind,
    pub(crate) what: &'a str,
}

impl Hazard<'_> {
    fn id<'a>(&self, arena: &'a Arena) -> &'a str {
        let fork = emit::fork_id(self.fork.leader, self.fork.sequence);
        arena.format(format_args!("{}:{}:{}", fork.as_str(), self.kind.name(), self.what))
    }
}

/// How loud.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// In the report and on stderr.
    Aloud,
    /// In the report: it may well turn out harmless.
    Quiet,
}

fn state<'a>(id: Text<'a>, state: State, because: &'a str) -> Event<'a> {
    Event::FindingState(FindingState { id, state, severity: None, because: Borrowed(because) })
}

/// That a hazard was dealt with; None when it was not reported, or that was said before.
pub(crate) fn resolved<'a>(arena: &'a Arena, hazard: &Hazard<'_>, because: &'a str) -> Option<Event<'a>> {
    said::say(hazard.kind, hazard.what, State::Resolved).filter(|_| hazard.fork.full)?;
    Some(state(Borrowed(hazard.id(arena)), State::Resolved, because))
}

/// That the hazard a bite comes from has bitten; None when there is none, or it was said before.
pub(crate) fn hit<'a>(arena: &'a Arena, bite: &Bite<'a>) -> Option<Event<'a>> {
    let hazard = bite.hazard.as_ref().filter(|h| h.fork.full)?;
    said::say(hazard.kind, hazard.what, State::Hit)?;
    Some(state(Borrowed(hazard.id(arena)), State::Hit, bite.kind.name()))
}

/// Says that something bites, once; false when it was said before. A child that had not settled has now: its summary comes first.
pub(crate) fn say<'w>(
    scratch: &Scratch,
    severity: Severity,
    voice: Voice,
    kind: Kind,
    find: impl for<'a> FnOnce(&'a Arena) -> Option<Bite<'a>> + 'w,
) -> bool {
    let (Some(fork), Some(id)) = (core_fork::birth().map(|b| b.facts()), super::birth()) else { return false };
    let unsettled = super::is_unsettled();
    if voice == Voice::Aloud && unsettled {
        super::settle(kind.name(), scratch);
    }
    let arena = &scratch.arena();
    let Some(bite) = find(arena) else { return false };
    let again = said::find(kind, bite.what).is_some();
    if said::say(kind, bite.what, State::Hit).is_none() {
        return false;
    }
    let finding = findings::bite(arena, id.as_str(), severity, &bite);
    let hit = hit(arena, &bite);
    if hit.is_some() {
        fate::await_leader(fork.leader, fork.sequence);
    }
    let event = match again {
        true => state(finding.id.clone(), State::Hit, "once more"),
        false => Event::Finding(finding.clone()),
    };
    emit::of_child(scratch, Some(id.as_str()), [Some(event), hit]);
    if voice == Voice::Aloud && !finding.suppressed && options::get().summary != Summary::Never {
        print(arena, raw::process_id(), fork.leader, &finding);
        if let Some(fixup) = fixups::running().filter(|_| unsettled) {
            emit::say(format_args!("  in the fixup {}", fixup.as_str()));
        }
        if let Some(said) = said::find(kind, bite.what) {
            said.aloud.store(1, Relaxed);
        }
    }
    true
}

/// Prints what bites a child.
pub(crate) fn print(arena: &Arena, child: u32, leader: u32, finding: &Finding<'_>) {
    let report = emit::file::path();
    let report = (!report.is_empty()).then_some(report);
    let head = Head { child, leader, server: findings::server(arena), report, cures: &[] };
    let mut text = findings::ArenaText::new(arena);
    let _ = summary::write_bite(&mut text, &head, finding);
    emit::print(text.done());
}

/// The life of a finding of this child's, or of the fork that made it, goes on: said once.
pub(crate) fn turn(scratch: &Scratch, kind: Kind, what: Arguments<'_>, state: State, severity: Option<Severity>, because: &str) {
    if let Some(birth) = core_fork::birth() {
        turn_of(scratch, birth.facts(), kind, what, state, severity, because);
    }
}

/// The same for a finding of one of the forks that made this process.
pub(crate) fn turn_of(
    scratch: &Scratch,
    fork: &'static Inner,
    kind: Kind,
    what: impl Display,
    state: State,
    severity: Option<Severity>,
    because: &str,
) {
    let Some(id) = super::birth() else { return };
    let arena = scratch.arena();
    let what = arena.format(format_args!("{what}"));
    // Who reports counts only has said nothing of hazards.
    let own = said::find(kind, what).is_some();
    if !own && !fork.full {
        return;
    }
    let Some(said) = said::say(kind, what, state) else { return };
    if said.aloud.swap(0, Relaxed) != 0 {
        emit::say(format_args!("process {}: {} {what} is taken back: {because}", raw::process_id(), kind.name()));
    }
    if !own {
        fate::await_leader(fork.leader, fork.sequence);
    }
    let of = Hazard { fork, kind, what }.id(&arena);
    let event = FindingState { id: Borrowed(of), state, severity, because: Borrowed(because) };
    emit::of_child(scratch, Some(id.as_str()), [Some(Event::FindingState(event))]);
}
