//! FORKGUARD_SAFE_POINT for Python's own locks since 3.13, whose taking no hook sees: with the GIL held the other threads are looked at, whether one
//! stands inside of a `with` block of such a lock. No gate holds back who takes one next.
use crate::sites;
use forkguard_core::registry::held::Entry;
use forkguard_core::registry::threads::{self, Slot};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Such locks of the other threads.
#[derive(Default)]
pub(super) struct HeldByOthers {
    /// Those that are waited for.
    pub(super) count: u32,
    /// One of them, and its holder.
    pub(super) awaited: Option<(&'static Slot, Entry)>,
    /// One that an earlier fork waited for in vain.
    pub(super) given_up: Option<(&'static Slot, Entry)>,
}

/// Locks for which a fork waited in vain, until one sees them free.
static GIVEN_UP: [AtomicUsize; 8] = [const { AtomicUsize::new(0) }; 8];

/// Needs the GIL: without it there are none.
pub(super) fn held_by_others() -> HeldByOthers {
    let mut found = HeldByOthers::default();
    let mut still = [false; GIVEN_UP.len()];
    sites::interpreters_locks_of_others(|thread, entry| {
        let Some(slot) = threads::by_handle(thread) else { return };
        match GIVEN_UP.iter().position(|lock| lock.load(Relaxed) == entry.address) {
            Some(place) => {
                still[place] = true;
                found.given_up = Some((slot, entry));
            }
            None => {
                found.count += 1;
                found.awaited = Some((slot, entry));
            }
        }
    });
    for (lock, _) in GIVEN_UP.iter().zip(still).filter(|(_, still)| !still) {
        lock.store(0, Relaxed);
    }
    found
}

/// The time is over: no fork waits for those that are held now again before it saw them free.
pub(super) fn give_up() {
    sites::interpreters_locks_of_others(|_, entry| {
        let is_known = |lock: &AtomicUsize| lock.load(Relaxed) == entry.address;
        if !GIVEN_UP.iter().any(is_known)
            && let Some(free) = GIVEN_UP.iter().find(|lock| lock.load(Relaxed) == 0)
        {
            free.store(entry.address, Relaxed);
        }
    });
}
