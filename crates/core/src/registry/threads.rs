//! The threads: one slot each, written by its own thread and read by the thread that forks.
use super::generation;
use super::held::HeldLocks;
use super::mask::{Mask, NO_CALL};
pub use super::slots::{SeenWord, SlotState};
use super::slots::{SlotPool, SlotWord};
use crate::fixed::{AtomicName, Text};
use crate::gate::Inside;
use crate::{kernel, tls};
use core::ptr;
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::*};

/// Threads that can be known at once; further ones are found in the kernel's list only.
pub const CAPACITY: usize = 4096;

/// In [`Slot::again`]: it runs again.
pub const STARTED: u32 = 1;
/// In [`Slot::again`]: it was tried once, or left alone.
pub const TRIED: u32 = 2;

/// In [`Slot::endless`]: a semaphore or a futex, which signal handlers may post.
pub const BY_HANDLER: usize = 1;

/// The record of a thread.
#[repr(C, align(64))]
pub struct Slot {
    /// The locks that it holds or waits for: first, so that a lock hook finds them at the address of the slot.
    pub held: HeldLocks,
    /// Who owns the slot.
    word: SlotWord,
    /// Kernel id.
    pub tid: AtomicU32,
    /// Kernel id of the thread that started it; 0 unknown.
    pub creator: AtomicU32,
    /// 1 when detached.
    pub detached: AtomicU32,
    /// 1 when the program declared that children do without it.
    pub fork_safe: AtomicU32,
    /// 1 when the program declared that children may start it again.
    pub restartable: AtomicU32,
    /// Of a lost thread: [`STARTED`] when the process that lost it has started it again, [`TRIED`] when it has tried to.
    pub again: AtomicU32,
    /// The condition, barrier or other thing that it waits for; 0 none.
    pub waits_for: AtomicUsize,
    /// Return address of the call that waits for it.
    pub waits_at: AtomicUsize,
    /// Not zero while its language keeps it for a thread to come: the thread that it was has ended.
    pub idle: AtomicU32,
    /// The object that it waits for without an end, in a child whose waits are checked; 0 none. With [`BY_HANDLER`] a signal handler may post it.
    pub endless: AtomicUsize,
    /// pthread_t; 0 unknown.
    pub handle: AtomicUsize,
    /// Start routine and its argument; 0 unknown.
    pub start: AtomicUsize,
    /// Argument of the start routine, for the trampoline.
    pub argument: AtomicUsize,
    /// Return address of the call that started it; 0 unknown.
    pub site: AtomicUsize,
    /// What its language calls it and what code it runs there, as words of the library's store; 0 unknown.
    pub label: AtomicUsize,
    /// See `label`.
    pub code: AtomicUsize,
    /// Its signal mask.
    pub mask: Mask,
    /// The signals that it took last by sigwait(3) and the like.
    pub takes_signals: AtomicU64,
    /// The semaphore that it made last and has not taken yet; 0 none.
    pub made: AtomicUsize,
    /// In a child: the semaphore that it posted last without having taken it, if lost threads wait for that; 0 none.
    pub posted_to_lost: AtomicUsize,
    /// The same of a post that gave work to a pool, while nobody is known to have taken it over.
    pub gave_work: AtomicUsize,
    /// The site of that post.
    pub gave_work_at: AtomicUsize,
    /// When it was, in nanoseconds of the monotonic clock.
    pub gave_work_when: AtomicU64,
    /// Not zero while it takes or releases a lock, where forks wait for a safe point: where its stack ends in that call.
    pub passing: AtomicUsize,
    /// Which lock that is; 0 unknown.
    pub passing_for: AtomicUsize,
    /// How many forks of its own keep the gate of `safe_point` closed.
    pub forking: AtomicU32,
    /// Which closing of that gate it has a part in; 0 none.
    pub share: AtomicU32,
    name: AtomicName,
}

impl Slot {
    const fn new() -> Self {
        Slot {
            held: HeldLocks::new(),
            word: SlotWord::new(AtomicU64::new(0)),
            tid: AtomicU32::new(0),
            creator: AtomicU32::new(0),
            detached: AtomicU32::new(0),
            fork_safe: AtomicU32::new(0),
            restartable: AtomicU32::new(0),
            again: AtomicU32::new(0),
            waits_for: AtomicUsize::new(0),
            waits_at: AtomicUsize::new(0),
            idle: AtomicU32::new(0),
            endless: AtomicUsize::new(0),
            handle: AtomicUsize::new(0),
            start: AtomicUsize::new(0),
            argument: AtomicUsize::new(0),
            site: AtomicUsize::new(0),
            label: AtomicUsize::new(0),
            code: AtomicUsize::new(0),
            mask: Mask::new(),
            made: AtomicUsize::new(0),
            posted_to_lost: AtomicUsize::new(0),
            gave_work: AtomicUsize::new(0),
            gave_work_at: AtomicUsize::new(0),
            gave_work_when: AtomicU64::new(0),
            takes_signals: AtomicU64::new(0),
            passing: AtomicUsize::new(0),
            passing_for: AtomicUsize::new(0),
            forking: AtomicU32::new(0),
            share: AtomicU32::new(0),
            name: AtomicName::new(),
        }
    }

    /// The state of its thread.
    pub fn state(&self) -> SlotState {
        self.seen().state(generation::current())
    }

    /// Its word now: everything read between two equal words is of one thread.
    pub fn seen(&self) -> SeenWord {
        self.word.read()
    }

    /// Sets the name: at most 15 bytes, as the kernel's.
    pub fn set_name(&self, name: &[u8]) {
        self.name.set(name);
    }

    /// The name that was set; empty when none was.
    pub fn name(&self) -> Text<16> {
        self.name.get()
    }

    /// A number of 44 bits that stands for its thread: no other thread of this process has it, nor has a forked child's for the same thread another.
    pub fn identity(&self) -> u64 {
        const { assert!(CAPACITY == 1 << 12) };
        self.seen().owner() << 12 | index(self) as u64
    }

    fn wipe(&self) {
        self.held.clear();
        for word in [
            &self.detached,
            &self.fork_safe,
            &self.restartable,
            &self.again,
            &self.idle,
            &self.creator,
            &self.tid,
            &self.forking,
            &self.share,
        ] {
            word.store(0, Relaxed);
        }
        for word in [
            &self.waits_for,
            &self.waits_at,
            &self.endless,
            &self.handle,
            &self.start,
            &self.argument,
            &self.site,
            &self.label,
            &self.code,
            &self.made,
            &self.posted_to_lost,
            &self.gave_work,
            &self.passing,
        ] {
            word.store(0, Relaxed);
        }
        self.takes_signals.store(0, Relaxed);
        self.mask.change(0, NO_CALL);
        self.set_name(b"");
    }
}

static SLOTS: [Slot; CAPACITY] = [const { Slot::new() }; CAPACITY];
#[unsafe(link_section = "forkguard_words")]
static POOL: SlotPool = SlotPool::new(AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
/// Threads that found no slot.
#[unsafe(link_section = "forkguard_words")]
static UNTRACKED: AtomicU32 = AtomicU32::new(0);

/// All slots that were ever used.
pub fn slots() -> &'static [Slot] {
    &SLOTS[..POOL.high(CAPACITY)]
}

/// In a thread's word for its slot: it found none free, and must not ask again at every lock.
const NONE_FREE: usize = 1;
/// The same: it has released its slot and is about to end.
const ENDED: usize = 2;

/// This thread's slot.
#[inline(always)]
pub fn mine() -> Option<&'static Slot> {
    let slot = tls::slot();
    // SAFETY: beyond the marks it is a reference into SLOTS.
    (slot as usize > ENDED).then(|| unsafe { &*slot.cast::<Slot>() })
}

/// This thread's slot for a lock hook: taken now when no hook saw the thread start; None while hooks do not record.
#[inline(always)]
pub fn holder() -> Option<&'static Slot> {
    match mine() {
        Some(slot) => Some(slot),
        None => adopt_holder(),
    }
}

#[cold]
fn adopt_holder() -> Option<&'static Slot> {
    if refused() {
        return None;
    }
    let _inside = Inside::enter()?;
    adopt()
}

/// How many threads ran without a slot.
pub fn untracked() -> u32 {
    UNTRACKED.load(Relaxed)
}

/// Takes a slot for a thread that is about to be created, to be filled for it.
pub fn claim() -> Option<&'static Slot> {
    let taken = || POOL.claim(CAPACITY, |index| &SLOTS[index].word, generation::current());
    let found = taken().or_else(|| {
        reap(kernel::kernel_threads());
        taken()
    });
    let slot = found.map(|index| &SLOTS[index]);
    match slot {
        Some(slot) => slot.wipe(),
        None => _ = UNTRACKED.fetch_add(1, Relaxed),
    }
    slot
}

/// Which of all slots it is.
pub(crate) fn index(slot: &Slot) -> usize {
    (slot as *const Slot as usize - SLOTS.as_ptr() as usize) / size_of::<Slot>()
}

/// Marks a claimed slot as filled: its thread is about to be created.
pub fn start(slot: &'static Slot) {
    slot.word.start(generation::current());
}

/// Makes `slot` this thread's own.
pub fn begin(slot: &'static Slot) {
    slot.tid.store(kernel::thread_id(), Relaxed);
    slot.word.begin(generation::current());
    tls::set_slot(ptr::from_ref(slot).cast());
}

/// Takes a slot for this thread, whose start no hook saw.
pub fn adopt() -> Option<&'static Slot> {
    match claim() {
        Some(slot) => {
            begin(slot);
            slot.mask.change(kernel::blocked_signals(), NO_CALL);
        }
        None => tls::set_slot(NONE_FREE as *const ()),
    }
    mine()
}

/// True when this thread has no slot and gets none: none was free, or it is about to end.
pub fn refused() -> bool {
    matches!(tls::slot() as usize, NONE_FREE | ENDED)
}

/// True when this thread is about to end: its routine has returned, destructors run.
pub fn is_ending() -> bool {
    tls::slot() as usize == ENDED
}

/// Ends this thread's record. What it does afterwards (destructors of its own data) is not recorded under its name.
pub fn end() {
    if let Some(slot) = mine() {
        tls::set_slot(ENDED as *const ());
        release(slot);
    }
}

/// Releases a slot, by its owner.
pub fn release(slot: &'static Slot) {
    release_seen(slot, slot.seen());
}

fn release_seen(slot: &'static Slot, seen: SeenWord) {
    let tid = slot.tid.load(Relaxed);
    if POOL.release(index(slot), &slot.word, seen, generation::current()) {
        LATELY_ENDED[LAST_ENDED.fetch_add(1, Relaxed) % LATELY_ENDED.len()].store(tid, Relaxed);
    }
}

/// Kernel ids of the threads that ended last: the kernel lists them a little longer.
static LATELY_ENDED: [AtomicU32; 512] = [const { AtomicU32::new(0) }; 512];
static LAST_ENDED: AtomicUsize = AtomicUsize::new(0);

/// True when this thread's record ended a short while ago.
pub fn ended_lately(tid: u32) -> bool {
    LATELY_ENDED.iter().any(|e| e.load(Relaxed) == tid)
}

/// Releases the slots of threads whose end no hook saw and that the kernel does not know any more: of those whose start no hook saw, and,
/// if there are more slots than `kernel_threads`, of all others (a thread may end by a system call of its own).
pub fn reap(kernel_threads: u32) {
    let all = live() > kernel_threads;
    for slot in slots() {
        let seen = slot.seen();
        let unseen_start = slot.start.load(Relaxed) == 0 && slot.handle.load(Relaxed) == 0;
        let doubtful = seen.state(generation::current()) == SlotState::Live && (all || unseen_start);
        if doubtful && !kernel::thread_exists(slot.tid.load(Relaxed)) {
            release_seen(slot, seen);
        }
    }
}

/// The slot of the live thread with this pthread_t.
pub fn by_handle(handle: usize) -> Option<&'static Slot> {
    slots().iter().find(|s| s.handle.load(Relaxed) == handle && matches!(s.state(), SlotState::Live | SlotState::Starting))
}

/// The slot of the thread with this pthread_t. A thread that has not run yet has not recorded its own: then the last thread that this one
/// started.
pub fn slot_for_handle(handle: usize) -> Option<&'static Slot> {
    // It may have begun to run after the first look.
    by_handle(handle).or_else(last_started).or_else(|| by_handle(handle))
}

/// The one thread that this one started, that has not run yet and has no name; None when there are several.
fn last_started() -> Option<&'static Slot> {
    let own = mine()?.tid.load(Relaxed);
    let fresh = |s: &&Slot| s.state() == SlotState::Starting && s.creator.load(Relaxed) == own && s.name().is_empty();
    let mut found = slots().iter().filter(fresh);
    found.next().filter(|_| found.next().is_none())
}

/// In a forked child, whose new generation makes all other slots those of lost threads: this thread's record begins anew. Its held locks
/// are forgotten: no hook of the child sees their release.
pub fn init_child() {
    if let Some(slot) = mine() {
        slot.word.begin(generation::current());
        slot.tid.store(kernel::thread_id(), Relaxed);
        slot.held.clear();
        slot.waits_for.store(0, Relaxed);
        slot.endless.store(0, Relaxed);
        slot.posted_to_lost.store(0, Relaxed);
        slot.gave_work.store(0, Relaxed);
        slot.forking.store(0, Relaxed);
        slot.share.store(0, Relaxed);
    } else if refused() {
        tls::set_slot(ptr::null());
    }
}

/// Threads that run, or are about to.
pub fn live() -> u32 {
    slots().iter().filter(|s| matches!(s.state(), SlotState::Live | SlotState::Starting)).count() as u32
}

impl Slot {
    /// True when the kernel shows its thread asleep on what it waits for without an end.
    fn sleeps_endlessly(&self) -> bool {
        // The futex of a lock, a condition, a semaphore or a barrier lies within its first 48 bytes, that of a thread's end within its
        // descriptor (glibc's struct pthread).
        const OBJECT: usize = 48;
        const DESCRIPTOR: usize = 4096;
        let thing = self.endless.load(SeqCst) & !BY_HANDLER;
        let size = if thing != 0 && by_handle(thing).is_some() { DESCRIPTOR } else { OBJECT };
        thing != 0 && kernel::futex_of(self.tid.load(Relaxed)).is_some_and(|futex| (thing..thing + size).contains(&futex))
    }
}

/// The most threads of a process for which [`others_wait`] may be true.
const THREADS: usize = 64;
/// The slots of the threads that were found awake last: a thread that takes turns with this one is checked first.
static AWAKE: [AtomicUsize; 2] = [const { AtomicUsize::new(CAPACITY) }; 2];
static LAST_AWAKE: AtomicUsize = AtomicUsize::new(0);

fn others() -> impl Iterator<Item = &'static Slot> {
    let own = kernel::thread_id();
    slots().iter().filter(move |s| s.state() == SlotState::Live && s.tid.load(Relaxed) != own)
}

/// True while another thread runs code of ours.
pub fn others_are_inside() -> bool {
    others().any(|slot| kernel::read_value(tls::address_of_inside(slot.handle.load(Relaxed))) == Some(1u64))
}

/// True when another thread waits for something that a signal handler may post.
pub fn others_await_handlers() -> bool {
    others().any(|slot| slot.endless.load(SeqCst) & BY_HANDLER != 0)
}

/// False only if [`others_wait`] is false, too; without asking the kernel.
pub fn others_may_wait() -> bool {
    let mut count = 0;
    others().all(|slot| {
        count += 1;
        count <= THREADS && slot.endless.load(SeqCst) != 0
    })
}

/// True when every other thread of this process waits without an end, so that only this one could wake them. None of them may have run
/// while all were checked.
pub fn others_wait() -> bool {
    let own = tls::slot();
    let lately = AWAKE.iter().filter_map(|index| SLOTS.get(index.load(Relaxed)));
    let mut lately = lately.filter(|slot| slot.state() == SlotState::Live && !ptr::eq(ptr::from_ref(*slot).cast(), own));
    if lately.any(|slot| !slot.sleeps_endlessly()) {
        return false;
    }
    let mut count = 0;
    for slot in others() {
        if count == THREADS {
            return false;
        }
        if !slot.sleeps_endlessly() {
            AWAKE[LAST_AWAKE.fetch_add(1, Relaxed) % AWAKE.len()].store(index(slot), Relaxed);
            return false;
        }
        count += 1;
    }
    if kernel::kernel_threads() as usize != count + 1 {
        return false;
    }
    let mut sleeps = [0; THREADS];
    for (slot, switches) in others().zip(&mut sleeps) {
        let Some(now) = kernel::switches_of_sleeper(slot.tid.load(Relaxed)) else { return false };
        *switches = now;
    }
    // A thread that is being woken still shows where it slept, until it runs: at the second look it sleeps elsewhere or has run.
    let stays = |(slot, switches): (&Slot, &u64)| {
        slot.sleeps_endlessly() && kernel::switches_of_sleeper(slot.tid.load(Relaxed)) == Some(*switches)
    };
    others().take(count).zip(&sleeps).all(stays)
}

/// True when a slot is this running thread's.
pub fn by_tid(tid: u32) -> bool {
    slots().iter().any(|s| s.state() == SlotState::Live && s.tid.load(Relaxed) == tid)
}

/// True while a thread is being created.
pub fn is_starting() -> bool {
    slots().iter().any(|s| s.state() == SlotState::Starting)
}
