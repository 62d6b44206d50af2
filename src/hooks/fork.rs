//! fork(3) and what calls it: see [`crate::fork`].
use super::{descriptor, dlopen, seccomp};
use crate::fork::{finish_child, leave};
use forkguard_core::fork::{self as core_fork, ForkCall, SnapshotCell};
use libc::{c_char, c_int, pid_t, termios, winsize};

fn enter(call: ForkCall, caller: usize) -> Option<&'static SnapshotCell> {
    seccomp::before_process();
    dlopen::interpose_loaded();
    crate::fork::enter(call, caller)
}

hook! {
    /// fork(3).
    #[unsafe(link_section = ".text.forkguard_child")]
    fn fork() -> pid_t = libc::fork;
    |caller| {
        // Before glibc 2.34 forkpty calls it from a library of its own: that is one fork.
        if core_fork::is_begun_by(ForkCall::Forkpty) {
            real()
        } else {
            let cell = enter(ForkCall::Fork, caller);
            let result = real();
            match result {
                0 => finish_child(),
                _ => leave(cell, ForkCall::Fork, caller, result),
            }
            result
        }
    }
}
hook! {
    /// forkpty(3).
    fn forkpty(master: *mut c_int, name: *mut c_char, settings: *const termios, size: *const winsize) -> pid_t = libc::forkpty;
    |caller| {
        let cell = enter(ForkCall::Forkpty, caller);
        let result = real(master, name, settings, size);
        match result {
            0 => finish_child(),
            _ => leave(cell, ForkCall::Forkpty, caller, result),
        }
        if result > 0 {
            descriptor::made_terminal(master, caller);
        }
        result
    }
}
hook! {
    /// daemon(3): its leader ends inside, so only a failure comes back to it.
    fn daemon(keep_directory: c_int, keep_output: c_int) -> c_int = libc::daemon;
    |caller| {
        let cell = enter(ForkCall::Daemon, caller);
        let result = real(keep_directory, keep_output);
        match result {
            0 => finish_child(),
            _ if core_fork::current().is_some() => leave(cell, ForkCall::Daemon, caller, -1),
            _ => {}
        }
        result
    }
}
