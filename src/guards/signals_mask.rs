//! FORKGUARD_SIGNALS_MASK=unblock: signals that only lost threads took are no longer blocked when the child begins its work.
//!
//! A threaded daemon blocks the signals that steer it everywhere, and one thread takes them by sigwait(3). Its child has the mask, not the
//! thread: nobody there will ever take such a signal.
use super::signals::numbers;
use crate::entry::WaitLength;
use crate::entry::held_signals::{blocked_by_host, unblock_for_host};
use crate::findings::signals_blocked;
use crate::ledger::{log_action, log_resolving_action};
use crate::options::{self, SignalsMask};
use forkguard_core::fixed::Text;
use forkguard_core::fork::{self as core_fork, Snapshot};
use forkguard_core::kernel::{self, other_process};
use forkguard_core::registry::signals;
use forkguard_core::registry::threads::{self, Slot};
use forkguard_report::event::{FindingKind, Guard};
use std::sync::atomic::Ordering::Relaxed;

/// Signals whose default is what their sender means: that the process ends.
const ENDING: u64 = 1 << (libc::SIGTERM - 1) | 1 << (libc::SIGINT - 1) | 1 << (libc::SIGQUIT - 1);

/// All signals but those of real time, which have no name.
const STANDARD: u64 = (1 << 31) - 1;

/// A thread that is older, in nanoseconds, has begun with what it is for.
const BEGINS_FOR_NS: u64 = 100_000_000;
const STEP_NS: u64 = 1_000_000;

/// Before this child waits for work in a call that takes the signals `attended` itself; how long it may wait for word of lost threads depends on
/// the `length` of that call.
pub(crate) fn unblock_before_wait(attended: u64, length: WaitLength) {
    if options::get().signals_mask != SignalsMask::Unblock || !options::guards() {
        return;
    }
    if let Some(fork) = core_fork::birth() {
        let blocked = fork.blocked & blocked_by_host() & !attended;
        let ending = blocked & (ENDING | caught()) & STANDARD;
        // A thread of the child's own may be the one that takes them now.
        if ending == 0 || threads::live() > 1 {
            return;
        }
        let untaken = ending & taken_by_lost_threads(fork, length);
        if untaken != 0 {
            unblock(fork, untaken);
        }
    }
}

fn taken_by_lost_threads(fork: &Snapshot, length: WaitLength) -> u64 {
    let lost = core_fork::lost_threads().filter(|(of, _)| of.sequence == fork.sequence && of.leader == fork.leader);
    lost.fold(0, |signals, (_, thread)| signals | taken_by(thread.slot, fork.leader, length))
}

/// A thread that was lost in its first moments may not have waited for its signals yet: then the leader's record of it is read, again and again
/// while it is young, unless the child's own wait is a short one.
fn taken_by(lost: &Slot, leader: u32, length: WaitLength) -> u64 {
    let taken_at_the_fork = lost.takes_signals.load(Relaxed);
    if taken_at_the_fork != 0 {
        return taken_at_the_fork;
    }
    for _ in 0..BEGINS_FOR_NS / STEP_NS {
        let Some(thread) = SinceFork::read(lost, leader) else { return 0 };
        if thread.takes_signals != 0 || !thread.is_young || length != WaitLength::Long {
            return thread.takes_signals;
        }
        kernel::sleep(STEP_NS);
    }
    0
}

/// What has become of a lost thread in the leader.
struct SinceFork {
    takes_signals: u64,
    is_young: bool,
}

impl SinceFork {
    /// None when the leader is gone, has become another program, or has no such thread any more.
    fn read(lost: &Slot, leader: u32) -> Option<Self> {
        let tid = kernel::bytes_of(leader, lost.tid.as_ptr().addr()).map(u32::from_ne_bytes)?;
        let made_at = other_process::made_at(format_args!("{leader}/task/{tid}"))?;
        let takes_signals = kernel::bytes_of(leader, lost.takes_signals.as_ptr().addr()).map(u64::from_ne_bytes)?;
        let is_young = made_at + BEGINS_FOR_NS > kernel::boottime();
        (kernel::parent_id() == leader).then_some(SinceFork { takes_signals, is_young })
    }
}

/// Signals for which this process has a handler.
fn caught() -> u64 {
    let is_caught = |signal: &i32| kernel::signal_action(*signal).is_some_and(|action| action.handler > libc::SIG_IGN);
    numbers(STANDARD).filter(is_caught).fold(0, |signals, signal| signals | 1 << (signal - 1))
}

fn unblock(fork: &Snapshot, signals: u64) {
    let start = kernel::monotonic_by_syscall();
    let names = names(signals);
    let subject = format_args!("{}", names.as_str());
    let action = "unblocked";
    if signals_blocked::steers(fork.blocked & !signals) {
        log_action(Guard::SignalsMask, action, subject, start, Ok(()));
    } else {
        let resolved = (FindingKind::SignalsBlocked, format_args!("{}", signals_blocked::MASK), "forkguard unblocked them");
        log_resolving_action(Guard::SignalsMask, action, subject, start, Ok(()), resolved);
    }
    unblock_for_host(signals);
}

fn names(set: u64) -> Text<64> {
    let mut names = Text::new();
    for number in numbers(set) {
        names.append(if names.as_str().is_empty() { "" } else { ", " });
        names.append(signals::name(number));
    }
    names
}
