//! Locks on files: who takes them, and a forked child that releases its leader's.
use crate::child::uses;
use crate::entry::record;
use crate::sites;
use forkguard_core::registry::descriptors::{self, FileLockKind};
use forkguard_core::registry::threads;
use libc::{c_int, off_t, off64_t};
use std::sync::atomic::Ordering::Relaxed;

/// A lock was taken. Of many that are taken through one descriptor the first is the one that is named.
fn taken(fd: c_int, kind: FileLockKind, caller: usize) {
    record(|_| {
        if descriptors::file_lock(fd).is_none() {
            let thread = threads::mine().map_or(0, |slot| slot.tid.load(Relaxed));
            descriptors::lock(fd, kind, sites::capture(caller), thread);
        }
    });
}

/// Calls `real`, which takes or releases a lock; one of the leader's may be kept from the child's release.
fn locking(fd: c_int, kind: FileLockKind, releases: bool, caller: usize, real: impl FnOnce() -> c_int) -> c_int {
    if releases && kind != FileLockKind::Process && uses::keeps_lock_of_leader(caller, fd) {
        return 0;
    }
    let result = real();
    match (result, releases) {
        (0, false) => taken(fd, kind, caller),
        // Other parts of the file may still be locked.
        (0, true) if kind == FileLockKind::Flock => _ = record(|_| descriptors::unlock(fd)),
        _ => {}
    }
    result
}

/// Calls `real`, fcntl(2), with a command that sets a lock; None where it sets none.
pub(super) fn by_fcntl(
    fd: c_int,
    command: c_int,
    lock: *const libc::flock,
    caller: usize,
    real: impl Fn() -> c_int,
) -> Option<c_int> {
    match command {
        libc::F_SETLK | libc::F_SETLKW => {
            let result = real();
            // SAFETY: the kernel has read it.
            if result == 0 && c_int::from(unsafe { (*lock).l_type }) != libc::F_UNLCK {
                taken(fd, FileLockKind::Process, caller);
            }
            Some(result)
        }
        libc::F_OFD_SETLK | libc::F_OFD_SETLKW => {
            let asked = forkguard_core::kernel::read_value::<u16>(lock.addr())?;
            Some(locking(fd, FileLockKind::OpenFile, c_int::from(asked) == libc::F_UNLCK, caller, real))
        }
        _ => None,
    }
}

hook! {
    /// flock(2).
    fn flock(fd: c_int, operation: c_int) -> c_int = libc::flock;
    |caller| { locking(fd, FileLockKind::Flock, operation & libc::LOCK_UN != 0, caller, || real(fd, operation)) }
}
hook! {
    /// lockf(3): a lock of F_SETLK.
    fn lockf(fd: c_int, command: c_int, length: off_t) -> c_int = libc::lockf;
    |caller| { locking(fd, FileLockKind::Process, command == libc::F_ULOCK, caller, || real(fd, command, length)) }
}
hook! {
    /// lockf64(3).
    fn lockf64(fd: c_int, command: c_int, length: off64_t) -> c_int;
    |caller| { locking(fd, FileLockKind::Process, command == libc::F_ULOCK, caller, || real(fd, command, length)) }
}
