//! Waits that may never end: reported before the thread blocks, taken back if it returns.
mod alone;
mod answers;
mod call;
mod deadlock;
mod interpreter;
mod join;
mod locks;
mod objects;
pub(super) mod orphans;
mod pythons;
mod report;
mod text;
mod work;

pub(crate) use answers::{after_start, before_post, before_unrecorded_post};
pub(crate) use call::{BlockingCall, WaitReport, WaitResult};
pub(crate) use objects::condition_clock;
pub(crate) use orphans::before_release;
pub(super) use orphans::{RELEASED, is_dealt_with, is_repaired};
pub(super) use report::{reported, with_site};
pub(super) use text::{wait_site, waiter};
pub(crate) use work::{awaits_work, before_events};

use crate::describe::lock_id;
use crate::entry::record_with_scratch;
use crate::guards::before_wait;
use crate::ledger;
use crate::sites;
use alone::Awaited;
use forkguard_core::fork::shared_page;
use forkguard_core::glibc::LockKind;
use forkguard_core::registry::threads;
use forkguard_core::{gate, kernel, tls};
use forkguard_report::event::{FindingKind, State};
use std::sync::atomic::Ordering::Relaxed;

/// True for a lock that is recorded even in a process of one thread (see `hooks/mutex.rs`), or in this one.
#[inline(always)]
pub(crate) fn is_tracked(call: BlockingCall, address: usize) -> bool {
    const OWNER_CHECKING: u8 = 3;
    use BlockingCall::{Lock, Timed};
    gate::TRACKED.load(Relaxed) != 0
        || match call {
            Lock(LockKind::Mutex | LockKind::C11Mutex) | Timed(LockKind::Mutex | LockKind::C11Mutex) => {
                // SAFETY: the host's own mutex.
                unsafe { *((address + 16) as *const u8) & OWNER_CHECKING != 0 }
            }
            Lock(LockKind::Write) | Timed(LockKind::Write) => true,
            _ => false,
        }
}

/// Before a call that may wait: reports it if nobody in this process can end the wait.
pub(crate) fn before(call: BlockingCall, address: usize, caller: usize) -> WaitReport {
    before_wait();
    if !gate::awake() || tls::inside() != 0 || gate::is_guest() || !gate::owns_registries() {
        return WaitReport::Unchecked;
    }
    shared_page::begin_wait();
    let report = check(call, address, caller);
    if matches!(report, WaitReport::Unchecked) {
        shared_page::end_wait();
    }
    report
}

/// Unchecked where the call may wait for what no hook knows of: then the leader sees it.
fn check(call: BlockingCall, address: usize, caller: usize) -> WaitReport {
    use BlockingCall::*;
    match call {
        Lock(kind) => locks::check(kind, address, caller, true),
        Timed(kind) => locks::check(kind, address, caller, false),
        Libc(name) => locks::check_libc(name, caller),
        Condition if !objects::is_shared_condition(address) => alone::check_condition(Awaited::Condition, address, caller),
        TimedCondition if sites::is_interpreters_own(address) => {
            alone::check_condition(Awaited::InterpreterLock, address, caller)
        }
        ConditionEnd if objects::has_lost_waiters(address) => alone::report(Awaited::LostWaiters, address, caller),
        Barrier if objects::lacks_threads(address) => {
            alone::check(Awaited::Barrier, address, caller, || objects::lacks_threads(address))
        }
        Join => join::check(address, caller),
        Futex { value, private } => alone::check(Awaited::Futex, address, caller, || {
            objects::copy::<u32>(address) == value && (private || kernel::mapping_is_shared(address) == Some(false))
        }),
        Condition | TimedCondition | ConditionEnd | Barrier => WaitReport::Nothing,
    }
}

/// After the call: what was reported is taken back.
pub(crate) fn after(report: WaitReport, result: &impl WaitResult) {
    if let Some(slot) = threads::mine().filter(|slot| slot.endless.load(Relaxed) != 0) {
        slot.endless.store(0, Relaxed);
    }
    if !matches!(report, WaitReport::Unchecked) {
        shared_page::end_wait();
    }
    match report {
        WaitReport::Finding(finding, hazard) => take_back([Some(finding), hazard]),
        WaitReport::Periodic(finding) if result.is_success() => take_back([Some(finding), None]),
        WaitReport::Answer(awaited, caller) if !result.is_success() => answers::report_in_vain(awaited, caller),
        WaitReport::Timed(fork, lock) if !result.is_success() => {
            record_with_scratch(|scratch| {
                let because = "the child did not get it before its time limit";
                ledger::report_state_of(
                    scratch,
                    fork,
                    FindingKind::LockOrphaned,
                    lock_id(lock).as_str(),
                    State::Hit,
                    None,
                    because,
                );
            });
        }
        _ => {}
    }
}

fn take_back(findings: [Option<&'static ledger::Reported>; 2]) {
    record_with_scratch(|scratch| {
        for name in findings.into_iter().flatten().map(|finding| finding.name()) {
            let (what, because) = (format_args!("{}", name.what.as_str()), "the wait ended after all");
            ledger::report_state(scratch, name.kind, what, State::Resolved, None, because);
        }
    });
}
