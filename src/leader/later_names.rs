//! Threads that a child lost before they had a name, and that take one in the leader afterwards: Ruby's do that when they begin to run.
//!
//! Their children are told the name by the page that both share. A child that has reported the thread already does not look again: then the leader
//! reports it once more, under its name.
use super::outside;
use super::slot::Slot;
use crate::describe;
use crate::entry::{Scratch, record_with_scratch};
use crate::findings;
use crate::ledger;
use forkguard_core::fixed::Text;
use forkguard_core::fork::{Snapshot, ThreadRecord, shared_page};
use forkguard_core::kernel;
use forkguard_core::registry::threads;
use forkguard_report::event::{Event, Finding};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// A thread without a name, and a child that lost it.
struct Unnamed {
    thread: Option<ThreadRecord>,
    /// What stands for it in the id of its finding.
    what: Text<24>,
    pid: u32,
    /// The fork that made the child.
    sequence: u64,
    /// How often its name may still be reported: MRI gives a thread the name of a line before the program names it.
    reports_left: u32,
}

/// Threads of all children; of further ones no later name is reported.
const THREADS: usize = 32;
const MOST_REPORTS: u32 = 3;
static SLOTS: [Slot<Unnamed>; THREADS] = [const { Slot::new(Unnamed::none()) }; THREADS];
/// There may be some.
#[unsafe(link_section = "forkguard_words")]
static ANY: AtomicBool = AtomicBool::new(false);

impl Unnamed {
    const fn none() -> Unnamed {
        Unnamed { thread: None, what: Text::new(), pid: 0, sequence: 0, reports_left: 0 }
    }
}

/// In a leader that reports a fork: a lost thread that its child may miss, by what stands for it in the finding's id.
pub(crate) fn remember(fork: &Snapshot, pid: u32, what: &str) {
    let Some(thread) = describe::lost_thread(fork, what).filter(|thread| describe::is_unnamed(thread)) else { return };
    let unnamed = || Unnamed {
        thread: Some(*thread),
        what: Text::of(format_args!("{what}")),
        pid,
        sequence: fork.sequence,
        reports_left: MOST_REPORTS,
    };
    let identity = thread.slot.identity();
    // Those of children that are gone make room.
    SLOTS.iter().for_each(|slot| _ = slot.inspect(|old| !shared_page::is_child_gone(old.sequence)));
    if SLOTS.iter().any(|slot| slot.fill(identity, |place| *place = unnamed())) {
        ANY.store(true, Relaxed);
    }
}

/// In a leader that has reported a fork: the threads that took their names meanwhile.
pub(crate) fn report_since(scratch: &Scratch, fork: &Snapshot) {
    if ANY.load(Relaxed) {
        let named = fork.threads.as_slice().iter().filter(|thread| thread.name.is_empty() && !thread.slot.name().is_empty());
        named.for_each(|thread| report(scratch, thread.slot));
    }
}

/// This thread has taken a name.
pub(crate) fn has_name(thread: &threads::Slot) {
    if ANY.load(Relaxed) {
        record_with_scratch(|scratch| report(scratch, thread));
    }
}

fn report(scratch: &Scratch, thread: &threads::Slot) {
    let (identity, name) = (thread.identity(), thread.name());
    let mut slots = SLOTS.iter().filter(|slot| slot.is_of(identity)).peekable();
    if slots.peek().is_some() && !name.is_empty() {
        shared_page::note_later_name(identity, &name);
    }
    for slot in slots {
        slot.inspect(|unnamed| {
            if shared_page::is_unnamed(unnamed.sequence) {
                // A child that has ended misses nothing any more.
                if !outside::lives(unnamed.pid) {
                    return false;
                }
                write(scratch, unnamed, name);
                unnamed.reports_left -= 1;
            }
            unnamed.reports_left != 0
        });
    }
}

fn write(scratch: &Scratch, unnamed: &Unnamed, name: Text<16>) {
    let Some(thread) = unnamed.thread.map(|thread| ThreadRecord { name, tid: thread.slot.tid.load(Relaxed), ..thread }) else {
        return;
    };
    let arena = &scratch.arena();
    let id = arena.text(describe::fork_id(kernel::process_id(), unnamed.sequence).as_str());
    let [thread] = describe::lost_threads(arena, &[thread]) else { return };
    let finding = findings::of_named_thread(arena, id, unnamed.what.as_str(), thread);
    let finding = Finding { child: Some(unnamed.pid), ..finding };
    ledger::write_events(scratch, Some(id), [Some(Event::Finding(finding))]);
}
