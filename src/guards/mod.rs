//! The guards: what forkguard does about a fork, one guard a file. Nothing here acts in `observe` mode.
//!
//! A guard that acts before the fork is called from [`before_fork`], one that acts in the child from [`in_child`] (in our child handler,
//! the first of all) or from [`at_end_of_fork`] (after every other library's). Each action is logged with [`crate::ledger::log_action`]: the
//! child's report lists it. Code here runs where `hooks/mod.rs` says hooks run: it allocates nothing, takes no lock, and asks the kernel
//! directly.
mod buffers;
pub(crate) mod epoll;
pub(crate) mod exec;
mod files;
pub(crate) mod fixups;
mod locks;
mod memory;
mod openmp;
mod pythons_locks;
mod safe_point;
mod self_pipe;
mod signals;
pub(crate) mod signals_keep;
mod signals_mask;
pub(crate) mod sockets;
mod threads;
mod timers;
mod unshare;
pub(crate) mod worst;

use crate::entry::scratch::on_scratch_stack;
use crate::options;
use crate::sites;
use crate::sites::python::PythonCall;
use forkguard_core::fork::Snapshot;
use forkguard_core::gate;
use forkguard_core::registry::descriptors;

pub(crate) use buffers::drop_copy;
pub(crate) use files::{
    before_first_use, keeps_leaders_files, log_kept_file_lock, log_kept_from_destructor, log_kept_from_handler,
};
pub(crate) use locks::REPAIRED;
pub(crate) use memory::{MERGED, at_open, share_before_fork};
pub(crate) use openmp::regions_are_single;
pub(crate) use safe_point::wait_in_prepare;
pub(crate) use self_pipe::detach_self_pipe;
pub(crate) use signals::has_reset;
pub(crate) use signals_mask::unblock_before_wait;
pub(crate) use threads::{
    before_thread_start, before_wait, cancel_restarts, is_restarting, restarted_here, restarts_before_wait,
};

/// In the constructor.
pub(crate) fn prepare() {
    let (watches, freezes) = (worst::prepare(), options::guards() && options::get().memory.freeze);
    if watches || safe_point::is_asked_for() {
        safe_point::prepare();
    }
    if options::guards() {
        memory::prepare();
    }
    if watches || freezes || safe_point::is_asked_for() {
        sites::before_forks(in_python);
    }
    if watches || freezes {
        sites::before_ruby_forks(in_ruby);
    }
}

/// With the GIL held, and nothing prepared for a fork yet.
fn in_python(call: PythonCall) {
    if options::guards() {
        memory::in_python(call);
    }
    if call != PythonCall::Begin {
        worst::before_python_fork();
        safe_point::before_python_fork();
    }
}

/// The same for Ruby. An exception that is raised meanwhile leaves it.
fn in_ruby() {
    if options::guards() {
        memory::in_ruby();
    }
    worst::before_ruby_fork();
}

/// In the forking thread, before any prepare handler; not inside a hook's bookkeeping.
pub(crate) fn wait_before_fork() {
    worst::wait_before_fork();
    safe_point::wait_before_fork();
}

/// In the forking thread, before any prepare handler.
pub(crate) fn before_fork() {
    if options::guards() {
        fixups::before_fork();
        openmp::before_fork();
        timers::before_fork();
    }
}

/// In the leader's first handler after the fork.
pub(crate) fn in_parent() {
    if options::guards() {
        safe_point::in_parent();
    }
}

/// In the leader's forking thread, when fork has returned there; not inside a hook's bookkeeping.
pub(crate) fn after_fork() {
    worst::after_fork();
    if options::guards() {
        safe_point::after_fork();
    }
}

/// In the first child handler, when the child's own life has begun. `regions_are_watched` is true for the link map of a copy of libgomp
/// whose regions are watched.
pub(crate) fn in_child(fork: &'static Snapshot, regions_are_watched: fn(usize) -> bool) {
    if !options::guards() {
        return;
    }
    signals::reset_in_child();
    signals_keep::reset_in_child();
    fixups::reset_in_child(fork);
    if has_work() {
        act_on_scratch_stack(fork, regions_are_watched);
    }
}

/// The host's stack may be that of a signal handler, or of a thread with the smallest stack there can be. Not inlined: most children have
/// nothing to do here, and a larger frame of theirs would be written and copied.
#[inline(never)]
fn act_on_scratch_stack(fork: &'static Snapshot, regions_are_watched: fn(usize) -> bool) {
    if on_scratch_stack(|_| act(fork, regions_are_watched)).is_none() && gate::awake() {
        act(fork, regions_are_watched);
    }
}

/// False in most children, which so touch no further page.
fn has_work() -> bool {
    options::get().asks_for_guards() || signals::may_act() || descriptors::connected().next().is_some()
}

#[inline(never)]
fn act(fork: &'static Snapshot, regions_are_watched: fn(usize) -> bool) {
    safe_point::in_child(fork);
    locks::in_child(fork);
    signals::in_child();
    sockets::in_child(fork);
    epoll::in_child();
    files::in_child();
    timers::in_child(fork);
    memory::in_child();
    openmp::in_child(fork, regions_are_watched);
    threads::in_child();
}

/// In the child, when every other library's child handler has run.
pub(crate) fn at_end_of_fork(fork: Option<&'static Snapshot>) {
    if options::guards() {
        fork.into_iter().for_each(timers::at_end_of_fork);
        threads::at_end_of_fork();
        fixups::at_end_of_fork(fork);
    }
}

/// In a forked child, when exit(3) has run the program's handlers.
pub(crate) fn at_exit() {
    if options::guards() {
        files::at_exit();
    }
}

/// Calls `each` with the names of the signals whose inherited handler a guard has replaced in this child, and the reason for the report.
pub(crate) fn for_each_replaced_handler(mut each: impl FnMut(&str, &'static str)) {
    signals::for_each_reset(|signal| each(signal, "forkguard reset it to its default"));
    signals_keep::for_each_restored(|signal| each(signal, signals_keep::RESTORED_REASON));
}
