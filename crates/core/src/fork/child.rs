//! The first of all child handlers: the registries become the child's own, and the snapshot stays as the lost threads left it.
use super::ancestors;
use super::pool::{self, SnapshotCell, SnapshotGuard};
use super::snapshot::{LockRecord, Snapshot, ThreadRecord};
use crate::gate::{self, WATCHED_ALONE, WATCHED_LOSSES, WATCHED_POSTS, WATCHED_WHOLLY};
use crate::glibc::LockKind;
use crate::registry::{generation, threads};
use crate::{dispatch, kernel, safe_point, worst};
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Nanoseconds that the child handler took.
#[unsafe(link_section = "forkguard_words")]
static CHILD_NS: AtomicU64 = AtomicU64::new(0);

/// In a child: nanoseconds that the child handler of its fork took.
pub fn child_ns() -> u64 {
    CHILD_NS.load(Relaxed)
}

/// In the child of a fork. Its snapshot is [`ancestors::birth`] once the guard is dropped. None for a fork that a signal handler made while
/// this thread was writing that snapshot: the child's own facts are then unknown.
pub fn child(cell: &'static SnapshotCell) -> Option<SnapshotGuard> {
    let start = kernel::monotonic_by_syscall();
    let snapshot = cell.borrow_to_freeze()?;
    ancestors::add(cell);
    become_child(snapshot.watched().max(watched()));
    CHILD_NS.store(kernel::monotonic_by_syscall() - start, Relaxed);
    Some(snapshot)
}

/// In a child that no atfork handler of ours saw.
pub fn child_unseen() {
    ancestors::clear();
    become_child(watched());
}

/// In every forked child: the registries become its own.
#[unsafe(link_section = ".text.forkguard_child")]
fn become_child(watched: u8) {
    let before = threads::mine().map_or(0, |slot| slot.tid.load(Relaxed));
    gate::own_registries();
    dispatch::init_child(watched);
    generation::init_child();
    safe_point::init_child();
    worst::init_child();
    threads::init_child();
    pool::init_child(before, ancestors::is_ancestor);
}

/// In a child whose locks were repaired: fewer of its waits may be in vain.
pub fn update_watched() {
    dispatch::watch(watched());
}

/// How closely this child's waits are checked.
#[unsafe(link_section = ".text.forkguard_child")]
fn watched() -> u8 {
    ancestors::ancestors().fold(0, |closest, fork| closest.max(fork.watched()))
}

impl Snapshot {
    /// How closely the child's waits are checked: see [`gate::WATCHED`].
    #[unsafe(link_section = ".text.forkguard_child")]
    fn watched(&self) -> u8 {
        let waits = |thread: &ThreadRecord| thread.tid != self.thread && thread.waits_for != 0;
        let ownerless = |l: &LockRecord| !l.is_mutex() && l.entry.kind != LockKind::Libc && !l.signal;
        match self.lost_something() {
            false => WATCHED_ALONE,
            true if self.broken_locks().any(ownerless) => WATCHED_WHOLLY,
            true if self.threads.as_slice().iter().any(waits) => WATCHED_POSTS,
            true => WATCHED_LOSSES,
        }
    }
}
