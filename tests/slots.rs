//! The protocol of the threads' slots (`crates/core/src/registry/slots.rs`), compiled against loom's atomics and run in every order in which threads can
//! meet, with every value that a read may give. What stands in a slot is a cell of loom's: two that have it at once, or an owner that
//! does not see what the one before it wrote, fail the test.
use loom::cell::UnsafeCell;
use loom::sync::atomic::Ordering::Relaxed;
use loom::sync::{Arc, atomic as atomics};
use loom::thread;
use slots::{SlotPool, SlotState, SlotWord};

#[path = "../crates/core/src/registry/slots.rs"]
#[allow(dead_code, reason = "the library uses all of it")]
mod slots;

const GENERATION: u32 = 7;

/// The kernel ids of a thread that is gone, and of those that run.
const GONE: u32 = 1;
const RUNS: u32 = 2;

/// A pool, and in each slot its thread's kernel id, which all may read, and what only its owner may touch.
struct Slots {
    pool: SlotPool,
    words: Vec<SlotWord>,
    threads: Vec<atomics::AtomicU32>,
    touched: Vec<UnsafeCell<u32>>,
}

/// A thread's slot.
#[derive(Clone, Copy)]
struct Owned(usize);

impl Slots {
    fn new(capacity: usize) -> Slots {
        let zero = || atomics::AtomicUsize::new(0);
        Slots {
            pool: SlotPool::new(zero(), zero(), zero()),
            words: (0..capacity).map(|_| SlotWord::new(atomics::AtomicU64::new(0))).collect(),
            threads: (0..capacity).map(|_| atomics::AtomicU32::new(0)).collect(),
            touched: (0..capacity).map(|_| UnsafeCell::new(0)).collect(),
        }
    }

    fn claim_in(&self, generation: u32) -> Option<Owned> {
        let index = self.pool.claim(self.words.len(), |index| &self.words[index], generation)?;
        self.touch(index);
        self.threads[index].store(0, Relaxed);
        Some(Owned(index))
    }

    fn claim(&self) -> Option<Owned> {
        self.claim_in(GENERATION)
    }

    /// What only a slot's owner does.
    fn touch(&self, index: usize) {
        // SAFETY: loom panics when another thread is at it or its access is not ordered before this one.
        self.touched[index].with_mut(|times| unsafe { *times += 1 });
    }

    fn state(&self, Owned(index): Owned) -> SlotState {
        self.words[index].read().state(GENERATION)
    }

    fn begin(&self, Owned(index): Owned, thread: u32) {
        self.threads[index].store(thread, Relaxed);
        self.words[index].begin(GENERATION);
        self.touch(index);
    }

    fn release(&self, Owned(index): Owned) {
        self.touch(index);
        let word = &self.words[index];
        assert!(self.pool.release(index, word, word.read(), GENERATION));
    }

    /// As `thread::reap`: gives back what a thread left that the kernel does not know any more.
    fn reap(&self, index: usize) {
        let word = &self.words[index];
        let seen = word.read();
        if seen.state(GENERATION) == SlotState::Live && self.threads[index].load(Relaxed) == GONE {
            self.pool.release(index, word, seen, GENERATION);
        }
    }

    /// A thread from its creation to its end, in one go.
    fn live_and_end(&self) {
        if let Some(slot) = self.claim() {
            self.words[slot.0].start(GENERATION);
            self.begin(slot, RUNS);
            assert_eq!(self.state(slot), SlotState::Live);
            self.release(slot);
        }
    }
}

fn spawn(slots: &Arc<Slots>, work: impl FnOnce(&Slots) + 'static) -> thread::JoinHandle<()> {
    let slots = slots.clone();
    thread::spawn(move || work(&slots))
}

/// Runs the model with at most so many involuntary switches between threads, or, without a limit, in all orders there are.
fn model(switches: Option<usize>, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = switches;
    builder.check(body);
}

#[test]
fn two_creators_own_two_slots() {
    model(None, || {
        let slots = Arc::new(Slots::new(2));
        let creator = spawn(&slots, |slots| {
            assert!(slots.claim().is_some());
        });
        assert!(slots.claim().is_some());
        creator.join().unwrap();
        assert_eq!(slots.pool.high(2), 2);
    });
}

#[test]
fn threads_that_come_and_go_never_share_a_slot() {
    model(Some(2), || {
        let slots = Arc::new(Slots::new(1));
        let other = spawn(&slots, Slots::live_and_end);
        slots.live_and_end();
        other.join().unwrap();
        // It is given back, and can be had again.
        assert!(slots.claim().is_some() && slots.claim().is_none());
    });
}

#[test]
fn a_slot_passes_from_its_creator_to_its_thread() {
    model(Some(3), || {
        let slots = Arc::new(Slots::new(2));
        let slot = slots.claim().unwrap();
        slots.words[slot.0].start(GENERATION);
        let created = spawn(&slots, move |slots| {
            slots.begin(slot, RUNS);
            slots.release(slot);
        });
        slots.live_and_end();
        created.join().unwrap();
    });
}

/// Two forks look for threads whose end nobody saw, as `thread::reap` does, while new ones take what they give back.
#[test]
fn what_a_gone_thread_left_is_given_back_once() {
    model(Some(3), || {
        let slots = Arc::new(Slots::new(1));
        let gone = slots.claim().unwrap();
        slots.begin(gone, GONE);
        let other = spawn(&slots, |slots| slots.reap(0));
        slots.reap(0);
        slots.live_and_end();
        other.join().unwrap();
        assert_eq!(slots.state(gone), SlotState::Free);
        assert!(slots.claim().is_some() && slots.claim().is_none());
    });
}

/// In a forked child: what lost threads left is taken last, what may still become a thread never.
#[test]
fn a_child_takes_what_lost_threads_left_last() {
    model(None, || {
        let slots = Arc::new(Slots::new(4));
        let [lost, _unborn, unborn] = [0, 1, 2].map(|_| slots.claim_in(GENERATION - 1).unwrap());
        slots.words[lost.0].begin(GENERATION - 1);
        slots.words[unborn.0].start(GENERATION - 1);
        let other = spawn(&slots, |slots| {
            slots.claim();
        });
        slots.claim();
        other.join().unwrap();
        assert_eq!(slots.state(unborn), SlotState::Unstarted);
        assert_eq!(slots.state(Owned(1)), SlotState::Unstarted);
        assert_eq!((slots.state(lost), slots.state(Owned(3))), (SlotState::Taken, SlotState::Taken));
        assert!(slots.claim().is_none());
        // The one that forked goes on in pthread_create.
        slots.begin(unborn, RUNS);
        assert_eq!(slots.state(unborn), SlotState::Live);
    });
}
