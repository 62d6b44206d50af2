//! Signals that this process sends: a leader looks at its child before. (What goes by syscall(2), as Python's pidfd_send_signal, comes from there.)
use super::exit_handlers;
use crate::leader::sent_signals::{self, Receiver};
use forkguard_core::flags;
use std::sync::atomic::Ordering::Relaxed;

macro_rules! sends {
    ($(fn $name:ident: $number:expr;)*) => {
        $(pass! {
            /// As the C library's.
            fn $name, flags::WATCH_SENT_SIGNALS; |registers| -> bool {
                let number: fn(i32) -> i32 = $number;
                let (receiver, signal) = (number(registers.argument[0] as i32), registers.argument[1] as i32);
                sent_signals::before(Receiver::of_number(receiver), signal);
                exit_handlers::is_kept_from_signal(registers, receiver, signal)
            }
        })*
    };
}

sends! {
    fn kill: |receiver| receiver;
    fn sigqueue: |receiver| receiver;
    fn killpg: i32::wrapping_neg;
}

pass! {
    /// As the C library's.
    fn pidfd_send_signal, flags::WATCH_SENT_SIGNALS; |registers| {
        sent_signals::before(Receiver::Descriptor(registers.argument[0] as i32), registers.argument[1] as i32);
    }
}

/// Before a system call that sends a signal.
pub(super) fn before_syscall(number: i64, receiver: usize, signal: usize) {
    if flags::WATCH_SENT_SIGNALS.load(Relaxed) != 0 {
        let receiver = receiver as i32;
        let receiver = if number == libc::SYS_kill { Receiver::of_number(receiver) } else { Receiver::Descriptor(receiver) };
        sent_signals::before(receiver, signal as i32);
    }
}
