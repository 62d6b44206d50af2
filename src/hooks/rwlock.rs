//! Read-write locks: held for reading or for writing.
use super::mutex::{acquire, release, try_acquire};
use crate::child::waits::BlockingCall;
use forkguard_core::glibc::LockKind;
use libc::{c_int, clockid_t, pthread_rwlock_t, pthread_rwlockattr_t, timespec};

/// Assembly: neither a writer's turn nor a writer: free for readers.
macro_rules! free_of_writers {
    () => {
        "test byte ptr [rdi], 3\n jne 3f"
    };
}

/// Assembly: neither a writer nor readers: free for a writer, whose turn it may still be.
macro_rules! free_of_all {
    () => {
        "test dword ptr [rdi], 0xfffffffa\n jne 3f"
    };
}

/// Assembly: its writer's number, which a fork breaks even where the forking thread itself is the writer: a lock for writing is tracked in a
/// process of one thread, too.
macro_rules! written {
    () => {
        "cmp dword ptr [rdi + 24], 0\n jne 2f"
    };
}

/// Assembly: see [`written!`].
macro_rules! to_be_written {
    () => {
        "jmp 2f"
    };
}

lock! {
    /// pthread_rwlock_rdlock(3).
    fn pthread_rwlock_rdlock(lock: *mut pthread_rwlock_t) -> c_int = libc::pthread_rwlock_rdlock,
        waits BlockingCall::Lock(LockKind::Read), free free_of_writers!(), gate take;
    |caller| { acquire(lock as usize, caller, LockKind::Read, || real(lock)) }
}
lock! {
    /// pthread_rwlock_tryrdlock(3).
    fn pthread_rwlock_tryrdlock(lock: *mut pthread_rwlock_t) -> c_int = libc::pthread_rwlock_tryrdlock, gate take;
    |caller| { try_acquire(lock as usize, caller, LockKind::Read, || real(lock)) }
}
lock! {
    /// pthread_rwlock_timedrdlock(3).
    fn pthread_rwlock_timedrdlock(lock: *mut pthread_rwlock_t, time: *const timespec) -> c_int,
        waits BlockingCall::Timed(LockKind::Read), free free_of_writers!(), gate take;
    |caller| { acquire(lock as usize, caller, LockKind::Read, || real(lock, time)) }
}
lock! {
    /// pthread_rwlock_clockrdlock(3).
    fn pthread_rwlock_clockrdlock(lock: *mut pthread_rwlock_t, clock: clockid_t, time: *const timespec) -> c_int,
        waits BlockingCall::Timed(LockKind::Read), free free_of_writers!(), gate take;
    |caller| { acquire(lock as usize, caller, LockKind::Read, || real(lock, clock, time)) }
}
lock! {
    /// pthread_rwlock_wrlock(3).
    fn pthread_rwlock_wrlock(lock: *mut pthread_rwlock_t) -> c_int = libc::pthread_rwlock_wrlock, unless to_be_written!(),
        waits BlockingCall::Lock(LockKind::Write), free free_of_all!(), gate take;
    |caller| { acquire(lock as usize, caller, LockKind::Write, || real(lock)) }
}
lock! {
    /// pthread_rwlock_trywrlock(3).
    fn pthread_rwlock_trywrlock(lock: *mut pthread_rwlock_t) -> c_int = libc::pthread_rwlock_trywrlock, unless to_be_written!(), gate take;
    |caller| { try_acquire(lock as usize, caller, LockKind::Write, || real(lock)) }
}
lock! {
    /// pthread_rwlock_timedwrlock(3).
    fn pthread_rwlock_timedwrlock(lock: *mut pthread_rwlock_t, time: *const timespec) -> c_int, unless to_be_written!(),
        waits BlockingCall::Timed(LockKind::Write), free free_of_all!(), gate take;
    |caller| { acquire(lock as usize, caller, LockKind::Write, || real(lock, time)) }
}
lock! {
    /// pthread_rwlock_clockwrlock(3).
    fn pthread_rwlock_clockwrlock(lock: *mut pthread_rwlock_t, clock: clockid_t, time: *const timespec) -> c_int,
        unless to_be_written!(), waits BlockingCall::Timed(LockKind::Write), free free_of_all!(), gate take;
    |caller| { acquire(lock as usize, caller, LockKind::Write, || real(lock, clock, time)) }
}
lock! {
    /// pthread_rwlock_unlock(3).
    fn pthread_rwlock_unlock(lock: *mut pthread_rwlock_t) -> c_int = libc::pthread_rwlock_unlock, unless written!(), gives released, gate give;
    |_caller| { release(lock as usize, || real(lock)) }
}
lock! {
    /// pthread_rwlock_init(3).
    fn pthread_rwlock_init(lock: *mut pthread_rwlock_t, attributes: *const pthread_rwlockattr_t) -> c_int
        = libc::pthread_rwlock_init, gives anew;
    |_caller| { real(lock, attributes) }
}
