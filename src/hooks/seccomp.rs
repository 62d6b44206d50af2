//! seccomp(2): filters under which a system call of ours may end the process.
//!
//! **One that the process sets** is read first. If it may do more than fail a call, forkguard gets out of its way: in the whole process,
//! whichever thread sets it (the registries are all threads' together, and one that is stopped in a call of ours would be waited for by
//! the others), and in what the process forks later.
//!
//! **One that the process came with** cannot be read. What it forbids is tried by a child of ours ([`probe`]), but not before somebody has
//! made a process under it; until then the hooks are silent.
use super::descriptor::adopt_open_descriptors;
use super::{atfork, life};
use crate::entry::{catch_panic, errno, record, record_with_scratch};
use crate::{guards, leader};
use forkguard_core::gate::{self, Life};
use forkguard_core::kernel::system_calls::{self, Filters, Forbidden};
use forkguard_core::kernel::{self, seccomp};
use forkguard_core::registry::threads;
use forkguard_core::{dispatch, flags, safe_point, tls};
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

const SET: &str =
    "a seccomp filter that may end the process is set: from here on nothing is recorded or guarded in it and in what it forks";
const INHERITED: &str = "the process came with a seccomp filter that forbids what forkguard does: nothing is recorded or guarded";

/// Not zero while the process waits for somebody to make a process under the filters that it came with.
static WAITING: AtomicU8 = AtomicU8::new(0);

/// In the constructor: true when hooks may record.
pub(crate) fn may_begin() -> bool {
    // Switched off, or a filter was set before the constructor: then nothing is tried, either.
    if gate::life() == Life::Off || crate::options::variable(c"FORKGUARD") == Some("off") {
        dispatch::switch_off();
        return false;
    }
    let mut filters = Filters::Untried;
    forkguard_core::kernel::with_private_fds(|| {
        filters = system_calls::filters();
        if filters == Filters::None {
            adopt_open_descriptors();
        }
    });
    match filters {
        Filters::None => true,
        Filters::Tried => may_go_on(),
        Filters::Untried => {
            // Before any other library's, as ever.
            atfork::register_own();
            WAITING.store(1, Relaxed);
            false
        }
    }
}

/// The host is about to make a process or a thread: then we may, too.
pub(super) fn before_process() {
    if WAITING.load(Relaxed) != 0 && !gate::is_guest() && WAITING.swap(0, Relaxed) != 0 {
        catch_panic(|| {
            if may_go_on() {
                life::begin();
            }
        });
    }
}

/// True where nothing that we call ends the process. Where a report can be written, it says so.
fn may_go_on() -> bool {
    match errno::preserve(system_calls::probe) {
        Some(Forbidden::Nothing) => {
            adopt_open_descriptors();
            return true;
        }
        Some(Forbidden::Something) => {
            adopt_open_descriptors();
            life::begin();
            leave(INHERITED, false);
        }
        Some(Forbidden::Reports) => dispatch::switch_off(),
        None => WAITING.store(1, Relaxed),
    }
    false
}

/// Before prctl(2) with these arguments.
pub(super) fn before_prctl(option: usize, mode: usize, program: usize) {
    const STRICT: usize = libc::SECCOMP_MODE_STRICT as usize;
    const FILTER: usize = libc::SECCOMP_MODE_FILTER as usize;
    match (option as i32, mode) {
        (libc::PR_SET_SECCOMP, STRICT) => leave(SET, false),
        (libc::PR_SET_SECCOMP, FILTER) => before_filter(program, false),
        _ => {}
    }
}

/// Before seccomp(2) with these arguments. (Strict mode takes neither flags nor a program: libraries ask so whether the call exists.)
pub(super) fn before_seccomp(operation: usize, flags: usize, program: usize) {
    const STRICT: usize = libc::SECCOMP_SET_MODE_STRICT as usize;
    const FILTER: usize = libc::SECCOMP_SET_MODE_FILTER as usize;
    match (operation, flags, program) {
        (STRICT, 0, 0) => leave(SET, false),
        (FILTER, ..) => before_filter(program, flags & libc::SECCOMP_FILTER_FLAG_TSYNC as usize != 0),
        _ => {}
    }
}

/// (No program at all is asked with, too.)
fn before_filter(program: usize, of_all_threads: bool) {
    if program != 0 && record(|_| seccomp::may_do_harm(program)).unwrap_or(true) {
        leave(SET, of_all_threads);
    }
}

fn leave(because: &'static str, of_all_threads: bool) {
    // A vfork child's memory is its leader's: what it may call of ours looks at this word of the thread that both are.
    if gate::is_guest() {
        return tls::set_inside(tls::IN_SANDBOX);
    }
    if gate::owns_registries() {
        record_with_scratch(|scratch| crate::ledger::end_report(scratch, because));
    }
    fall_silent();
    if of_all_threads {
        await_others();
    }
}

/// Threads that are in the middle of a call of ours come to its end: for a second, since one that jumped out of it never does.
fn await_others() {
    const TURNS: u32 = 100;
    kernel::membarrier();
    for _ in 0..TURNS {
        kernel::wait_until(|| !threads::others_are_inside());
        if !threads::others_are_inside() {
            return;
        }
    }
}

/// From here on no hook, no handler and no destructor of ours makes a system call in this process.
fn fall_silent() {
    dispatch::switch_off();
    for flag in [&WAITING, &flags::REPORT_END, &flags::FORKED_CHILD, &flags::WATCH_WAITS, &flags::WATCH_USES, &flags::SETTLING] {
        flag.store(0, Relaxed);
    }
    flags::WATCH_SENT_SIGNALS.store(0, Relaxed);
    leader::forget_children();
    guards::cancel_restarts();
    safe_point::open_for_good();
}
