//! A leader that waits by a pipe, or for a child: whether its children and it wait for each other is looked at meanwhile.
//!
//! A read is held up in the C library's ppoll, in slices of time, until there is something to read: it then acts as it would have. Where the
//! handlers that may run differ in SA_RESTART, the read itself is all there is (see `waitpid.rs`).
use super::held_readers;
use super::held_up::report_held_up;
use super::slices::{FIRST_SLICE_NS, LAST_SLICE_NS, Polled, all_restart, poll};
use crate::describe;
use crate::describe::pipes::{Wait, circle};
use crate::entry::held_signals::BLOCKED;
use crate::entry::{Scratch, errno, record, record_with_scratch};
use crate::findings::pipe_inherited;
use crate::sites::{self, Start};
use forkguard_core::registry::{descriptors, generation, pipes, threads};
use forkguard_core::{gate, kernel, tls};

/// True in a process that made pipes and children.
pub(crate) fn shares_pipes() -> bool {
    pipes::any() && generation::last_sequence() != 0
}

/// Before a leader reads from a pipe that it made, while there is nothing to read. True when a handler ran that ends the read.
pub(crate) fn waits_for_input(start: Start, caller: usize, fd: i32) -> bool {
    let is_own = || descriptors::is_pipe_end(fd) && !descriptors::is_inherited(fd);
    let usable = || gate::awake() && tls::inside() == 0 && !gate::is_guest() && kernel::thread_id() == kernel::process_id();
    if !shares_pipes() || !is_own() || threads::live() > 1 || !usable() {
        return false;
    }
    errno::preserve(|| !kernel::has_input_within(fd, 0) && kernel::waits_without_limit(fd) && wait_in_slices(start, caller, fd))
}

fn wait_in_slices(start: Start, caller: usize, fd: i32) -> bool {
    let blocked = kernel::blocked_signals();
    let Some(restart) = all_restart(blocked) else { return false };
    kernel::set_blocked_signals(blocked | BLOCKED);
    let mut slice = FIRST_SLICE_NS;
    let polled = loop {
        match poll(fd, slice, blocked) {
            Polled::TimedOut => {
                look(start, caller, Wait::Input(fd));
                held_readers::look_at_writers(start, caller, [fd].into_iter());
            }
            ended => break ended,
        }
        slice = (slice * 2).min(LAST_SLICE_NS);
    };
    kernel::set_blocked_signals(blocked);
    polled == Polled::Interrupted && !restart
}

/// Before a leader waits for the end of any child: it looks once.
pub(crate) fn waits_for_any_child(start: Start, caller: usize) {
    if gate::awake() && tls::inside() == 0 && !gate::is_guest() && threads::live() <= 1 {
        errno::preserve(|| look(start, caller, Wait::Child(None)));
    }
}

/// Looks whether the leader's wait closes a circle, and reports it once.
pub(super) fn look(start: Start, caller: usize, wait: Wait) {
    if shares_pipes() {
        let site = record(|_| sites::capture_from(start, caller)).unwrap_or(caller);
        record_with_scratch(|scratch| look_and_report(scratch, site, wait));
    }
}

fn look_and_report(scratch: &Scratch, site: usize, wait: Wait) {
    let arena = &scratch.arena();
    let Some(circle) = circle(arena, wait) else { return };
    let harmless = describe::caught_by_runtime();
    if let Some(held_up) = pipe_inherited::held_up(circle, harmless) {
        report_held_up(arena, scratch, held_up, false, site);
    } else if let Some(writer) = pipe_inherited::unread(circle, harmless) {
        report_held_up(arena, scratch, writer, true, site);
    }
}
