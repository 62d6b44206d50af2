//! Mutexes and spin locks: who holds which, and where it was taken.
use crate::child::waits::BlockingCall;
use forkguard_core::glibc::LockKind;
use forkguard_core::registry::held::{HOLDS, HeldEntry, WAITS};
use forkguard_core::registry::threads::{self, Slot, holder};
use libc::{c_int, clockid_t, pthread_mutex_t, pthread_spinlock_t, timespec};

/// Assembly: recursive (1) and errorcheck (2) mutexes know their owner and are broken in the child even when the forking thread
/// itself holds them: they are tracked in a process of one thread too. The kind is glibc's word at offset 16.
macro_rules! owner_checking {
    () => {
        "test byte ptr [rdi + 16], 3\n jne 2f"
    };
}

/// Assembly: a mutex's first word is zero while it is free.
macro_rules! free_mutex {
    () => {
        "cmp dword ptr [rdi], 0\n jne 3f"
    };
}

/// Assembly: a spin lock's word is one while it is free.
macro_rules! free_spin_lock {
    () => {
        "cmp dword ptr [rdi], 1\n jne 3f"
    };
}

// The fast halves below call nothing but the real function: what is rare stands apart, so that they need no frame of their own.

/// Notes the wait, takes the lock, notes the outcome.
#[inline(always)]
pub(super) fn acquire(address: usize, caller: usize, kind: LockKind, take: impl FnOnce() -> c_int) -> c_int {
    let Some(slot) = threads::mine() else { return acquire_first(address, caller, kind, take) };
    acquire_in(slot, address, caller, kind, take)
}

#[inline(always)]
fn acquire_in(slot: &Slot, address: usize, caller: usize, kind: LockKind, take: impl FnOnce() -> c_int) -> c_int {
    let Some(entry) = slot.held.push(address, caller, kind as u32 | WAITS) else { return take() };
    let result = take();
    if result == 0 {
        entry.set(kind, HOLDS);
        return result;
    }
    not_at_once(entry, kind, result)
}

/// The first lock of a thread that nobody saw start.
#[cold]
#[inline(never)]
fn acquire_first(address: usize, caller: usize, kind: LockKind, take: impl FnOnce() -> c_int) -> c_int {
    match holder() {
        Some(slot) => acquire_in(slot, address, caller, kind, take),
        None => take(),
    }
}

/// A lock whose last owner died is got all the same; any other answer means that it was not.
#[cold]
#[inline(never)]
fn not_at_once(entry: &HeldEntry, kind: LockKind, result: c_int) -> c_int {
    match (result, holder()) {
        (libc::EOWNERDEAD, _) => entry.set(kind, HOLDS),
        (_, Some(slot)) => slot.held.cancel(Some(entry)),
        (_, None) => {}
    }
    result
}

/// Takes the lock if it is free and notes that.
#[inline(always)]
pub(super) fn try_acquire(address: usize, caller: usize, kind: LockKind, take: impl FnOnce() -> c_int) -> c_int {
    let result = take();
    if matches!(result, 0 | libc::EOWNERDEAD)
        && let Some(slot) = holder()
    {
        slot.held.push(address, caller, kind as u32 | HOLDS);
    }
    result
}

/// Notes that the lock is given up, then gives it up.
#[inline(always)]
pub(super) fn release(address: usize, give: impl FnOnce() -> c_int) -> c_int {
    match threads::mine() {
        Some(slot) if slot.held.pop_top(address) => give(),
        slot => release_below(address, slot, give),
    }
}

/// It is not the one that was taken last, or not known at all.
#[cold]
#[inline(never)]
fn release_below(address: usize, slot: Option<&Slot>, give: impl FnOnce() -> c_int) -> c_int {
    if let Some(slot) = slot {
        slot.held.pop(address);
    }
    give()
}

lock! {
    /// pthread_mutex_lock(3).
    fn pthread_mutex_lock(mutex: *mut pthread_mutex_t) -> c_int = libc::pthread_mutex_lock, unless owner_checking!(),
        waits BlockingCall::Lock(LockKind::Mutex), free free_mutex!(), gate take;
    |caller| { acquire(mutex as usize, caller, LockKind::Mutex, || real(mutex)) }
}
lock! {
    /// pthread_mutex_trylock(3).
    fn pthread_mutex_trylock(mutex: *mut pthread_mutex_t) -> c_int = libc::pthread_mutex_trylock, unless owner_checking!(), gate take;
    |caller| { try_acquire(mutex as usize, caller, LockKind::Mutex, || real(mutex)) }
}
lock! {
    /// pthread_mutex_timedlock(3).
    fn pthread_mutex_timedlock(mutex: *mut pthread_mutex_t, time: *const timespec) -> c_int = libc::pthread_mutex_timedlock,
        unless owner_checking!(),
        waits BlockingCall::Timed(LockKind::Mutex), free free_mutex!(), gate take;
    |caller| { acquire(mutex as usize, caller, LockKind::Mutex, || real(mutex, time)) }
}
lock! {
    /// pthread_mutex_clocklock(3).
    fn pthread_mutex_clocklock(mutex: *mut pthread_mutex_t, clock: clockid_t, time: *const timespec) -> c_int,
        unless owner_checking!(),
        waits BlockingCall::Timed(LockKind::Mutex), free free_mutex!(), gate take;
    |caller| { acquire(mutex as usize, caller, LockKind::Mutex, || real(mutex, clock, time)) }
}
lock! {
    /// pthread_mutex_unlock(3).
    fn pthread_mutex_unlock(mutex: *mut pthread_mutex_t) -> c_int = libc::pthread_mutex_unlock, unless owner_checking!(), gate give;
    |_caller| { release(mutex as usize, || real(mutex)) }
}
lock! {
    /// mtx_lock(3): C11's, which calls a pthread_mutex_lock inside libc that no hook sees. thrd_success is 0.
    fn mtx_lock(mutex: *mut pthread_mutex_t) -> c_int, unless owner_checking!(),
        waits BlockingCall::Lock(LockKind::C11Mutex), free free_mutex!(), gate take;
    |caller| { acquire(mutex as usize, caller, LockKind::C11Mutex, || real(mutex)) }
}
lock! {
    /// mtx_trylock(3).
    fn mtx_trylock(mutex: *mut pthread_mutex_t) -> c_int, unless owner_checking!(), gate take;
    |caller| { try_acquire(mutex as usize, caller, LockKind::C11Mutex, || real(mutex)) }
}
lock! {
    /// mtx_timedlock(3).
    fn mtx_timedlock(mutex: *mut pthread_mutex_t, time: *const timespec) -> c_int, unless owner_checking!(),
        waits BlockingCall::Timed(LockKind::C11Mutex), free free_mutex!(), gate take;
    |caller| { acquire(mutex as usize, caller, LockKind::C11Mutex, || real(mutex, time)) }
}
lock! {
    /// mtx_unlock(3).
    fn mtx_unlock(mutex: *mut pthread_mutex_t) -> c_int, unless owner_checking!(), gate give;
    |_caller| { release(mutex as usize, || real(mutex)) }
}
lock! {
    /// pthread_spin_lock(3).
    fn pthread_spin_lock(lock: *mut pthread_spinlock_t) -> c_int = libc::pthread_spin_lock,
        waits BlockingCall::Lock(LockKind::Spin), free free_spin_lock!(), gate take;
    |caller| { acquire(lock as usize, caller, LockKind::Spin, || real(lock)) }
}
lock! {
    /// pthread_spin_trylock(3).
    fn pthread_spin_trylock(lock: *mut pthread_spinlock_t) -> c_int = libc::pthread_spin_trylock, gate take;
    |caller| { try_acquire(lock as usize, caller, LockKind::Spin, || real(lock)) }
}
lock! {
    /// pthread_spin_unlock(3).
    fn pthread_spin_unlock(lock: *mut pthread_spinlock_t) -> c_int = libc::pthread_spin_unlock, gives released, gate give;
    |_caller| { release(lock as usize, || real(lock)) }
}
lock! {
    /// pthread_spin_init(3).
    fn pthread_spin_init(lock: *mut pthread_spinlock_t, shared: c_int) -> c_int = libc::pthread_spin_init, gives anew;
    |_caller| { real(lock, shared) }
}
