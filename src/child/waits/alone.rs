//! Waits for what another thread of the process would do, while no other is there, or all of them wait, too.
use super::call::WaitReport;
use super::interpreter;
use super::report::{report_endless, with_site};
use super::text::{lost_threads_text, wait_site, waiter};
use crate::describe;
use crate::entry::{Scratch, record_with_scratch};
use crate::findings::Hit;
use forkguard_core::fixed::Text;
use forkguard_core::fork::lost_threads;
use forkguard_core::glibc::{self, LockKind, Words};
use forkguard_core::kernel;
use forkguard_core::registry::threads::{self, STARTED};
use forkguard_report::event::FindingKind;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// What the thread waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaited {
    Semaphore,
    Condition,
    Barrier,
    Futex,
    InterpreterLock,
    LostWaiters,
    Lock,
    ThreadEnd,
}

impl Awaited {
    /// True for what a signal handler may do (signal-safety(7)).
    fn is_done_by_handlers(self) -> bool {
        matches!(self, Awaited::Semaphore | Awaited::Futex)
    }

    fn name(self) -> &'static str {
        match self {
            Awaited::Semaphore => "a semaphore",
            Awaited::Condition => "a condition",
            Awaited::Barrier => "others at a barrier",
            Awaited::Futex => "a futex",
            Awaited::InterpreterLock => "the interpreter's lock (GIL), which no thread of this process holds,",
            Awaited::Lock => "a lock",
            Awaited::ThreadEnd => "another thread to end",
            Awaited::LostWaiters => "lost threads to leave a condition that it destroys,",
        }
    }

    fn hit_kind(self) -> FindingKind {
        if self == Awaited::InterpreterLock { FindingKind::LockDeadlock } else { FindingKind::JoinLostThread }
    }
}

/// A thread is about to wait; `still` is asked again whether it would, because the last of the others may have done its part before it
/// fell asleep.
pub(super) fn check(awaited: Awaited, address: usize, caller: usize, still: impl Fn() -> bool) -> WaitReport {
    // A thread that was started again does what the lost one did.
    if lost_threads().all(|(_, thread)| thread.slot.again.load(Relaxed) == STARTED) {
        return WaitReport::Nothing;
    }
    if let Some(slot) = threads::mine() {
        slot.endless.store(address | if awaited.is_done_by_handlers() { threads::BY_HANDLER } else { 0 }, SeqCst);
    }
    let others_wait = || record_with_scratch(|_| threads::others_wait()) == Some(true);
    if !threads::others_may_wait() || !others_wait() || !still() || threads::others_await_handlers() && catches_signals() {
        return WaitReport::Nothing;
    }
    report(awaited, address, caller)
}

/// True when another thread waits for a mutex of this one: a wait for a condition may be about to release that mutex. The mutex itself is
/// asked, because it may have been taken while this process had one thread and recorded nothing.
pub(super) fn holds_others_up() -> bool {
    let mut live = threads::slots().iter().filter(|slot| slot.state() == threads::SlotState::Live);
    live.any(|slot| is_own_mutex(slot.endless.load(SeqCst)))
}

fn is_own_mutex(address: usize) -> bool {
    let mut words = Words::default();
    let size = glibc::size(LockKind::Mutex) / 4;
    address != 0 && kernel::read_words(address, &mut words[..size]) && glibc::owner(&words) == kernel::thread_id()
}

/// Reports the wait, unless a signal handler may end it.
pub(super) fn report(awaited: Awaited, address: usize, caller: usize) -> WaitReport {
    let endless = matches!(awaited, Awaited::InterpreterLock | Awaited::LostWaiters);
    with_site(caller, |scratch, site| match !endless && may_end_by_signal(scratch, awaited, site) {
        true => WaitReport::Nothing,
        false => report_at(scratch, site, awaited, address),
    })
}

fn report_at(scratch: &Scratch, site: usize, awaited: Awaited, address: usize) -> WaitReport {
    let (kind, id) = (awaited.hit_kind(), Text::<64>::of(format_args!("{address:#x}")));
    let lock = (awaited == Awaited::InterpreterLock).then_some(LockKind::Mutex);
    let report = report_endless(scratch, site, (kind, id.as_str()), lock, |arena| {
        let (fork, _) = lost_threads().next()?;
        let losses = describe::losses(arena, fork);
        let (lost, sites) = lost_threads_text(arena, &losses.threads, address);
        let subject = format_args!(
            "{} waits for {} {}; lost at the fork: {lost}",
            waiter(arena),
            awaited.name(),
            if threads::live() > 1 { "while all threads of its process wait" } else { "with no other thread in its process" }
        );
        Some(Hit {
            kind,
            what: arena.text(id.as_str()),
            subject: arena.format(subject),
            sites: arena.join([wait_site(arena, site).as_slice(), sites]),
            hazard: None,
        })
    });
    match report {
        WaitReport::Finding(finding, _) if awaited == Awaited::InterpreterLock => WaitReport::Periodic(finding),
        report => report,
    }
}

/// True when a signal handler of the program may end the wait: it may post a semaphore or wake a futex, and an interpreter runs its language's
/// handlers in the waiting thread.
fn may_end_by_signal(scratch: &Scratch, awaited: Awaited, site: usize) -> bool {
    let arena = scratch.arena();
    let site = wait_site(&arena, site);
    let interpreted = site.as_ref().is_some_and(interpreter::is_interpreted);
    let awaits_thread = site.as_ref().is_some_and(interpreter::awaits_thread);
    (interpreted || awaited.is_done_by_handlers()) && !awaits_thread && catches_signals()
}

/// True when the program catches a signal that is no crash.
fn catches_signals() -> bool {
    use libc::{SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
    let caught = |signal| kernel::signal_action(signal).is_some_and(|action| action.handler > libc::SIG_IGN);
    (1..=64).filter(|n| !matches!(*n, SIGBUS | SIGFPE | SIGILL | SIGSEGV | SIGSYS | SIGTRAP | 32 | 33)).any(caught)
}
