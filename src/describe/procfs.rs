//! What the proc filesystem says of this process, read for one fork at once: see [`forkguard_core::kernel`].
use super::descriptors;
use super::memory::leader_memory;
use super::site::look_up_sites;
use super::thread_names::{current_tid, kernel_name, recorded_name};
use crate::entry::Arena;
use crate::entry::scratch::aside;
use crate::sites::{self, SiteId, stack_of_sleeper};
use forkguard_core::fixed::Text;
use forkguard_core::fork::{Snapshot, ThreadRecord};
use forkguard_core::kernel;
use forkguard_core::registry::threads;
use forkguard_report::event::Memory;

/// Threads that are listed though no hook saw them begin.
const MOST_UNRECORDED: usize = 64;

/// See the module.
#[derive(Default)]
pub(super) struct ProcFacts<'a> {
    /// Names of the recorded threads, in order.
    pub(super) names: &'a [Text<16>],
    /// Threads that only the kernel knows.
    pub(super) unrecorded: &'a [(u32, Text<16>)],
    /// Where recorded threads sleep right after the fork, in order; 0 unknown.
    pub(super) stacks: &'a [SiteId],
    /// Numbers of open descriptors, and how many are not listed.
    pub(super) descriptors: (&'a [i32], u32),
    pub(super) memory: Option<Memory>,
}

impl<'a> ProcFacts<'a> {
    /// All that a fork's report needs.
    pub(super) fn of_fork(arena: &'a Arena, snapshot: &Snapshot) -> ProcFacts<'a> {
        let leader = snapshot.leader == kernel::process_id();
        let fds = kernel::path_of_thread(format_args!("fd"));
        Self::read(arena, snapshot, |facts| {
            facts.descriptors = descriptors::numbers(arena, &fds);
            facts.memory = leader.then(leader_memory).flatten();
            facts.stacks = if leader { stacks(arena, snapshot) } else { &[] };
            look_up_sites(snapshot, facts.stacks, facts.descriptors.0);
        })
    }

    /// What it says of the threads only.
    pub(super) fn of_threads(arena: &'a Arena, snapshot: &Snapshot) -> ProcFacts<'a> {
        Self::read(arena, snapshot, |_| {})
    }

    fn read(arena: &'a Arena, snapshot: &Snapshot, more: impl FnOnce(&mut Self)) -> ProcFacts<'a> {
        let mut facts = ProcFacts::default();
        let leader = snapshot.leader == kernel::process_id();
        let (begun, others) = (kernel::readers_begun(), kernel::Readers::now().live);
        let _ = aside(|| {
            facts.names = read_names(arena, snapshot.threads.as_slice(), leader);
            if leader && others == 0 {
                facts.unrecorded = unrecorded(arena, snapshot);
            }
            more(&mut facts);
        });
        // Another thread's reader is no thread of the program.
        if kernel::readers_begun() > begun + 1 {
            facts.unrecorded = &[];
        }
        facts
    }
}

/// Where the threads sleep that did not fork, of so many at most.
fn stacks<'a>(arena: &'a Arena, snapshot: &Snapshot) -> &'a [SiteId] {
    const MOST: usize = 16;
    let threads = snapshot.threads.as_slice();
    let mut list = arena.list(threads.len().min(MOST));
    let others = threads.iter().take(MOST);
    others.for_each(|thread| list.push(if thread.tid == snapshot.thread { 0 } else { stack_of_sleeper(thread) }));
    list.done()
}

/// The names of this process's threads, in order.
pub(super) fn names<'a>(arena: &'a Arena, records: &[ThreadRecord]) -> &'a [Text<16>] {
    aside(|| read_names(arena, records, true)).unwrap_or_default()
}

fn read_names<'a>(arena: &'a Arena, records: &[ThreadRecord], leader: bool) -> &'a [Text<16>] {
    let mut list = arena.list(records.len());
    records.iter().for_each(|record| {
        let labelled = !sites::label(record.label).0.is_empty();
        list.push(if labelled { Text::new() } else { recorded_name(record, current_tid(record, leader), leader) });
    });
    list.done()
}

/// Threads that only the kernel knows: looked for when it counts more than are recorded.
fn unrecorded<'a>(arena: &'a Arena, snapshot: &Snapshot) -> &'a [(u32, Text<16>)] {
    let recorded = snapshot.threads.as_slice();
    // While threads are being created some would be taken for others.
    if snapshot.kernel_threads <= recorded.len() as u32 || snapshot.starting > 0 || threads::untracked() > 0 {
        return &[];
    }
    let reader = kernel::thread_id();
    let mut list = arena.list(MOST_UNRECORDED);
    kernel::each_entry(c"/proc/self/task", |name| {
        let tid = name.to_str().ok().and_then(|name| name.parse().ok());
        let Some(tid) = tid.filter(|&tid| tid != reader || !kernel::fds_are_private()) else { return };
        let known = recorded.iter().any(|t| current_tid(t, true) == tid) || threads::by_tid(tid) || threads::ended_lately(tid);
        if !known && !threads::is_starting() && kernel::thread_is_alive(tid) {
            list.push((tid, kernel_name(tid)));
        }
    });
    list.done()
}
