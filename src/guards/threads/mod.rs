//! FORKGUARD_THREADS=revive: lost threads are started again in the child, once each.
//!
//! Native ones at the end of fork(), where the program marked them. Python's before the child's first wait, whichever hook sees it: a child that
//! execs or ends gets none, libraries' own child handlers have run, and the child has filled its queues by then.
mod native;
mod python;
mod restart;

pub(crate) use python::{before_thread_start, before_wait, cancel_restarts, is_restarting, restarts_before_wait};
pub(crate) use restart::restarted_here;

/// See [`super::in_child`].
pub(super) fn in_child() {
    if restart::is_enabled() {
        python::in_child();
    }
}

/// See [`super::at_end_of_fork`].
pub(super) fn at_end_of_fork() {
    if restart::is_enabled() {
        native::at_end_of_fork();
    }
}
