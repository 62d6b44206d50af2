//! A place for what a leader keeps of one of its children.
use forkguard_core::registry::generation;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::*};

/// See the module.
pub(super) struct Slot<T> {
    /// One of the states below, and above it the generation of the process whose child it is.
    state: AtomicU32,
    key: AtomicU64,
    kept: UnsafeCell<T>,
}
// SAFETY: what is kept is accessed by the thread that exchanged the state for FILLED or INSPECTED only, until it stores another.
unsafe impl<T: Send> Sync for Slot<T> {}

const FREE: u32 = 0;
const FILLED: u32 = 1;
const WATCHED: u32 = 2;
const INSPECTED: u32 = 3;
const GENERATION_SHIFT: u32 = 2;

fn of_this_process(state: u32) -> u32 {
    state | generation::current() << GENERATION_SHIFT
}

impl<T> Slot<T> {
    /// A free one.
    pub(super) const fn new(kept: T) -> Slot<T> {
        Slot { state: AtomicU32::new(FREE), key: AtomicU64::new(0), kept: UnsafeCell::new(kept) }
    }

    /// Fills the slot; false when it is not free. A slot of an earlier process is free.
    pub(super) fn fill(&self, key: u64, fill: impl FnOnce(&mut T)) -> bool {
        let state = self.state.load(Relaxed);
        let is_free = state >> GENERATION_SHIFT != generation::current() || state == of_this_process(FREE);
        if !is_free || self.state.compare_exchange(state, of_this_process(FILLED), Acquire, Relaxed).is_err() {
            return false;
        }
        // SAFETY: see `Sync`.
        fill(unsafe { &mut *self.kept.get() });
        self.key.store(key, Relaxed);
        self.state.store(of_this_process(WATCHED), Release);
        true
    }

    /// Inspects what a watched slot keeps; true when it stays watched, as `inspect` says.
    pub(super) fn inspect(&self, inspect: impl FnOnce(&mut T) -> bool) -> bool {
        let [watched, inspected] = [WATCHED, INSPECTED].map(of_this_process);
        if self.state.compare_exchange(watched, inspected, Acquire, Relaxed).is_err() {
            return false;
        }
        // SAFETY: see `Sync`.
        let stays = inspect(unsafe { &mut *self.kept.get() });
        self.state.store(of_this_process(if stays { WATCHED } else { FREE }), Release);
        stays
    }

    /// True for a watched slot with this key.
    pub(super) fn is_of(&self, key: u64) -> bool {
        [WATCHED, INSPECTED].map(of_this_process).contains(&self.state.load(Acquire)) && self.key.load(Relaxed) == key
    }
}
