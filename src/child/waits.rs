//! Waits that may be in vain: looked at before the thread blocks, taken back if it returns.
use super::awaited;
use super::hit::report_hit;
use crate::describe::{self, lock_id};
use crate::entry::Arena;
use crate::entry::{Scratch, record, record_with_scratch};
use crate::findings::lock_orphaned;
use crate::findings::{Hazard, Hit};
use crate::guards::threads::python::before_wait;
use crate::ledger::{self, Output, Reported};
use crate::options::{self, Locks};
use crate::sites;
use forkguard_core::fixed::Text;
use forkguard_core::fork::shared_page;
use forkguard_core::fork::{self as core_fork, Inner, LockRecord, ThreadRecord, lost_threads};
use forkguard_core::held::{self, Kind as LockKind};
use forkguard_core::thread::STARTED;
use forkguard_core::words::{self, Object, Words};
use forkguard_core::{atfork, flags, gate, raw, thread, tls};
use forkguard_report::event::{Kind, Role, Severity, Site, State, Thread};
use std::ffi::CStr;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// What a call may wait for; the address is its first argument.
#[derive(Clone, Copy)]
pub(crate) enum Call {
    /// A lock, for as long as it takes.
    Lock(LockKind),
    /// A lock, up to a time.
    Timed(LockKind),
    /// The lock of the C library that the function of this name takes.
    Libc(&'static CStr),
    /// A condition, for as long as it takes.
    Condition,
    /// A condition, up to a time.
    TimedCondition,
    /// Those who wait for a condition that is to end.
    ConditionEnd,
    /// A barrier.
    Barrier,
    /// A thread's end.
    Join,
    /// A word, through futex(2), for as long as it takes and while it has this value.
    Futex(u32),
}

/// What `before` has to take back.
#[derive(Clone, Copy)]
pub(crate) enum Waiting {
    /// Nothing: it was not looked at.
    Unseen,
    /// Nothing.
    Quietly,
    /// This was said.
    Said(&'static Reported, Option<&'static Reported>),
    /// This was said of a wait that begins anew whenever its time is up.
    Again(&'static Reported),
    /// A wait for an orphan that a time ends.
    Timed(&'static Inner, &'static LockRecord),
}

/// Whether a call came back with what it waited for.
pub(crate) trait Answer {
    /// True unless it says that it failed.
    fn is_good(&self) -> bool;
}

impl Answer for i32 {
    fn is_good(&self) -> bool {
        *self == 0
    }
}
impl Answer for i64 {
    fn is_good(&self) -> bool {
        true
    }
}
impl Answer for usize {
    fn is_good(&self) -> bool {
        true
    }
}
impl Answer for () {
    fn is_good(&self) -> bool {
        true
    }
}
impl<T> Answer for *mut T {
    fn is_good(&self) -> bool {
        true
    }
}

/// True for a lock that is recorded even in a process of one thread (see `hooks/mutex.rs`), or in this one.
#[inline(always)]
pub(crate) fn is_tracked(call: Call, address: usize) -> bool {
    const OWNER_CHECKING: u8 = 3;
    held::TRACKED.load(Relaxed) != 0
        || match call {
            Call::Lock(LockKind::Mutex | LockKind::C11Mutex) | Call::Timed(LockKind::Mutex | LockKind::C11Mutex) => {
                // SAFETY: the host's own mutex.
                unsafe { *((address + 16) as *const u8) & OWNER_CHECKING != 0 }
            }
            _ => false,
        }
}

/// Before a call that may wait: says so if nobody in this process can end the wait.
pub(crate) fn before(call: Call, address: usize, caller: usize) -> Waiting {
    before_wait();
    if !gate::awake() || tls::inside() != 0 || gate::is_guest() || !core_fork::owned() {
        return Waiting::Unseen;
    }
    shared_page::begin_wait();
    match call {
        Call::Lock(kind) => lock(kind, address, caller, true),
        Call::Timed(kind) => lock(kind, address, caller, false),
        Call::Libc(name) => libc_lock(name, caller),
        Call::Condition if !is_shared_condition(address) => alone(Thing::Condition, address, caller, || !holds_others_up()),
        Call::TimedCondition if sites::is_interpreters_own(address) => alone(Thing::Interpreter, address, caller, || true),
        Call::ConditionEnd if has_lost_waiters(address) => say(Kind::JoinLostThread, Thing::Waiters, address, caller),
        Call::Barrier if waits_for_others(address) => alone(Thing::Barrier, address, caller, || waits_for_others(address)),
        Call::Join => join(address, caller),
        Call::Futex(value) => alone(Thing::Futex, address, caller, || copy::<u32>(address) == value),
        Call::Condition | Call::TimedCondition | Call::ConditionEnd | Call::Barrier => Waiting::Quietly,
    }
}

/// After it: what was said is taken back.
pub(crate) fn after(waiting: Waiting, answer: &impl Answer) {
    if let Some(slot) = thread::mine().filter(|slot| slot.endless.load(Relaxed) != 0) {
        slot.endless.store(0, Relaxed);
    }
    if !matches!(waiting, Waiting::Unseen) {
        shared_page::end_wait();
    }
    let because = "the wait ended after all";
    let waiting = match waiting {
        Waiting::Again(said) if answer.is_good() => Waiting::Said(said, None),
        other => other,
    };
    match waiting {
        Waiting::Unseen | Waiting::Quietly | Waiting::Again(_) => {}
        Waiting::Said(said, hazard) => {
            record_with_scratch(|scratch| {
                for said in [Some(said), hazard].into_iter().flatten() {
                    ledger::report_state(
                        scratch,
                        said.name().kind,
                        format_args!("{}", said.name().what.as_str()),
                        State::Resolved,
                        None,
                        because,
                    );
                }
            });
        }
        Waiting::Timed(fork, lock) if !answer.is_good() => {
            record_with_scratch(|scratch| {
                let because = "the child waited for it in vain, until its time was up";
                ledger::report_state_of(scratch, fork, Kind::LockOrphaned, lock_id(lock).as_str(), State::Hit, None, because);
            });
        }
        Waiting::Timed(..) => {}
    }
}

/// What the process waits for while nobody else is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Thing {
    Semaphore,
    Condition,
    Barrier,
    Futex,
    Interpreter,
    Waiters,
    Lock,
    End,
}

impl Thing {
    /// True for what a signal handler may give (signal-safety(7)).
    fn is_given_by_handlers(self) -> bool {
        matches!(self, Thing::Semaphore | Thing::Futex)
    }

    fn name(self) -> &'static str {
        match self {
            Thing::Semaphore => "a semaphore",
            Thing::Condition => "a condition",
            Thing::Barrier => "others at a barrier",
            Thing::Futex => "a futex",
            Thing::Interpreter => "the interpreter's lock (GIL), which no thread of this process holds,",
            Thing::Lock => "a lock",
            Thing::End => "another thread to end",
            Thing::Waiters => "lost threads to leave a condition that it destroys,",
        }
    }
}

/// Copies plain words of the host's, which the call that follows reads too.
fn copy<T: Copy>(address: usize) -> T {
    // SAFETY: the host passes a valid object of at least this size, of plain words.
    unsafe { (address as *const T).read_volatile() }
}

fn words_of(kind: LockKind, address: usize) -> Words {
    let mut read = Words::default();
    let size = words::size(kind).max(4) / 4;
    read.iter_mut().take(size).enumerate().for_each(|(i, word)| *word = copy(address + i * 4));
    read
}

/// Why an orphaned lock is none any more.
pub(super) const RELEASED: &str = "the child released it or made it anew";

/// A lock is released, or made `anew`: if it was an orphan, it is none any more. (A mutex names its owner: that tells.)
pub(crate) fn gives(address: usize, anew: bool) {
    if tls::inside() != 0 || gate::is_guest() || !gate::awake() {
        return;
    }
    // Of several readers one goes.
    let stays = |lock: &LockRecord| {
        !anew && words::is_known_lock(lock.entry.kind) && words::readers(lock.entry.kind, &words_of(lock.entry.kind, address)) > 1
    };
    if let Some((fork, lock)) = orphans().find(|(_, lock)| lock.entry.address == address && !stays(lock)) {
        record_with_scratch(|scratch| {
            ledger::report_state_of(scratch, fork, Kind::LockOrphaned, lock_id(lock).as_str(), State::Resolved, None, RELEASED)
        });
    }
}

/// The locks that this process cannot use.
fn orphans() -> impl Iterator<Item = (&'static Inner, &'static LockRecord)> {
    core_fork::ancestors().map(|s| s.facts()).flat_map(|inner| {
        let broken = inner.broken_locks().filter(|l| !l.signal && !was_dealt_with(l));
        broken.map(move |lock| (inner, lock))
    })
}

/// True for one of which the report has said so. A mutex is asked itself, whenever that matters.
fn was_dealt_with(lock: &LockRecord) -> bool {
    if ledger::is_empty() || matches!(lock.entry.kind, LockKind::Mutex | LockKind::C11Mutex) {
        return false;
    }
    ledger::find(Kind::LockOrphaned, lock_id(lock).as_str()).is_some_and(|said| said.is(State::Resolved))
}

fn lock(kind: LockKind, address: usize, caller: usize, endless: bool) -> Waiting {
    if !words::is_known_lock(kind) {
        return Waiting::Quietly;
    }
    let words = words_of(kind, address);
    let mutex = matches!(kind, LockKind::Mutex | LockKind::C11Mutex);
    let owner = if mutex { words::owner(&words) } else { 0 };
    if words::is_shared(kind, &words) || !words::blocks(kind, &words) || owner != 0 && owner == raw::thread_id() {
        return Waiting::Quietly;
    }
    let still = || words::blocks(kind, &words_of(kind, address));
    let orphan = orphans().find(|(_, l)| l.entry.address == address && words::held_by(l.entry.kind, l.holder, &words));
    match orphan {
        Some((fork, lock)) if endless => deadlock(fork, lock, caller),
        Some((fork, lock)) => Waiting::Timed(fork, lock),
        None if !endless => Waiting::Quietly,
        None if owner != 0 && !raw::thread_exists(owner) && !is_this_childs(owner) => unknown_owner(kind, address, owner, caller),
        None if kind == LockKind::Semaphore => alone(Thing::Semaphore, address, caller, still),
        None => alone(Thing::Lock, address, caller, still),
    }
}

/// True for the number that the thread which forked this child had before: it may still unlock what it locked then, if it is not the
/// one that waits.
fn is_this_childs(owner: u32) -> bool {
    core_fork::ancestors().any(|s| s.facts().thread == owner) && raw::thread_id() != raw::process_id()
}

/// True for a lock that forkguard made usable in this child.
pub(super) fn is_repaired(fork: &Inner, what: &str) -> bool {
    fork.repaired_locks().any(|lock| lock_id(lock).as_str() == what)
}

/// True when the holder's record of this lock is not true any more: the child released it, or made it anew.
pub(super) fn is_dealt_with(fork: &'static Inner, what: &str) -> bool {
    let named = |lock: &&LockRecord| lock_id(lock).as_str() == what;
    let Some(lock) = fork.locks.as_slice().iter().find(named) else { return false };
    let mut words = Words::default();
    let count = words::size(lock.entry.kind).max(4) / 4;
    let is_known = lock.entry.kind != LockKind::Libc && words::is_known_lock(lock.entry.kind);
    let readable = is_known && raw::read_words(lock.entry.address, &mut words[..count]);
    readable && !(words::held_by(lock.entry.kind, lock.holder, &words) && words::is_taken(lock.entry.kind, &words))
}

/// The thread that waits, in words.
pub(super) fn waiter(arena: &Arena) -> &str {
    let tid = raw::thread_id();
    let slot = thread::mine().map(|slot| (sites::label(slot.label.load(Relaxed)).0, slot.name()));
    match slot {
        _ if tid == raw::process_id() => "the main thread",
        Some((name, _)) if !name.is_empty() => arena.format(format_args!("thread \"{name}\" (tid {tid})")),
        Some((_, name)) if !name.is_empty() => arena.format(format_args!("thread \"{}\" (tid {tid})", name.as_str())),
        _ => arena.format(format_args!("thread {tid}")),
    }
}

/// Where this thread waits.
pub(super) fn place<'a>(arena: &'a Arena, word: usize) -> Option<Site<'a>> {
    describe::site(arena, Role::Waits, raw::thread_id(), word)
}

/// Runs at length with the place of the call.
pub(super) fn at_length(caller: usize, work: impl FnOnce(&Scratch, usize) -> Waiting) -> Waiting {
    let word = record(|_| sites::capture(caller)).unwrap_or(caller);
    record_with_scratch(|scratch| work(scratch, word)).unwrap_or(Waiting::Quietly)
}

/// What was said, to be taken back.
pub(super) fn waiting(kind: Kind, what: &str, hazard: Option<&str>) -> Waiting {
    match ledger::find(kind, what) {
        Some(said) => Waiting::Said(said, hazard.and_then(|what| ledger::find(Kind::LockOrphaned, what))),
        None => Waiting::Quietly,
    }
}

fn deadlock(fork: &'static Inner, lock: &'static LockRecord, caller: usize) -> Waiting {
    at_length(caller, |scratch, word| {
        let name = lock_id(lock);
        report_hit(scratch, Severity::Error, Output::Stderr, Kind::LockDeadlock, |arena| {
            let losses = describe::losses(arena, fork);
            let lock = losses.locks.iter().find(|l| lock_orphaned::what(arena, l) == name.as_str())?;
            let (subject, sites) = lock_orphaned::parts(arena, lock, &losses.threads);
            Some(Hit {
                kind: Kind::LockDeadlock,
                what: arena.text(name.as_str()),
                subject: arena.format(format_args!("{} waits for the {subject}", waiter(arena))),
                sites: arena.join([sites, place(arena, word).as_slice()]),
                hazard: Some(Hazard { fork, kind: Kind::LockOrphaned, what: arena.text(name.as_str()) }),
            })
        });
        handler_is_stuck(scratch, word);
        end_if_asked(lock.entry.kind);
        waiting(Kind::LockDeadlock, name.as_str(), Some(name.as_str()))
    })
}

/// A mutex that names as its owner a thread that this process does not have, though no record says how it got there.
fn unknown_owner(kind: LockKind, address: usize, owner: u32, caller: usize) -> Waiting {
    at_length(caller, |scratch, word| {
        let what = Text::<64>::of(format_args!("{address:#x}-{owner}"));
        report_hit(scratch, Severity::Error, Output::Stderr, Kind::LockDeadlock, |arena| {
            let (symbol, gap) = describe::symbol(arena, address).map_or(("", ""), |symbol| (symbol, " "));
            let subject = format_args!(
                "{} waits for the mutex {symbol}{gap}at {address:#x}, held by thread {owner}, which its process does not have",
                waiter(arena)
            );
            Some(Hit {
                kind: Kind::LockDeadlock,
                what: arena.text(what.as_str()),
                subject: arena.format(subject),
                sites: arena.join([place(arena, word).as_slice()]),
                hazard: None,
            })
        });
        handler_is_stuck(scratch, word);
        end_if_asked(kind);
        waiting(Kind::LockDeadlock, what.as_str(), None)
    })
}

/// Functions that take the same lock of the C library; all others have one of their own.
const FAMILIES: &[&[&str]] = &[
    &["localtime", "localtime_r", "mktime", "timelocal", "gmtime", "gmtime_r", "timegm", "tzset", "strftime", "ctime", "ctime_r"],
    &["setenv", "putenv", "unsetenv", "clearenv"],
    &["openlog", "syslog", "vsyslog", "closelog", "__syslog_chk", "__vsyslog_chk"],
    &["random", "srandom", "rand", "srand"],
    &["__cxa_atexit", "on_exit"],
];

fn take_the_same_lock(one: &str, other: &str) -> bool {
    one == other || FAMILIES.iter().any(|family| family.contains(&one) && family.contains(&other))
}

fn libc_lock(name: &'static CStr, caller: usize) -> Waiting {
    let name = name.to_str().unwrap_or_default();
    let inside = |lock: &LockRecord| lock.entry.kind == LockKind::Libc && lock.entry.flags & held::ENTERED == 0;
    let orphan = orphans().find(|(_, lock)| inside(lock) && take_the_same_lock(describe::libc_name(lock.entry.address), name));
    orphan.map_or(Waiting::Quietly, |(fork, lock)| deadlock(fork, lock, caller))
}

fn is_shared_condition(address: usize) -> bool {
    words::waiters(&copy(address)).is_none()
}

/// True for a condition that threads wait for of which this process has none.
fn has_lost_waiters(address: usize) -> bool {
    let waiters = words::waiters(&copy(address)).unwrap_or(0);
    let own = thread::slots().iter().filter(|s| s.state() == thread::State::Live && s.waits_for.load(Relaxed) == address);
    waiters as usize > own.count() && lost_threads().any(|(_, t)| t.waits_for == address)
}

fn waits_for_others(address: usize) -> bool {
    words::is_known(Object::Barrier) && words::missing(&copy(address)).is_some_and(|missing| missing > 1)
}

/// A thread's end is waited for that is not there: glibc says at once that it ended, or crashes.
fn join(handle: usize, caller: usize) -> Waiting {
    if thread::by_handle(handle).is_some() {
        return alone(Thing::End, handle, caller, || thread::by_handle(handle).is_some());
    }
    let is_it = |t: &ThreadRecord| t.handle == handle && t.slot.handle.load(Relaxed) == handle;
    let Some((fork, lost)) = lost_threads().find(|(_, t)| is_it(t)) else { return Waiting::Quietly };
    at_length(caller, |scratch, word| {
        let what = Text::<64>::of(format_args!("{}", lost.tid));
        report_hit(scratch, Severity::Error, Output::Report, Kind::JoinLostThread, |arena| {
            let losses = describe::losses(arena, fork);
            let thread = losses.threads.iter().find(|t| t.tid == lost.tid)?;
            let subject = format_args!("{} joins the lost thread \"{}\" (tid {})", waiter(arena), thread.name, thread.tid);
            Some(Hit {
                kind: Kind::JoinLostThread,
                what: arena.text(what.as_str()),
                subject: arena.format(subject),
                sites: arena.join([thread.site.as_slice(), place(arena, word).as_slice()]),
                hazard: Some(Hazard { fork, kind: Kind::ThreadLost, what: arena.text(what.as_str()) }),
            })
        });
        match ledger::find(Kind::JoinLostThread, what.as_str()) {
            Some(said) => Waiting::Said(said, None),
            None => Waiting::Quietly,
        }
    })
}

/// True when another thread waits for a mutex of this one: it may be that which a wait for a condition is about to give back. The mutex
/// itself is asked, because it may have been taken while this process had one thread and recorded nothing.
fn holds_others_up() -> bool {
    let mut live = thread::slots().iter().filter(|slot| slot.state() == thread::State::Live);
    live.any(|slot| is_own_mutex(slot.endless.load(SeqCst)))
}

fn is_own_mutex(address: usize) -> bool {
    let mut words = Words::default();
    let size = words::size(LockKind::Mutex) / 4;
    address != 0 && raw::read_words(address, &mut words[..size]) && words::owner(&words) == raw::thread_id()
}

/// A thread waits for what another one of its process would give; there is none, or all of them wait, too.
fn alone(thing: Thing, address: usize, caller: usize, still: impl Fn() -> bool) -> Waiting {
    // What runs again gives what it gave.
    if lost_threads().all(|(_, thread)| thread.slot.again.load(Relaxed) == STARTED) {
        return Waiting::Quietly;
    }
    if let Some(slot) = thread::mine() {
        slot.endless.store(address | if thing.is_given_by_handlers() { thread::BY_HANDLER } else { 0 }, SeqCst);
    }
    // What the last of them gave before it fell asleep may be this thread's.
    let others_wait = || record_with_scratch(|_| thread::others_wait()) == Some(true);
    if !thread::others_may_wait() || !others_wait() || !still() || thread::others_await_handlers() && catches_signals() {
        return Waiting::Quietly;
    }
    let kind = if thing == Thing::Interpreter { Kind::LockDeadlock } else { Kind::JoinLostThread };
    say(kind, thing, address, caller)
}

/// Lost threads that a finding names.
const NAMED: usize = 4;

fn say(kind: Kind, thing: Thing, address: usize, caller: usize) -> Waiting {
    at_length(caller, |scratch, word| {
        if thing != Thing::Interpreter && thing != Thing::Waiters && may_end_by_signal(scratch, thing, word) {
            return Waiting::Quietly;
        }
        let what = Text::<64>::of(format_args!("{address:#x}"));
        report_hit(scratch, Severity::Error, Output::Stderr, kind, |arena| {
            let (fork, _) = lost_threads().next()?;
            let losses = describe::losses(arena, fork);
            let there = |t: &&Thread<'_>| lost_waits_for(t, address);
            // Who is not missed is not it, unless there is nobody else.
            let all_safe = losses.threads.iter().all(|t| t.forking || t.fork_safe);
            let lost = losses.threads.iter().filter(|t| !t.forking && (all_safe || !t.fork_safe || there(t)));
            let count = lost.clone().count();
            let mut sites = arena.list(NAMED);
            let mut names = "";
            for thread in lost.clone().filter(there).chain(lost.clone().filter(|t| !there(t))).take(NAMED) {
                let gap = if names.is_empty() { "" } else { ", " };
                names = arena.format(format_args!("{names}{gap}\"{}\"", thread.name));
                thread.site.iter().for_each(|site| sites.push(site.clone()));
            }
            let more = if count > NAMED { ", …" } else { "" };
            let threads = if count == 1 { "thread" } else { "threads" };
            let subject = format_args!(
                "{} waits for {} {}; lost at the fork: {count} {threads} ({names}{more})",
                waiter(arena),
                thing.name(),
                if thread::live() > 1 { "while all threads of its process wait" } else { "with no other thread in its process" }
            );
            Some(Hit {
                kind,
                what: arena.text(what.as_str()),
                subject: arena.format(subject),
                sites: arena.join([place(arena, word).as_slice(), sites.done()]),
                hazard: None,
            })
        });
        handler_is_stuck(scratch, word);
        if kind == Kind::LockDeadlock {
            end_if_asked(LockKind::Mutex);
        }
        match waiting(kind, what.as_str(), None) {
            Waiting::Said(said, _) if thing == Thing::Interpreter => Waiting::Again(said),
            waiting => waiting,
        }
    })
}

fn lost_waits_for(thread: &Thread<'_>, address: usize) -> bool {
    let waits = thread.waits_for.as_deref().and_then(|hex| usize::from_str_radix(hex.strip_prefix("0x")?, 16).ok());
    waits == Some(address)
}

/// True when a signal handler of the program may give what is waited for: a semaphore may be posted in one, a futex woken, and an interpreter runs its
/// language's handlers in the waiting thread.
fn may_end_by_signal(scratch: &Scratch, thing: Thing, word: usize) -> bool {
    let arena = scratch.arena();
    let site = place(&arena, word);
    let interpreted = site.as_ref().is_some_and(awaited::is_interpreted);
    let awaits_thread = site.as_ref().is_some_and(awaited::is_thread);
    (interpreted || thing.is_given_by_handlers()) && !awaits_thread && catches_signals()
}

/// True when the program catches a signal that is no crash.
fn catches_signals() -> bool {
    use libc::{SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
    let caught = |signal| raw::signal_action(signal).is_some_and(|action| action.handler > libc::SIG_IGN);
    (1..=64).filter(|n| !matches!(*n, SIGBUS | SIGFPE | SIGILL | SIGSEGV | SIGSYS | SIGTRAP | 32 | 33)).any(caught)
}

/// A wait in vain inside another library's atfork handler keeps fork() itself from returning.
fn handler_is_stuck(scratch: &Scratch, word: usize) {
    let Some(handler) = atfork::running() else { return };
    report_hit(scratch, Severity::Error, Output::Stderr, Kind::AtforkStuck, |arena| {
        let registered = describe::site(arena, Role::Registered, 0, handler.site());
        let library = registered.as_ref().and_then(|site| site.frames.first()?.module.as_deref()).unwrap_or("unknown");
        let library = arena.text(library);
        Some(Hit {
            kind: Kind::AtforkStuck,
            what: arena.format(format_args!("{:#x}", handler.handler(atfork::Phase::Child))),
            subject: arena.format(format_args!("the child handler that {library} registered with pthread_atfork")),
            sites: arena.join([registered.as_slice(), place(arena, word).as_slice()]),
            hazard: None,
        })
    });
}

/// FORKGUARD_LOCKS=abort: a worker that will never come back ends, so that its leader replaces it. Not for the C library's own locks: that a lost
/// thread was inside does not prove that it held one.
fn end_if_asked(kind: LockKind) {
    if options::get().locks == Locks::Abort && kind != LockKind::Libc && !flags::is_settling() {
        raw::abort();
    }
}
