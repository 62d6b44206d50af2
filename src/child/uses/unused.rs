//! The last states of what a child inherited, when it is gone.
use super::concern::{Concern, descriptor_id};
use super::{one_way, pending};
use crate::entry::{Arena, Scratch};
use crate::ledger;
use forkguard_core::registry::descriptors;
use forkguard_report::event::{FindingKind, FindingState, State};
use std::borrow::Cow::Borrowed;
use std::fmt::Display;

fn new_state<'a>(
    arena: &'a Arena,
    id: &str,
    kind: FindingKind,
    what: impl Display,
    state: State,
    because: &'a str,
) -> FindingState<'a> {
    let id = Borrowed(arena.format(format_args!("{id}:{}:{what}", kind.name())));
    FindingState { id, state, severity: None, because: Borrowed(because) }
}

/// The child `id` is gone before it settled: the states that were to be reported then.
pub(crate) fn report_pending(scratch: &Scratch, id: &str) {
    let arena = scratch.arena();
    ledger::write_states(scratch, id, |each| {
        pending::take().for_each(|((kind, state, because), number)| each(new_state(&arena, id, kind, number, state, because)));
        ledger::resolved_by_actions(|kind, what, because| each(new_state(&arena, id, kind, what, State::Resolved, because)));
    });
}

/// The child `id` is gone: this is the last state of what it shares and did not use.
pub(crate) fn report_unused(scratch: &Scratch, id: &str, state: State, because: &'static str) {
    let arena = scratch.arena();
    ledger::write_states(scratch, id, |each| {
        // Of what goes by two numbers the other one may have been used.
        for fd in descriptors::unseen().filter(|&fd| descriptors::number_at_fork(fd) == fd && !one_way::is_used(fd)) {
            let hazard = Concern::of_number(fd).and_then(|concern| concern.hazard(fd));
            if let Some(kind) = hazard.filter(|&kind| ledger::find(kind, descriptor_id(fd).as_str()).is_none()) {
                each(new_state(&arena, id, kind, fd, state, because));
            }
        }
    });
}
