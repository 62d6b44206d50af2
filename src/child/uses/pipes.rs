//! A child's waits by pipes and pairs of sockets that it has from its leader, where only an end that nobody needs holds it up.
use super::super::hit::report_hit;
use super::shared::Call;
use crate::describe;
use crate::describe::pipes::{Wait, circle, waits};
use crate::entry::record_with_scratch;
use crate::findings::pipe_inherited;
use crate::ledger::{Budget, Output};
use forkguard_core::fork::{birth, shared_page};
use forkguard_core::registry::descriptors as table;
use forkguard_core::{gate, kernel, tls};
use forkguard_report::event::{FindingKind, Role, Severity};

/// Waits that are looked at: each costs a millisecond or more, so one a second after the first few.
static LOOKS: Budget<8, 1_000_000_000> = Budget::new();

/// In a forked child.
pub(super) fn reset() {
    LOOKS.reset();
}

/// Before a call that waits for input or room by an end of a pipe, unless the descriptor is set otherwise.
pub(super) fn before_wait(call: Call, wait: Wait) {
    if is_held_up(wait) && wait.descriptor().is_some_and(kernel::waits_without_limit) {
        look(call, wait);
    }
}

/// The same where the call waits, whatever the descriptor's flags are.
pub(super) fn before_endless_wait(call: Call, wait: Wait) {
    if is_held_up(wait) {
        look(call, wait);
    }
}

/// True for a wait by an end of a pipe that the child has from its leader, while there is nothing to read, or no room. One question to the kernel
/// answers it for nearly all calls.
fn is_held_up(wait: Wait) -> bool {
    let is_inherited = |fd: &i32| table::is_pipe_end(*fd) && table::is_inherited(*fd);
    let Some(fd) = wait.descriptor().filter(is_inherited) else { return false };
    gate::awake() && tls::inside() == 0 && !gate::is_guest() && !is_ready(fd, wait) && gate::owns_registries()
}

fn is_ready(fd: i32, wait: Wait) -> bool {
    match wait {
        Wait::Output(_) => kernel::has_room(fd),
        _ => kernel::has_input_within(fd, 0),
    }
}

fn look(call: Call, wait: Wait) {
    let Some(fd) = wait.descriptor() else { return };
    if LOOKS.take() && (!leader_holds_other_end(fd) || leader_waits()) {
        report_circle(call, wait);
    }
}

/// True while the leader has the other end under the number of the fork: as a rule it is the one to write, or to read.
fn leader_holds_other_end(fd: i32) -> bool {
    let Some(fork) = birth() else { return false };
    let other = table::pipe_end(fd).map(|end| end.record().other);
    let twin = table::twin_as_made(fd);
    let theirs = twin.and_then(|twin| kernel::other_process::open_file(fork.leader, twin));
    theirs.is_some_and(|file| Some(file.number) == other)
}

/// True for a leader that waits itself: it may be one of the circle.
fn leader_waits() -> bool {
    birth().is_some_and(|fork| waits(fork.leader))
}

fn report_circle(call: Call, wait: Wait) {
    let site = call.capture();
    record_with_scratch(|scratch| {
        report_hit(scratch, Severity::Error, Output::Stderr, FindingKind::PipeInherited, |arena| {
            let held_up = pipe_inherited::held_up(circle(arena, wait)?, describe::caught_by_runtime())?;
            if shared_page::is_held_up_again(held_up.process) {
                return None;
            }
            let waits = describe::site(arena, Role::Waits, kernel::thread_id(), site);
            Some(pipe_inherited::hit(arena, held_up, false, waits))
        });
    });
}
