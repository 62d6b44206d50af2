//! FORKGUARD_TIMERS=rearm: the profiling timers that fork takes away run on in the child.
use super::*;
use crate::options::Timers;
use forkguard_core::raw::IntervalTimer;
use std::sync::atomic::AtomicUsize;

/// Those that count the process's own time, by their numbers in setitimer(2), and what they send.
const PROFILING: [(i32, i32); 2] = [(libc::ITIMER_VIRTUAL, libc::SIGVTALRM), (libc::ITIMER_PROF, libc::SIGPROF)];
/// How they stood before the fork.
static STOOD: [[AtomicUsize; 4]; 2] = [const { [const { AtomicUsize::new(0) }; 4] }; 2];

/// See [`super::before_fork`].
pub(super) fn before_fork() {
    if options::get().timers == Timers::Rearm {
        for ((which, _), stood) in PROFILING.iter().zip(&STOOD) {
            raw::interval_timer(*which).into_iter().zip(stood).for_each(|(now, word)| word.store(now, Relaxed));
        }
    }
}

/// See [`super::in_child`]. One that fires once has a purpose in the leader; without a handler it would end the child.
pub(super) fn in_child(fork: &'static Inner) {
    if options::get().timers != Timers::Rearm {
        return;
    }
    for ((which, signal), stood) in PROFILING.into_iter().zip(&STOOD) {
        let value: IntervalTimer = std::array::from_fn(|i| stood[i].load(Relaxed));
        let caught = raw::signal_action(signal).is_some_and(|action| action.handler > libc::SIG_IGN);
        if fork.interval_timers & 1 << which != 0 && value[..2] != [0, 0] && caught {
            let start = raw::monotonic_of_kernel();
            let result = raw::set_interval_timer(which, &value).map_err(|errno| errno.raw_os_error());
            let clock = crate::describe::interval_clock(which);
            // As timer_lost::what names it.
            let index = (fork.interval_timers & ((1 << which) - 1)).count_ones();
            let end = (Kind::TimerLost, format_args!("{clock}-{index}"), "forkguard armed it again");
            log_resolving_action(
                Guard::Timers,
                "armed again",
                format_args!("setitimer on the {clock} clock"),
                start,
                result,
                end,
            );
        }
    }
}
