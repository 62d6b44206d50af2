//! Waits for Python's own locks since 3.13, each by a semaphore of the waiter's own.
use super::alone::{self, Awaited};
use super::answers;
use super::call::WaitReport;
use super::deadlock::report_deadlock;
use super::objects::words_of;
use crate::child::pythons_locks::{look_at_them, orphaned};
use crate::sites::python::ParkedAt;
use forkguard_core::fork as core_fork;
use forkguard_core::glibc::{self, LockKind};

/// A thread waits for such a lock, by that semaphore; `endless` without a time limit.
pub(super) fn check(lock: ParkedAt, semaphore: usize, caller: usize, endless: bool) -> WaitReport {
    look_at_them();
    let is_lost = |owner: usize| core_fork::lost_threads().any(|(_, thread)| thread.handle == owner);
    let orphan = orphaned().find(|(_, l)| l.entry.address == lock.address && lock.is_locked());
    match orphan.filter(|_| lock.owner.is_none_or(is_lost)) {
        Some((fork, lock)) if endless => return report_deadlock(fork, lock, caller),
        Some((fork, lock)) => return WaitReport::Timed(fork, lock),
        None if !endless => return answers::check_timed(semaphore, caller),
        None => {}
    }
    let still = || lock.is_locked() && glibc::is_empty(&words_of(LockKind::Semaphore, semaphore));
    match alone::check_asleep_at(Awaited::PythonLock, lock.address, semaphore, caller, still) {
        WaitReport::Nothing => answers::check(caller),
        report => report,
    }
}
