//! Who owns a thread's slot: the protocol of one word each.
//!
//! A word only changes by one compare_exchange from the very value that was judged, and no two owners of a slot write the same value: each
//! has a number of its own. So no thread takes a slot that another took meanwhile, and none releases a slot that has become another's.
//! (`tests/slots.rs` compiles this file against loom's atomics and runs it in every order in which threads can meet.)
use super::atomics::{AtomicU64, AtomicUsize, Ordering::*};

/// The state of a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SlotState {
    /// Owned by no thread.
    Free,
    /// Taken, and being filled for a thread that is about to be created: no other thread reads it.
    Taken,
    /// Of a thread that is being created.
    Starting,
    /// A running thread's.
    Live,
    /// Its thread ran in a process that this one was forked from: frozen as it stood then.
    Lost,
    /// Its thread was being created when this process was forked. It may still come: a signal handler may have forked in the middle of
    /// pthread_create, and the child goes on in it.
    Unstarted,
}

const FREE: u64 = 0;
const TAKEN: u64 = 1;
const STARTING: u64 = 2;
const LIVE: u64 = 3;
const STATES: u64 = 3;
/// Above the state 30 bits: the generation of the process in which it was entered.
const GENERATION_SHIFT: u32 = 2;
const GENERATIONS: u64 = (1 << 30) - 1;
/// Above that the owner's number.
const OWNER_SHIFT: u32 = 32;

/// A slot's word as it was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SeenWord(u64);

impl SeenWord {
    /// The state in the process of this generation. A slot that was in use in the process that forked this one is lost without a write to
    /// its word.
    pub fn state(self, generation: u32) -> SlotState {
        let own = self.0 >> GENERATION_SHIFT & GENERATIONS == u64::from(generation) & GENERATIONS;
        match (self.0 & STATES, own) {
            (TAKEN, true) => SlotState::Taken,
            (STARTING, true) => SlotState::Starting,
            (TAKEN | STARTING, false) => SlotState::Unstarted,
            (LIVE, true) => SlotState::Live,
            (LIVE, false) => SlotState::Lost,
            _ => SlotState::Free,
        }
    }

    /// True when both were the same owner's word.
    pub fn is_of_owner(self, other: SeenWord) -> bool {
        self.owner() == other.owner()
    }

    /// The owner's number.
    pub fn owner(self) -> u64 {
        self.0 >> OWNER_SHIFT
    }
}

/// A slot's word.
pub struct SlotWord(AtomicU64);

impl SlotWord {
    /// Free; from a zero.
    pub const fn new(zero: AtomicU64) -> SlotWord {
        SlotWord(zero)
    }

    /// The word as it is now.
    pub fn read(&self) -> SeenWord {
        SeenWord(self.0.load(Acquire))
    }

    fn change(&self, from: SeenWord, owner: u64, state: u64, generation: u32) -> bool {
        let to = owner << OWNER_SHIFT | (u64::from(generation) & GENERATIONS) << GENERATION_SHIFT | state;
        self.0.compare_exchange(from.0, to, AcqRel, Relaxed).is_ok()
    }

    /// Takes the slot, if it is in that state and nobody else takes it.
    fn claim(&self, state: SlotState, generation: u32) -> bool {
        let seen = self.read();
        seen.state(generation) == state && self.change(seen, seen.owner().wrapping_add(1), TAKEN, generation)
    }

    /// For the slot's owner: it is filled, its thread is being created.
    pub fn start(&self, generation: u32) {
        let seen = self.read();
        self.change(seen, seen.owner(), STARTING, generation);
    }

    /// For the slot's owner: its thread runs, in the process of this generation.
    pub fn begin(&self, generation: u32) {
        let seen = self.read();
        self.change(seen, seen.owner(), LIVE, generation);
    }
}

/// Counters that make claims quick; the words alone decide who owns a slot.
pub struct SlotPool {
    /// Slots at and above this were never used.
    high: AtomicUsize,
    /// Where a free one may be near.
    hint: AtomicUsize,
    /// About how many below `high` are free.
    free: AtomicUsize,
}

impl SlotPool {
    /// One of which nothing was used yet; from zeros.
    pub const fn new(high: AtomicUsize, hint: AtomicUsize, free: AtomicUsize) -> SlotPool {
        SlotPool { high, hint, free }
    }

    /// How many slots were ever used.
    pub fn high(&self, capacity: usize) -> usize {
        self.high.load(Acquire).min(capacity)
    }

    /// Takes a slot for a thread that is about to be created: a free slot, a new one, at last that of a lost thread.
    pub fn claim<'a>(&self, capacity: usize, word: impl Fn(usize) -> &'a SlotWord, generation: u32) -> Option<usize> {
        let take = |index: &usize, state| word(*index).claim(state, generation);
        self.claim_free(capacity, |index| take(index, SlotState::Free))
            .or_else(|| self.claim_new(capacity, |index| take(index, SlotState::Free)))
            .or_else(|| (0..capacity).find(|index| take(index, SlotState::Free) || take(index, SlotState::Lost)))
    }

    fn claim_free(&self, capacity: usize, take: impl Fn(&usize) -> bool) -> Option<usize> {
        let counted = self.free.load(Relaxed);
        if counted == 0 {
            return None;
        }
        let high = self.high(capacity);
        let hint = self.hint.load(Relaxed).min(high);
        let Some(index) = (hint..high).chain(0..hint).find(take) else {
            // A child that was forked in the middle of a claim counts one too many.
            let _ = self.free.compare_exchange(counted, 0, Relaxed, Relaxed);
            return None;
        };
        let _ = self.free.fetch_update(Relaxed, Relaxed, |free| free.checked_sub(1));
        self.hint.store(index + 1, Relaxed);
        Some(index)
    }

    fn claim_new(&self, capacity: usize, take: impl Fn(&usize) -> bool) -> Option<usize> {
        let index = (self.high(capacity)..capacity).find(take)?;
        self.high.fetch_max(index + 1, AcqRel);
        Some(index)
    }

    /// Releases a slot if its word still is as it was `seen`; false when another thread has released it.
    pub fn release(&self, index: usize, word: &SlotWord, seen: SeenWord, generation: u32) -> bool {
        // Counted first: no claim may find more than are counted.
        self.free.fetch_add(1, Relaxed);
        let released = word.change(seen, seen.owner(), FREE, generation);
        match released {
            true => self.hint.store(index, Relaxed),
            false => _ = self.free.fetch_update(Relaxed, Relaxed, |free| free.checked_sub(1)),
        }
        released
    }
}
