//! Conditions and barriers: while a thread waits for a condition, it does not hold the mutex.
use crate::child::waits::BlockingCall;
use forkguard_core::registry::held::HOLDS;
use forkguard_core::registry::threads::holder;
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
    let result = wait();
    slot.waits_for.store(0, Relaxed);
    if let Some((entry, kind)) = held {
        entry.set(kind, HOLDS);
    }
    result
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
        waits BlockingCall::TimedCondition, versions ["GLIBC_2.3.2"; "GLIBC_2.2.5"];
    |caller| { wait(condition as usize, mutex as usize, caller, || real(condition, mutex, time)) }
}
lock! {
    /// pthread_cond_clockwait(3).
    fn pthread_cond_clockwait(
        condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, clock: clockid_t, time: *const timespec
    ) -> c_int,
        waits BlockingCall::TimedCondition;
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
        waits BlockingCall::TimedCondition;
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
