//! wait(2), waitpid(2), wait4(2) and the like: a leader inspects its children meanwhile.
use super::wait::begins;
use crate::child::work::Awaited;
use crate::child::{lost_status, sibling_wait};
use crate::entry::{WaitLength, errno};
use crate::leader::{self, Waited, held_readers};
use crate::sites::Start;
use forkguard_core::{flags, kernel};
use libc::{c_int, id_t, idtype_t, pid_t, rusage, siginfo_t};
use std::sync::atomic::Ordering::Relaxed;

/// The number that stands for any child.
const ANY: pid_t = -1;

/// `wait` waits for a child, which is inspected meanwhile.
fn inspect_while_waiting(
    call: &'static &'static str,
    pid: pid_t,
    options: c_int,
    caller: usize,
    wait: impl FnOnce() -> pid_t,
) -> pid_t {
    if flags::WATCH_WAITS.load(Relaxed) == 0 && !leader::shares_pipes() && !leader::was_asked_to_end(pid) {
        return wait();
    }
    begins(call, Awaited::Process, WaitLength::Long);
    if pid == ANY && options == 0 {
        leader::waits_for_any_child(Start::here(), caller);
    }
    let result = if options == 0 { errno::preserve(|| leader::wait_for_child(pid, caller)) } else { Waited::CallReal };
    let result = match result {
        Waited::CallReal => wait(),
        Waited::ChildEnded(blocked) => {
            let result = wait();
            errno::preserve(|| kernel::set_blocked_signals(blocked));
            result
        }
        Waited::Interrupted => {
            errno::set(libc::EINTR);
            -1
        }
    };
    match result {
        0 => held_readers::asked(Start::here(), caller, pid),
        ended => {
            held_readers::ended(ended);
            if options & (libc::WUNTRACED | libc::WCONTINUED) == 0 {
                leader::child_ended(ended);
            }
        }
    }
    result
}

/// `wait` waits for the status of a child, which may be lost.
fn with_status(pid: pid_t, status: *const c_int, options: c_int, caller: usize, wait: impl FnOnce() -> pid_t) -> pid_t {
    if !lost_status::is_awaited(pid, status, options) {
        return wait();
    }
    let result = wait();
    if result < 0 {
        lost_status::failed(Start::here(), caller, pid);
    }
    result
}

hook! {
    /// wait(2).
    fn wait(status: *mut c_int) -> pid_t = libc::wait;
    |caller| {
        inspect_while_waiting(&"wait", ANY, 0, caller, || real(status))
    }
}

hook! {
    /// waitpid(2).
    fn waitpid(pid: pid_t, status: *mut c_int, options: c_int) -> pid_t = libc::waitpid;
    |caller| {
        sibling_wait::before(Start::here, caller, pid, options);
        with_status(pid, status, options, caller, || {
            inspect_while_waiting(&"waitpid", pid, options, caller, || real(pid, status, options))
        })
    }
}
hook! {
    /// wait4(2).
    fn wait4(pid: pid_t, status: *mut c_int, options: c_int, usage: *mut rusage) -> pid_t = libc::wait4;
    |caller| {
        sibling_wait::before(Start::here, caller, pid, options);
        with_status(pid, status, options, caller, || {
            inspect_while_waiting(&"wait4", pid, options, caller, || real(pid, status, options, usage))
        })
    }
}
hook! {
    /// wait3(2).
    fn wait3(status: *mut c_int, options: c_int, usage: *mut rusage) -> pid_t;
    |caller| {
        inspect_while_waiting(&"wait3", ANY, options, caller, || real(status, options, usage))
    }
}
hook! {
    /// waitid(2).
    fn waitid(kind: idtype_t, id: id_t, information: *mut siginfo_t, options: c_int) -> c_int = libc::waitid;
    |caller| {
        if kind == libc::P_PID && options & libc::WEXITED != 0 {
            sibling_wait::before(Start::here, caller, id as pid_t, options & !libc::WEXITED);
        }
        if kind != libc::P_ALL || options != libc::WEXITED {
            if flags::WATCH_WAITS.load(Relaxed) != 0 {
                begins(&"waitid", Awaited::Process, WaitLength::Long);
            }
            return real(kind, id, information, options);
        }
        let result = inspect_while_waiting(&"waitid", ANY, 0, caller, || real(kind, id, information, options));
        if result == 0 && !information.is_null() {
            // SAFETY: the kernel has filled it with a child's.
            leader::child_ended(unsafe { (*information).si_pid() });
        }
        result
    }
}
