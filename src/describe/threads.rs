//! Threads at a fork.
use super::procfs::{self, ProcFacts};
use super::site::{hex, innermost_interpreted, site};
use super::thread_names::current_tid;
use crate::entry::Arena;
use crate::sites::{self, native};
use forkguard_core::fixed::Text;
use forkguard_core::fork::{Snapshot, ThreadRecord};
use forkguard_core::kernel;
use forkguard_report::event::{Role, Site, Thread};
use std::borrow::Cow::Borrowed;

/// All threads at a fork: the recorded ones, then those that only the kernel knows.
pub(super) fn threads<'a>(arena: &'a Arena, snapshot: &Snapshot, facts: &ProcFacts<'a>) -> &'a [Thread<'a>] {
    let recorded = snapshot.threads.as_slice();
    let mut list = arena.list(recorded.len() + facts.unrecorded.len());
    let named = recorded.iter().zip(facts.names);
    named.for_each(|(record, name)| list.push(describe(arena, record, name, record.tid == snapshot.thread, snapshot.leader)));
    for (tid, name) in facts.unrecorded {
        list.push(Thread { tid: *tid, name: Borrowed(name.as_str()), forking: *tid == snapshot.thread, ..Thread::default() });
    }
    list.done()
}

/// Threads that a child lost, in the leader.
pub(crate) fn lost_threads<'a>(arena: &'a Arena, records: &[ThreadRecord]) -> &'a [Thread<'a>] {
    let mut list = arena.list(records.len());
    let named = records.iter().zip(procfs::names(arena, records));
    named.for_each(|(record, name)| list.push(describe(arena, record, name, false, kernel::process_id())));
    list.done()
}

/// The stacks of the lost threads at the fork, as far as this child read them.
pub(crate) fn stacks_at_fork<'a>(arena: &'a Arena, snapshot: &Snapshot) -> &'a [Site<'a>] {
    let threads = snapshot.threads.as_slice();
    let mut list = arena.list(threads.len());
    threads.iter().filter_map(|t| site(arena, Role::Stood, t.tid, t.stack_at_fork)).for_each(|s| list.push(s));
    list.done()
}

/// A recorded thread of the process `leader`, which is this one or the one that forked it.
fn describe<'a>(arena: &'a Arena, thread: &ThreadRecord, kernel_name: &'a Text<16>, forking: bool, leader: u32) -> Thread<'a> {
    let leader = leader == kernel::process_id();
    let tid = current_tid(thread, leader);
    let (name, class) = sites::label(thread.label);
    Thread {
        tid,
        name: Borrowed(if name.is_empty() { kernel_name.as_str() } else { name }),
        class: (!class.is_empty()).then_some(Borrowed(class)),
        forking,
        recorded: true,
        detached: thread.detached,
        fork_safe: thread.fork_safe,
        creator: (thread.creator != 0).then_some(thread.creator),
        start: innermost_interpreted(thread.code).or_else(|| (thread.start != 0).then(|| native::frame(arena, thread.start))),
        site: site(arena, Role::Started, thread.creator, thread.site),
        stood: site(arena, Role::Stood, tid, thread.stack_at_fork),
        // A child cannot tell a thread's end from its leader's.
        ended: !forking && (thread.ending || leader && tid != 0 && !kernel::thread_exists(tid)),
        starting: thread.tid == 0,
        awaits_work: thread.awaits_work,
        holds: thread.holds,
        waits_for: hex(arena, thread.waits_for),
    }
}
