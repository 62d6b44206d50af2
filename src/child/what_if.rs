//! FORKGUARD_WHAT_IF: a child that settles reports what a child of its own would inherit broken if it forked now. Of a worker that loaded the
//! application itself, this is what its leader's workers would inherit, had the leader loaded the application before the fork.
use crate::describe::{self, own_fork_id};
use crate::entry::{Arena, Scratch};
use crate::findings::{self, Evidence};
use crate::ledger;
use crate::options;
use forkguard_core::fork::{self as core_fork, Snapshot};
use forkguard_core::kernel;
use forkguard_report::event::{Descriptor, Event, Origin};
use std::borrow::Cow::Borrowed;

/// Findings that are reported.
const MOST: usize = 64;

/// Where the child settles.
pub(super) fn report(scratch: &Scratch) {
    if !options::get().what_if {
        return;
    }
    let Some(fork) = own_fork_id() else { return };
    let Some(cell) = core_fork::begin_unmade() else { return };
    if let Some(mut snapshot) = cell.borrow() {
        core_fork::prepare(&mut snapshot);
        // Those of the host: ours are blocked while we work.
        snapshot.blocked = scratch.blocked;
        write(scratch, &mut snapshot, fork.as_str());
    }
    core_fork::end(cell);
}

fn write(scratch: &Scratch, snapshot: &mut Snapshot, fork: &str) {
    let arena = scratch.arena();
    let mut event = describe::fork_in_leader(&arena, snapshot);
    event.child = Some(kernel::process_id());
    event.descriptors = Borrowed(own(&arena, &event.descriptors));
    let evidence = Evidence::of(&event, snapshot, &arena, fork);
    let mut events = arena.list(MOST);
    findings::apply_rules(&evidence, |finding| events.push(Some(Event::WhatIf(finding))));
    ledger::write_events(scratch, Some(fork), events.as_slice().iter().cloned());
}

/// What this process has from its leader is inherited already: the fork that made it has told that.
fn own<'a>(arena: &'a Arena, descriptors: &[Descriptor<'a>]) -> &'a [Descriptor<'a>] {
    let mut list = arena.list(descriptors.len());
    let own = descriptors.iter().filter(|descriptor| descriptor.origin != Origin::Forked);
    own.for_each(|descriptor| list.push(descriptor.clone()));
    list.done()
}
