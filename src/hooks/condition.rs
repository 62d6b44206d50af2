//! Conditions and barriers: while a thread waits for a condition, it does not hold the mutex.
use crate::child::settle;
use crate::child::waits::{self, BlockingCall};
use crate::child::work::Awaited;
use crate::entry::WaitLength;
use crate::sites;
use forkguard_core::registry::held::HOLDS;
use forkguard_core::registry::threads::{Slot, holder};
use forkguard_core::{flags, kernel};
use libc::{c_int, clockid_t, pthread_barrier_t, pthread_cond_t, pthread_mutex_t, timespec};
use std::sync::atomic::Ordering::Relaxed;

#[inline(always)]
fn wait(condition: usize, mutex: usize, caller: usize, wait: impl FnOnce() -> c_int) -> c_int {
    let Some(slot) = holder() else { return wait() };
    let held = slot.held.find(mutex).and_then(|entry| Some((entry, entry.kind()?)));
    if let Some((entry, kind)) = held {
        entry.set(kind, 0);
    }
    slot.waits_at.store(caller, Relaxed);
    slot.waits_for.store(condition, Relaxed);
    let result = if begins_on_own_stack(slot, condition) { idle(slot, wait) } else { wait() };
    slot.waits_for.store(0, Relaxed);
    if let Some((entry, kind)) = held {
        entry.set(kind, HOLDS);
    }
    result
}

/// True for a condition that lies where the stack of this thread begins, below what the C library keeps there: among the variables of its start
/// routine.
#[inline(always)]
fn begins_on_own_stack(slot: &Slot, condition: usize) -> bool {
    const BEGINNING: usize = 16 << 10;
    slot.handle.load(Relaxed).wrapping_sub(condition) < BEGINNING
}

/// MRI keeps the native thread of a thread that has ended for the next one that begins (thread_pthread.c, register_cached_thread_and_wait, until
/// 3.2): while it waits there it is no thread of the program's, and afterwards another one, of which nobody saw who started it.
#[cold]
fn idle(slot: &Slot, wait: impl FnOnce() -> c_int) -> c_int {
    let is_kept = sites::is_in_ruby(slot.start.load(Relaxed));
    slot.idle.store(u32::from(is_kept), Relaxed);
    let result = wait();
    if slot.idle.swap(0, Relaxed) != 0 && result == 0 {
        slot.creator.store(0, Relaxed);
        slot.site.store(0, Relaxed);
    }
    result
}

/// Before a wait up to a time, which in a child's only thread is a sleep: the child may settle. Ruby sleeps so. Who waits for the interpreter's lock
/// holds what every look at the interpreter may need.
#[inline(always)]
fn sleep(call: &'static &'static str, condition: *const pthread_cond_t, clock: clockid_t, time: *const timespec) {
    if flags::is_settling() && !sites::is_interpreters_own(condition as usize) && kernel::kernel_threads() == 1 {
        settle::settle_before_wait(call, Awaited::Time, WaitLength::until(clock as usize, time as usize));
    }
}

lock! {
    /// pthread_cond_wait(3).
    fn pthread_cond_wait(condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t) -> c_int = libc::pthread_cond_wait,
        waits BlockingCall::Condition, versions ["GLIBC_2.3.2"; "GLIBC_2.2.5"];
    |caller| { wait(condition as usize, mutex as usize, caller, || real(condition, mutex)) }
}
lock! {
    /// pthread_cond_timedwait(3).
    fn pthread_cond_timedwait(condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, time: *const timespec) -> c_int
        = libc::pthread_cond_timedwait,
        waits BlockingCall::TimedCondition,
        sleeps |condition, _, time| sleep(&"pthread_cond_timedwait", condition, waits::condition_clock(condition as usize), time),
        versions ["GLIBC_2.3.2"; "GLIBC_2.2.5"];
    |caller| { wait(condition as usize, mutex as usize, caller, || real(condition, mutex, time)) }
}
lock! {
    /// pthread_cond_clockwait(3).
    fn pthread_cond_clockwait(
        condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, clock: clockid_t, time: *const timespec
    ) -> c_int,
        waits BlockingCall::TimedCondition,
        sleeps |condition, _, clock, time| sleep(&"pthread_cond_clockwait", condition, clock, time);
    |caller| { wait(condition as usize, mutex as usize, caller, || real(condition, mutex, clock, time)) }
}
lock! {
    /// cnd_wait(3).
    fn cnd_wait(condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t) -> c_int,
        waits BlockingCall::Condition;
    |caller| { wait(condition as usize, mutex as usize, caller, || real(condition, mutex)) }
}
lock! {
    /// cnd_timedwait(3).
    fn cnd_timedwait(condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, time: *const timespec) -> c_int,
        waits BlockingCall::TimedCondition,
        sleeps |condition, _, time| sleep(&"cnd_timedwait", condition, libc::CLOCK_REALTIME, time);
    |caller| { wait(condition as usize, mutex as usize, caller, || real(condition, mutex, time)) }
}
lock! {
    /// pthread_cond_destroy(3): glibc waits for those who still wait.
    fn pthread_cond_destroy(condition: *mut pthread_cond_t) -> c_int = libc::pthread_cond_destroy, waits BlockingCall::ConditionEnd,
        versions ["GLIBC_2.3.2"; "GLIBC_2.2.5"];
    |_caller| { real(condition) }
}
lock! {
    /// cnd_destroy(3).
    fn cnd_destroy(condition: *mut pthread_cond_t) -> (), waits BlockingCall::ConditionEnd;
    |_caller| { real(condition) }
}
lock! {
    /// pthread_barrier_wait(3).
    fn pthread_barrier_wait(barrier: *mut pthread_barrier_t) -> c_int = libc::pthread_barrier_wait, waits BlockingCall::Barrier;
    |_caller| { real(barrier) }
}
