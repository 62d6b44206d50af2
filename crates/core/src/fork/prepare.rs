//! The last of all prepare handlers: takes the snapshot without allocating and without asking the kernel about anything one by one.
use super::buffers;
use super::snapshot::{LockRecord, Snapshot, ThreadRecord};
use crate::glibc::{self, LockKind};
use crate::kernel;
use crate::registry::held::{Entry, HOLDS, MADE, WAITS};
use crate::registry::threads::{self, SeenWord, Slot, SlotState};
use crate::registry::{descriptors, generation, mask, random, semaphores, timers};
use core::sync::atomic::{Ordering::*, fence};

/// The last of all prepare handlers: takes the snapshot.
pub fn prepare(snapshot: &mut Snapshot) {
    let start = kernel::monotonic();
    snapshot.threads.clear();
    snapshot.locks.clear();
    snapshot.timers.clear();
    snapshot.kernel_threads = kernel::kernel_threads();
    threads::reap(snapshot.kernel_threads);
    snapshot.starting = 0;
    threads::slots().iter().for_each(|slot| record_thread(snapshot, slot));
    drop_uncreated(snapshot);
    verify(snapshot);
    snapshot.repaired.iter().take(snapshot.locks.as_slice().len()).for_each(|repaired| repaired.store(false, Relaxed));
    snapshot.blocked = kernel::blocked_signals();
    snapshot.blocking_calls = threads::mine().map_or([mask::NO_CALL; mask::REMEMBERED], |slot| slot.mask.calls());
    snapshot.interval_timers =
        (0..3).filter(|&which| kernel::interval_timer_armed(which)).fold(0, |bits, which| bits | 1 << which);
    snapshot.interval_sites = [0, 1, 2].map(timers::interval_site);
    snapshot.random = random::used();
    snapshot.seeds = random::seeds().count();
    timers::armed().for_each(|t| snapshot.timers.push(t));
    snapshot.descriptors = descriptors::count();
    descriptors::note_process_locks();
    buffers::record(&mut snapshot.buffers);
    snapshot.prepared = true;
    snapshot.prepare_ns = kernel::monotonic() - start;
}

/// Records the thread of a slot and its locks; nothing when the slot was released while it was read.
fn record_thread(snapshot: &mut Snapshot, slot: &'static Slot) {
    let in_use = |seen: SeenWord| matches!(seen.state(generation::current()), SlotState::Live | SlotState::Starting);
    let seen = slot.seen();
    if !in_use(seen) {
        return;
    }
    let before = (snapshot.threads.as_slice().len(), snapshot.locks.as_slice().len());
    record_owner(snapshot, slot);
    fence(Acquire);
    let now = slot.seen();
    if !now.is_of_owner(seen) || !in_use(now) {
        snapshot.threads.truncate(before.0);
        snapshot.locks.truncate(before.1);
    } else if now.state(generation::current()) == SlotState::Starting {
        snapshot.starting += 1;
    }
}

/// Drops threads that are being created and that the kernel does not count yet.
fn drop_uncreated(snapshot: &mut Snapshot) {
    let mut surplus = (snapshot.threads.as_slice().len() as u32).saturating_sub(snapshot.kernel_threads);
    if surplus == 0 {
        return;
    }
    snapshot.threads.retain(|thread| {
        let dropped = surplus > 0 && thread.tid == 0;
        surplus -= u32::from(dropped);
        !dropped
    });
}

fn record_owner(snapshot: &mut Snapshot, slot: &'static Slot) {
    let tid = slot.tid.load(Relaxed);
    let own = tid == snapshot.thread;
    let mut holds = 0;
    let mut waits_for = slot.waits_for.load(Relaxed);
    let mut stack_at_fork = if waits_for == 0 { 0 } else { slot.waits_at.load(Relaxed) };
    for entry in slot.held.entries() {
        if entry.flags & WAITS != 0 {
            (waits_for, stack_at_fork) = (entry.address, entry.site);
        }
        if entry.flags & HOLDS != 0 {
            holds += 1;
            record_lock(snapshot, slot, entry, tid, own);
        }
    }
    snapshot.locks.miss(slot.held.overflow());
    snapshot.threads.push(ThreadRecord {
        slot,
        tid,
        creator: slot.creator.load(Relaxed),
        name: slot.name(),
        start: slot.start.load(Relaxed),
        site: slot.site.load(Relaxed),
        handle: slot.handle.load(Relaxed),
        label: slot.label.load(Relaxed),
        code: slot.code.load(Relaxed),
        stack_at_fork,
        waits_for,
        ending: slot.idle.load(Relaxed) != 0,
        awaits_work: false,
        detached: slot.detached.load(Relaxed) != 0,
        fork_safe: slot.fork_safe.load(Relaxed) != 0,
        restartable: slot.restartable.load(Relaxed) != 0,
        holds,
    });
}

fn record_lock(snapshot: &mut Snapshot, slot: &Slot, entry: Entry, holder: u32, own: bool) {
    // The same lock taken again by its holder is one lock.
    if snapshot.locks.as_slice().iter().any(|l| l.holder == holder && l.entry.address == entry.address) {
        return;
    }
    let signal = entry.kind == LockKind::Semaphore && (entry.flags & (WAITS | MADE) != 0 || semaphores::is_signal(entry.address));
    snapshot.locks.push(LockRecord { entry, holder, holder_name: slot.name(), own, signal, mutex_kind: -1 });
}

/// Checks the recorded locks against their own words, in one fault-proof read, and drops a lock that its holder does not hold after all
/// (memory that was freed, a release that no hook saw, a semaphore with a token left). Where such reads are forbidden all records stay.
fn verify(snapshot: &mut Snapshot) {
    let Snapshot { locks, words: read, from, into, .. } = snapshot;
    let mut count = 0;
    for (index, lock) in locks.as_slice().iter().enumerate().filter(|(_, l)| glibc::size(l.entry.kind) != 0) {
        let length = glibc::size(lock.entry.kind);
        from[count] = libc::iovec { iov_base: lock.entry.address as *mut _, iov_len: length };
        into[count] = libc::iovec { iov_base: (&raw mut read[index]).cast(), iov_len: length };
        count += 1;
    }
    if count == 0 {
        return;
    }
    let all = kernel::read_scattered(&from[..count], &into[..count]);
    let forbidden = !all && !kernel::can_read_memory();
    let mut index = 0;
    locks.retain(|lock| {
        let length = glibc::size(lock.entry.kind);
        let lock_words = &mut read[index];
        index += 1;
        if length == 0 || forbidden {
            return true;
        }
        if !all && !kernel::read_words(lock.entry.address, &mut lock_words[..length / 4]) {
            return false;
        }
        if lock.is_mutex() {
            lock.mutex_kind = glibc::mutex_kind(lock_words);
        }
        glibc::held_by(lock.entry.kind, lock.holder, lock_words)
    });
}
