//! Event loops whose work lost threads should do (asyncio's `run_in_executor`). Such a loop waits for descriptors, so nothing about the wait tells
//! that it is in vain; that what the loop gave to its pool lies there untouched does.
use super::alone::{self, Awaited};
use super::interpreter;
use super::objects::lies_untaken;
use super::text::wait_id;
use crate::describe;
use crate::entry::{record, record_with_scratch};
use crate::ledger;
use crate::sites::{self, Start};
use forkguard_core::registry::threads::{self, Slot};
use forkguard_core::{flags, kernel};
use forkguard_report::event::{FindingKind, State};
use std::sync::atomic::Ordering::Relaxed;

/// A loop that also waits for the time finds what it gave untouched for so many nanoseconds.
const UNTOUCHED_NS: u64 = 1_000_000_000;

/// What work that nobody takes over is reported as.
const KIND: FindingKind = FindingKind::JoinLostThread;

/// This thread is about to post a semaphore for which lost threads wait: if that gives work to a pool, its later waits are looked at.
pub(super) fn note(slot: &Slot, semaphore: usize, caller: usize) {
    let gives = |site: &usize| describe::interpreted_frames(*site).any(|frame| interpreter::gives_work(&frame));
    if let Some(site) = record(|_| sites::capture(caller)).filter(gives) {
        slot.gave_work_at.store(site, Relaxed);
        slot.gave_work_when.store(kernel::monotonic(), Relaxed);
        slot.gave_work.store(semaphore, Relaxed);
        flags::watch_waits();
    }
}

/// True while this thread has given work that nobody is known to have taken over.
pub(crate) fn awaits_work() -> bool {
    threads::mine().is_some_and(|slot| slot.gave_work.load(Relaxed) != 0)
}

/// A thread was started, which may take over what was given. What was reported stays to be taken back.
pub(super) fn forget() {
    let gave = threads::slots().iter().filter(|slot| slot.gave_work.load(Relaxed) != 0);
    gave.filter(|slot| !is_reported(slot.gave_work.load(Relaxed))).for_each(|slot| slot.gave_work.store(0, Relaxed));
}

fn is_reported(semaphore: usize) -> bool {
    ledger::find(KIND, wait_id(semaphore).as_str()).is_some_and(|reported| reported.is(State::Hit))
}

/// Before a wait for descriptors.
pub(crate) fn before_events(start: Start, caller: usize, endless: bool) {
    let Some(slot) = threads::mine().filter(|slot| slot.gave_work.load(Relaxed) != 0) else { return };
    let semaphore = slot.gave_work.load(Relaxed);
    if !lies_untaken(semaphore) {
        slot.gave_work.store(0, Relaxed);
        take_back(semaphore);
    } else if endless || kernel::monotonic() - slot.gave_work_when.load(Relaxed) > UNTOUCHED_NS {
        let site = record(|_| sites::capture_from(start, caller)).unwrap_or(caller);
        record_with_scratch(|scratch| alone::report_at(scratch, site, Awaited::Answer, semaphore));
    }
}

fn take_back(semaphore: usize) {
    if is_reported(semaphore) {
        let (id, because) = (wait_id(semaphore), "another thread took it over");
        record_with_scratch(|scratch| {
            ledger::report_state(scratch, KIND, format_args!("{}", id.as_str()), State::Resolved, None, because);
        });
    }
}
