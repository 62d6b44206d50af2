//! The forks that made this process and its leaders.
use super::pool::SnapshotCell;
use super::snapshot::{Snapshot, ThreadRecord};
use crate::fixed::Fixed;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering::*};

/// Forks that are remembered in a child: a daemon is made by two.
const ANCESTORS: usize = 4;
/// The fork that made this process and those that made its leaders, the latest first; then null. (Not in the snapshots: the child would write
/// to a page more.)
#[unsafe(link_section = "forkguard_words")]
static ANCESTRY: [AtomicPtr<SnapshotCell>; ANCESTORS] = [const { AtomicPtr::new(ptr::null_mut()) }; ANCESTORS];

fn cells() -> impl Iterator<Item = &'static SnapshotCell> {
    // SAFETY: null or a reference that `set` stored.
    ANCESTRY.iter().map_while(|cell| unsafe { cell.load(Relaxed).as_ref() })
}

/// The fork that made this process; None when no handler of ours saw one.
pub fn birth() -> Option<&'static Snapshot> {
    cells().next()?.frozen()
}

/// The forks that made this process and its leaders, the latest first.
pub fn ancestors() -> impl Iterator<Item = &'static Snapshot> {
    cells().filter_map(SnapshotCell::frozen)
}

/// The threads that this process and its leaders lost, each with the fork that lost it.
pub fn lost_threads() -> impl Iterator<Item = (&'static Snapshot, &'static ThreadRecord)> {
    let lost = |fork: &'static Snapshot| fork.threads.as_slice().iter().filter(|thread| thread.tid != fork.thread);
    ancestors().flat_map(move |fork| lost(fork).map(move |thread| (fork, thread)))
}

/// True for the snapshot of such a fork.
pub(super) fn is_ancestor(snapshot: &SnapshotCell) -> bool {
    cells().any(|cell| ptr::eq(cell, snapshot))
}

/// In a child: puts its own fork first, and forgets of the others those that lost nothing, and those too long ago.
pub(super) fn add(own: &'static SnapshotCell) {
    let mut latest: Fixed<&SnapshotCell, ANCESTORS> = Fixed::new();
    latest.push(own);
    let lost_something = |older: &&'static SnapshotCell| older.frozen().is_some_and(Snapshot::lost_something);
    cells().filter(lost_something).for_each(|older| latest.push(older));
    set(latest.as_slice());
}

/// In a child that no atfork handler of ours saw.
pub(super) fn clear() {
    set(&[]);
}

fn set(latest: &[&'static SnapshotCell]) {
    for (index, ancestor) in ANCESTRY.iter().enumerate() {
        ancestor.store(latest.get(index).map_or(ptr::null_mut(), |cell| ptr::from_ref(*cell).cast_mut()), Relaxed);
    }
}
