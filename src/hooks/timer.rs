//! Timers: none of them exists in a forked child.
use crate::child::timers::{Armed, armed as child_arms};
use crate::entry::record;
use crate::sites;
use forkguard_core::glibc::TimerEvent;
use forkguard_core::registry::timers;
use forkguard_core::{flags, gate};
use libc::{c_int, c_uint, clockid_t, itimerspec, itimerval, sigevent, timer_t, useconds_t};

/// A forked child may have lost such a timer.
fn rearmed(timer: Armed) {
    if flags::is_forked_child() && !gate::is_guest() {
        child_arms(timer);
    }
}

hook! {
    /// timer_create(2).
    fn timer_create(clock: clockid_t, event: *mut sigevent, timer: *mut timer_t) -> c_int = libc::timer_create,
        versions ["GLIBC_2.34" "GLIBC_2.3.3"; "GLIBC_2.2.5"];
    |caller| {
        let result = real(clock, event, timer);
        if result == 0 {
            // SAFETY: the real function read and wrote them; of three words each event has more.
            let (id, words, event) = unsafe { (*timer as usize, event.cast::<TimerEvent>().as_ref(), event.as_ref()) };
            let words = words.copied().unwrap_or_default();
            let signal = event.map_or(libc::SIGALRM, |e| if e.sigev_notify == libc::SIGEV_NONE { 0 } else { e.sigev_signo });
            record(|_| timers::create(id, clock, signal, words, sites::capture_timer(caller)));
        }
        result
    }
}
hook! {
    /// timer_settime(2).
    fn timer_settime(timer: timer_t, flags: c_int, new: *const itimerspec, old: *mut itimerspec) -> c_int = libc::timer_settime,
        versions ["GLIBC_2.34" "GLIBC_2.3.3"; "GLIBC_2.2.5"];
    |caller| {
        // SAFETY: as the host gave it.
        let new_value = unsafe { new.as_ref() };
        let armed = new_value.is_some_and(|t| t.it_value.tv_sec != 0 || t.it_value.tv_nsec != 0);
        let interval = new_value.map_or(0, |t| t.it_interval.tv_sec as u64 * 1_000_000_000 + t.it_interval.tv_nsec as u64);
        let result = real(timer, flags, new, old);
        if result == 0 {
            record(|_| timers::arm(timer as usize, armed, interval, sites::capture_timer(caller)));
            if let Some(clock) = timers::clock(timer as usize).filter(|_| armed) {
                rearmed(Armed::Created(clock));
            }
        }
        result
    }
}
hook! {
    /// timer_delete(2).
    fn timer_delete(timer: timer_t) -> c_int = libc::timer_delete,
        versions ["GLIBC_2.34" "GLIBC_2.3.3"; "GLIBC_2.2.5"];
    |_caller| {
        record(|_| timers::delete(timer as usize));
        real(timer)
    }
}
hook! {
    /// setitimer(2).
    fn setitimer(which: c_int, new: *const itimerval, old: *mut itimerval) -> c_int = libc::setitimer;
    |caller| {
        let result = real(which, new, old);
        if result == 0 {
            record(|_| timers::arm_interval(which, sites::capture(caller)));
            // SAFETY: the real function read it; null disarms.
            if unsafe { new.as_ref() }.is_some_and(|t| t.it_value.tv_sec != 0 || t.it_value.tv_usec != 0) {
                rearmed(Armed::Interval(which));
            }
        }
        result
    }
}
hook! {
    /// alarm(2): ITIMER_REAL.
    fn alarm(seconds: c_uint) -> c_uint = libc::alarm;
    |caller| {
        record(|_| timers::arm_alarm(sites::capture(caller)));
        if seconds != 0 {
            rearmed(Armed::Interval(libc::ITIMER_REAL));
        }
        real(seconds)
    }
}
hook! {
    /// ualarm(3): ITIMER_REAL.
    fn ualarm(delay: useconds_t, interval: useconds_t) -> useconds_t;
    |caller| {
        record(|_| timers::arm_alarm(sites::capture(caller)));
        if delay != 0 {
            rearmed(Armed::Interval(libc::ITIMER_REAL));
        }
        real(delay, interval)
    }
}
