//! Waits for a lock: an orphaned one, one whose owner does not exist, or one that nobody else is there to release.
use super::alone::{self, Awaited};
use super::answers;
use super::call::WaitReport;
use super::deadlock::report_deadlock;
use super::objects::words_of;
use super::orphans::orphans;
use super::pythons;
use super::report::{report_endless, with_site};
use super::text::{wait_site, waiter};
use crate::describe::{self, libc_locks};
use crate::entry::record;
use crate::findings::{Hit, NOT_OF_THE_PROCESS, SINCE_BEFORE_THE_FORK};
use crate::sites::python;
use forkguard_core::fixed::Text;
use forkguard_core::fork::{self as core_fork, LockRecord};
use forkguard_core::glibc::{self, LockKind};
use forkguard_core::kernel;
use forkguard_core::registry::held;
use forkguard_report::catalogue::OWN_HOLDER;
use forkguard_report::event::{FindingKind, Role};
use std::ffi::CStr;

/// A lock is about to be taken; `endless` without a time limit.
pub(super) fn check(kind: LockKind, address: usize, caller: usize, endless: bool) -> WaitReport {
    if !glibc::is_known_lock(kind) {
        return WaitReport::Nothing;
    }
    let words = words_of(kind, address);
    let mutex = matches!(kind, LockKind::Mutex | LockKind::C11Mutex);
    let owner = if mutex { glibc::owner(&words) } else { 0 };
    if glibc::is_shared(kind, &words) || !glibc::blocks(kind, &words) || owner != 0 && owner == kernel::thread_id() {
        return WaitReport::Nothing;
    }
    if describe::is_made_for_processes(mutex && glibc::is_robust(&words), address) {
        return WaitReport::Nothing;
    }
    if kind == LockKind::Semaphore
        && let Some(lock) = python::parked_at(address, caller)
    {
        return pythons::check(lock, address, caller, endless);
    }
    let still = || glibc::blocks(kind, &words_of(kind, address));
    let orphan = orphans().find(|(_, l)| l.entry.address == address && glibc::held_by(l.entry.kind, l.holder, &words));
    match orphan {
        Some((fork, lock)) if endless => report_deadlock(fork, lock, caller),
        Some((fork, lock)) => WaitReport::Timed(fork, lock),
        None if !endless && kind == LockKind::Semaphore => answers::check_timed(address, caller),
        None if !endless => WaitReport::Nothing,
        None if owner != 0 && !kernel::thread_exists(owner) && !is_forking_thread(owner) && !is_in_shared_memory(address) => {
            report_unknown_owner(kind, address, owner, caller)
        }
        None if kind == LockKind::Semaphore => match alone::check(Awaited::Semaphore, address, caller, still) {
            WaitReport::Nothing => answers::check(caller),
            report => report,
        },
        None => alone::check(Awaited::Lock(kind), address, caller, still),
    }
}

/// True where another process may hold it.
fn is_in_shared_memory(address: usize) -> bool {
    record(|_| kernel::mapping_is_shared(address)) == Some(Some(true))
}

/// True for the number that the thread which forked this child had in the leader: it may still unlock what it locked there, unless it is the
/// thread that waits.
fn is_forking_thread(owner: u32) -> bool {
    core_fork::ancestors().any(|s| s.thread == owner) && kernel::thread_id() != kernel::process_id()
}

/// A mutex names as its owner a thread that this process does not have, though no record says how it got there.
fn report_unknown_owner(lock: LockKind, address: usize, owner: u32, caller: usize) -> WaitReport {
    with_site(caller, |scratch, site| {
        let (kind, id) = (FindingKind::LockDeadlock, Text::<64>::of(format_args!("{address:#x}-{owner}")));
        report_endless(scratch, site, (kind, id.as_str()), Some(lock), |arena| {
            let (symbol, gap) = describe::symbol(arena, address).map_or(("", ""), |symbol| (symbol, " "));
            let own_fork = core_fork::ancestors().find(|fork| fork.thread == owner);
            let holder = match own_fork.is_some() {
                true => arena.format(format_args!("{OWN_HOLDER}{SINCE_BEFORE_THE_FORK}")),
                false => arena.format(format_args!("thread {owner}{NOT_OF_THE_PROCESS}")),
            };
            let forked = own_fork.and_then(|fork| describe::site(arena, Role::Fork, owner, fork.site));
            let subject = format_args!("{} waits for the mutex {symbol}{gap}at {address:#x}, held by {holder}", waiter(arena));
            Some(Hit {
                kind,
                what: arena.text(id.as_str()),
                subject: arena.format(subject),
                sites: arena.join([forked.as_slice(), wait_site(arena, site).as_slice()]),
                hazard: None,
            })
        })
    })
}

/// The function of that name is about to take its lock of the C library.
pub(super) fn check_libc(name: &'static CStr, caller: usize) -> WaitReport {
    let name = name.to_str().unwrap_or_default();
    let inside = |lock: &LockRecord| lock.entry.kind == LockKind::Libc && lock.entry.flags & held::ENTERED == 0;
    let holds = |lock: &LockRecord| libc_locks::is_same(describe::libc_name(lock.entry.address), name);
    let orphan = orphans().find(|(_, lock)| inside(lock) && holds(lock) && !libc_locks::is_brief(name));
    orphan.map_or(WaitReport::Unchecked, |(fork, lock)| report_deadlock(fork, lock, caller))
}
