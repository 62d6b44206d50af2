//! Locks whose holders a forked child does not have.
use super::objects::{word_count, words_of};
use crate::describe::lock_id;
use crate::entry::{Scratch, record_with_scratch};
use crate::ledger;
use forkguard_core::fork::{self as core_fork, LockRecord, Snapshot};
use forkguard_core::glibc::{self, LockKind, Words};
use forkguard_core::{gate, kernel, tls};
use forkguard_report::event::{FindingKind, State};

/// Why an orphaned lock is none any more.
pub(crate) const RELEASED: &str = "the child released it or made it anew";

/// The locks that this process cannot use, each with the fork that orphaned it.
pub(crate) fn orphans() -> impl Iterator<Item = (&'static Snapshot, &'static LockRecord)> {
    core_fork::ancestors().flat_map(|fork| {
        let broken = fork.broken_locks().filter(|lock| !lock.signal && !is_reported_resolved(lock));
        broken.map(move |lock| (fork, lock))
    })
}

/// True for a lock that was reported as dealt with. A mutex names its owner, and is asked itself whenever that matters.
fn is_reported_resolved(lock: &LockRecord) -> bool {
    if ledger::is_empty() || matches!(lock.entry.kind, LockKind::Mutex | LockKind::C11Mutex) {
        return false;
    }
    ledger::find(FindingKind::LockOrphaned, lock_id(lock).as_str()).is_some_and(|reported| reported.is(State::Resolved))
}

/// Before a lock is released, or made `anew`: an orphaned lock is none any more.
pub(crate) fn before_release(address: usize, anew: bool) {
    if tls::inside() != 0 || gate::is_guest() || !gate::awake() {
        return;
    }
    // A lock that several readers hold stays held by the others, and glibc lets nobody but the writer release what was locked for writing.
    let stays = |lock: &LockRecord| {
        let kind = lock.entry.kind;
        if anew || !glibc::is_known_lock(kind) {
            return false;
        }
        let words = words_of(kind, address);
        glibc::readers(kind, &words) > 1 || glibc::is_written_by_other(kind, kernel::thread_id(), &words)
    };
    if let Some((fork, lock)) = orphans().find(|(_, lock)| lock.entry.address == address && !stays(lock)) {
        record_with_scratch(|scratch| report_released(scratch, fork, lock));
    }
}

/// Reports that an orphaned lock is none any more.
pub(crate) fn report_released(scratch: &Scratch, fork: &'static Snapshot, lock: &LockRecord) {
    let id = lock_id(lock);
    ledger::report_state_of(scratch, fork, FindingKind::LockOrphaned, id.as_str(), State::Resolved, None, RELEASED);
}

/// True for a lock of that id that forkguard made usable in this child.
pub(crate) fn is_repaired(fork: &Snapshot, id: &str) -> bool {
    fork.repaired_locks().any(|lock| lock_id(lock).as_str() == id)
}

/// True when the record of this lock's holder does not hold any more: the child released the lock, or made it anew.
pub(crate) fn is_dealt_with(fork: &'static Snapshot, id: &str) -> bool {
    let Some(lock) = fork.locks.as_slice().iter().find(|lock| lock_id(lock).as_str() == id) else { return false };
    let kind = lock.entry.kind;
    let mut words = Words::default();
    let is_known = kind != LockKind::Libc && glibc::is_known_lock(kind);
    let is_read = is_known && kernel::read_words(lock.entry.address, &mut words[..word_count(kind)]);
    is_read && !(glibc::held_by(kind, lock.holder, &words) && glibc::is_taken(kind, &words))
}
