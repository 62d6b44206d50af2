//! Locks of F_SETLK that the leader had at the fork: they are its alone and end with it. A daemon that took one before its fork has none.
use super::hit::report_hit;
use super::uses::is_database;
use crate::describe::{self, descriptors, keep};
use crate::entry::{WaitLength, record_with_scratch};
use crate::findings::{Hit, lock_file_shared};
use crate::ledger::{self, Output};
use forkguard_core::fixed::Text;
use forkguard_core::fork as core_fork;
use forkguard_core::registry::descriptors::{self as table, FileLock};
use forkguard_core::{flags, kernel};
use forkguard_report::event::{FindingKind, Role, Severity, State};
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// Not zero while the leader, which had such a lock at the fork, may be about to end.
#[unsafe(link_section = "forkguard_words")]
static MAY_BE_LOST: AtomicU8 = AtomicU8::new(0);
/// Not zero once the loss of one was reported.
#[unsafe(link_section = "forkguard_words")]
static REPORTED: AtomicU8 = AtomicU8::new(0);
/// A daemon that has not settled by this age, in nanoseconds, has had the time to take the lock itself.
const STARTED_NS: u64 = 250_000_000;
/// A leader that lives for longer stays.
const STAYS_NS: u64 = 3_000_000_000;

/// In a forked child.
#[unsafe(link_section = ".text.forkguard_child")]
pub(super) fn reset() {
    MAY_BE_LOST.store(0, Relaxed);
    REPORTED.store(0, Relaxed);
}

/// In a forked child of which there is a snapshot.
#[unsafe(link_section = ".text.forkguard_child")]
pub(super) fn begin() {
    if leaders().next().is_some() {
        MAY_BE_LOST.store(1, Relaxed);
    }
}

/// True while waits are looked at for them.
pub(crate) fn may_be_lost() -> bool {
    MAY_BE_LOST.load(Relaxed) != 0
}

/// Locks of F_SETLK that this process believes to have from its leader.
fn leaders() -> impl Iterator<Item = (i32, FileLock)> {
    table::process_locks().filter(|(fd, lock)| lock.inherited && lock.held_at_fork && table::is_inherited(*fd))
}

/// Before a wait of that length: a daemon whose leader has ended has had the time to take the lock itself.
pub(crate) fn before_wait(length: WaitLength) {
    let Some(fork) = core_fork::birth().filter(|_| may_be_lost()) else { return };
    let age = kernel::monotonic() - fork.entered;
    let settled = !flags::is_settling();
    if settled && length == WaitLength::Long {
        await_leaders_end();
    }
    if settled || age > STARTED_NS {
        leaders().filter(|(_, lock)| !lives(lock.process)).for_each(report_if_lost);
        let may_end = age < STAYS_NS && leaders().any(|(_, lock)| lives(lock.process));
        MAY_BE_LOST.store(u8::from(may_end), Relaxed);
    }
}

/// A daemon, which has a session of its own, waits a moment for its leader's end: it may wait for ever next.
fn await_leaders_end() {
    const MOMENT_NS: u64 = 100_000_000;
    const STEP_NS: u64 = 500_000;
    let own = kernel::session_of(0);
    let is_daemons = |process| lives(process) && kernel::session_of(process) != own;
    let start = kernel::monotonic();
    while leaders().any(|(_, lock)| is_daemons(lock.process)) && kernel::monotonic() - start < MOMENT_NS {
        kernel::sleep(STEP_NS);
    }
}

/// False for a process that has ended, though its parent may still have to ask for its status.
fn lives(process: u32) -> bool {
    let state = kernel::other_process::state(process);
    state.is_some_and(|state| !matches!(state, b'Z' | b'X'))
}

fn report_if_lost((fd, lock): (i32, FileLock)) {
    let what = Text::<32>::of(format_args!("{fd}-lost"));
    if ledger::find(FindingKind::LockFileShared, what.as_str()).is_some() {
        return;
    }
    let is_of_database = || table::record(fd).is_none_or(|record| keep::is_kept(fd, &record) || is_database(fd, &record));
    if kernel::process_with_lock(fd) == Some(kernel::process_id()) || is_of_database() {
        return;
    }
    REPORTED.store(1, Relaxed);
    record_with_scratch(|scratch| {
        report_hit(scratch, Severity::Warning, Output::Stderr, FindingKind::LockFileShared, |arena| {
            let file = descriptors::describe(arena, fd)?;
            let subject = lock_file_shared::subject(arena, &file, lock.kind);
            Some(Hit {
                kind: FindingKind::LockFileShared,
                what: arena.text(what.as_str()),
                subject: arena.format(format_args!(
                    "{subject}: process {} took it before it forked, and has ended: the child has none",
                    lock.process
                )),
                sites: arena.join([describe::site(arena, Role::Taken, lock.thread, lock.site).as_slice()]),
                hazard: None,
            })
        });
    });
}

/// This process has taken a lock of F_SETLK.
pub(crate) fn taken() {
    if REPORTED.load(Relaxed) == 0 {
        return;
    }
    record_with_scratch(|scratch| {
        for (fd, _) in table::process_locks().filter(|(fd, _)| kernel::process_with_lock(*fd) == Some(kernel::process_id())) {
            let (kind, what) = (FindingKind::LockFileShared, Text::<32>::of(format_args!("{fd}-lost")));
            if ledger::find(kind, what.as_str()).is_some() {
                let because = "the child took the lock itself";
                ledger::report_state(scratch, kind, format_args!("{}", what.as_str()), State::Resolved, None, because);
            }
        }
    });
}
