//! Timers that were armed at a fork, and the names of their clocks.
use super::signals::signal_name;
use super::site::site;
use crate::entry::Arena;
use forkguard_core::fork::Snapshot;
use forkguard_core::registry::timers;
use forkguard_report::event::{Role, Timer};
use std::borrow::Cow::{self, Borrowed};

/// setitimer's clocks, by their numbers, and their signals.
const INTERVAL_CLOCKS: [(&str, i32); 3] = [("real", libc::SIGALRM), ("virtual", libc::SIGVTALRM), ("prof", libc::SIGPROF)];

/// The name of one of setitimer's clocks.
pub(crate) fn interval_clock(which: i32) -> Cow<'static, str> {
    Borrowed(INTERVAL_CLOCKS[which as usize % INTERVAL_CLOCKS.len()].0)
}

/// The timers that were armed at a fork.
pub(crate) fn timers<'a>(arena: &'a Arena, snapshot: &Snapshot) -> &'a [Timer<'a>] {
    let mut list = arena.list(INTERVAL_CLOCKS.len() + snapshot.timers.as_slice().len());
    for (which, (clock, number)) in INTERVAL_CLOCKS.iter().enumerate().filter(|(i, _)| snapshot.interval_timers & 1 << i != 0) {
        list.push(Timer {
            call: Borrowed(if which == 0 && timers::by_alarm() { "alarm" } else { "setitimer" }),
            clock: Borrowed(clock),
            signal: Some(signal_name(arena, *number)),
            site: site(arena, Role::Armed, 0, snapshot.interval_sites[which]),
            created: None,
        });
    }
    for timer in snapshot.timers.as_slice() {
        list.push(Timer {
            call: Borrowed("timer_create"),
            clock: clock_name(arena, timer.clock),
            signal: (timer.signal != 0).then(|| signal_name(arena, timer.signal)),
            site: site(arena, Role::Armed, 0, timer.site),
            created: site(arena, Role::Created, 0, timer.created),
        });
    }
    list.done()
}

/// A clock's name.
pub(crate) fn clock_name(arena: &Arena, clock: i32) -> Cow<'_, str> {
    match clock {
        libc::CLOCK_REALTIME => Borrowed("real"),
        libc::CLOCK_MONOTONIC => Borrowed("monotonic"),
        libc::CLOCK_BOOTTIME => Borrowed("boot"),
        libc::CLOCK_PROCESS_CPUTIME_ID => Borrowed("process-cpu"),
        libc::CLOCK_THREAD_CPUTIME_ID => Borrowed("thread-cpu"),
        other => Borrowed(arena.format(format_args!("clock {other}"))),
    }
}
