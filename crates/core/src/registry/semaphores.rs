//! Which semaphores are signals rather than locks: those that were posted by a thread that did not hold them.
//!
//! A semaphore has no owner. One that is always posted by the thread that waited acts as a lock (CPython's `threading.Lock`
//! until 3.13); one that another thread posts is a signal, and its last waiter holds nothing.
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const CAPACITY: usize = 1024;
const PROBES: usize = 8;
static SIGNALS: [AtomicUsize; CAPACITY] = [const { AtomicUsize::new(0) }; CAPACITY];

fn places(address: usize) -> impl Iterator<Item = &'static AtomicUsize> {
    let first = (address >> 4).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    (0..PROBES).map(move |i| &SIGNALS[(first + i) % CAPACITY])
}

/// Records that a thread posted it that did not hold it.
pub fn mark_signal(address: usize) {
    // Another thread may note it at the same time.
    let is_in = |place: &AtomicUsize| {
        place.compare_exchange(0, address, Relaxed, Relaxed).map_or_else(|known| known == address, |_| true)
    };
    if is_signal(address) || places(address).any(is_in) {
        return;
    }
    // All taken: the first one is forgotten, which makes it a lock again until its next post.
    if let Some(place) = places(address).next() {
        place.store(address, Relaxed);
    }
}

/// Forgets it: it was made anew, or its holder posted it.
pub fn forget(address: usize) {
    for place in places(address).filter(|p| p.load(Relaxed) == address) {
        let _ = place.compare_exchange(address, 0, Relaxed, Relaxed);
    }
}

/// True when it is known to be used as a signal.
pub fn is_signal(address: usize) -> bool {
    places(address).any(|p| p.load(Relaxed) == address)
}
