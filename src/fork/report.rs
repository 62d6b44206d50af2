//! A fork's report: its findings are worked out and written, in the leader, after the fork.
use super::earlier;
use crate::child::inheritance::Inheritance;
use crate::describe::{self, fork_id};
use crate::emit::{Lines, file, wanted};
use crate::entry::{Arena, Scratch};
use crate::findings::{self, Evidence, Hit};
use crate::guards;
use crate::leader;
use crate::ledger::{self, Budget};
use crate::sites::SiteId;
use forkguard_core::fork::{Snapshot, fingerprint, shared_page};
use forkguard_core::kernel;
use forkguard_report::event::*;
use std::borrow::Cow::Borrowed;

/// Full reports: a fork storm gets one short event a fork.
#[unsafe(link_section = "forkguard_words")]
static FULL: Budget = Budget::new();

/// In prepare, when the snapshot is taken: whether this fork is like an earlier one, is reported in full, or by its counts only.
pub(super) fn decide(snapshot: &mut Snapshot) {
    if wanted() && !file::is_cut_short() {
        snapshot.fingerprint = fingerprint::of(snapshot);
        snapshot.like = earlier::like(snapshot.fingerprint);
        snapshot.full = snapshot.like != 0 || FULL.take();
    }
}

/// Reports a fork in the leader, after it.
pub(super) fn write(scratch: &Scratch, snapshot: &mut Snapshot, child: Option<u32>, failed: Option<i32>) {
    let start = kernel::monotonic();
    let arena = scratch.arena();
    let id = fork_id(snapshot.leader, snapshot.sequence);
    let mut event = describe(&arena, snapshot, failed.is_some());
    event.child = child;
    event.failed = failed;
    event.counts.spawns = ledger::spawns::take_unreported();
    event.cost_us.fork = microseconds(start - snapshot.entered);
    match event.detail {
        Detail::Full => write_with_findings(scratch, &arena, id.as_str(), snapshot, event, start),
        _ => write_alone(scratch, id.as_str(), snapshot, event, start),
    }
}

fn microseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1000.0
}

/// Describes it as far as it is to be reported.
fn describe<'a>(arena: &'a Arena, snapshot: &mut Snapshot, has_failed: bool) -> Fork<'a> {
    let made = snapshot.prepared && !has_failed;
    match made && snapshot.full {
        true if snapshot.like != 0 => {
            let like = arena.text(fork_id(snapshot.leader, snapshot.like).as_str());
            describe::like(arena, snapshot, like, earlier::is_same_site(snapshot))
        }
        true => {
            crate::sites::record_stacks_at_fork(snapshot);
            describe::fork_in_leader(arena, snapshot)
        }
        false => describe::counts(arena, snapshot, !made),
    }
}

fn write_alone<'a>(scratch: &Scratch, id: &'a str, snapshot: &Snapshot, mut event: Fork<'a>, start: u64) {
    let (mut lines, _) = Lines::pair(scratch);
    event.cost_us.report = microseconds(kernel::monotonic() - start);
    lines.add(Some(id), Event::Fork(event));
    lines.write();
    shared_page::mark_reported(snapshot.sequence);
}

fn write_with_findings<'a>(
    scratch: &Scratch,
    arena: &'a Arena,
    id: &'a str,
    snapshot: &Snapshot,
    mut event: Fork<'a>,
    start: u64,
) {
    let (mut head, mut tail) = Lines::pair(scratch);
    let mut ids = arena.list(findings::MAX_FINDINGS as usize);
    let gone = shared_page::is_child_gone(snapshot.sequence);
    let child = event.child;
    let evidence = Evidence::of(&event, snapshot, arena, id);
    evidence.leaders_threads().for_each(shared_page::note_leaders_thread);
    event.truncated.sites = crate::sites::skipped();
    event.truncated.findings = findings::apply_rules(&evidence, |mut finding| {
        ids.push((finding.kind, finding.id.clone()));
        if gone && is_moot(finding.kind, snapshot) {
            finding.state = State::Moot;
        } else if let Some(child) = child
            && finding.kind == FindingKind::ThreadLost
            && finding.severity == Severity::Warning
        {
            leader::later_names::remember(snapshot, child, finding.what());
        }
        tail.add(Some(id), Event::Finding(finding));
    });
    event.cost_us.report = microseconds(kernel::monotonic() - start);
    add_fork(&mut head, arena, id, event);
    head.join(&tail);
    if head.write() {
        earlier::remember(snapshot);
    }
    // A child that is gone before its findings are written leaves it to the leader to end them.
    if shared_page::mark_reported(snapshot.sequence) && !gone {
        head.clear();
        add_moot(&mut head, id, snapshot, ids.as_slice());
        head.write();
    }
    leader::later_names::report_since(scratch, snapshot);
}

/// Whether such a finding did no harm to a child that is gone.
fn is_moot(kind: FindingKind, snapshot: &Snapshot) -> bool {
    !kind.is_met_unseen() || shared_page::has_child_executed(snapshot.sequence)
}

fn add_moot<'a>(lines: &mut Lines<'_>, id: &'a str, snapshot: &Snapshot, findings: &[(FindingKind, Text<'a>)]) {
    for (_, finding) in findings.iter().filter(|(kind, _)| is_moot(*kind, snapshot)) {
        let because = Borrowed("the child was gone at once");
        let moot = FindingState { id: finding.clone(), state: State::Moot, severity: None, because };
        lines.add(Some(id), Event::FindingState(moot));
    }
}

/// Reports a process that was made by a way that runs no atfork handlers, and what its program inherits.
pub(super) fn spawn(scratch: &Scratch, kind: ForkKind, site: SiteId, child: Option<u32>, inheritance: Option<&Inheritance>) {
    ledger::begin_report(scratch);
    let arena = scratch.arena();
    let (mut lines, _) = Lines::pair(scratch);
    let id = fork_id(kernel::process_id(), forkguard_core::registry::generation::next_sequence());
    let mut event = describe::spawn(&arena, kind, site);
    event.child = child;
    lines.add(Some(id.as_str()), Event::Fork(event));
    if let Some(inheritance) = inheritance {
        let used = describe::site(&arena, Role::Used, kernel::thread_id(), site);
        for_each_hit(&arena, inheritance, used.as_ref(), |severity, hit| {
            // A vfork child has its signals given back, too; of posix_spawn and its like they stay with the program.
            let is_given = || child.is_some() && inheritance.gets_signals();
            let is_cleaned = guards::exec::cleans() && (hit.kind == FindingKind::FdLeakedExec || is_given());
            let state = if is_cleaned { State::Resolved } else { State::Hit };
            let finding = findings::of_hit(&arena, id.as_str(), severity, &hit);
            lines.add(Some(id.as_str()), Event::Finding(Finding { child, state, ..finding }));
        });
    }
    lines.write();
}

/// Calls `each` for what a program inherits: once for each thing, however many programs get it.
fn for_each_hit<'a>(
    arena: &'a Arena,
    inheritance: &Inheritance,
    used: Option<&Site<'a>>,
    mut each: impl FnMut(Severity, Hit<'a>),
) {
    let leak = |fd| Some((Inheritance::severity_of_leak(fd), inheritance.leak(arena, fd, used)?));
    let leaks = inheritance.descriptors().iter().filter_map(|&fd| leak(fd));
    let signals = inheritance.severity_of_signals().and_then(|severity| Some((severity, inheritance.withheld(arena, used)?)));
    let hits = leaks.chain(signals);
    hits.filter(|(_, hit)| ledger::advance(hit.kind, hit.what, State::Hit).is_some())
        .for_each(|(severity, hit)| each(severity, hit));
}

/// Adds a fork; one that does not fit loses its sites first, then its lists.
fn add_fork<'a>(lines: &mut Lines<'_>, arena: &'a Arena, id: &'a str, mut fork: Fork<'a>) {
    for shorten in [describe::without_sites, describe::without_lists] {
        if lines.fits(Some(id), Event::Fork(fork.clone())) {
            return;
        }
        shorten(arena, &mut fork);
    }
    lines.add(Some(id), Event::Fork(fork));
}

/// In a forked child.
pub(super) fn reset_in_child() {
    FULL.reset();
    earlier::reset_in_child();
}
