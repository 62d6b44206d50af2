//! seccomp(2): a filter under which a system call of ours may end the process. forkguard gets out of its way before it is set.
//!
//! It does so in the whole process, whichever thread sets it: the registries are all threads' together, and a thread that stands still in
//! one of our calls would be waited for by the others. What the process forks later has the filter too, and the hooks as silent.
use super::*;
use crate::{cures, leader};
use forkguard_core::{fork as core_fork, safe_point, seccomp, thread, tls};
use std::sync::atomic::Ordering::Relaxed;

const BECAUSE: &str = "a seccomp filter that may end the process is set: from here on nothing is recorded or guarded in this process and \
                       in what it forks";

/// Before prctl(2) with these arguments.
pub(super) fn before_prctl(option: usize, mode: usize, program: usize) {
    const STRICT: usize = libc::SECCOMP_MODE_STRICT as usize;
    const FILTER: usize = libc::SECCOMP_MODE_FILTER as usize;
    match (option as i32, mode) {
        (libc::PR_SET_SECCOMP, STRICT) => leave(false),
        (libc::PR_SET_SECCOMP, FILTER) => before_filter(program, false),
        _ => {}
    }
}

/// Before seccomp(2) with these arguments. (Strict mode takes neither flags nor a program: libraries ask so whether the call exists.)
pub(super) fn before_seccomp(operation: usize, flags: usize, program: usize) {
    const STRICT: usize = libc::SECCOMP_SET_MODE_STRICT as usize;
    const FILTER: usize = libc::SECCOMP_SET_MODE_FILTER as usize;
    match (operation, flags, program) {
        (STRICT, 0, 0) => leave(false),
        (FILTER, ..) => before_filter(program, flags & libc::SECCOMP_FILTER_FLAG_TSYNC as usize != 0),
        _ => {}
    }
}

/// (No program at all is asked with, too.)
fn before_filter(program: usize, of_all_threads: bool) {
    if program != 0 && note(|_| seccomp::may_do_harm(program)).unwrap_or(true) {
        leave(of_all_threads);
    }
}

fn leave(of_all_threads: bool) {
    // A vfork child's memory is its leader's: what it may call of ours looks at this word of the thread that both are.
    if spawn::in_vfork_child() {
        return tls::set_inside(tls::IN_SANDBOX);
    }
    if core_fork::owned() {
        note_at_length(|at| crate::emit::leave(at, BECAUSE));
    }
    fall_silent();
    // Threads that are in the middle of a call of ours come to its end first.
    if of_all_threads {
        raw::wait_until(|| !thread::others_are_inside());
    }
}

/// From here on no hook, no handler and no destructor of ours makes a system call in this process.
fn fall_silent() {
    gate::set_life(Life::Off);
    for flag in [&REPORTS, &IN_CHILD, &wait::IDLE, &crate::child::uses::LOOKING, &crate::child::SETTLING] {
        flag.store(0, Relaxed);
    }
    leader::forget_children();
    cures::threads::python::give_up();
    safe_point::open_for_good();
}
