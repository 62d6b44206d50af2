//! Calls in which a server waits: a forked child that waits for work there has settled, and a leader has time to look at its children.
//! One test of a flag ever after. (accept stands in `socket.rs`, which notes its result too; what reads and writes in `io.rs`.)
//!
//! What is done here takes a millisecond, and a handler that runs meanwhile would be one that the wait has missed: `while (!flag) pause();`
//! would wait for ever. So signals are kept pending while we work, and a wait that one of them would have ended is over at once, as if it
//! had come a moment later (EINTR). And no wait that has an end of the host's own is made longer by one of ours: what is not there yet
//! is looked at another time.
use super::spawn::ALWAYS;
use crate::child::lost_locks;
use crate::child::settle;
use crate::child::uses;
use crate::child::waits;
use crate::child::work::Awaited;
use crate::entry::WaitLength;
use crate::entry::{Registers, record, record_with_scratch};
use crate::guards::{before_wait, restarts_before_wait};
use crate::leader;
use forkguard_core::registry::threads;
use forkguard_core::{flags, kernel, tls};
use libc::timespec;
use std::sync::atomic::Ordering::*;

/// `call` is about to wait. True when a handler ran meanwhile that ends such a call.
pub(super) fn begins(call: &'static &'static str, awaited: Awaited, length: WaitLength) -> bool {
    begins_with(call, awaited, length, || ())
}

/// The same where something else is to be done before it.
pub(super) fn begins_with(call: &'static &'static str, awaited: Awaited, length: WaitLength, also: impl FnOnce()) -> bool {
    before_wait();
    let ended = ended_by_signal(true, || {
        if flags::is_settling() {
            settle::settle_before_wait(call, awaited, length);
        }
        lost_locks::before_wait(length);
        also();
        if leader::is_inspection_due() {
            record_with_scratch(leader::inspect_children);
        }
        uses::report_deferred(length);
    });
    // Cleared before it is asked whether that is right: what changes meanwhile sets it.
    flags::WATCH_WAITS.store(0, SeqCst);
    if flags::SETTLING.load(SeqCst) != 0
        || flags::watches_uses()
        || uses::awaits_epoll()
        || leader::has_children()
        || leader::held_readers::may_be_held_up()
        || lost_locks::may_be_lost()
        || waits::awaits_work()
        || restarts_before_wait()
    {
        flags::watch_waits();
    }
    ended
}

/// Does that before a call that waits: true when a signal came meanwhile whose handler would have ended it. `always`: also one that was set
/// with SA_RESTART.
pub(super) fn ended_by_signal(always: bool, work: impl FnOnce()) -> bool {
    // A handler's own wait inside of ours.
    let before = tls::let_in();
    tls::set_let_in(tls::WAITS);
    work();
    // A thread that is to be cancelled gets on to the call.
    const CANCEL: i32 = 32;
    let came = tls::let_in() & !tls::WAITS & !(1 << (CANCEL - 1));
    tls::set_let_in(before);
    let ends =
        |action: kernel::KernelAction| action.handler > libc::SIG_IGN && (always || action.flags & libc::SA_RESTART as u64 == 0);
    came != 0 && (1..=64).filter(|signal| came & 1 << (signal - 1) != 0).filter_map(kernel::signal_action).any(ends)
}

macro_rules! waits {
    ($(fn $name:ident: |$registers:ident| $awaited:expr, $length:expr, $over:expr;)*) => {
        $(pass! {
            /// As the C library's; see the module.
            fn $name, flags::WATCH_WAITS; |registers| -> bool {
                let over: fn(&mut Registers) -> bool = $over;
                let $registers: &Registers = registers;
                begins(&stringify!($name), $awaited, $length) && over(registers)
            }
        })*
    };
}

/// A call that every handler ends.
fn interrupted(registers: &mut Registers) -> bool {
    registers.fails(libc::EINTR);
    true
}

/// One that goes on where its handler says so (SA_RESTART), or may have something to return at once.
fn goes_on(_: &mut Registers) -> bool {
    false
}

/// The time that is left is all that was asked for.
fn leaves_all(asked: usize, left: usize) {
    let mut time = [0; size_of::<timespec>() / size_of::<i32>()];
    if left != 0 && kernel::read_words(asked, &mut time) {
        kernel::write_words(left, &time);
    }
}

macro_rules! polls {
    ($(fn $name:ident: |$registers:ident| $length:expr, $endless:expr, $has_mask:expr;)*) => {
        $(pass! {
            /// As the C library's; see the module.
            fn $name, flags::WATCH_WAITS; |registers| -> bool {
                let $registers: &Registers = registers;
                let endless: bool = $endless;
                let awaited = Awaited::Poll($registers.argument[0], $registers.argument[1]);
                let ended = begins_with(&stringify!($name), awaited, $length, || {
                    waits::before_events($registers.start(), $registers.caller, endless);
                    if endless {
                        uses::before_poll($registers);
                    }
                });
                let is_plain = endless && !$has_mask;
                (ended || is_plain && leader::held_readers::polls($registers)) && interrupted(registers)
            }
        })*
    };
}

polls! {
    fn poll: |r| WaitLength::of_milliseconds(r.argument[2]), (r.argument[2] as i32) < 0, false;
    fn __poll_chk: |r| WaitLength::of_milliseconds(r.argument[2]), (r.argument[2] as i32) < 0, false;
    fn ppoll: |r| WaitLength::of_timeout(r.argument[2], 1), r.argument[2] == 0, r.argument[3] != 0;
    fn __ppoll_chk: |r| WaitLength::of_timeout(r.argument[2], 1), r.argument[2] == 0, r.argument[3] != 0;
}

waits! {
    fn select: |r| Awaited::Select(r.argument[0], r.argument[1]), WaitLength::of_timeout(r.argument[4], 1000), interrupted;
    fn pselect: |r| Awaited::Select(r.argument[0], r.argument[1]), WaitLength::of_timeout(r.argument[4], 1), interrupted;
    fn sigsuspend: |_r| Awaited::Signal, WaitLength::Long, interrupted;
    fn pause: |_r| Awaited::Signal, WaitLength::Long, interrupted;
    fn usleep: |r| Awaited::Time, WaitLength::of(r.argument[0] as u32 as u64 * 1000), interrupted;
    fn sleep: |r| Awaited::Time, WaitLength::of(r.argument[0] as u32 as u64 * 1_000_000_000), |registers| {
        registers.returns(registers.argument[0]);
        true
    };
    fn nanosleep: |r| Awaited::Time, WaitLength::of_timeout(r.argument[0], 1), |registers| {
        leaves_all(registers.argument[0], registers.argument[1]);
        interrupted(registers)
    };
    fn clock_nanosleep: |r| Awaited::Time, length_of_sleep(r), |registers| {
        if !is_until(registers) {
            leaves_all(registers.argument[2], registers.argument[3]);
        }
        registers.returns(libc::EINTR as usize);
        true
    };
    fn msgrcv: |_r| Awaited::Message, WaitLength::Long, goes_on;
}

macro_rules! takes_signals {
    ($(fn $name:ident: |$registers:ident| $length:expr, $over:expr;)*) => {
        $(pass! {
            /// As the C library's; which signals this thread takes is recorded in the leader, too.
            fn $name, ALWAYS; |registers| -> bool {
                let over: fn(&mut Registers) -> bool = $over;
                let $registers: &Registers = registers;
                record(|_| will_take(registers.argument[0]));
                flags::WATCH_WAITS.load(Relaxed) != 0 && begins(&stringify!($name), Awaited::Signal, $length) && over(registers)
            }
        })*
    };
}

takes_signals! {
    fn sigwait: |_r| WaitLength::Long, goes_on;
    fn sigwaitinfo: |_r| WaitLength::Long, interrupted;
    fn sigtimedwait: |r| WaitLength::of_timeout(r.argument[2], 1), interrupted;
}

/// This thread is about to wait for the signals of a set, whose first word are those that exist.
fn will_take(set: usize) {
    if let (Some(slot), Some(signals)) = (threads::mine(), kernel::read_value::<usize>(set)) {
        slot.takes_signals.store(signals as u64, Relaxed);
    }
}

fn is_until(registers: &Registers) -> bool {
    registers.argument[1] as i32 & libc::TIMER_ABSTIME != 0
}

fn length_of_sleep(registers: &Registers) -> WaitLength {
    match is_until(registers) {
        true => WaitLength::until(registers.argument[0], registers.argument[2]),
        false => WaitLength::of_timeout(registers.argument[2], 1),
    }
}
