//! Waits for an answer of lost threads while others of the child live on: a pool that was made before the fork is given work, and nobody takes it.
//!
//! What wakes a pool's thread is a semaphore (CPython's queues and executors): a thread that posts one for which only lost threads wait, and then
//! waits for a result, waits for them as long as that token lies there.
use super::alone::{self, Awaited};
use super::call::WaitReport;
use super::interpreter::{self, Wait};
use super::objects::{lies_untaken, words_of};
use super::report::with_site;
use super::text::wait_site;
use super::work;
use forkguard_core::fork::{ThreadRecord, lost_threads};
use forkguard_core::glibc::{self, LockKind};
use forkguard_core::kernel;
use forkguard_core::registry::threads::{self, STARTED, Slot};
use forkguard_report::event::Site;
use std::sync::atomic::Ordering::Relaxed;

/// Before this thread posts a semaphore that it did not take itself.
pub(crate) fn before_post(slot: &Slot, address: usize, caller: usize) {
    let awaits = is_awaited_by_lost(address);
    slot.posted_to_lost.store(if awaits { address } else { 0 }, Relaxed);
    if awaits {
        work::note(slot, address, caller);
    }
}

/// The same while there is no record of who took it.
pub(crate) fn before_unrecorded_post(address: usize, caller: usize) {
    if has_sleepers(address)
        && is_awaited_by_lost(address)
        && let Some(slot) = threads::mine()
    {
        work::note(slot, address, caller);
    }
}

fn is_awaited_by_lost(semaphore: usize) -> bool {
    lost_threads().any(|(_, thread)| thread.waits_for == semaphore && thread.slot.again.load(Relaxed) != STARTED)
}

/// True for a semaphore that threads slept for, lost ones too: its words count them still.
fn has_sleepers(semaphore: usize) -> bool {
    let known = glibc::is_known_lock(LockKind::Semaphore);
    known && glibc::sleepers(&words_of(LockKind::Semaphore, semaphore)) != 0
}

/// This thread made another, which may answer it.
pub(crate) fn after_start() {
    if let Some(slot) = threads::mine() {
        slot.posted_to_lost.store(0, Relaxed);
    }
    work::forget();
}

/// The semaphore that this thread posted for lost threads, while nobody has taken the token.
fn unanswered() -> Option<usize> {
    let posted = threads::mine()?.posted_to_lost.load(Relaxed);
    (posted != 0 && lies_untaken(posted)).then_some(posted)
}

/// This thread is about to wait without an end while others live.
pub(super) fn check(caller: usize) -> WaitReport {
    let awaits_thread = |site: &Site<'_>| matches!(interpreter::wait(site), Wait::OfThread);
    unanswered().map_or(WaitReport::Nothing, |posted| report_where(Awaited::Answer, posted, caller, awaits_thread))
}

/// This thread is about to wait up to a time.
pub(super) fn check_timed(address: usize, caller: usize) -> WaitReport {
    let is_lost = |thread: &ThreadRecord| thread.slot.again.load(Relaxed) != STARTED;
    let is_only_thread = || threads::live() <= 1 && lost_threads().any(|(_, thread)| is_lost(thread));
    match unanswered() {
        Some(posted) => WaitReport::Answer(posted, caller),
        None if is_only_thread() => WaitReport::Answer(address, caller),
        None => WaitReport::Nothing,
    }
}

/// That time is up, and there was no answer.
pub(super) fn report_in_vain(awaited: usize, caller: usize) {
    if unanswered() == Some(awaited) || kernel::kernel_threads() == 1 {
        report_where(Awaited::LateAnswer, awaited, caller, interpreter::awaits_answer);
    }
}

fn report_where(awaited: Awaited, address: usize, caller: usize, is_meant: impl Fn(&Site<'_>) -> bool) -> WaitReport {
    with_site(caller, |scratch, site| {
        let is_meant = wait_site(&scratch.arena(), site).as_ref().is_some_and(&is_meant);
        if is_meant { alone::report_at(scratch, site, awaited, address) } else { WaitReport::Nothing }
    })
}
