//! What the proc filesystem tells of this process, read for one fork at once: see [`forkguard_core::aside`].
use super::{descriptors, kernel_name, leader_memory, learn_sites, name_of, parse, tid_of};
use crate::entry::Arena;
use crate::entry::scratch::aside;
use crate::sites;
use forkguard_core::aside;
use forkguard_core::fixed::Text;
use forkguard_core::fork::{Inner, ThreadRecord};
use forkguard_core::{raw, thread};
use forkguard_report::event::Memory;

/// Threads that are listed though no hook saw them begin.
const UNRECORDED: usize = 64;

/// See the module.
pub(super) struct Seen<'a> {
    /// Names of the recorded threads, in order.
    pub(super) names: &'a [Text<16>],
    /// Threads that only the kernel knows.
    pub(super) unrecorded: &'a [(u32, Text<16>)],
    /// Numbers of open descriptors, and how many are not listed.
    pub(super) descriptors: (&'a [i32], u32),
    pub(super) memory: Option<Memory>,
}

impl<'a> Seen<'a> {
    /// All that there is to see of a fork.
    pub(super) fn all(arena: &'a Arena, inner: &Inner) -> Seen<'a> {
        let leader = inner.leader == raw::process_id();
        let fds = raw::path_of_thread(format_args!("fd"));
        Self::read(arena, inner, |seen| {
            seen.descriptors = descriptors::numbers(arena, &fds);
            seen.memory = leader.then(leader_memory).flatten();
            learn_sites(inner, seen.descriptors.0);
        })
    }

    /// Its threads only.
    pub(super) fn threads(arena: &'a Arena, inner: &Inner) -> Seen<'a> {
        Self::read(arena, inner, |_| {})
    }

    fn read(arena: &'a Arena, inner: &Inner, more: impl FnOnce(&mut Self)) -> Seen<'a> {
        let mut seen = Seen { names: &[], unrecorded: &[], descriptors: (&[], 0), memory: None };
        let leader = inner.leader == raw::process_id();
        let (begun, others) = (aside::begun(), aside::Readers::now().live);
        let _ = aside(|| {
            seen.names = read_names(arena, inner.threads.as_slice(), leader);
            if leader && others == 0 {
                seen.unrecorded = unrecorded(arena, inner);
            }
            more(&mut seen);
        });
        // Another thread's reader is no thread of the program.
        if aside::begun() > begun + 1 {
            seen.unrecorded = &[];
        }
        seen
    }
}

/// The names of threads, in order; `of` is the leader.
pub(super) fn names<'a>(arena: &'a Arena, records: &[ThreadRecord], of: u32) -> &'a [Text<16>] {
    aside(|| read_names(arena, records, of == raw::process_id())).unwrap_or_default()
}

fn read_names<'a>(arena: &'a Arena, records: &[ThreadRecord], leader: bool) -> &'a [Text<16>] {
    let mut list = arena.list(records.len());
    records.iter().for_each(|record| {
        let labelled = !sites::label(record.label).0.is_empty();
        list.push(if labelled { Text::new() } else { name_of(record, tid_of(record, leader), leader) });
    });
    list.done()
}

/// Looked for when the kernel counts more than we do.
fn unrecorded<'a>(arena: &'a Arena, inner: &Inner) -> &'a [(u32, Text<16>)] {
    let recorded = inner.threads.as_slice();
    // While threads are being created some would be taken for others.
    if inner.kernel_threads <= recorded.len() as u32 || inner.starting > 0 || thread::untracked() > 0 {
        return &[];
    }
    let reader = raw::thread_id();
    let mut list = arena.list(UNRECORDED);
    raw::each_entry(c"/proc/self/task", |name| {
        let Some(tid) = parse(name).filter(|&tid| tid != reader || !aside::is_apart()) else { return };
        let known = recorded.iter().any(|t| tid_of(t, true) == tid) || thread::by_tid(tid) || thread::ended_lately(tid);
        if !known && !thread::is_starting() && raw::runs(tid) {
            list.push((tid, kernel_name(tid)));
        }
    });
    list.done()
}
