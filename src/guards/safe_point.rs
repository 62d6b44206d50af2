//! FORKGUARD_SAFE_POINT: a fork waits until no other thread holds a lock. The gate and who is waited for: `forkguard_core::safe_point`;
//! why nobody waits for ever: `docs/guards.md`.
use super::*;
use crate::describe;
use crate::sites;
use forkguard_core::gate;
use forkguard_core::held::{self, Kind as LockKind};
use forkguard_core::safe_point::{self as point, Busy, Others, Unseen};
use forkguard_core::thread::Slot;
use std::sync::atomic::{AtomicBool, AtomicU64};

/// The longest that the gate stays closed for the fork itself: whoever closed it may never come back from it.
const FORK_NS: u64 = 1_000_000_000;
/// The longest that it stays closed for other libraries' handlers: they may wait for threads that want a lock.
const HANDLERS_NS: u64 = 50_000_000;
/// Between two looks at the other threads.
const PAUSE_NS: (u64, u64) = (1_000, 500_000);
/// How long Python's GIL is kept while threads are looked at, and how long it is let go: a holder must get to run.
const KEPT_NS: u64 = 100_000;
const LET_GO_NS: u64 = 5_000_000;
/// For a last look when other libraries' prepare handlers have run: what they locked may be what a thread now waits for.
const LAST_LOOK_NS: u64 = 2_000_000;

static UNSEEN: Unseen =
    Unseen { spared: sites::is_interpreters_own, needed: sites::holds_interpreter, without: sites::without_interpreter };

/// In the constructor.
pub(super) fn prepare() {
    if options::get().safe_point != 0 {
        point::switch_on(&UNSEEN);
        sites::before_forks(python_forks);
    }
}

/// What came of the latest wait: a copy for the child.
struct Outcome {
    /// Kernel id of the thread that waited; 0 while this is being written.
    thread: AtomicU32,
    word: UnsafeCell<Word>,
}

#[derive(Clone, Copy)]
struct Word {
    ns: u64,
    waited_for: u32,
    left: Option<Left>,
}

/// Who kept the safe point away.
#[derive(Clone, Copy)]
struct Left {
    tid: u32,
    name: Text<16>,
    lock: Option<held::Entry>,
    /// An earlier fork waited for it in vain, this one did not.
    again: bool,
}

// SAFETY: the word is written by the thread that `thread` names afterwards, and read by it or, in the child, by the only thread there is.
unsafe impl Sync for Outcome {}

static OUTCOME: Outcome = Outcome { thread: AtomicU32::new(0), word: UnsafeCell::new(Word { ns: 0, waited_for: 0, left: None }) };

impl Outcome {
    fn write(&self, thread: u32, word: Word) {
        self.thread.store(0, Relaxed);
        // SAFETY: see above; of two that write at once neither is believed by the other's child.
        unsafe { *self.word.get() = word };
        self.thread.store(thread, Relaxed);
    }

    fn of(&self, thread: u32) -> Option<Word> {
        // SAFETY: see above.
        (thread != 0 && self.thread.load(Relaxed) == thread).then(|| unsafe { *self.word.get() })
    }
}

fn limit() -> u64 {
    u64::from(options::get().safe_point) * 1_000_000
}

/// This thread, where it has others to wait for.
fn forker() -> Option<&'static Slot> {
    if !point::is_on() || !gate::awake() || gate::is_guest() {
        return None;
    }
    held::holder()
}

/// Looks at the other threads until they are quiet or the time is up; `pause` is how time goes by. How many there were to wait for, and
/// those who are left.
fn wait(until: u64, pause: impl Fn(u64)) -> (u32, Others) {
    forkguard_core::thread::reap(raw::kernel_threads());
    let mut waited_for = None;
    let mut length = PAUSE_NS.0;
    loop {
        let others = point::others();
        let first = *waited_for.get_or_insert(others.count);
        if others.awaited.is_none() || raw::monotonic() >= until {
            return (first, others);
        }
        pause(length);
        length = (length * 2).min(PAUSE_NS.1);
    }
}

/// In the forking thread, after [`super::before_fork`] and before any prepare handler. Not inside a hook's bookkeeping: signal handlers
/// that run meanwhile are recorded as ever.
pub(crate) fn wait_before_fork() {
    let Some(slot) = forker() else { return };
    let (start, thread) = (raw::monotonic(), raw::thread_id());
    let carried = SPENT.taken_by(thread);
    let (spent, before) = carried.unwrap_or_default();
    let until = start + limit().saturating_sub(spent).max(limit() / 8);
    point::close(slot, until + HANDLERS_NS);
    if carried.is_some() {
        point::open(slot);
    }
    let (waited_for, others) = wait(until, raw::sleep);
    if others.awaited.is_some() {
        point::give_up();
    }
    let ns = spent + raw::monotonic() - start;
    OUTCOME.write(thread, Word { ns, waited_for: waited_for.max(before), left: who_is_left(&others) });
}

fn who_is_left(others: &Others) -> Option<Left> {
    let awaited = others.awaited.map(|busy| left(busy, false));
    awaited.or_else(|| others.given_up.map(|busy| left(busy, true)))
}

fn left(busy: Busy, again: bool) -> Left {
    let tid = busy.slot.tid.load(Relaxed);
    let name = Some(busy.slot.name()).filter(|name| !name.is_empty());
    let name = name.or_else(|| known_name(tid).filter(|_| again));
    Left { tid, name: name.unwrap_or_else(|| describe::kernel_name(tid)), lock: busy.entry, again }
}

/// As the fork before said: asking the kernel costs more than all else where nobody is waited for.
fn known_name(tid: u32) -> Option<Text<16>> {
    let left = OUTCOME.of(raw::thread_id())?.left?;
    (left.tid == tid).then_some(left.name)
}

/// In the last prepare handler: a thread may have come back from the wait for a condition, whose mutex it then holds.
pub(crate) fn look_again() {
    let Some(slot) = forker().filter(|slot| point::closed_by(slot)) else { return };
    let thread = raw::thread_id();
    let Some(word) = OUTCOME.of(thread).filter(|word| word.left.is_none()) else { return };
    let start = raw::monotonic();
    point::keep_closed(slot, start + FORK_NS);
    let (more, others) = wait(start + LAST_LOOK_NS.min(limit()), raw::sleep);
    if more > 0 {
        let ns = word.ns + raw::monotonic() - start;
        OUTCOME.write(thread, Word { ns, waited_for: word.waited_for + more, left: who_is_left(&others) });
    }
}

/// In the leader's first handler after the fork.
pub(super) fn forked() {
    if let Some(slot) = forker().filter(|slot| point::closed_by(slot)) {
        point::open(slot);
    }
}

/// See [`super::after_fork`].
pub(super) fn after_fork() {
    static SAID: AtomicBool = AtomicBool::new(false);
    // No handler ran if the fork did not come to be.
    forked();
    let left = forker().and_then(|_| OUTCOME.of(raw::thread_id())?.left);
    if let Some(left) = left.filter(|_| !SAID.swap(true, Relaxed)) {
        say(&left);
    }
}

fn say(left: &Left) {
    record_with_scratch(|scratch| {
        let arena = scratch.arena();
        let (lock, place) = match &left.lock {
            Some(entry) => (lock_text(entry), describe::call_text(&arena, entry.site)),
            None => (Text::of(format_args!("a lock")), ""),
        };
        let (name, tid, ms, lock) = (left.name.as_str(), left.tid, options::get().safe_point, lock.as_str());
        let at = if place.is_empty() { "" } else { ", taken at " };
        emit::print_line(format_args!(
            "forked without a safe point: after {ms} ms thread {name} ({tid}) still had {lock}{at}{place} (said once)"
        ));
    });
}

fn lock_text(entry: &held::Entry) -> Text<64> {
    match entry.kind {
        LockKind::Libc => Text::of(format_args!("the lock of {}", describe::libc_name(entry.address))),
        LockKind::Mutex | LockKind::C11Mutex => Text::of(format_args!("mutex {:#x}", entry.address)),
        LockKind::Read | LockKind::Write => Text::of(format_args!("rwlock {:#x}", entry.address)),
        LockKind::Spin => Text::of(format_args!("spin lock {:#x}", entry.address)),
        LockKind::Semaphore => Text::of(format_args!("semaphore {:#x}", entry.address)),
    }
}

/// See [`super::in_child`].
pub(super) fn in_child(fork: &'static Inner) {
    let Some(word) = OUTCOME.of(fork.thread) else { return };
    // A fork of the child's own is another one.
    OUTCOME.thread.store(0, Relaxed);
    let start = raw::monotonic_of_kernel().saturating_sub(word.ns);
    let Some(left) = word.left else {
        if word.waited_for > 0 {
            log_action(Guard::SafePoint, ACTION, format_args!("threads that held a lock: {}", word.waited_for), start, Ok(()));
        }
        return;
    };
    let lock = left.lock.as_ref().map(lock_text);
    let lock = lock.as_ref().map_or("a lock", |lock| lock.as_str());
    let subject = format_args!("{} ({}) with {lock}", left.name.as_str(), left.tid);
    log_action(Guard::SafePoint, if left.again { NOT_AGAIN } else { ACTION }, subject, start, Err(libc::ETIMEDOUT));
}

const ACTION: &str = "waited for";
const NOT_AGAIN: &str = "did not wait again for";

/// What a thread has waited already for the fork that it is about to make, with the gate closed.
struct Spent {
    thread: AtomicU32,
    ns: AtomicU64,
    waited_for: AtomicU32,
}

static SPENT: Spent = Spent { thread: AtomicU32::new(0), ns: AtomicU64::new(0), waited_for: AtomicU32::new(0) };

impl Spent {
    fn by(&self, thread: u32, ns: u64, waited_for: u32) {
        self.ns.store(ns, Relaxed);
        self.waited_for.store(waited_for, Relaxed);
        self.thread.store(thread, Relaxed);
    }

    fn taken_by(&self, thread: u32) -> Option<(u64, u32)> {
        self.thread.compare_exchange(thread, 0, Relaxed, Relaxed).ok()?;
        Some((self.ns.load(Relaxed), self.waited_for.load(Relaxed)))
    }
}

/// Python is about to fork. Inside fork this thread will hold the GIL, and who waits for that cannot release anything: here it can be let
/// go. The gate stays closed until fork is entered: who waits there without the GIL would have the lock, and then want the GIL.
fn python_forks() {
    let Some(slot) = forker() else { return };
    let start = raw::monotonic();
    let until = start + limit();
    point::close(slot, until + HANDLERS_NS);
    // A fork that was called off left it closed.
    if SPENT.taken_by(raw::thread_id()).is_some() {
        point::open(slot);
    }
    let mut most = 0;
    loop {
        let (count, others) = wait(raw::monotonic() + KEPT_NS, raw::sleep);
        most = count.max(most);
        if others.awaited.is_none() || raw::monotonic() >= until {
            break;
        }
        sites::without_interpreter(&|| _ = wait(until.min(raw::monotonic() + LET_GO_NS), raw::sleep));
    }
    SPENT.by(raw::thread_id(), raw::monotonic() - start, most);
}
