//! Reports that a child waits in vain, and that it went on after all.
use super::child::{Child, NAMED};
use super::outside::{self, Wait};
use crate::entry::{Arena, Scratch};
use crate::findings::{self, Hit};
use crate::options::{self, Summary};
use crate::{describe, ledger};
use forkguard_core::kernel;
use forkguard_loader::path_of;
use forkguard_report::event::{Event, FindingKind, FindingState, Role, Severity, Site, State, Thread};
use std::borrow::Cow::Borrowed;

/// A child waits for a lost thread.
pub(super) fn report_hang(scratch: &Scratch, child: &Child, wait: &Wait) {
    let arena = &scratch.arena();
    let id = fork_id(arena, child);
    let lost = describe::lost_threads(arena, child.lost.as_slice());
    let frames = outside::wait_frames(child.pid, wait);
    let (names, sites) = lost_threads_text(arena, child, lost);
    let site = describe::native_site(arena, Role::Waits, child.pid, frames.into_iter().flatten());
    let hit = Hit {
        kind: FindingKind::JoinLostThread,
        what: arena.format(format_args!("{:#x}", wait.address)),
        subject: arena.format(format_args!(
            "its only thread waits for a futex at {:#x} that only lost threads could wake; lost at the fork: {} thread{} ({names})",
            wait.address,
            child.lost_count,
            if child.lost_count == 1 { "" } else { "s" },
        )),
        sites: arena.join([site.as_slice(), sites]),
        hazard: None,
    };
    let mut finding = findings::of_hit(arena, id, Severity::Error, &hit);
    finding.child = Some(child.pid);
    let hazard = hazard(arena, id, child, frames[0], lost);
    let hazard = hazard.map(|hazard| new_state(hazard, State::Hit, FindingKind::JoinLostThread.name()));
    ledger::write_events(scratch, Some(id), [Some(Event::Finding(finding.clone())), hazard]);
    if options::get().summary != Summary::Never {
        ledger::print_hit(arena, child.pid, kernel::process_id(), &finding);
    }
}

/// The child went on.
pub(super) fn report_resolved(scratch: &Scratch, child: &Child) {
    let Some(wait) = child.wait else { return };
    let arena = &scratch.arena();
    let id = fork_id(arena, child);
    let finding = arena.format(format_args!("{id}:{}:{:#x}", FindingKind::JoinLostThread.name(), wait.address));
    let lost = describe::lost_threads(arena, child.lost.as_slice());
    let resolved = |id| new_state(id, State::Resolved, "the child went on after all");
    let hazard = hazard(arena, id, child, Some(wait.instruction), lost);
    ledger::write_events(scratch, Some(id), [Some(resolved(finding)), hazard.map(resolved)]);
}

/// The names of the lost threads, and their sites.
fn lost_threads_text<'a>(arena: &'a Arena, child: &Child, lost: &[Thread<'a>]) -> (&'a str, &'a [Site<'a>]) {
    let mut sites = arena.list::<Site<'_>>(NAMED + 1);
    let mut names = "";
    let gap = |names: &str| if names.is_empty() { "" } else { ", " };
    for thread in lost {
        names = arena.format(format_args!("{names}{}\"{}\"", gap(names), thread.name));
        thread.site.iter().for_each(|site| sites.push(site.clone()));
    }
    if child.unrecorded > 0 {
        names = arena.format(format_args!("{names}{}{} started past every hook", gap(names), child.unrecorded));
        findings::go_site(arena).into_iter().for_each(|site| sites.push(site));
    }
    let more = if child.lost_count.saturating_sub(child.unrecorded) > NAMED as u32 { ", …" } else { "" };
    (arena.format(format_args!("{names}{more}")), sites.done())
}

fn fork_id<'a>(arena: &'a Arena, child: &Child) -> &'a str {
    arena.text(describe::fork_id(kernel::process_id(), child.sequence).as_str())
}

/// The finding that the child's fork reported of the runtime whose thread is lost, when the child waits at an instruction of that runtime.
fn hazard<'a>(arena: &'a Arena, id: &str, child: &Child, instruction: Option<usize>, lost: &[Thread<'a>]) -> Option<&'a str> {
    let path = path_of(instruction?)?;
    let library = path.as_str().rsplit('/').next()?;
    let runtime = lost.iter().find_map(|t| findings::runtime_library(t)).filter(|runtime| *runtime == library)?;
    child.full.then(|| arena.format(format_args!("{id}:{}:{runtime}", FindingKind::RuntimeUnsafe.name())))
}

fn new_state<'a>(id: &'a str, state: State, because: &'a str) -> Event<'a> {
    Event::FindingState(FindingState { id: Borrowed(id), state, severity: None, because: Borrowed(because) })
}
