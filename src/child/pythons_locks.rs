//! Python's own locks since 3.13: no hook sees one being taken or released.
//!
//! That a lost thread still holds one is looked at while the child has one thread: then the lock is free, or that thread is inside of its `with`
//! block (the program made it anew), or nobody but the lost thread holds it. Nobody releases it later: who asks for it waits.
use super::waits::orphans::{orphans, report_released};
use crate::describe::lock_id;
use crate::entry::record_with_scratch;
use crate::sites::python;
use forkguard_core::fork::{LockRecord, Snapshot};
use forkguard_core::glibc;
use forkguard_core::kernel;
use forkguard_core::registry::threads;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// This child found such locks itself: its leader forked without the GIL and could not.
#[unsafe(link_section = "forkguard_words")]
static FOUND_HERE: AtomicBool = AtomicBool::new(false);

/// In the first child handler.
pub(crate) fn note_found_locks() {
    FOUND_HERE.store(true, Relaxed);
}

/// True for the lock of a finding that the leader does not report.
pub(crate) fn is_found_here(fork: &Snapshot, id: &str) -> bool {
    let is_it = |lock: &LockRecord| lock.entry.kind.is_pythons() && lock_id(lock).as_str() == id;
    FOUND_HERE.load(Relaxed) && fork.broken_locks().any(is_it)
}

/// In a forked child, before its leader's facts are taken over.
pub(crate) fn reset() {
    FOUND_HERE.store(false, Relaxed);
}

/// Those that this process cannot use.
pub(super) fn orphaned() -> impl Iterator<Item = (&'static Snapshot, &'static LockRecord)> {
    orphans().filter(|(_, lock)| lock.entry.kind.is_pythons())
}

/// Before the child makes a thread, settles, or reports a wait for such a lock: those that its program has made anew are orphaned no more.
pub(crate) fn look_at_them() {
    if threads::live() > 1 || orphaned().next().is_none() {
        return;
    }
    record_with_scratch(|scratch| {
        for (fork, lock) in orphaned().filter(|(_, lock)| !is_held_still(lock)) {
            // Of a fork whose locks are not reported nothing is said.
            match fork.full {
                true => report_released(scratch, fork, lock),
                false => fork.mark_repaired(lock.entry.address),
            }
        }
    });
}

fn is_held_still(lock: &LockRecord) -> bool {
    let mut words = glibc::Words::default();
    let size = glibc::size(lock.entry.kind) / 4;
    let is_locked = kernel::read_words(lock.entry.address, &mut words[..size]) && glibc::blocks(lock.entry.kind, &words);
    is_locked && !python::holds_lock(lock.entry.address)
}
