//! Waits for what another thread of the process would do, while no other is there, or all of them wait, too.
use super::call::WaitReport;
use super::interpreter::{self, Wait};
use super::report::{report_endless, with_site};
use super::text::{given_at, lost_threads_text, wait_id, wait_site, waiter};
use crate::child::hit::report_hit;
use crate::describe::{self, lock_functions};
use crate::entry::{Arena, Scratch, record_with_scratch};
use crate::findings::Hit;
use crate::ledger::{self, Output, Reported};
use crate::sites::native;
use forkguard_core::fork::lost_threads;
use forkguard_core::gate;
use forkguard_core::glibc::{self, LockKind, Words};
use forkguard_core::kernel;
use forkguard_core::registry::signals;
use forkguard_core::registry::threads::{self, STARTED};
use forkguard_report::catalogue::{UNSHARED, WAITS_ALONE};
use forkguard_report::event::{FindingKind, Severity, Site};
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// What the thread waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaited {
    Semaphore,
    /// The answer of lost threads, to what this one gave to them.
    Answer,
    /// The same, up to a time that is over.
    LateAnswer,
    Condition,
    Barrier,
    Futex,
    /// The initialisation of a static variable of C++ or Rust.
    StaticVariable,
    /// What a thread of C++ promised.
    Promise,
    /// A lock of native code that no hook knows: the function in which it is taken has its name.
    NativeLock,
    InterpreterLock,
    /// A lock object of CPython's, which names no holder.
    PythonLock,
    LostWaiters,
    Lock(LockKind),
    ThreadEnd,
}

impl Awaited {
    /// The same, as the function that waits for a futex says.
    fn at(self, site: Option<&Site<'_>>) -> Awaited {
        let function = site.and_then(|site| site.frames.first()?.function.as_deref()).unwrap_or_default();
        match self {
            Awaited::Futex if function.contains("__cxa_guard_acquire") => Awaited::StaticVariable,
            // Rust's Once, OnceLock and LazyLock.
            Awaited::Futex if function.contains("sync::once") => Awaited::StaticVariable,
            Awaited::Futex if function.contains("__atomic_futex_unsigned_base") => Awaited::Promise,
            Awaited::Futex if site.and_then(lock_functions::taken_in).is_some() => Awaited::NativeLock,
            // CPython's conditions, events and queues wait for such a lock, too, which stands for a signal there.
            Awaited::PythonLock if !site.is_some_and(|site| matches!(interpreter::wait(site), Wait::OfLock)) => {
                Awaited::Semaphore
            }
            _ => self,
        }
    }

    /// True for an object whose address the wait is for.
    fn is_in_memory(self) -> bool {
        use Awaited::{Barrier, Condition, Futex, Lock, NativeLock, Semaphore};
        matches!(self, Semaphore | Condition | Barrier | Futex | NativeLock | Lock(_))
    }

    /// True for what a signal handler may do (signal-safety(7)).
    fn is_done_by_handlers(self) -> bool {
        matches!(self, Awaited::Semaphore | Awaited::PythonLock | Awaited::Futex)
    }

    fn name(self) -> &'static str {
        match self {
            Awaited::Semaphore => "a semaphore",
            Awaited::Answer => "an answer of lost threads: nobody has taken over what it gave to them",
            Awaited::LateAnswer => "an answer of lost threads up to a time, which is over",
            Awaited::Condition => "a condition",
            Awaited::Barrier => "others at a barrier",
            Awaited::Futex => "a futex",
            Awaited::StaticVariable => "the initialisation of a static variable that another thread began",
            Awaited::Promise => "a future",
            Awaited::InterpreterLock => "the interpreter's lock (GIL), which no thread of this process holds,",
            Awaited::PythonLock => "a threading.Lock",
            Awaited::Lock(LockKind::Read | LockKind::Write) => "a read-write lock",
            Awaited::Lock(LockKind::Mutex | LockKind::C11Mutex) => "a mutex",
            Awaited::Lock(_) | Awaited::NativeLock => "a lock",
            Awaited::ThreadEnd => "another thread to end",
            Awaited::LostWaiters => "lost threads to leave a condition that it destroys,",
        }
    }

    /// `unshared`: it lies in memory that processes share, which was not said to the C library.
    fn hit_kind(self, unshared: bool) -> FindingKind {
        match self {
            _ if unshared => FindingKind::LockDeadlock,
            Awaited::InterpreterLock | Awaited::StaticVariable | Awaited::NativeLock | Awaited::PythonLock => {
                FindingKind::LockDeadlock
            }
            _ if lost_threads().next().is_none() => FindingKind::LockDeadlock,
            _ => FindingKind::JoinLostThread,
        }
    }
}

/// A thread is about to wait; `still` is asked again whether it would, because the last of the others may have done its part before it
/// fell asleep.
pub(super) fn check(awaited: Awaited, address: usize, caller: usize, still: impl Fn() -> bool) -> WaitReport {
    check_asleep_at(awaited, address, address, caller, still)
}

/// The same for a thread that will sleep at another address, `asleep_at`, until it gets what it waits for.
pub(super) fn check_asleep_at(
    awaited: Awaited,
    address: usize,
    asleep_at: usize,
    caller: usize,
    still: impl Fn() -> bool,
) -> WaitReport {
    if lost_threads().next().is_none() {
        return check_only_thread(awaited, address, caller, still);
    }
    // A thread that was started again does what the lost one did.
    if lost_threads().all(|(_, thread)| thread.slot.again.load(Relaxed) == STARTED) {
        return WaitReport::Nothing;
    }
    if let Some(slot) = threads::mine() {
        slot.endless.store(asleep_at | if awaited.is_done_by_handlers() { threads::BY_HANDLER } else { 0 }, SeqCst);
    }
    let others_wait = || record_with_scratch(|_| threads::others_wait()) == Some(true);
    if !threads::others_may_wait() || !others_wait() || !still() || threads::others_await_handlers() && catches_signals() {
        return WaitReport::Nothing;
    }
    report(awaited, address, caller)
}

/// The same for a condition. Who waits for the mutex that this wait releases goes on then.
pub(super) fn check_condition(awaited: Awaited, address: usize, caller: usize) -> WaitReport {
    check(awaited, address, caller, || !holds_others_up())
}

/// The same in a child that lost nothing: while it has one thread, nobody gives what that one waits for. Who shares the memory with it does not
/// either, unless that was said to the C library: the kernel wakes up only who waits in the same process then.
fn check_only_thread(awaited: Awaited, address: usize, caller: usize, still: impl Fn() -> bool) -> WaitReport {
    let is_of_only_thread = || kernel::kernel_threads() == 1 && kernel::mapping_is_shared(address).is_some();
    match gate::TRACKED.load(Relaxed) == 0 && record_with_scratch(|_| is_of_only_thread()) == Some(true) && still() {
        true => report(awaited, address, caller),
        false => WaitReport::Nothing,
    }
}

/// True when another thread waits for a mutex of this one: a wait for a condition may be about to release that mutex. The mutex itself is
/// asked, because it may have been taken while this process had one thread and recorded nothing.
fn holds_others_up() -> bool {
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
    with_site(caller, |scratch, site| {
        let certain = certain(&scratch.arena(), awaited, site);
        certain.map_or(WaitReport::Nothing, |awaited| report_at(scratch, site, awaited, address))
    })
}

/// What the thread at that site waits for; None when a signal handler may end the wait.
fn certain(arena: &Arena, awaited: Awaited, site: usize) -> Option<Awaited> {
    let site = wait_site(arena, site);
    let awaited = awaited.at(site.as_ref());
    (!may_end_by_signal(arena, awaited, site.as_ref())).then_some(awaited)
}

pub(super) fn report_at(scratch: &Scratch, site: usize, awaited: Awaited, address: usize) -> WaitReport {
    let unshared = awaited.is_in_memory() && kernel::mapping_is_shared(address) == Some(true);
    let (kind, id) = (awaited.hit_kind(unshared), wait_id(address));
    let lock = (awaited == Awaited::InterpreterLock).then_some(LockKind::Mutex);
    let report = report_endless(scratch, site, (kind, id.as_str()), lock, |arena| {
        let (lost, sites) = if unshared { ("", [].as_slice()) } else { lost_at_fork(arena, address) };
        let alone = match threads::live() > 1 {
            _ if unshared => UNSHARED,
            _ if matches!(awaited, Awaited::Answer | Awaited::LateAnswer) => "",
            true => " while all threads of its process wait",
            false => WAITS_ALONE,
        };
        let symbol = describe::symbol(arena, address).map_or("", |symbol| arena.format(format_args!(" named {symbol}")));
        let waits = wait_site(arena, site);
        let function = waits.as_ref().filter(|_| awaited == Awaited::NativeLock).and_then(lock_functions::taken_in);
        let inside = function.map_or("", |function| arena.format(format_args!(", in {function}(),")));
        let subject = format_args!("{} waits for {}{symbol}{inside}{alone}{lost}", waiter(arena), awaited.name());
        Some(Hit {
            kind,
            what: arena.text(id.as_str()),
            subject: arena.format(subject),
            sites: arena.join([waits.as_slice(), sites, given_at(arena, address).as_slice()]),
            hazard: None,
        })
    });
    match report {
        WaitReport::Finding(finding, _) if awaited == Awaited::InterpreterLock => WaitReport::Periodic(finding),
        WaitReport::Finding(finding, _) if awaited == Awaited::NativeLock => {
            WaitReport::Finding(finding, report_orphan(scratch, site, id.as_str(), address))
        }
        report => report,
    }
}

/// The lock behind such a wait, which no record of the fork has: a lost thread held it.
fn report_orphan(scratch: &Scratch, site: usize, id: &str, address: usize) -> Option<&'static Reported> {
    let kind = FindingKind::LockOrphaned;
    report_hit(scratch, Severity::Warning, Output::Report, kind, |arena| {
        let (lost, sites) = lost_at_fork(arena, address);
        let symbol = describe::symbol(arena, address).map_or("", |symbol| arena.format(format_args!(" {symbol}")));
        let subject = format_args!("lock{symbol} at {address:#x}, which the process has no thread to release{lost}");
        Some(Hit {
            kind,
            what: arena.text(id),
            subject: arena.format(subject),
            sites: arena.join([wait_site(arena, site).as_slice(), sites]),
            hazard: None,
        })
    });
    ledger::find(kind, id)
}

/// The threads that the child lost, in words, and their sites.
fn lost_at_fork(arena: &Arena, address: usize) -> (&str, &[Site<'_>]) {
    let Some((fork, _)) = lost_threads().next() else { return ("", &[]) };
    let losses = describe::losses(arena, fork);
    let (lost, sites) = lost_threads_text(arena, &losses.threads, address);
    (arena.format(format_args!("; lost at the fork: {lost}")), sites)
}

/// True when a signal handler may end the wait: it may post a semaphore or wake a futex, and an interpreter runs its language's handlers in
/// the waiting thread. Those that the interpreter itself sets do neither, but end the program: they end a wait that is there to be ended so.
fn may_end_by_signal(arena: &Arena, awaited: Awaited, site: Option<&Site<'_>>) -> bool {
    if matches!(awaited, Awaited::InterpreterLock | Awaited::LostWaiters) {
        return false;
    }
    let is_programs = |(signal, handler)| !is_of_interpreter(arena, signal, handler);
    match site.map_or(Wait::Native, interpreter::wait) {
        Wait::Native => awaited.is_done_by_handlers() && caught_signals().any(is_programs),
        Wait::OfThread => false,
        Wait::OfLock => caught_signals().any(is_programs),
        Wait::Other => lost_threads().next().is_none() || caught_signals().next().is_some(),
    }
}

/// True for a handler that an interpreter set for itself, at its start: CPython for SIGINT, MRI for several.
fn is_of_interpreter(arena: &Arena, signal: i32, handler: usize) -> bool {
    let set = signals::setter(signal, handler);
    let is_by_language = set.is_some_and(|set| describe::interpreted_frames(set.site).next().is_some());
    !is_by_language && interpreter::sets_itself(native::frame(arena, handler).module.as_deref().unwrap_or_default(), signal)
}

fn catches_signals() -> bool {
    caught_signals().next().is_some()
}

/// The signals that the program catches and that are no crashes, with their handlers.
fn caught_signals() -> impl Iterator<Item = (i32, usize)> {
    use libc::{SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
    let numbers = (1..=64).filter(|n| !matches!(*n, SIGBUS | SIGFPE | SIGILL | SIGSEGV | SIGSYS | SIGTRAP | 32 | 33));
    let caught = |signal| kernel::signal_action(signal).filter(|action| action.handler > libc::SIG_IGN);
    numbers.filter_map(move |signal| Some((signal, caught(signal)?.handler)))
}
