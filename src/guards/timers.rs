//! FORKGUARD_TIMERS=rearm: the periodic timers that fork takes away run on in the child: those of setitimer that count the process's own time,
//! and those of timer_create.
//!
//! The program goes on with the timer_t that it has, so a new timer gets the same one: the kernel numbers a process's timers in turn. One that
//! starts a thread (before 2.34 each one) is glibc's own object with the kernel's number in it, which stays in the child's memory; only the
//! kernel's timer and glibc's helper thread have to be made again, which glibc does for the next timer of that kind.
use crate::describe;
use crate::entry::{Scratch, record_with_scratch};
use crate::findings::timer_lost;
use crate::ledger::log_resolving_action;
use crate::options::{self, Timers};
use forkguard_core::fork::Snapshot;
use forkguard_core::glibc::{TimerEvent, notification, timer_number};
use forkguard_core::kernel::{self, IntervalTimer};
use forkguard_core::registry::timers::{self, Timer};
use forkguard_report::event::{FindingKind, Guard};
use libc::{sigevent, timer_t};
use std::mem::zeroed;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Timers that count the process's own time, by their numbers in setitimer(2), and the signals that they send.
const PROFILING: [(i32, i32); 2] = [(libc::ITIMER_VIRTUAL, libc::SIGVTALRM), (libc::ITIMER_PROF, libc::SIGPROF)];
/// Their values before the fork.
static BEFORE_FORK: [[AtomicUsize; 4]; 2] = [const { [const { AtomicUsize::new(0) }; 4] }; 2];

/// See [`super::before_fork`].
pub(super) fn before_fork() {
    if options::get().timers == Timers::Rearm {
        for ((which, _), words) in PROFILING.iter().zip(&BEFORE_FORK) {
            kernel::interval_timer(*which).into_iter().zip(words).for_each(|(value, word)| word.store(value, Relaxed));
        }
    }
}

/// See [`super::in_child`].
pub(super) fn in_child(fork: &'static Snapshot) {
    if options::get().timers != Timers::Rearm {
        return;
    }
    for ((which, signal), words) in PROFILING.into_iter().zip(&BEFORE_FORK) {
        let value: IntervalTimer = std::array::from_fn(|i| words[i].load(Relaxed));
        // A timer that fires once has a purpose in the leader; without a handler it would end the child.
        let is_periodic = value[..2] != [0, 0];
        let is_caught = || kernel::signal_action(signal).is_some_and(|action| action.handler > libc::SIG_IGN);
        if fork.interval_timers & 1 << which != 0 && is_periodic && is_caught() {
            arm(fork, which, &value);
        }
    }
}

fn arm(fork: &Snapshot, which: i32, value: &IntervalTimer) {
    let start = kernel::monotonic_by_syscall();
    let result = kernel::set_interval_timer(which, value).map_err(|errno| errno.raw_os_error());
    let clock = describe::interval_clock(which);
    // The finding's id as the rule timer_lost makes it.
    let index = (fork.interval_timers & ((1 << which) - 1)).count_ones();
    let resolved = (FindingKind::TimerLost, format_args!("{clock}-{index}"), "forkguard armed it again");
    let subject = format_args!("setitimer on the {clock} clock");
    log_resolving_action(Guard::Timers, "armed again", subject, start, result, resolved);
}

/// See [`super::at_end_of_fork`]: glibc's own child handler has run, which forgets its helper thread.
pub(super) fn at_end_of_fork(fork: &'static Snapshot) {
    if options::get().timers == Timers::Rearm && !fork.timers.as_slice().is_empty() {
        record_with_scratch(|scratch| rearm_created(scratch, fork));
    }
}

fn rearm_created(scratch: &Scratch, fork: &'static Snapshot) {
    let arena = scratch.arena();
    let described = describe::timers(&arena, fork);
    let first = fork.interval_timers.count_ones() as usize;
    // The kernel counts upwards.
    let lost_timers = fork.timers.as_slice();
    let mut order = [(usize::MAX, 0); timers::CAPACITY];
    for (place, (index, timer)) in order.iter_mut().zip(lost_timers.iter().enumerate()) {
        *place = (timer.number.unwrap_or(usize::MAX), index);
    }
    let order = &mut order[..lost_timers.len()];
    order.sort_unstable();
    for (index, timer) in order.iter().map(|&(_, index)| (index, &lost_timers[index])) {
        let (Some(lost), true) = (described.get(first + index), runs_on(fork, timer)) else { continue };
        let start = kernel::monotonic_by_syscall();
        let result = make_again(fork, timer);
        let what = timer_lost::what(lost, first + index);
        let resolved = (FindingKind::TimerLost, format_args!("{}", what.as_str()), "forkguard armed it again");
        let subject = format_args!("timer_create on the {} clock", lost.clock);
        log_resolving_action(Guard::Timers, "armed again", subject, start, result, resolved);
    }
}

/// One that fires once has a purpose in the leader, and a signal without a handler would end the child; a lost thread gets no signal.
fn runs_on(fork: &Snapshot, timer: &Timer) -> bool {
    let is_caught = || kernel::signal_action(timer.signal).is_some_and(|action| action.handler > libc::SIG_IGN);
    timer.interval != 0
        && match notification(&timer.event) {
            libc::SIGEV_THREAD => true,
            libc::SIGEV_THREAD_ID => timer.event[2] as u32 == fork.thread && is_caught(),
            libc::SIGEV_SIGNAL => is_caught(),
            _ => false,
        }
}

/// Timers that are made only to come to the number of the lost one, at most.
const TURNS: usize = 256;

fn make_again(fork: &Snapshot, timer: &Timer) -> Result<(), i32> {
    let number = timer.number.ok_or(libc::ENOSYS)?;
    for _ in 0..TURNS {
        let made = create(fork, timer)?;
        match timer_number(made as usize, &timer.event) {
            Some(own) if own == number => return arm_created(timer, made),
            own => {
                // SAFETY: the timer that was just made.
                unsafe { libc::timer_delete(made) };
                if own.is_none_or(|own| own > number) {
                    break;
                }
            }
        }
    }
    Err(libc::EAGAIN)
}

fn create(fork: &Snapshot, timer: &Timer) -> Result<timer_t, i32> {
    // SAFETY: plain words, for which zeros are a value.
    let mut event: sigevent = unsafe { zeroed() };
    let [value, how, mut target] = timer.event;
    if notification(&timer.event) == libc::SIGEV_THREAD_ID && target as u32 == fork.thread {
        target = kernel::thread_id() as usize;
    }
    // SAFETY: of three words an event has more.
    unsafe { (&raw mut event).cast::<TimerEvent>().write([value, how, target]) };
    let event = if timer.event == [0; 3] { ptr::null_mut() } else { &raw mut event };
    let mut made = ptr::null_mut();
    // SAFETY: both are valid; the hook of this name passes through.
    match unsafe { libc::timer_create(timer.clock, event, &raw mut made) } {
        0 => Ok(made),
        _ => Err(last_error()),
    }
}

fn arm_created(timer: &Timer, made: timer_t) -> Result<(), i32> {
    let interval =
        libc::timespec { tv_sec: (timer.interval / 1_000_000_000) as i64, tv_nsec: (timer.interval % 1_000_000_000) as i64 };
    let value = libc::itimerspec { it_interval: interval, it_value: interval };
    // SAFETY: the timer that was just made, and a valid value; the hook of this name passes through.
    match unsafe { libc::timer_settime(made, 0, &raw const value, ptr::null_mut()) } {
        0 => timers::arm(timer.id, true, timer.interval, timer.site),
        _ => return Err(last_error()),
    }
    Ok(())
}

fn last_error() -> i32 {
    crate::entry::errno::get()
}
