//! The children that a leader inspects, at most once a second.
use super::child::{Child, Reported};
use super::outside::{self, Activity};
use super::report::{report_hang, report_resolved};
use super::slot::Slot;
use crate::emit;
use crate::entry::Scratch;
use crate::options::{self, Summary};
use forkguard_core::fork::{Snapshot, shared_page};
use forkguard_core::glibc::LockKind;
use forkguard_core::{flags, kernel};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::*};

/// Not zero while there are children to inspect.
#[unsafe(link_section = "forkguard_words")]
static CHILDREN_LEFT: AtomicU8 = AtomicU8::new(0);
/// When the next inspection is due, in nanoseconds of the monotonic clock.
#[unsafe(link_section = "forkguard_words")]
static NEXT_INSPECTION: AtomicU64 = AtomicU64::new(0);
const INTERVAL_NS: u64 = 1_000_000_000;
#[unsafe(link_section = "forkguard_words")]
static INSPECTING: AtomicBool = AtomicBool::new(false);

/// Children that are inspected; further ones are not.
const CHILDREN: usize = 64;
static SLOTS: [Slot<Child>; CHILDREN] = [const { Slot::new(Child::new()) }; CHILDREN];

/// In a leader, after a fork whose child lost threads.
pub(crate) fn remember(fork: &Snapshot, pid: u32) {
    let recorded = fork.threads.as_slice().len() as u32 + fork.threads.missed();
    let lost_count = recorded.max(fork.kernel_threads).saturating_sub(1);
    if !fork.prepared || lost_count == 0 || !emit::wanted() && options::get().summary == Summary::Never {
        return;
    }
    let fill = |child: &mut Child| {
        child.lost.clear();
        fork.threads.as_slice().iter().filter(|t| t.tid != fork.thread).for_each(|t| child.lost.push(*t));
        child.libc_locks.clear();
        let libc_locks = fork.broken_locks().filter(|lock| lock.entry.kind == LockKind::Libc);
        libc_locks.for_each(|lock| child.libc_locks.push(*lock));
        (child.pid, child.sequence, child.full) = (pid, fork.sequence, fork.full);
        (child.lost_count, child.unrecorded) = (lost_count, fork.kernel_threads.saturating_sub(recorded));
        (child.wait, child.reported, child.hit) = (None, Reported::No, None);
        child.forked_at = kernel::boottime();
    };
    if SLOTS.iter().any(|slot| slot.fill(u64::from(pid), fill)) {
        CHILDREN_LEFT.store(1, SeqCst);
        flags::watch_waits();
    }
}

/// True while there are children to inspect.
pub(crate) fn has_children() -> bool {
    CHILDREN_LEFT.load(SeqCst) != 0
}

/// True while this child is one of them.
pub(super) fn is_child(pid: u32) -> bool {
    SLOTS.iter().any(|slot| slot.is_of(u64::from(pid)))
}

/// Nanoseconds until the next inspection is due: a second at most, and never none.
pub(super) fn inspection_due_in() -> u64 {
    if !has_children() {
        return INTERVAL_NS;
    }
    NEXT_INSPECTION.load(Relaxed).saturating_sub(kernel::monotonic()).clamp(INTERVAL_NS / 10, INTERVAL_NS)
}

/// No child is inspected any more.
pub(crate) fn forget_children() {
    CHILDREN_LEFT.store(0, SeqCst);
}

/// In a forked child. A word that is not written need not be copied.
pub(super) fn reset_in_child() {
    if CHILDREN_LEFT.load(Relaxed) != 0 || INSPECTING.load(Relaxed) {
        CHILDREN_LEFT.store(0, Relaxed);
        INSPECTING.store(false, Relaxed);
    }
}

/// True when an inspection is due.
pub(crate) fn is_inspection_due() -> bool {
    has_children() && kernel::monotonic() >= NEXT_INSPECTION.load(Relaxed)
}

/// Inspects all children.
pub(crate) fn inspect_children(scratch: &Scratch) {
    if INSPECTING.swap(true, Acquire) {
        return;
    }
    NEXT_INSPECTION.store(kernel::monotonic() + INTERVAL_NS, Relaxed);
    // Before the slots are read: a child that is remembered meanwhile sets it again.
    CHILDREN_LEFT.store(0, SeqCst);
    for _ in SLOTS.iter().filter(|slot| slot.inspect(|child| inspect(scratch, child))) {
        CHILDREN_LEFT.store(1, SeqCst);
    }
    // Another thread that came to wait meanwhile found no children.
    if has_children() {
        flags::watch_waits();
    }
    INSPECTING.store(false, Release);
}

/// Inspects one child; false when that need not be done again.
fn inspect(scratch: &Scratch, child: &mut Child) -> bool {
    let wait = match outside::observe(child.pid, child.forked_at, child.reported != Reported::No) {
        Activity::Gone => return false,
        Activity::Unknown => return true,
        Activity::Elsewhere => None,
        Activity::Waits(wait) => Some(wait),
    };
    let same = wait.filter(|_| wait == child.wait);
    match (child.reported, same) {
        (Reported::Yes | Reported::InDoubt, Some(_)) => child.reported = Reported::Yes,
        // A child that dies is elsewhere for a moment, too, and one that a debugger stops begins its wait anew.
        (Reported::Yes, None) => (child.reported, child.wait) = (Reported::InDoubt, wait),
        (Reported::InDoubt, None) => {
            report_resolved(scratch, child);
            return false;
        }
        (Reported::No, Some(wait)) if shared_page::needs_inspection(child.sequence) => {
            report_hang(scratch, child, &wait);
            child.reported = Reported::Yes;
        }
        (Reported::No, _) => child.wait = wait,
    }
    true
}
