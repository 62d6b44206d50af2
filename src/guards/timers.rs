//! FORKGUARD_TIMERS=rearm: the profiling timers that fork takes away run on in the child.
use crate::describe;
use crate::ledger::log_resolving_action;
use crate::options::{self, Timers};
use forkguard_core::fork::Snapshot;
use forkguard_core::kernel::{self, IntervalTimer};
use forkguard_report::event::{FindingKind, Guard};
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
