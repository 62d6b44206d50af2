//! Semaphores: some are locks (CPython's `threading.Lock` until 3.13), some are signals; `forkguard_core::semaphore` tells them
//! apart by who posts.
use super::*;
use forkguard_core::held::{HOLDS, Kind, MADE, WAITS, holder};
use forkguard_core::semaphore;
use forkguard_core::thread::{self, Slot};
use libc::{c_int, c_uint, clockid_t, sem_t, timespec};
use std::sync::atomic::Ordering::Relaxed;

/// A thread that holds this many entries is looked at more closely: signals that it received must not fill its slot.
const MANY: usize = 4;

/// How an acquired semaphore is held: as one's own token, if this thread made it last.
#[inline(always)]
fn flags(slot: &Slot, address: usize) -> u32 {
    if slot.made.load(Relaxed) == address {
        slot.made.store(0, Relaxed);
        return HOLDS | MADE;
    }
    HOLDS
}

/// Notes the wait, takes the count, notes the outcome. A semaphore that this thread took before is one entry, not two: a
/// consumer that only ever waits must not fill its slot.
#[inline(always)]
fn acquire(address: usize, caller: usize, take: impl FnOnce() -> c_int) -> c_int {
    let Some(slot) = holder() else { return take() };
    if slot.find(address).is_some() {
        return acquire_again(slot, address, take);
    }
    let index = slot.push(address, caller, Kind::Semaphore as u32 | WAITS);
    let result = take();
    if result != 0 || index >= MANY && semaphore::is_signal(address) {
        slot.cancel(index);
    } else {
        slot.mark(index, Kind::Semaphore, flags(slot, address));
    }
    result
}

#[cold]
fn acquire_again(slot: &Slot, address: usize, take: impl FnOnce() -> c_int) -> c_int {
    let mark = |flags| {
        if let Some(index) = slot.find(address) {
            slot.mark(index, Kind::Semaphore, flags);
        }
    };
    mark(HOLDS | WAITS);
    let result = take();
    mark(HOLDS);
    result
}

lock! {
    /// sem_wait(3).
    fn sem_wait(semaphore: *mut sem_t) -> c_int = libc::sem_wait;
    |caller| { acquire(semaphore as usize, caller, || real(semaphore)) }
}
lock! {
    /// sem_timedwait(3).
    fn sem_timedwait(semaphore: *mut sem_t, time: *const timespec) -> c_int = libc::sem_timedwait;
    |caller| { acquire(semaphore as usize, caller, || real(semaphore, time)) }
}
lock! {
    /// sem_clockwait(3).
    fn sem_clockwait(semaphore: *mut sem_t, clock: clockid_t, time: *const timespec) -> c_int;
    |caller| { acquire(semaphore as usize, caller, || real(semaphore, clock, time)) }
}
lock! {
    /// sem_trywait(3).
    fn sem_trywait(semaphore: *mut sem_t) -> c_int = libc::sem_trywait;
    |caller| {
        let result = real(semaphore);
        if result == 0
            && let Some(slot) = holder()
            && slot.find(semaphore as usize).is_none()
        {
            slot.push(semaphore as usize, caller, Kind::Semaphore as u32 | flags(slot, semaphore as usize));
        }
        result
    }
}
lock! {
    /// sem_post(3).
    fn sem_post(semaphore: *mut sem_t) -> c_int = libc::sem_post;
    |_caller| {
        if let Some(slot) = holder()
            && !slot.pop(semaphore as usize)
        {
            semaphore::mark_signal(semaphore as usize);
        }
        real(semaphore)
    }
}
hook! {
    /// sem_init(3): whatever was known of a semaphore at this address is forgotten. A lock begins free; what begins at zero waits for
    /// somebody's signal.
    fn sem_init(semaphore: *mut sem_t, shared: c_int, value: c_uint) -> c_int = libc::sem_init;
    |_caller| {
        match value {
            0 => semaphore::mark_signal(semaphore as usize),
            _ => semaphore::forget(semaphore as usize),
        }
        if let Some(slot) = thread::mine() {
            slot.made.store(semaphore as usize, Relaxed);
        }
        real(semaphore, shared, value)
    }
}
