//! FORKGUARD_EXEC=clean: what a program would inherit though nobody gave it is taken away right before the exec.
use super::signals::numbers;
use super::sockets;
use crate::options::{self, Exec};
use forkguard_core::kernel::{self, KernelAction};

/// True where this guard acts.
pub(crate) fn cleans() -> bool {
    options::guards() && options::get().exec == Exec::Clean
}

/// Before a process of its own is made of this one, by exec or by a call that makes it: the program does not get this descriptor.
pub(crate) fn close(fd: i32) {
    let _ = sockets::mark_close_on_exec(fd);
}

/// In a vfork child, whose descriptors are its own but whose records are its leader's.
pub(crate) fn close_in_vfork_child(fd: i32) {
    let _ = kernel::set_close_on_exec(fd, true);
}

/// In a forked or vfork child that is about to exec, not on a scratch stack: the program gets these signals. Those that are caught get their
/// default now, as exec would do it: once they are unblocked, no handler of the leader's may run here.
pub(crate) fn give_signals(blocked: u64, ignored: u64) {
    let is_caught = |number: &i32| kernel::signal_action(*number).is_some_and(|action| action.handler > libc::SIG_IGN);
    for number in numbers(ignored).chain(numbers(blocked).filter(is_caught)) {
        let _ = kernel::set_signal_action(number, &KernelAction::default());
    }
    if blocked != 0 {
        kernel::set_blocked_signals(kernel::blocked_signals() & !blocked);
    }
}
