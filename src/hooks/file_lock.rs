//! Locks on files: who takes them, a forked child that releases its leader's, and a leader that is refused its own.
use crate::child::{lost_locks, uses};
use crate::entry::{errno, record};
use crate::leader::file_locks;
use crate::sites;
use forkguard_core::registry::descriptors::{self, FileLockKind};
use forkguard_core::registry::threads;
use libc::{c_int, off_t, off64_t};
use std::sync::atomic::Ordering::Relaxed;

/// A lock was taken. Of many that are taken through one descriptor the first is the one that is named; one that the leader took stays
/// recorded if it is the open file's, because whoever takes it again has it already.
fn taken(fd: c_int, kind: FileLockKind, caller: usize) {
    record(|_| {
        let is_shared = |lock: descriptors::FileLock| lock.kind != FileLockKind::Process || !lock.inherited;
        if !descriptors::file_lock(fd).is_some_and(is_shared) {
            let thread = threads::mine().map_or(0, |slot| slot.tid.load(Relaxed));
            descriptors::lock(fd, kind, sites::capture(caller), thread);
        }
    });
    if kind == FileLockKind::Process {
        lost_locks::taken();
    }
}

/// What a call asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Release,
    /// It fails where it would have to wait.
    Lock,
    /// It waits.
    LockAndWait,
}

/// Calls `real`, which takes or releases a lock; one of the leader's may be kept from the child's release. `tries` asks for it without a wait.
fn locking(
    fd: c_int,
    kind: FileLockKind,
    asked: Asked,
    caller: usize,
    real: impl FnOnce() -> c_int,
    tries: impl FnOnce() -> c_int,
) -> c_int {
    if asked == Asked::Release && kind != FileLockKind::Process && uses::keeps_lock_of_leader(caller, fd) {
        return 0;
    }
    let result = match asked {
        Asked::LockAndWait if kind != FileLockKind::Process && errno::preserve(|| file_locks::may_be_kept(fd)) => {
            lock_and_wait(fd, kind, caller, real, tries)
        }
        _ => real(),
    };
    match (result, asked) {
        (0, Asked::Release) if kind != FileLockKind::Flock => {}
        // Other parts of the file may still be locked.
        (0, Asked::Release) => _ = record(|_| descriptors::unlock(fd)),
        (0, _) => taken(fd, kind, caller),
        (_, Asked::Lock) if kind != FileLockKind::Process && is_refusal(errno::get()) => {
            _ = errno::preserve(|| file_locks::refused(fd, kind, caller));
        }
        _ => {}
    }
    result
}

fn is_refusal(errno: c_int) -> bool {
    matches!(errno, libc::EWOULDBLOCK | libc::EACCES)
}

/// A wait for a lock that a copy of this process's own may keep: it is told before.
fn lock_and_wait(
    fd: c_int,
    kind: FileLockKind,
    caller: usize,
    real: impl FnOnce() -> c_int,
    tries: impl FnOnce() -> c_int,
) -> c_int {
    let before = errno::get();
    let result = tries();
    if result == 0 || !is_refusal(errno::get()) {
        return result;
    }
    errno::set(before);
    let reported = errno::preserve(|| file_locks::refused(fd, kind, caller));
    let result = real();
    if let (0, Some(reported)) = (result, reported) {
        errno::preserve(|| file_locks::taken_after_all(&reported));
    }
    result
}

/// Calls `real`, fcntl(2), with a command that sets a lock; None where it sets none.
pub(super) fn by_fcntl(
    fd: c_int,
    command: c_int,
    lock: *const libc::flock,
    caller: usize,
    real: impl Fn(c_int) -> c_int,
) -> Option<c_int> {
    match command {
        libc::F_SETLK | libc::F_SETLKW => {
            let result = real(command);
            // SAFETY: the kernel has read it.
            if result == 0 && c_int::from(unsafe { (*lock).l_type }) != libc::F_UNLCK {
                taken(fd, FileLockKind::Process, caller);
            }
            Some(result)
        }
        libc::F_OFD_SETLK | libc::F_OFD_SETLKW => {
            let kind_of_lock = forkguard_core::kernel::read_value::<u16>(lock.addr())?;
            let asked = match command {
                _ if c_int::from(kind_of_lock) == libc::F_UNLCK => Asked::Release,
                libc::F_OFD_SETLK => Asked::Lock,
                _ => Asked::LockAndWait,
            };
            let tries = || real(libc::F_OFD_SETLK);
            Some(locking(fd, FileLockKind::OpenFile, asked, caller, || real(command), tries))
        }
        _ => None,
    }
}

fn of_operation(operation: c_int) -> Asked {
    match operation {
        _ if operation & libc::LOCK_UN != 0 => Asked::Release,
        _ if operation & libc::LOCK_NB != 0 => Asked::Lock,
        _ => Asked::LockAndWait,
    }
}

fn of_command(command: c_int) -> Asked {
    match command {
        libc::F_ULOCK => Asked::Release,
        libc::F_LOCK => Asked::LockAndWait,
        _ => Asked::Lock,
    }
}

hook! {
    /// flock(2).
    fn flock(fd: c_int, operation: c_int) -> c_int = libc::flock;
    |caller| {
        let asked = of_operation(operation);
        if asked == Asked::Release {
            uses::releasing(fd);
        }
        let tries = || real(fd, operation | libc::LOCK_NB);
        let result = locking(fd, FileLockKind::Flock, asked, caller, || real(fd, operation), tries);
        if result == 0 && asked != Asked::Release {
            uses::given(caller, fd, operation & libc::LOCK_EX != 0);
        }
        result
    }
}
hook! {
    /// lockf(3): a lock of F_SETLK.
    fn lockf(fd: c_int, command: c_int, length: off_t) -> c_int = libc::lockf;
    |caller| {
        let call = || real(fd, command, length);
        if command == libc::F_TEST {
            return call();
        }
        locking(fd, FileLockKind::Process, of_command(command), caller, call, call)
    }
}
hook! {
    /// lockf64(3).
    fn lockf64(fd: c_int, command: c_int, length: off64_t) -> c_int;
    |caller| {
        let call = || real(fd, command, length);
        if command == libc::F_TEST {
            return call();
        }
        locking(fd, FileLockKind::Process, of_command(command), caller, call, call)
    }
}
