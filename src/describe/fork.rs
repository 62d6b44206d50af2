//! A fork: its id, its kind, and as much of what its child inherits as the report has room and time for.
use super::procfs::ProcFacts;
use super::signals::{blocked_names, signals};
use super::site::site;
use super::timers::timers;
use super::{atfork, descriptors, locks::locks, threads::threads};
use crate::entry::Arena;
use forkguard_core::fixed::Text;
use forkguard_core::fork::{self as core_fork, ForkCall, Snapshot};
use forkguard_core::{kernel, registry};
use forkguard_report::event::{Cost, Counts, Detail, Fork, ForkKind, Role, Site, Truncated};
use std::borrow::Cow::Borrowed;

/// `LEADER.SEQUENCE`.
pub(crate) fn fork_id(leader: u32, sequence: u64) -> Text<32> {
    Text::of(format_args!("{leader}.{sequence}"))
}

/// The id of the fork that made this process; None when no handler of ours saw one.
pub(crate) fn own_fork_id() -> Option<Text<32>> {
    let fork = core_fork::birth()?;
    Some(fork_id(fork.leader, fork.sequence))
}

/// The report's name for the call that forked.
pub(crate) fn fork_kind(call: ForkCall) -> ForkKind {
    match call {
        ForkCall::Fork => ForkKind::Fork,
        ForkCall::Daemon => ForkKind::Daemon,
        ForkCall::Forkpty => ForkKind::Forkpty,
        ForkCall::Internal => ForkKind::Internal,
    }
}

fn empty<'a>(kind: ForkKind, detail: Detail) -> Fork<'a> {
    Fork {
        kind,
        child: None,
        failed: None,
        detail,
        like: None,
        thread: kernel::thread_id(),
        site: None,
        counts: Counts::default(),
        threads: Borrowed(&[]),
        locks: Borrowed(&[]),
        descriptors: Borrowed(&[]),
        signals: Borrowed(&[]),
        blocked: Borrowed(&[]),
        blocked_at: Borrowed(&[]),
        timers: Borrowed(&[]),
        atfork: Borrowed(&[]),
        memory: None,
        cost_us: Cost::default(),
        truncated: Truncated::default(),
    }
}

/// A process made by a way that runs no atfork handlers.
pub(crate) fn spawn<'a>(arena: &'a Arena, kind: ForkKind, caller: usize) -> Fork<'a> {
    let mut fork = empty(kind, Detail::Counts);
    fork.site = site(arena, Role::Fork, fork.thread, caller);
    fork.counts.threads = registry::threads::live();
    fork.counts.descriptors = forkguard_core::registry::descriptors::count();
    fork
}

/// A fork that is like the earlier one of this id; its site only if that differs.
pub(crate) fn like<'a>(arena: &'a Arena, snapshot: &Snapshot, earlier: &'a str, same_site: bool) -> Fork<'a> {
    let mut fork = empty(fork_kind(snapshot.call), Detail::Like);
    fork.like = Some(Borrowed(earlier));
    fork.thread = 0;
    fork.site = if same_site { None } else { site(arena, Role::Fork, snapshot.thread, snapshot.site) };
    fork.cost_us.prepare = snapshot.prepare_ns as f64 / 1000.0;
    fork
}

/// A fork by its counts only; its thread and site only if `with_site` (in a storm of forks they cost too much).
pub(crate) fn counts<'a>(arena: &'a Arena, snapshot: &Snapshot, with_site: bool) -> Fork<'a> {
    let mut fork = empty(fork_kind(snapshot.call), Detail::Counts);
    fork.thread = if with_site { snapshot.thread } else { 0 };
    fork.site = if with_site { site(arena, Role::Fork, snapshot.thread, snapshot.site) } else { None };
    if snapshot.prepared {
        let (threads, locks) = (&snapshot.threads, &snapshot.locks);
        let known = threads.as_slice().len() as u32 + threads.missed();
        fork.counts.threads = if registry::threads::untracked() > 0 { known.max(snapshot.kernel_threads) } else { known };
        fork.counts.locks = locks.as_slice().iter().filter(|l| !l.own).count() as u32 + locks.missed();
        fork.counts.descriptors = snapshot.descriptors;
        fork.cost_us.prepare = snapshot.prepare_ns as f64 / 1000.0;
    }
    fork
}

/// A fork with what its child lacks: threads, locks, signals and timers, of which the kernel's tables need not be read.
pub(crate) fn losses<'a>(arena: &'a Arena, snapshot: &Snapshot) -> Fork<'a> {
    let mut fork = counts(arena, snapshot, true);
    add_losses(arena, snapshot, &ProcFacts::of_threads(arena, snapshot), &mut fork);
    fork.blocked = Borrowed(blocked_names(arena, snapshot.blocked));
    fork.blocked_at = Borrowed(blocked_at(arena, snapshot, snapshot.blocked));
    fork
}

/// A fork with everything that is known of it, in its leader. The stacks of threads that sleep become a part of the snapshot.
pub(crate) fn fork_in_leader<'a>(arena: &'a Arena, snapshot: &mut Snapshot) -> Fork<'a> {
    let facts = ProcFacts::of_fork(arena, snapshot);
    let asleep = snapshot.threads.as_mut_slice().iter_mut().zip(facts.stacks).filter(|(_, stack)| **stack != 0);
    asleep.for_each(|(thread, stack)| thread.stack_at_fork = *stack);
    with_facts(arena, snapshot, &facts, snapshot.blocked)
}

/// A fork with everything that is known of it. `blocked`: the signals that the child still goes on without.
pub(crate) fn fork<'a>(arena: &'a Arena, snapshot: &Snapshot, blocked: u64) -> Fork<'a> {
    with_facts(arena, snapshot, &ProcFacts::of_fork(arena, snapshot), blocked)
}

fn with_facts<'a>(arena: &'a Arena, snapshot: &Snapshot, facts: &ProcFacts<'a>, blocked: u64) -> Fork<'a> {
    let (numbers, missed) = facts.descriptors;
    let mut fork = counts(arena, snapshot, true);
    add_losses(arena, snapshot, facts, &mut fork);
    fork.detail = Detail::Full;
    fork.counts.threads = fork.counts.threads.max(fork.threads.len() as u32);
    fork.descriptors = Borrowed(descriptors::all(arena, numbers));
    fork.signals = Borrowed(signals(arena, snapshot.leader == kernel::process_id()));
    fork.blocked = Borrowed(blocked_names(arena, blocked));
    fork.blocked_at = Borrowed(blocked_at(arena, snapshot, blocked));
    fork.atfork = Borrowed(atfork::handlers(arena));
    fork.memory = facts.memory;
    fork.truncated.threads = snapshot.threads.missed();
    fork.truncated.locks = snapshot.locks.missed();
    fork.truncated.descriptors = missed;
    fork.truncated.atfork = forkguard_core::registry::atfork::missed();
    fork
}

/// Where those of the `blocked` signals were blocked that servers are steered by.
fn blocked_at<'a>(arena: &'a Arena, snapshot: &Snapshot, blocked: u64) -> &'a [Site<'a>] {
    let mut sites = arena.list(snapshot.blocking_calls.len());
    let calls = snapshot.blocking_calls.iter().filter(|call| call.signals & blocked != 0);
    calls.filter_map(|call| site(arena, Role::Blocked, snapshot.thread, call.site)).for_each(|site| sites.push(site));
    sites.done()
}

fn add_losses<'a>(arena: &'a Arena, snapshot: &Snapshot, facts: &ProcFacts<'a>, fork: &mut Fork<'a>) {
    let threads = threads(arena, snapshot, facts);
    fork.locks = Borrowed(locks(arena, snapshot, threads));
    fork.threads = Borrowed(threads);
    fork.timers = Borrowed(timers(arena, snapshot));
}
