//! A connection that two processes share on purpose, one to read from it and one to write (rsync's receiver and generator, a terminal's client): while the
//! leader's only child uses it one way, and the leader goes the other, nothing is mixed.
use super::concern::Use;
use crate::describe::pipes::Wait;
use crate::entry::record_with_scratch;
use forkguard_core::fork as core_fork;
use forkguard_core::kernel::other_process::each_child;
use forkguard_core::registry::descriptors::{Record, number_at_fork};
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

/// The connection that this child only reads from, and the one that it only writes to; negative: none.
#[unsafe(link_section = "forkguard_words")]
static ONLY_READ: AtomicI32 = AtomicI32::new(-1);
#[unsafe(link_section = "forkguard_words")]
static ONLY_WRITTEN: AtomicI32 = AtomicI32::new(-1);

/// In a forked child.
pub(super) fn reset() {
    ONLY_READ.store(-1, Relaxed);
    ONLY_WRITTEN.store(-1, Relaxed);
}

/// True for a connection that the child has used one way so far.
pub(super) fn is_used(fd: i32) -> bool {
    fd == ONLY_READ.load(Relaxed) || fd == ONLY_WRITTEN.load(Relaxed)
}

/// True for a use that mixes nothing: noted as the child's way.
pub(super) fn allows(fd: i32, record: &Record, usage: Use) -> bool {
    let way = match usage {
        Use::Input => &ONLY_READ,
        Use::Output => &ONLY_WRITTEN,
        _ => return false,
    };
    if is_used(fd) {
        return way.load(Relaxed) == fd;
    }
    let is_allowed = record_with_scratch(|_| may_be_shared_out(fd, record, usage)) == Some(true);
    is_allowed && way.compare_exchange(-1, fd, Relaxed, Relaxed).is_ok()
}

/// A leader that reads waits for input, as a rule; one that writes may do anything else. It made the connection itself, and no other thread or
/// process may use it.
fn may_be_shared_out(fd: i32, record: &Record, usage: Use) -> bool {
    let Some(fork) = core_fork::birth().filter(|fork| fork.thread == record.thread) else { return false };
    let is_alone = fork.threads.as_slice().iter().all(|thread| thread.tid == fork.thread);
    if !is_alone || !has_one_child(fork.leader) {
        return false;
    }
    let leader_reads = Wait::of(fork.leader).is_some_and(|(wait, _)| matches!(wait, Wait::Input(by) if by == number_at_fork(fd)));
    leader_reads == (usage == Use::Output)
}

fn has_one_child(process: u32) -> bool {
    let mut count = 0;
    each_child(process, |_| count += 1) && count == 1
}
