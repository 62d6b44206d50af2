//! FORKGUARD_SAFE_POINT: a fork waits until no other thread holds a lock. `forkguard_core::safe_point` has the gate and decides which threads
//! are waited for; `docs/guards.md` says why no thread waits for ever.
use super::pythons_locks;
use crate::describe;
use crate::emit;
use crate::entry::record_with_scratch;
use crate::ledger::log_action;
use crate::options;
use crate::sites;
use forkguard_core::fixed::Text;
use forkguard_core::fork::Snapshot;
use forkguard_core::glibc::LockKind;
use forkguard_core::registry::held;
use forkguard_core::registry::threads::{self, Slot};
use forkguard_core::safe_point::{self as point, Busy, Others, Unseen};
use forkguard_core::{gate, kernel};
use forkguard_report::event::Guard;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::*};

/// The longest that the gate stays closed for the fork itself: the thread that closed it may never come back from it.
const FORK_NS: u64 = 1_000_000_000;
/// The longest that it stays closed for other libraries' handlers: they may wait for threads that are about to take a lock.
const HANDLERS_NS: u64 = 50_000_000;
/// The first and the longest pause between two checks of the other threads.
const PAUSE_NS: (u64, u64) = (1_000, 500_000);
/// How long Python's GIL is held while threads are checked, and how long it is released: a holder of a lock must get to run.
const GIL_HELD_NS: u64 = 100_000;
const GIL_RELEASED_NS: u64 = 5_000_000;
/// For the last check, when other libraries' prepare handlers have run: a thread may now wait for a lock that they took.
const LAST_CHECK_NS: u64 = 2_000_000;

static UNSEEN: Unseen =
    Unseen { spared: sites::is_interpreters_own, needed: sites::holds_interpreter, without: sites::without_interpreter };

/// True where forks wait for one.
pub(super) fn is_asked_for() -> bool {
    options::guards() && options::get().safe_point != 0
}

/// In the constructor: locks are taken through the gate.
pub(super) fn prepare() {
    point::switch_on(&UNSEEN);
}

/// The result of a wait, for the forking thread and its child.
#[derive(Clone, Copy)]
struct Outcome {
    ns: u64,
    waited_for: u32,
    blocker: Option<Blocker>,
}

/// A thread that held a lock until the end of the wait.
#[derive(Clone, Copy)]
struct Blocker {
    tid: u32,
    name: Text<16>,
    lock: Option<held::Entry>,
    /// An earlier fork waited for it in vain, this one did not.
    given_up: bool,
}

/// The outcome of the latest wait in this process.
struct LatestOutcome {
    /// The kernel id of the thread that waited, 0 none; with [`BUSY`] that of the thread that copies the outcome in or out.
    owner: AtomicU32,
    outcome: UnsafeCell<Outcome>,
}

const BUSY: u32 = 1 << 31;

// SAFETY: only the thread that has set BUSY accesses the outcome.
unsafe impl Sync for LatestOutcome {}

static LATEST: LatestOutcome =
    LatestOutcome { owner: AtomicU32::new(0), outcome: UnsafeCell::new(Outcome { ns: 0, waited_for: 0, blocker: None }) };

impl LatestOutcome {
    /// Does nothing while another thread copies: that one's fork is the latest.
    fn set(&self, thread: u32, outcome: Outcome) {
        let claim = |owner: u32| (owner & BUSY == 0).then_some(BUSY | thread);
        if self.owner.fetch_update(Acquire, Relaxed, claim).is_ok() {
            // SAFETY: BUSY is this thread's.
            unsafe { *self.outcome.get() = outcome };
            self.owner.store(thread, Release);
        }
    }

    fn of(&self, thread: u32) -> Option<Outcome> {
        if thread == 0 || self.owner.compare_exchange(thread, BUSY | thread, Acquire, Relaxed).is_err() {
            return None;
        }
        // SAFETY: BUSY is this thread's.
        let outcome = unsafe { *self.outcome.get() };
        self.owner.store(thread, Release);
        Some(outcome)
    }

    /// In a child of that thread, whose own forks are others. A call that a signal handler interrupted for the fork goes on in the child.
    fn reset_in_child(&self, thread: u32) {
        if self.owner.load(Relaxed) != BUSY | thread {
            self.owner.store(0, Relaxed);
        }
    }
}

fn limit() -> u64 {
    u64::from(options::get().safe_point) * 1_000_000
}

/// This thread's slot, where its forks wait for a safe point.
fn forking_slot() -> Option<&'static Slot> {
    if !is_asked_for() || !point::is_on() || !gate::awake() || gate::is_guest() {
        return None;
    }
    threads::holder()
}

/// Checks the other threads until none holds a lock or the time is up. Gives how many held one at first, and those that still do.
fn wait(until: u64) -> (u32, Others) {
    threads::reap(kernel::kernel_threads());
    let mut waited_for = None;
    let mut pause = PAUSE_NS.0;
    loop {
        let others = point::others();
        let first = *waited_for.get_or_insert(others.count);
        if others.awaited.is_none() || kernel::monotonic() >= until {
            return (first, others);
        }
        kernel::sleep(pause);
        pause = (pause * 2).min(PAUSE_NS.1);
    }
}

/// In the forking thread, after [`super::before_fork`] and before any prepare handler. Not inside a hook's bookkeeping: signal handlers
/// that run meanwhile are recorded as ever.
pub(super) fn wait_before_fork() {
    let Some(slot) = forking_slot() else { return };
    let (start, thread) = (kernel::monotonic(), kernel::thread_id());
    let earlier = WAIT_BEFORE_FORK.take(thread);
    let (spent, before) = earlier.unwrap_or_default();
    let until = start + limit().saturating_sub(spent).max(limit() / 8);
    point::close(slot, until + HANDLERS_NS);
    if earlier.is_some() {
        point::open(slot);
    }
    let (waited_for, others) = wait(until);
    if others.awaited.is_some() {
        point::give_up();
    }
    let ns = spent + kernel::monotonic() - start;
    let blocker = blocker(&others).or_else(pythons_blocker);
    LATEST.set(thread, Outcome { ns, waited_for: waited_for.max(before), blocker });
}

fn pythons_blocker() -> Option<Blocker> {
    let held = pythons_locks::held_by_others();
    let blocker = |(slot, entry): (&'static Slot, held::Entry), given_up| {
        let tid = slot.tid.load(Relaxed);
        Blocker { tid, name: describe::kernel_name(tid), lock: Some(entry), given_up }
    };
    held.awaited.map(|held| blocker(held, false)).or_else(|| held.given_up.map(|held| blocker(held, true)))
}

fn blocker(others: &Others) -> Option<Blocker> {
    let awaited = others.awaited.map(|busy| blocker_of(busy, false));
    awaited.or_else(|| others.given_up.map(|busy| blocker_of(busy, true)))
}

fn blocker_of(busy: Busy, given_up: bool) -> Blocker {
    let tid = busy.slot.tid.load(Relaxed);
    let name = Some(busy.slot.name()).filter(|name| !name.is_empty());
    let name = name.or_else(|| name_at_last_fork(tid).filter(|_| given_up));
    Blocker { tid, name: name.unwrap_or_else(|| describe::kernel_name(tid)), lock: busy.entry, given_up }
}

/// Where no thread is waited for, asking the kernel for the name would be the greatest cost.
fn name_at_last_fork(tid: u32) -> Option<Text<16>> {
    let blocker = LATEST.of(kernel::thread_id())?.blocker?;
    (blocker.tid == tid).then_some(blocker.name)
}

/// In the last prepare handler: a thread may have returned from the wait for a condition, and then holds its mutex.
pub(crate) fn wait_in_prepare() {
    let Some(slot) = forking_slot().filter(|slot| point::closed_by(slot)) else { return };
    let thread = kernel::thread_id();
    let Some(outcome) = LATEST.of(thread).filter(|outcome| outcome.blocker.is_none()) else { return };
    let start = kernel::monotonic();
    point::keep_closed(slot, start + FORK_NS);
    let (more, others) = wait(start + LAST_CHECK_NS.min(limit()));
    if more > 0 {
        let ns = outcome.ns + kernel::monotonic() - start;
        LATEST.set(thread, Outcome { ns, waited_for: outcome.waited_for + more, blocker: blocker(&others) });
    }
}

/// In the leader's first handler after the fork.
pub(super) fn in_parent() {
    if let Some(slot) = forking_slot().filter(|slot| point::closed_by(slot)) {
        point::open(slot);
    }
}

/// See [`super::after_fork`].
pub(super) fn after_fork() {
    static PRINTED: AtomicBool = AtomicBool::new(false);
    // A fork that failed early ran no handler.
    in_parent();
    let blocker = forking_slot().and_then(|_| LATEST.of(kernel::thread_id())?.blocker);
    if let Some(blocker) = blocker.filter(|_| !PRINTED.swap(true, Relaxed)) {
        print(&blocker);
    }
}

fn print(blocker: &Blocker) {
    record_with_scratch(|scratch| {
        let arena = scratch.arena();
        let site = blocker.lock.map_or("", |entry| describe::call_text(&arena, entry.site));
        let (name, tid, ms, lock) = (blocker.name.as_str(), blocker.tid, options::get().safe_point, blocker.lock_name());
        let taken_at = if site.is_empty() { "" } else { ", taken at " };
        emit::print_line(format_args!(
            "forked without a safe point: after {ms} ms thread {name} ({tid}) still had {}{taken_at}{site} (said once)",
            lock.as_str()
        ));
    });
}

impl Blocker {
    fn lock_name(&self) -> Text<64> {
        self.lock.map_or_else(|| Text::of(format_args!("a lock")), lock_name)
    }
}

fn lock_name(entry: held::Entry) -> Text<64> {
    match entry.kind {
        LockKind::Libc => Text::of(format_args!("the lock of {}", describe::libc_name(entry.address))),
        LockKind::Mutex | LockKind::C11Mutex => Text::of(format_args!("mutex {:#x}", entry.address)),
        LockKind::Read | LockKind::Write => Text::of(format_args!("rwlock {:#x}", entry.address)),
        LockKind::Spin => Text::of(format_args!("spin lock {:#x}", entry.address)),
        LockKind::Semaphore => Text::of(format_args!("semaphore {:#x}", entry.address)),
        LockKind::Python | LockKind::PythonRecursive => Text::of(format_args!("threading.Lock {:#x}", entry.address)),
    }
}

/// See [`super::in_child`].
pub(super) fn in_child(fork: &'static Snapshot) {
    const WAITED: &str = "waited for";
    let outcome = LATEST.of(fork.thread);
    LATEST.reset_in_child(fork.thread);
    let Some(Outcome { ns, waited_for, blocker }) = outcome else { return };
    let start = kernel::monotonic_by_syscall().saturating_sub(ns);
    if let Some(blocker) = blocker {
        let action = if blocker.given_up { "waited for again" } else { WAITED };
        let lock = blocker.lock_name();
        let subject = format_args!("{} ({}) with {}", blocker.name.as_str(), blocker.tid, lock.as_str());
        log_action(Guard::SafePoint, action, subject, start, Err(libc::ETIMEDOUT));
    } else if waited_for > 0 {
        log_action(Guard::SafePoint, WAITED, format_args!("threads that held a lock: {waited_for}"), start, Ok(()));
    }
}

/// The wait of a thread in [`before_python_fork`] for the fork that it is about to make, with the gate closed.
struct WaitBeforeFork {
    thread: AtomicU32,
    ns: AtomicU64,
    waited_for: AtomicU32,
}

static WAIT_BEFORE_FORK: WaitBeforeFork =
    WaitBeforeFork { thread: AtomicU32::new(0), ns: AtomicU64::new(0), waited_for: AtomicU32::new(0) };

impl WaitBeforeFork {
    fn set(&self, thread: u32, ns: u64, waited_for: u32) {
        self.ns.store(ns, Relaxed);
        self.waited_for.store(waited_for, Relaxed);
        self.thread.store(thread, Relaxed);
    }

    fn take(&self, thread: u32) -> Option<(u64, u32)> {
        self.thread.compare_exchange(thread, 0, Relaxed, Relaxed).ok()?;
        Some((self.ns.load(Relaxed), self.waited_for.load(Relaxed)))
    }
}

/// Before Python calls fork. Inside fork this thread holds the GIL, and threads that wait for the GIL cannot release their locks: here it can
/// be released. The gate stays closed until fork is entered: a thread that waits there without the GIL would take the lock, and then wait
/// for the GIL.
pub(super) fn before_python_fork() {
    let Some(slot) = forking_slot() else { return };
    let start = kernel::monotonic();
    let until = start + limit();
    point::close(slot, until + HANDLERS_NS);
    // A fork that did not take place left it closed.
    if WAIT_BEFORE_FORK.take(kernel::thread_id()).is_some() {
        point::open(slot);
    }
    let mut most = 0;
    loop {
        let (count, others) = wait(kernel::monotonic() + GIL_HELD_NS);
        let pythons = pythons_locks::held_by_others();
        most = (count + pythons.count).max(most);
        let is_late = kernel::monotonic() >= until;
        if is_late {
            pythons_locks::give_up();
        }
        if others.awaited.is_none() && pythons.awaited.is_none() || is_late {
            break;
        }
        sites::without_interpreter(&|| {
            let (_, others) = wait(until.min(kernel::monotonic() + GIL_RELEASED_NS));
            if others.awaited.is_none() && pythons.awaited.is_some() {
                kernel::sleep(PAUSE_NS.1);
            }
        });
    }
    WAIT_BEFORE_FORK.set(kernel::thread_id(), kernel::monotonic() - start, most);
}
