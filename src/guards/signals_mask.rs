//! FORKGUARD_SIGNALS_MASK=unblock: signals that only lost threads took are no longer blocked when the child begins its work.
//!
//! A threaded daemon blocks the signals that steer it everywhere, and one thread takes them by sigwait(3). Its child has the mask, not the
//! thread: nobody there will ever take such a signal.
use super::signals::numbers;
use crate::findings::signals_blocked;
use crate::ledger::{log_action, log_resolving_action};
use crate::options::{self, SignalsMask};
use forkguard_core::fixed::Text;
use forkguard_core::fork::{self as core_fork, Snapshot};
use forkguard_core::kernel;
use forkguard_core::registry::{signals, threads};
use forkguard_report::event::{FindingKind, Guard};
use std::sync::atomic::Ordering::Relaxed;

/// Signals whose default is what their sender means: that the process ends.
const ENDING: u64 = 1 << (libc::SIGTERM - 1) | 1 << (libc::SIGINT - 1) | 1 << (libc::SIGQUIT - 1);

/// All signals but those of real time, which have no name.
const STANDARD: u64 = (1 << 31) - 1;

/// Before this child waits for work in a call that takes the signals `attended` itself.
pub(crate) fn unblock_before_wait(attended: u64) {
    if options::get().signals_mask != SignalsMask::Unblock || !options::guards() {
        return;
    }
    if let Some(fork) = core_fork::birth() {
        let blocked = fork.blocked & kernel::blocked_signals() & !attended;
        let untaken = blocked & taken_by_lost_threads(fork) & (ENDING | caught()) & STANDARD;
        // A thread of the child's own may be the one that takes them now.
        if untaken != 0 && threads::live() <= 1 {
            unblock(fork, untaken);
        }
    }
}

fn taken_by_lost_threads(fork: &Snapshot) -> u64 {
    let lost = core_fork::lost_threads().filter(|(of, _)| of.sequence == fork.sequence && of.leader == fork.leader);
    lost.fold(0, |signals, (_, thread)| signals | thread.slot.takes_signals.load(Relaxed))
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
    // Logged before: a signal that is pending may end this process right here.
    if signals_blocked::steers(fork.blocked & !signals) {
        log_action(Guard::SignalsMask, action, subject, start, Ok(()));
    } else {
        let resolved = (FindingKind::SignalsBlocked, format_args!("{}", signals_blocked::MASK), "forkguard unblocked them");
        log_resolving_action(Guard::SignalsMask, action, subject, start, Ok(()), resolved);
    }
    kernel::set_blocked_signals(kernel::blocked_signals() & !signals);
}

fn names(set: u64) -> Text<64> {
    let mut names = Text::new();
    for number in numbers(set) {
        names.append(if names.as_str().is_empty() { "" } else { ", " });
        names.append(signals::name(number));
    }
    names
}
