//! What a child reports when it settles: the `child` event, the handlers of signals that it or its server dealt with, the summary on stderr.
use super::{file_locks, handlers, pythons_locks, severed, signals, unmerged, unused_pipes};
use crate::describe::{self, own_fork_id};
use crate::emit;
use crate::entry::arena::ArenaList;
use crate::entry::{Arena, Scratch};
use crate::findings::{self, Evidence, Hazard, Hit, signals_blocked};
use crate::guards;
use crate::ledger;
use crate::options::{self, Summary};
use forkguard_core::fork::{self as core_fork, Snapshot, shared_page};
use forkguard_core::kernel;
use forkguard_core::registry::atfork::{self, Phase};
use forkguard_report::event::{Child, Cure, Event, Finding, FindingCounts, FindingKind, Severity, State};
use forkguard_report::summary::Head;
use std::borrow::Cow::Borrowed;

/// Findings that a summary lists.
const LISTED: usize = 64;

/// Reports that the child settles in `call`; `resets` are the signals whose reset counts, a bit each.
/// `leaders`: the fork that made its leader, if what that lost is to be told here.
pub(super) fn report(
    scratch: &Scratch,
    fork: &'static Snapshot,
    leaders: Option<&'static Snapshot>,
    call: &'static str,
    resets: u64,
) {
    let Some(id) = own_fork_id() else { return };
    let blocked = fork.blocked & scratch.blocked & !signals_blocked::attended(call) & !signals::taken_by_descriptors();
    signals::report_unblocked(scratch, fork, blocked);
    let arena = scratch.arena();
    // It tells which of its threads work for it alone.
    if fork.full && fork.threads.as_slice().len() > 1 && emit::wanted() {
        shared_page::await_leader(fork.leader, fork.sequence);
    }
    let event = describe::fork(&arena, fork, if signals::are_unblocked() { 0 } else { blocked });
    let evidence = Evidence::of(&event, fork, &arena, id.as_str());
    let mut found = Found::new(&arena, fork, id.as_str());
    // States first: what they end is not listed.
    found.add_dropped_handlers(resets);
    found.add_handlers_dealt_with();
    found.add_hazards(&evidence, |_| true);
    if let Some(leaders) = leaders {
        let (event, id) = (describe::fork(&arena, leaders, 0), describe::fork_id(leaders.leader, leaders.sequence));
        let evidence = Evidence::of(&event, leaders, &arena, arena.text(id.as_str()));
        found.add_hazards(&evidence, |finding| finding.kind == FindingKind::ThreadLost);
    }
    if found.has_warning_of(FindingKind::SignalsBlocked) {
        signals::report_blocked(scratch);
    }
    found.add_unused_pipes();
    found.add_file_locks();
    let cures = ledger::listed_actions(&arena);
    found.write(scratch, call, cures);
    print(&arena, fork.leader, found.findings.done(), cures.0);
}

/// What is found about a child.
struct Found<'a> {
    arena: &'a Arena,
    fork: &'static Snapshot,
    fork_id: &'a str,
    findings: ArenaList<'a, Finding<'a>>,
    counts: FindingCounts,
    /// Findings that guards have resolved; they are not listed.
    resolved: u32,
    /// New findings, and new states of those that the leader reported.
    events: ArenaList<'a, Event<'a>>,
}

impl<'a> Found<'a> {
    fn new(arena: &'a Arena, fork: &'static Snapshot, fork_id: &'a str) -> Self {
        let (findings, events) = (arena.list(LISTED), arena.list(LISTED));
        Found { arena, fork, fork_id, findings, counts: FindingCounts::default(), resolved: 0, events }
    }

    /// What the child inherited.
    fn add_hazards(&mut self, evidence: &Evidence<'a>, is_wanted: impl Fn(&Finding<'a>) -> bool) {
        findings::apply_rules(evidence, |finding| {
            if !is_wanted(&finding) {
                return;
            }
            if ledger::is_resolved_by_action(&finding) {
                self.resolved += 1;
                return;
            }
            if !stands(&finding) {
                return;
            }
            self.add_later_name(&finding);
            if finding.kind == FindingKind::LockOrphaned && pythons_locks::is_found_here(self.fork, finding.what()) {
                self.events.push(Event::Finding(finding.clone()));
            }
            match finding.severity {
                Severity::Error => self.counts.error += 1,
                Severity::Warning => self.counts.warning += 1,
                Severity::Info => self.counts.info += 1,
            }
            self.findings.push(finding);
        });
    }

    /// A lost thread that its leader reported without a name, and that has one by now.
    fn add_later_name(&mut self, finding: &Finding<'a>) {
        let is_hazard = finding.kind == FindingKind::ThreadLost && finding.severity == Severity::Warning;
        let thread = is_hazard.then(|| describe::lost_thread(self.fork, finding.what())).flatten();
        if let Some(thread) = thread.filter(|thread| describe::is_unnamed(thread)) {
            // Before the name is read: the leader reports the one that is taken after this.
            shared_page::mark_unnamed();
            let name = describe::later_name(thread);
            if !name.is_empty() && name.as_str() != describe::own_name().as_str() {
                self.events.push(Event::Finding(findings::renamed(self.arena, finding, name.as_str())));
            }
        }
    }

    fn has_warning_of(&self, kind: FindingKind) -> bool {
        let is_such =
            |finding: &Finding<'_>| finding.kind == kind && finding.severity == Severity::Warning && !finding.suppressed;
        self.findings.as_slice().iter().any(is_such)
    }

    /// Inherited handlers that a guard reset or the child replaced, if nobody else did. The first reason counts.
    fn add_handlers_dealt_with(&mut self) {
        let mut resolved = |what: &str, because| {
            if !handlers::was_found(what) || ledger::find(FindingKind::HandlerDropped, what).is_some() {
                return;
            }
            let hazard = Hazard { fork: self.fork, kind: FindingKind::HandlerInherited, what };
            ledger::resolved(self.arena, &hazard, because).into_iter().for_each(|event| self.events.push(event));
        };
        guards::for_each_replaced_handler(&mut resolved);
        handlers::each_renewed(|what| resolved(what, "the child set a handler of its own"));
    }

    /// Inherited handlers that the server dropped; of those that a guard had reset before, the ones that it replaced.
    fn add_dropped_handlers(&mut self, resets: u64) {
        handlers::each_dropped(self.arena, self.fork, resets, |hit: Hit<'a>| {
            if ledger::advance(hit.kind, hit.what, State::Hit).is_none() {
                return;
            }
            let finding = findings::of_hit(self.arena, self.fork_id, Severity::Warning, &hit);
            self.counts.warning += 1;
            self.findings.push(finding.clone());
            self.events.push(Event::Finding(finding));
            ledger::hit_hazard(self.arena, &hit).into_iter().for_each(|event| self.events.push(event));
        });
    }

    /// Ends of pipes that are held and not used.
    fn add_unused_pipes(&mut self) {
        let Some(hit) = unused_pipes::unused(self.arena) else { return };
        self.add_info(&hit);
    }

    /// Locks on files that the leader holds.
    fn add_file_locks(&mut self) {
        file_locks::each_held(self.arena, self.fork, |hit| self.add_info(&hit));
    }

    fn add_info(&mut self, hit: &Hit<'a>) {
        let finding = findings::of_hit(self.arena, self.fork_id, Severity::Info, hit);
        self.counts.info += 1;
        self.events.push(Event::Finding(Finding { state: State::Open, ..finding }));
    }

    fn write(&self, scratch: &Scratch, call: &'static str, cures: (&'a [Cure<'a>], u32)) {
        let events = self.events.as_slice();
        if !events.is_empty() {
            shared_page::await_leader(self.fork.leader, self.fork.sequence);
        }
        let child = Event::Child(self.child(call, cures));
        ledger::write_events(scratch, Some(self.fork_id), [child].into_iter().chain(events.iter().cloned()).map(Some));
    }

    fn child(&self, call: &'static str, (cures, cures_unlisted): (&'a [Cure<'a>], u32)) -> Child<'a> {
        let mut times = self.arena.list(atfork::CAPACITY);
        atfork::all().for_each(|registered| times.push(registered.spent_us(Phase::Child)));
        Child {
            settled: Borrowed(call),
            age: (kernel::monotonic() - self.fork.entered) as f64 / 1e9,
            child_us: core_fork::child_ns() as f64 / 1000.0,
            atfork_us: Borrowed(times.done()),
            memory: describe::own_memory(),
            findings: self.counts,
            cured: self.resolved,
            stood: Borrowed(describe::stacks_at_fork(self.arena, self.fork)),
            cures: Borrowed(cures),
            cures_unlisted,
        }
    }
}

/// False for a hazard that the child has dealt with already, and for one whose hit is a finding of its own.
fn stands(finding: &Finding<'_>) -> bool {
    let is_told_by_hit = |state: &ledger::Reported| finding.kind == FindingKind::HandlerInherited && state.is(State::Hit);
    ledger::find(finding.kind, finding.what()).is_none_or(|state| !state.is(State::Resolved) && !is_told_by_hit(state))
}

fn print(arena: &Arena, leader: u32, findings: &[Finding<'_>], cures: &[Cure<'_>]) {
    let head = Head { cures, ..ledger::head(arena, kernel::process_id(), leader) };
    let text = || findings::summary_text(arena, &head, findings);
    unmerged::print(cures);
    match options::get().summary {
        Summary::Never => {}
        Summary::Always => emit::print(text()),
        Summary::Auto | Summary::Json if findings.iter().any(findings::deserves_summary) => {
            ledger::print_once_a_kind(arena, &head, findings, text)
        }
        Summary::Auto | Summary::Json => severed::print_all(cures),
    }
}
