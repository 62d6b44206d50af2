//! Signals that this process sends: a leader looks at its child before. (What goes by syscall(2), as Python's pidfd_send_signal, comes from there.)
use crate::leader::sent_signals::{self, Receiver};
use forkguard_core::flags;
use std::sync::atomic::Ordering::Relaxed;

macro_rules! sends {
    ($(fn $name:ident: $receiver:path;)*) => {
        $(pass! {
            /// As the C library's.
            fn $name, flags::WATCH_SENT_SIGNALS; |registers| {
                sent_signals::before($receiver(registers.argument[0] as i32), registers.argument[1] as i32);
            }
        })*
    };
}

sends! {
    fn kill: Receiver::of_number;
    fn sigqueue: Receiver::of_number;
    fn killpg: Receiver::Group;
    fn pidfd_send_signal: Receiver::Descriptor;
}

/// Before a system call that sends a signal.
pub(super) fn before_syscall(number: i64, receiver: usize, signal: usize) {
    if flags::WATCH_SENT_SIGNALS.load(Relaxed) != 0 {
        let receiver = receiver as i32;
        let receiver = if number == libc::SYS_kill { Receiver::of_number(receiver) } else { Receiver::Descriptor(receiver) };
        sent_signals::before(receiver, signal as i32);
    }
}
