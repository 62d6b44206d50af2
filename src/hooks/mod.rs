//! The doors: every function of the C library that forkguard interposes, one file a family.
//!
//! # How to add a hook
//! 1. One item in its family's file, with the macro that fits:
//!    - [`hook!`] wraps: calls the real function and notes before or after. The body runs in place of the function.
//!    - [`pass!`] only notes and then jumps on with all registers as they were: for variadic functions, for those that look at
//!      their caller, and for those that never return.
//!    - [`lock!`] is for the lock path: one test of a flag, then a jump, until the process has a second thread.
//!    - `redhook::hook!` does for cold functions that need no return address (see `thread.rs`).
//!
//!    A function of which the C library has an older implementation, too, names its `versions`: its own, those that are the same, and
//!    behind a semicolon the older one, which is passed on.
//! 2. Its transparency snippet in `c-tests/hooks`, and what it notes in `c-tests/findings`.
//!
//! Nothing else: the real function is found by the constructor through the section that the macros fill.
//!
//! # What every hook does
//! Bookkeeping happens inside [`note`]: it keeps errno, does nothing before the constructor, after exit, on re-entry and in a
//! vfork child, and lets no panic out. No destructor is alive across a real call: a thread may be cancelled in it.
#[macro_use]
mod lock;

pub(crate) mod atfork;
mod condition;
mod descriptor;
mod exec;
mod exit;
pub(crate) mod fork;
mod handed;
pub(crate) mod imports;
mod io;
mod libc_locks;
mod mutex;
mod privilege;
pub(crate) mod real;
mod reap;
mod rwlock;
pub(crate) mod seccomp;
mod semaphore;
mod signal;
mod socket;
mod spawn;
mod syscall;
mod thread;
mod timer;
mod wait;

use crate::entry::{Registers, catch_panic, record, record_with_scratch};
use forkguard_core::flags;
use forkguard_core::gate::{self, Life};
use forkguard_core::raw;

pub(crate) use thread::{adopt_main_thread, resolve_redhooks};

/// In the library's destructor: the last that is recorded.
pub(crate) fn note_end() {
    // A vfork child that ends through exit(3) runs this too: on the leader's memory.
    if !gate::awake() || gate::is_guest() || !forkguard_core::fork::owned() {
        return;
    }
    let in_child = flags::FORKED_CHILD.load(std::sync::atomic::Ordering::Relaxed) != 0;
    if in_child {
        crate::guards::at_exit();
    }
    let reports = flags::REPORT_END.load(std::sync::atomic::Ordering::Relaxed) != 0;
    if reports {
        crate::child::catch_up();
    }
    if reports && crate::emit::wanted() && !crate::child::goes_unsaid() {
        record_with_scratch(crate::child::ended);
    }
    // In a forked child other libraries' destructors, which run after ours, are where lost threads are joined.
    if gate::awake() && !in_child {
        gate::set_life(Life::Off);
    }
}

/// From here on hooks record: at once, or where the filters of system calls that the process came with are known to allow it.
pub(crate) fn begin() {
    forkguard_core::fork::own();
    crate::emit::begin();
    crate::options::read(crate::emit::print_line);
    if crate::options::get().mode == crate::options::Mode::Off {
        gate::set_life(Life::Off);
        return;
    }
    crate::findings::suppress::check(crate::emit::print_line);
    crate::entry::layouts::try_all();
    crate::sites::prepare();
    atfork::register_own();
    gate::set_life(Life::Awake);
    crate::guards::prepare();
    adopt_main_thread();
}
