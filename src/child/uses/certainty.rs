//! How certain it is that the leader has an inherited descriptor open, too.
use crate::describe::descriptors;
use crate::entry::record_with_scratch;
use forkguard_core::fork::{self as core_fork, ForkCall, shared_page};
use forkguard_core::kernel::{self, other_process};
use forkguard_core::registry;
use forkguard_report::event::Severity;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// A leader that made a connection for its child closes its own copy as soon as it goes on after the fork. A young child gives it that
/// time, once.
pub(super) const HANDING_OVER_NS: u64 = 10_000_000;
const YOUNG_NS: u64 = 200_000_000;
#[unsafe(link_section = "forkguard_words")]
static GIVEN_TIME: AtomicBool = AtomicBool::new(false);

/// In a forked child.
pub(super) fn reset() {
    GIVEN_TIME.store(false, Relaxed);
}

/// True for a young child whose leader is to be given time: the first time that this is asked.
pub(super) fn gives_time() -> bool {
    let young = core_fork::birth().is_some_and(|birth| kernel::monotonic() - birth.entered <= YOUNG_NS);
    young && !GIVEN_TIME.swap(true, Relaxed)
}

/// How certain it is that a process above this one has the descriptor open, too; None when it has not. (A handler may use it on a small
/// stack: paths need room.)
pub(super) fn certainty(fd: i32) -> Option<Severity> {
    let number = registry::descriptors::number_at_fork(fd);
    // By the thread that forked, too: of a leader whose main thread has ended only its other threads show what is open. A daemon's ends.
    let leaders = || core_fork::ancestors().filter(|s| s.call != ForkCall::Daemon).flat_map(|s| [s.leader, s.thread]);
    let certainty = |leader| match descriptors::is_shared_with(leader, number, fd) {
        Some(shared) => shared.then_some(Severity::Error),
        None => Some(Severity::Warning),
    };
    record_with_scratch(|_| leaders().filter_map(certainty).max()).flatten()
}

/// Threads above this child that may be about to close what they hand over: as long as they run, or wait for a processor, and have not run for
/// long enough to do so.
struct Leaders {
    ran: [(u32, u64); Leaders::MOST],
}

impl Leaders {
    const MOST: usize = 4;
    const ENOUGH_NS: u64 = 5_000_000;

    fn now() -> Leaders {
        let mut ran = [(0, 0); Leaders::MOST];
        let threads = core_fork::ancestors().map(|fork| fork.thread);
        ran.iter_mut()
            .zip(threads)
            .for_each(|(slot, thread)| *slot = (thread, other_process::run_time(thread).unwrap_or(u64::MAX)));
        Leaders { ran }
    }

    fn go_on(&self) -> bool {
        let has_time =
            |thread, before| other_process::run_time(thread).is_some_and(|now| now.saturating_sub(before) < Self::ENOUGH_NS);
        let goes_on =
            |thread, before| before != u64::MAX && other_process::state(thread) == Some(b'R') && has_time(thread, before);
        self.ran.iter().any(|&(thread, before)| thread != 0 && goes_on(thread, before))
    }
}

/// The same once a leader that hands the descriptor over has had the time to close its own: on a busy machine it may wait for a processor first.
pub(super) fn certainty_in_time(fd: i32) -> Option<Severity> {
    const STEP_NS: u64 = 500_000;
    const MOST_NS: u64 = 1_000_000_000;
    let mut found = certainty(fd)?;
    let fork = core_fork::birth()?;
    if !gives_time() {
        return Some(found);
    }
    if fork.full {
        shared_page::await_leader(fork.leader, fork.sequence);
    }
    let (start, leaders) = (kernel::monotonic(), Leaders::now());
    let waited = || kernel::monotonic() - start;
    while waited() < HANDING_OVER_NS || waited() < MOST_NS && leaders.go_on() {
        kernel::sleep(STEP_NS);
        found = certainty(fd)?;
    }
    Some(found)
}
