//! A process ends, by exit(3) or _exit(2): a forked child, or a leader that reports.
use super::ending::{self, Gone};
use super::file_locks;
use crate::describe::own_fork_id;
use crate::entry::Scratch;
use crate::ledger;
use forkguard_core::fixed::Text;
use forkguard_core::{flags, fork as core_fork, gate};
use forkguard_report::event::{Event, Exit};
use std::borrow::Cow::Borrowed;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

/// The status given to exit(3).
#[unsafe(link_section = "forkguard_words")]
static STATUS: AtomicI32 = AtomicI32::new(0);

/// exit(3) is called: the end comes after its handlers, which do not know the status.
pub(crate) fn set_status(status: i32) {
    STATUS.store(status, Relaxed);
}

/// This process ends in `call`. Not reported of one that shares this one's memory, or that no hook saw being forked.
pub(crate) fn report(scratch: &Scratch, call: &'static str, status: i32) {
    if !gate::owns_registries() {
        return;
    }
    let event = Exit { status, call: Borrowed(call), forks: core_fork::made(), spawns: ledger::spawns::made() };
    let id = own_fork_id();
    ledger::write_events(scratch, id.as_ref().map(Text::as_str), [Some(Event::Exit(event))]);
    // What a child that forked does not use, its own child may.
    let Some(id) = id.filter(|_| core_fork::made() == 0) else { return };
    match flags::is_settling() {
        true => {
            ending::report_moot(scratch, id.as_str(), Gone::Ended);
            file_locks::report_all(scratch, id.as_str());
        }
        false => ending::report_untouched(scratch, id.as_str()),
    }
}

/// This process ends through exit(3) or by returning from main; its handlers have run.
pub(crate) fn report_at_exit(scratch: &Scratch) {
    report(scratch, "exit", STATUS.load(Relaxed));
}
