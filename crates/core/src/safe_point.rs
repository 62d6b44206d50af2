//! The gate of a safe point: while a fork waits for the moment when no other thread holds a lock, no thread takes its first one.
//!
//! A thread marks itself as passing, looks at the gate, records the lock, takes it, and takes the mark back. A forking thread closes the
//! gate and makes every processor see that (membarrier(2)): whoever looked before is seen passing or holding, whoever looks later waits.
//! So what is seen quiet stays quiet, until the gate opens. Whoever holds a lock is never stopped: it could be what others wait for.
use crate::gate::{GATED, TRACKED};
use crate::glibc::{self, LockKind, Words};
use crate::registry::held::{ENTERED, Entry, HOLDS, MADE, WAITS};
use crate::registry::semaphores;
use crate::registry::threads::{self, Slot, SlotState};
use crate::{dispatch, kernel, tls};
use core::arch::asm;
use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering::*, compiler_fence, fence};

/// How many threads that fork keep the gate closed ([`CLOSERS`]), and above it how often it has opened by itself: whose share went then has
/// none to take back from those who closed it since.
#[unsafe(link_section = "forkguard_words")]
static GATE: AtomicU32 = AtomicU32::new(0);
const CLOSERS: u32 = 0xfff;
const EPOCH: u32 = CLOSERS + 1;

fn is_closed(gate: u32) -> bool {
    gate & CLOSERS != 0
}

/// Nanoseconds of the monotonic clock at which it opens by itself: whoever closed it may be gone.
static UNTIL: AtomicU64 = AtomicU64::new(0);
/// Not zero where the kernel has no membarrier: those who pass pay for the order.
static FENCED: AtomicU8 = AtomicU8::new(0);

/// What the library knows of locks that no hook sees.
pub struct Unseen {
    /// True for a lock that the child has anew whoever held it: it is neither stopped at nor waited for.
    pub spared: fn(usize) -> bool,
    /// True while this thread has what others need to release their locks.
    pub needed: fn() -> bool,
    /// Does something while they can have it.
    pub without: fn(&dyn Fn()),
}

static UNSEEN: AtomicPtr<Unseen> = AtomicPtr::new(core::ptr::null_mut());

/// In the constructor, where the option asks for it: from the second thread on, locks are taken through the gate.
pub fn switch_on(unseen: &'static Unseen) {
    UNSEEN.store(core::ptr::from_ref(unseen).cast_mut(), Relaxed);
    FENCED.store(u8::from(!kernel::register_membarrier()), Relaxed);
    dispatch::track_gated();
}

/// True where locks are taken through the gate.
pub fn is_on() -> bool {
    TRACKED.load(Relaxed) == GATED
}

fn is_spared(lock: usize) -> bool {
    unseen().is_some_and(|unseen| (unseen.spared)(lock))
}

fn unseen() -> Option<&'static Unseen> {
    // SAFETY: null or the reference that `switch_on` stored.
    unsafe { UNSEEN.load(Relaxed).as_ref() }
}

/// This thread's mark, to be taken back by [`Passing::end`]. (No destructor: a thread may be cancelled in the call between.)
#[must_use]
pub struct Passing {
    slot: Option<&'static Slot>,
    before: usize,
}

impl Passing {
    /// The call has returned.
    #[inline(always)]
    pub fn end(self) {
        if let Some(slot) = self.slot {
            if self.before != 0 {
                slot.passing_for.store(0, Relaxed);
            }
            slot.passing.store(self.before, Relaxed);
        }
    }
}

#[inline(always)]
fn stack_pointer() -> usize {
    let pointer;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rsp", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}

/// Marks this thread; what it was in the middle of (a signal handler interrupted it) is marked again afterwards. A mark from below this
/// frame is of a call that was jumped out of.
#[inline(always)]
fn mark(slot: &'static Slot, address: usize) -> (Passing, usize) {
    let here = stack_pointer();
    let mark = slot.passing.load(Relaxed);
    let before = if mark > here { mark } else { 0 };
    slot.passing_for.store(address, Relaxed);
    slot.passing.store(here, Relaxed);
    (Passing { slot: Some(slot), before }, here)
}

/// Orders the mark before the look at the gate.
#[inline(always)]
pub(crate) fn settle_order() {
    compiler_fence(SeqCst);
    if FENCED.load(Relaxed) != 0 {
        fence(SeqCst);
    }
}

/// Before a lock is taken: waits while the gate is closed, if this thread holds none.
#[inline(always)]
pub fn take(address: usize) -> Passing {
    enter(address, false)
}

#[inline(always)]
fn enter(address: usize, lets_go: bool) -> Passing {
    let Some(slot) = threads::holder() else { return Passing { slot: None, before: 0 } };
    let (passing, here) = mark(slot, address);
    settle_order();
    if is_closed(GATE.load(Relaxed)) {
        stand_before(slot, address, lets_go, passing.before, here);
    }
    passing
}

/// The same for a call that its callers make before one that waits, and so may be held up where they would let go of what others need
/// (CPython's sem_trywait: it lets the GIL go when that fails).
#[inline(always)]
pub fn try_take(address: usize) -> Passing {
    enter(address, true)
}

/// Before a lock is released: its record goes before the lock does, and in between this thread must not look quiet.
#[inline(always)]
pub fn give(address: usize) -> Passing {
    match threads::mine() {
        Some(slot) => mark(slot, address).0,
        None => Passing { slot: None, before: 0 },
    }
}

/// At the closed gate. Nobody waits here who interrupted a call that passes, or who is forking; nor who has what others need, if it cannot
/// be let go.
#[cold]
#[inline(never)]
fn stand_before(slot: &'static Slot, address: usize, lets_go: bool, before: usize, here: usize) {
    slot.held.leave(here);
    let Some(unseen) = unseen() else { return };
    let forks = slot.forking.load(Relaxed) != 0 || tls::inside() != 0;
    if before != 0 || forks || (unseen.spared)(address) || what_keeps(slot, kernel::thread_id()).is_some() {
        return;
    }
    while is_closed(GATE.load(SeqCst)) {
        let needed = (unseen.needed)();
        if needed && !lets_go {
            return;
        }
        slot.passing.store(0, Relaxed);
        if needed {
            (unseen.without)(&wait_at_gate)
        } else {
            wait_at_gate()
        }
        slot.passing.store(here, Relaxed);
        fence(SeqCst);
    }
}

fn wait_at_gate() {
    loop {
        let gate = GATE.load(SeqCst);
        let left = UNTIL.load(SeqCst).saturating_sub(kernel::monotonic());
        if !is_closed(gate) || left == 0 && opens_by_itself(gate) {
            return;
        }
        kernel::wait_for_change(&GATE, gate, left);
    }
}

fn opens_by_itself(gate: u32) -> bool {
    let open = (gate & !CLOSERS).wrapping_add(EPOCH);
    GATE.compare_exchange(gate, open, SeqCst, Relaxed).is_ok()
}

/// Closes the gate in front of all other threads, until [`open`], at most until that time of the monotonic clock.
pub fn close(slot: &Slot, until: u64) {
    slot.forking.store(slot.forking.load(Relaxed) + 1, Relaxed);
    UNTIL.fetch_max(until, SeqCst);
    take_share(slot);
    order_all();
}

/// Has this thread among those who keep it closed; false if it was.
fn take_share(slot: &Slot) -> bool {
    let mine = slot.share.load(Relaxed);
    let more = |gate: u32| (mine != share(gate)).then_some(gate + 1);
    let taken = GATE.fetch_update(SeqCst, SeqCst, more);
    taken.inspect(|&gate| slot.share.store(share(gate), Relaxed)).is_ok()
}

/// What the share of a closed gate is known by: never 0.
fn share(gate: u32) -> u32 {
    gate & !CLOSERS | 1
}

/// Whoever looks at the gate from now on sees it closed; whoever looked before is seen to pass.
pub(crate) fn order_all() {
    // Where it is refused after all, nobody can be sure: those who pass pay from now on.
    if FENCED.load(Relaxed) == 0 && !kernel::membarrier() {
        FENCED.store(1, SeqCst);
    }
}

/// Keeps it closed until that time, for a thread that closed it; closes it again if it has opened by itself.
pub fn keep_closed(slot: &Slot, until: u64) {
    UNTIL.fetch_max(until, SeqCst);
    if take_share(slot) {
        order_all();
    }
}

/// True for a thread that keeps the gate closed.
pub fn closed_by(slot: &Slot) -> bool {
    slot.forking.load(Relaxed) != 0
}

/// Opens it, for a thread that closed it, when its last fork says so.
pub fn open(slot: &Slot) {
    let forks = slot.forking.load(Relaxed).saturating_sub(1);
    slot.forking.store(forks, Relaxed);
    if forks != 0 {
        return;
    }
    let mine = slot.share.swap(0, Relaxed);
    let less = |gate: u32| (is_closed(gate) && mine == share(gate)).then(|| gate - 1);
    if GATE.fetch_update(SeqCst, SeqCst, less).is_ok_and(|gate| !is_closed(gate - 1)) {
        UNTIL.store(0, SeqCst);
        kernel::wake_all(&GATE);
    }
}

/// Nobody records locks any more: whoever waits goes on.
pub fn open_for_good() {
    if is_closed(GATE.swap(0, SeqCst)) {
        kernel::wake_all(&GATE);
    }
}

/// In a forked child it is open from the start.
pub(crate) fn init_child() {
    if is_closed(GATE.load(Relaxed)) {
        GATE.store(0, Relaxed);
        UNTIL.store(0, Relaxed);
    }
}

/// A thread that is not quiet.
#[derive(Clone, Copy)]
pub struct Busy {
    /// Which.
    pub slot: &'static Slot,
    /// The lock that it holds or is about to have; None: more than are recorded, or it is about to record it.
    pub entry: Option<Entry>,
}

/// The other threads that hold a lock, or may get one although the gate is closed.
#[derive(Default)]
pub struct Others {
    /// One that is waited for.
    pub awaited: Option<Busy>,
    /// How many they are.
    pub count: u32,
    /// One that held up an earlier fork in vain, see [`give_up`]: it is not waited for.
    pub given_up: Option<Busy>,
}

/// Looks at them.
pub fn others() -> Others {
    let mut others = Others::default();
    each(|slot, busy| match busy {
        None => Patience::of(slot).renew(),
        Some(busy) if Patience::of(slot).is_over(&busy) => _ = others.given_up.get_or_insert(busy),
        Some(busy) => {
            others.awaited.get_or_insert(busy);
            others.count += 1;
        }
    });
    others
}

fn each(mut each: impl FnMut(&'static Slot, Option<Busy>)) {
    let own = kernel::thread_id();
    let others = threads::slots().iter().filter(|s| s.state() == SlotState::Live && s.tid.load(Relaxed) != own);
    others.for_each(|slot| each(slot, what_keeps(slot, own).map(|entry| Busy { slot, entry })));
}

/// A fork has waited in vain: a thread that keeps its lock for ever must not hold every fork up. Until it is seen without it, it is waited for
/// again a second later, then after two, four … seconds.
pub fn give_up() {
    each(|slot, busy| busy.iter().for_each(|busy| Patience::of(slot).end(busy)));
}

/// The lock that a slot's thread kept for longer than a fork waited.
struct Patience {
    tid: AtomicU32,
    lock: AtomicUsize,
    /// It is waited for again from that time of the monotonic clock on, in nanoseconds.
    until: AtomicU64,
    /// How long it was not to be waited for.
    pause: AtomicU64,
}

const FIRST_PAUSE_NS: u64 = 1_000_000_000;
const LAST_PAUSE_NS: u64 = 64_000_000_000;

impl Patience {
    fn of(slot: &Slot) -> &'static Patience {
        static ALL: [Patience; threads::CAPACITY] = [const {
            Patience { tid: AtomicU32::new(0), lock: AtomicUsize::new(0), until: AtomicU64::new(0), pause: AtomicU64::new(0) }
        }; threads::CAPACITY];
        &ALL[threads::index(slot)]
    }

    fn knows(&self, busy: &Busy) -> bool {
        let key = (self.tid.load(Relaxed), self.lock.load(Relaxed));
        key == (busy.slot.tid.load(Relaxed), busy.lock())
    }

    fn is_over(&self, busy: &Busy) -> bool {
        self.until.load(Relaxed) != 0 && self.knows(busy) && kernel::monotonic() < self.until.load(Relaxed)
    }

    fn renew(&self) {
        if self.until.load(Relaxed) != 0 {
            self.until.store(0, Relaxed);
            self.tid.store(0, Relaxed);
        }
    }

    fn end(&self, busy: &Busy) {
        if self.is_over(busy) {
            return;
        }
        let pause = if self.knows(busy) { (self.pause.load(Relaxed) * 2).min(LAST_PAUSE_NS) } else { FIRST_PAUSE_NS };
        self.tid.store(busy.slot.tid.load(Relaxed), Relaxed);
        self.lock.store(busy.lock(), Relaxed);
        self.pause.store(pause, Relaxed);
        self.until.store(kernel::monotonic() + pause, Relaxed);
    }
}

impl Busy {
    fn lock(&self) -> usize {
        self.entry.map_or(0, |entry| entry.address)
    }
}

/// What keeps a thread from being quiet: a lock, or (inner None) one that is not recorded yet or any more.
fn what_keeps(slot: &'static Slot, forker: u32) -> Option<Option<Entry>> {
    let tid = slot.tid.load(Relaxed);
    // The mark is looked at before the records and again after them: a lock is recorded before its mark goes, and forgotten after the
    // mark came. (Of this thread itself the mark says nothing.)
    let passes = || slot.passing.load(Acquire) != 0 && !is_spared(slot.passing_for.load(Relaxed));
    let in_flight = || tid != forker && passes() && slot.held.entries().all(|e| e.flags & WAITS == 0);
    if in_flight() || slot.held.overflow() != 0 {
        return Some(None);
    }
    compiler_fence(SeqCst);
    if let Some(entry) = slot.held.entries().find(|entry| keeps(slot, tid, entry, forker)) {
        return Some(Some(entry));
    }
    compiler_fence(SeqCst);
    in_flight().then_some(None)
}

/// Whether an entry means that its thread holds a lock, or gets one although it does nothing for it.
fn keeps(slot: &Slot, tid: u32, entry: &Entry, forker: u32) -> bool {
    let token = entry.kind == LockKind::Semaphore && (entry.flags & MADE != 0 || semaphores::is_signal(entry.address));
    if token || is_spared(entry.address) {
        return false;
    }
    let words = match read(entry) {
        Ok(words) => words,
        Err(gone) => return !gone && entry.flags & HOLDS != 0,
    };
    match entry.flags & (WAITS | HOLDS) {
        HOLDS if entry.kind == LockKind::Libc => still_inside(tid, entry),
        HOLDS => glibc::held_by(entry.kind, tid, &words),
        WAITS if tid != forker => !waits_in_vain(entry, forker, &words),
        // In a wait for a condition, whose mutex is taken before the wait returns.
        0 => slot.waits_for.load(Relaxed) == 0 || glibc::held_by(entry.kind, tid, &words),
        _ => false,
    }
}

/// The lock's own words, where they are looked at. Err: they cannot be read, because they are gone (true), or because that is forbidden or
/// their layout is not known.
fn read(entry: &Entry) -> Result<Words, bool> {
    if !glibc::is_known_lock(entry.kind) {
        return Err(false);
    }
    let mut words = Words::default();
    let length = glibc::size(entry.kind) / 4;
    match length == 0 || kernel::read_words(entry.address, &mut words[..length]) {
        true => Ok(words),
        false => Err(kernel::can_read_memory()),
    }
}

/// A function whose return no hook sees: by where the thread's stack ends, which only a sleeping one shows.
fn still_inside(tid: u32, entry: &Entry) -> bool {
    entry.flags & ENTERED == 0 || kernel::stack_pointer(tid).is_none_or(|pointer| pointer < entry.frame)
}

/// Whether a thread that waits for a lock cannot get it before the forking thread goes on.
fn waits_in_vain(entry: &Entry, forker: u32, words: &Words) -> bool {
    if glibc::is_shared(entry.kind, words) || by_thread(forker).is_some_and(|slot| slot.held.holds(entry.address)) {
        return true;
    }
    match (entry.kind, glibc::known_holder(entry.kind, words)) {
        // Nothing to take, and all who wait are asleep. Whoever holds it, if anybody does, is waited for.
        (LockKind::Semaphore, _) => glibc::is_empty(words) && waiting_for(entry.address) <= glibc::sleepers(words),
        (_, 0) => false,
        // Nobody gives what belongs to a thread that is no more.
        (_, holder) => holder == forker || !kernel::thread_exists(holder),
    }
}

fn by_thread(tid: u32) -> Option<&'static Slot> {
    threads::slots().iter().find(|s| s.state() == SlotState::Live && s.tid.load(Relaxed) == tid)
}

fn waiting_for(address: usize) -> u32 {
    let live = threads::slots().iter().filter(|s| s.state() == SlotState::Live);
    live.filter(|s| s.held.entries().any(|e| e.address == address && e.flags & WAITS != 0)).count() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_that_was_too_slow_leaves_the_gate_of_the_next_one_closed() {
        let [slow, next] = [(); 2].map(|()| threads::claim().expect("a slot"));
        close(slow, 0);
        wait_at_gate();
        assert!(!is_closed(GATE.load(SeqCst)), "it opens by itself");
        close(next, u64::MAX);
        open(slow);
        assert!(is_closed(GATE.load(SeqCst)), "the other's");
        close(next, u64::MAX);
        open(next);
        assert!(is_closed(GATE.load(SeqCst)), "a fork inside of a fork");
        open(next);
        assert!(!is_closed(GATE.load(SeqCst)));
    }
}
