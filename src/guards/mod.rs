//! What a guard does about a fork: one guard a file. Nothing here acts in `observe` mode.
//!
//! A guard that acts before the fork is called from [`before_fork`], one that acts in the child from [`in_child`] (in our child handler,
//! the first of all) or from [`at_end_of_fork`] (after every other library's). Each action is logged with [`log_action`]: the child's report
//! lists it. Code here runs where `hooks/mod.rs` says hooks run: it allocates nothing, takes no lock, and asks the kernel directly.
mod epoll;
mod files;
pub(crate) mod fixups;
mod locks;
mod openmp;
mod safe_point;
mod self_pipe;
mod signals;
pub(crate) mod signals_keep;
pub(crate) mod sockets;
pub(crate) mod threads;
mod timers;

pub(crate) use files::before_first_use;
pub(crate) use locks::REPAIRED;
pub(crate) use openmp::runs_regions_alone;
pub(crate) use safe_point::{look_again, wait_before_fork};
pub(crate) use self_pipe::detach;

use crate::describe::own_fork_id;
use crate::emit;
use crate::entry::record_with_scratch;
use crate::entry::scratch::on_scratch_stack;
use crate::ledger::{self, log_action, log_resolving_action};
use crate::options;
use forkguard_core::fixed::Text;
use forkguard_core::fork::{Inner, Snapshot};
use forkguard_core::{descriptor, flags, gate, raw};
use forkguard_report::event::{Event, Guard, Kind, State};
use std::borrow::Cow::Borrowed;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// In the constructor.
pub(crate) fn prepare() {
    if options::guards() {
        safe_point::prepare();
    }
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
pub(crate) fn forked() {
    if options::guards() {
        safe_point::forked();
    }
}

/// In the leader's forking thread, when fork has returned there; not inside a hook's bookkeeping.
pub(crate) fn after_fork() {
    if options::guards() {
        safe_point::after_fork();
    }
}

/// In the first child handler, when the child's own life has begun. `regions_are_watched` tells it of a copy of libgomp, by its link map.
pub(crate) fn in_child(fork: &'static Inner, regions_are_watched: fn(usize) -> bool) {
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

/// The host's stack may be that of a signal handler, or of a thread with the least there is. (And not inlined: in most children there is
/// nothing to do, and what a frame takes of the stack is written and copied.)
#[inline(never)]
fn act_on_scratch_stack(fork: &'static Inner, regions_are_watched: fn(usize) -> bool) {
    if on_scratch_stack(|_| act(fork, regions_are_watched)).is_none() && gate::awake() {
        act(fork, regions_are_watched);
    }
}

/// False in most children, which then touch no page more.
fn has_work() -> bool {
    options::get().asks_for_guards() || signals::may_act() || descriptor::connected().next().is_some()
}

#[inline(never)]
fn act(fork: &'static Inner, regions_are_watched: fn(usize) -> bool) {
    safe_point::in_child(fork);
    locks::in_child(fork);
    signals::in_child();
    sockets::in_child(fork);
    epoll::in_child();
    files::in_child();
    timers::in_child(fork);
    openmp::in_child(fork, regions_are_watched);
    threads::in_child();
}

/// In the child, when every other library's child handler has run.
pub(crate) fn at_end_of_fork(fork: Option<&'static Snapshot>) {
    if options::guards() {
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

/// True for a signal, by name, that a guard reset in this child.
pub(crate) fn has_reset(signal: &str) -> bool {
    signals::has_reset(signal)
}

/// Calls `each` with the names of the signals whose inherited handler a guard dealt with in this child, and how.
pub(crate) fn handlers_dealt_with(mut each: impl FnMut(&str, &'static str)) {
    signals::each_reset(|signal| each(signal, "forkguard reset it to its default"));
    signals_keep::each_put_back(|signal| each(signal, signals_keep::BECAUSE));
}
