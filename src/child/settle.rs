//! When a child settles: before its first wait for work or its first error. One that waits for other things only settles at such a wait once it is
//! no child that still boots, or at its end. Its summary appears then.
use super::handlers;
use super::pythons_locks;
use super::summary;
use super::uses::{accepted, pending, watch};
use super::what_if;
use super::work::Awaited;
use crate::emit;
use crate::entry::held_signals::holding_signals;
use crate::entry::{Scratch, WaitLength, record, record_with_scratch, scratch};
use crate::findings::signals_blocked;
use crate::guards::{self, fixups};
use crate::ledger;
use forkguard_core::fork::{self as core_fork, Snapshot, shared_page};
use forkguard_core::{flags, gate, kernel};
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering::Relaxed};

/// A child that is older, in nanoseconds, boots no more: whatever it waits for then is its life.
const BOOTS_FOR_NS: u64 = 10_000_000_000;
/// A fixup that has run for longer has left its function by a jump.
const FIXUPS_RUN_FOR_NS: u64 = 1_000_000_000;
/// Nanoseconds of the monotonic clock at the child's fork.
#[unsafe(link_section = "forkguard_words")]
static FORKED_AT: AtomicU64 = AtomicU64::new(0);
/// The call at which this child would have settled, had its leader reported by then.
#[unsafe(link_section = "forkguard_words")]
static POSTPONED_CALL: AtomicPtr<&'static str> = AtomicPtr::new(std::ptr::null_mut());
/// The signals that the child had reset by that call: later resets may serve its end.
#[unsafe(link_section = "forkguard_words")]
static POSTPONED_RESETS: AtomicU64 = AtomicU64::new(0);

/// The same of its leader, when that had not settled at the fork; 0 when it had.
#[unsafe(link_section = "forkguard_words")]
static LEADER_FORKED_AT: AtomicU64 = AtomicU64::new(0);

pub(super) fn begin(forked_at: u64) {
    FORKED_AT.store(forked_at, Relaxed);
    flags::SETTLING.store(1, Relaxed);
}

pub(super) fn reset() {
    let unsettled_since = if flags::is_settling() { FORKED_AT.load(Relaxed) } else { 0 };
    LEADER_FORKED_AT.store(unsettled_since, Relaxed);
    flags::SETTLING.store(0, Relaxed);
    POSTPONED_CALL.store(std::ptr::null_mut(), Relaxed);
}

/// Before a wait for work the child settles. Before a short one it waits for no report of its leader: the host counts that time.
/// That is its longest work before a wait: a signal between two parts of it, which would not end the wait that follows, is held to its end.
pub(crate) fn settle_before_wait(call: &'static &'static str, awaited: Awaited, length: WaitLength) {
    holding_signals(|_| settle_or_postpone(call, awaited, length));
}

fn settle_or_postpone(call: &'static &'static str, awaited: Awaited, length: WaitLength) {
    let is_in_time = || length == WaitLength::Long || leader_has_reported();
    if is_older_than(BOOTS_FOR_NS) || awaited.is_work(length) && is_in_time() {
        record(|_| guards::unblock_before_wait(signals_blocked::attended(call), length));
        record_with_scratch(|scratch| settle(call, scratch));
        record(|_| scratch::give_back());
        return;
    }
    accepted::begin_wait();
    if postponed_call().is_none() && fixups_are_done() {
        record(|_| POSTPONED_RESETS.store(handlers::resets(), Relaxed));
        POSTPONED_CALL.store(std::ptr::from_ref(call).cast_mut(), Relaxed);
    }
}

fn leader_has_reported() -> bool {
    let reported = |fork: &Snapshot| shared_page::leader_has_reported(fork.leader, fork.sequence);
    !emit::wanted() || core_fork::birth().is_none_or(reported)
}

fn postponed_call() -> Option<&'static str> {
    // SAFETY: null or a reference to a static text.
    unsafe { POSTPONED_CALL.load(Relaxed).as_ref() }.copied()
}

/// The child execs or ends: if it postponed its settling, it settles now.
pub(super) fn settle_if_postponed() {
    if let Some(call) = postponed_call().filter(|_| flags::is_settling() && fixups_are_done()) {
        record_with_scratch(|scratch| settle_now(call, scratch));
    }
}

/// The child is about to wait in `call`, and settles; not yet while a fixup runs, whose waits are not the child's work.
fn settle(call: &'static str, scratch: &Scratch) {
    if fixups_are_done() {
        settle_now(call, scratch);
    }
}

fn fixups_are_done() -> bool {
    fixups::running().is_none() || is_older_than(FIXUPS_RUN_FOR_NS)
}

/// The child settles, whatever runs.
pub(super) fn settle_now(call: &'static str, scratch: &Scratch) {
    // A process that the child made past every hook has a copy of its memory, but is another one.
    if gate::owns_registries()
        && !guards::is_restarting()
        && flags::SETTLING.swap(0, Relaxed) != 0
        && let Some(birth) = core_fork::birth()
    {
        let (call, resets) = postponed_call().map_or((call, !0), |call| (call, POSTPONED_RESETS.load(Relaxed)));
        // The summary is made of last states.
        pythons_locks::look_at_them();
        pending::report_all(scratch);
        summary::report(scratch, birth, leaders_birth(birth), call, resets);
        ledger::report_resolved_by_actions(scratch);
        watch::settle();
        accepted::settle(scratch);
        what_if::report(scratch);
    }
}

/// The fork that made the leader, where that has ended before it settled: a daemon's first child. What it lost is missing here, and nobody said so.
fn leaders_birth(birth: &Snapshot) -> Option<&'static Snapshot> {
    let unsettled_since = LEADER_FORKED_AT.load(Relaxed);
    let is_left_alone = unsettled_since != 0 && kernel::parent_id() != birth.leader;
    core_fork::ancestors().find(|fork| is_left_alone && fork.entered == unsettled_since)
}

fn is_older_than(nanoseconds: u64) -> bool {
    kernel::monotonic() - FORKED_AT.load(Relaxed) > nanoseconds
}
