//! Fixups: code of the program's, or of a library's, that is run in each child: at the end of fork(), when every other library's child
//! handler has run. Those of FORKGUARD_FIXUPS first, then the registered ones, in order.
//!
//! They are the host's code, which runs outside of our bookkeeping: hooks work in it, it may fork, throw, jump out or never come back. So
//! nothing here has a destructor while a fixup runs, and its beginning is written before it runs.
mod named;
mod nesting;
mod progress;
mod registered;

use forkguard_core::fork::Snapshot;
pub(crate) use progress::{running, runtime_fixup_begins, runtime_fixup_ended};
pub(crate) use registered::{register, unregister};

/// See [`super::before_fork`].
pub(super) fn before_fork() {
    named::find();
}

/// See [`super::in_child`].
pub(super) fn reset_in_child(fork: &'static Snapshot) {
    registered::reset_in_child(fork.thread);
    named::reset_in_child();
    progress::reset_in_child();
    nesting::reset_in_child(fork.thread);
}

/// See [`super::at_end_of_fork`].
pub(super) fn at_end_of_fork(fork: Option<&'static Snapshot>) {
    if registered::any() || named::any() {
        nesting::run_unless_nested(fork.map(|fork| fork.thread), run_all);
    }
}

fn run_all() {
    let mut log = progress::Log::default();
    named::run(&mut log);
    registered::run(&mut log);
    log.end();
}
