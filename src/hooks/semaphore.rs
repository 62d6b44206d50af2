//! Semaphores: some are locks (CPython's `threading.Lock` until 3.13), some are signals; `forkguard_core::registry::semaphores` tells them
//! apart by who posts.
use crate::child::waits::{self, BlockingCall};
use crate::entry::record;
use crate::sites;
use forkguard_core::gate;
use forkguard_core::glibc::LockKind;
use forkguard_core::registry::held::{HOLDS, HeldEntry, MADE, WAITS};
use forkguard_core::registry::semaphores;
use forkguard_core::registry::threads::{self, Slot, holder};
use libc::{c_int, c_uint, clockid_t, sem_t, timespec};
use std::sync::atomic::Ordering::Relaxed;

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
    match threads::mine() {
        // Nothing held, nothing made: what nearly every wait finds.
        Some(slot) if slot.held.holds_nothing() && slot.made.load(Relaxed) == 0 => {
            let entry = slot.held.push_first(address, caller, LockKind::Semaphore as u32 | WAITS);
            let result = take();
            if result == 0 {
                entry.set(LockKind::Semaphore, HOLDS);
                return result;
            }
            not_taken(entry, result)
        }
        _ => acquire_among_others(address, caller, take),
    }
}

#[cold]
#[inline(never)]
fn not_taken(entry: &HeldEntry, result: c_int) -> c_int {
    if let Some(slot) = holder() {
        slot.held.cancel(Some(entry));
    }
    result
}

#[inline(never)]
fn acquire_among_others(address: usize, caller: usize, take: impl FnOnce() -> c_int) -> c_int {
    let Some(slot) = holder() else { return take() };
    if slot.held.find(address).is_some() {
        return acquire_again(slot, address, take);
    }
    let Some(entry) = slot.held.push(address, caller, LockKind::Semaphore as u32 | WAITS) else { return take() };
    let result = take();
    if result != 0 || slot.held.holds_many() && semaphores::is_signal(address) {
        slot.held.cancel(Some(entry));
    } else {
        entry.set(LockKind::Semaphore, flags(slot, address));
    }
    result
}

fn acquire_again(slot: &Slot, address: usize, take: impl FnOnce() -> c_int) -> c_int {
    let own = slot.held.find(address).map_or(0, |entry| entry.flags() & MADE);
    // Looked for anew after the wait: a signal handler may have posted it meanwhile.
    let mark = |flags| slot.held.find(address).inspect(|entry| entry.set(LockKind::Semaphore, flags | own));
    mark(HOLDS | WAITS);
    let result = take();
    mark(HOLDS);
    result
}

/// Assembly: a count to take.
macro_rules! free_semaphore {
    () => {
        "cmp dword ptr [rdi], 0\n je 3f"
    };
}

/// Assembly: threads that wait for the semaphore, lost ones too.
macro_rules! has_waiters {
    () => {
        "cmp dword ptr [rdi + 4], 0\n jne 3f"
    };
}

lock! {
    /// sem_wait(3).
    fn sem_wait(semaphore: *mut sem_t) -> c_int = libc::sem_wait,
        waits BlockingCall::Lock(LockKind::Semaphore), free free_semaphore!(), gate take;
    |caller| { acquire(semaphore as usize, caller, || real(semaphore)) }
}
lock! {
    /// sem_timedwait(3).
    fn sem_timedwait(semaphore: *mut sem_t, time: *const timespec) -> c_int = libc::sem_timedwait,
        waits BlockingCall::Timed(LockKind::Semaphore), free free_semaphore!(), gate take;
    |caller| { acquire(semaphore as usize, caller, || real(semaphore, time)) }
}
lock! {
    /// sem_clockwait(3).
    fn sem_clockwait(semaphore: *mut sem_t, clock: clockid_t, time: *const timespec) -> c_int,
        waits BlockingCall::Timed(LockKind::Semaphore), free free_semaphore!(), gate take;
    |caller| { acquire(semaphore as usize, caller, || real(semaphore, clock, time)) }
}
lock! {
    /// sem_trywait(3).
    fn sem_trywait(semaphore: *mut sem_t) -> c_int = libc::sem_trywait, gate try_take;
    |caller| {
        let result = real(semaphore);
        if result == 0
            && let Some(slot) = holder()
            && slot.held.find(semaphore as usize).is_none()
        {
            slot.held.push(semaphore as usize, caller, LockKind::Semaphore as u32 | flags(slot, semaphore as usize));
        }
        result
    }
}
lock! {
    /// sem_post(3).
    fn sem_post(semaphore: *mut sem_t) -> c_int = libc::sem_post, gives posted, wakes has_waiters!(), gate give;
    |caller| {
        match threads::mine() {
            Some(slot) if slot.held.pop_top(semaphore as usize) => real(semaphore),
            _ => post_below(semaphore as usize, caller, || real(semaphore)),
        }
    }
}

/// It is not what this thread took last; what it did not take at all is a signal.
#[inline(never)]
fn post_below(address: usize, caller: usize, post: impl FnOnce() -> c_int) -> c_int {
    if let Some(slot) = holder()
        && !slot.held.pop(address)
    {
        semaphores::mark_signal(address);
        if gate::is_watched() {
            waits::before_post(slot, address, caller);
        }
    }
    post()
}

hook! {
    /// sem_init(3): whatever was known of a semaphore at this address is forgotten. A lock begins free; what begins at zero waits for
    /// somebody's signal.
    fn sem_init(semaphore: *mut sem_t, shared: c_int, value: c_uint) -> c_int = libc::sem_init;
    |_caller| {
        // CPython makes a semaphore for every lock.
        record(|_| sites::prove());
        if gate::is_watched() {
            waits::before_release(semaphore as usize, true);
        }
        match value {
            0 => semaphores::mark_signal(semaphore as usize),
            _ => semaphores::forget(semaphore as usize),
        }
        if let Some(slot) = threads::mine() {
            slot.made.store(semaphore as usize, Relaxed);
        }
        real(semaphore, shared, value)
    }
}
