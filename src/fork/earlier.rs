//! The forks of this process that its report holds in full, by what their children inherit: a further fork that is like one of them
//! refers to it.
use forkguard_core::fork::Snapshot;
use forkguard_core::registry::generation;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering::*};

/// Forks that are remembered; a further one takes the place of the oldest.
const FORKS: usize = 64;

#[derive(Clone, Copy)]
struct Known {
    likeness: u64,
    sequence: u64,
    /// Where it was called, with and without the application's frames.
    site: usize,
    caller: usize,
    /// The generation of the process that made it: a child begins with none.
    generation: u32,
}

struct Table {
    known: UnsafeCell<([Known; FORKS], usize)>,
}
/// Apart from the table, which a child need not touch.
#[unsafe(link_section = "forkguard_words")]
static BUSY: AtomicBool = AtomicBool::new(false);
// SAFETY: `BUSY` gives the content to one thread at a time; nobody waits for it.
unsafe impl Sync for Table {}

const NONE: Known = Known { likeness: 0, sequence: 0, site: 0, caller: 0, generation: 0 };
static TABLE: Table = Table { known: UnsafeCell::new(([NONE; FORKS], 0)) };

/// Runs `work` with the table; None while another thread has it.
fn with<R>(work: impl FnOnce(&mut ([Known; FORKS], usize)) -> R) -> Option<R> {
    if BUSY.swap(true, Acquire) {
        return None;
    }
    // SAFETY: see `BUSY`.
    let result = work(unsafe { &mut *TABLE.known.get() });
    BUSY.store(false, Release);
    Some(result)
}

fn find(is: impl Fn(&Known) -> bool) -> Option<Known> {
    let own = generation::current();
    with(|(known, _)| known.iter().find(|known| known.sequence != 0 && known.generation == own && is(known)).copied()).flatten()
}

/// The number of the earlier fork that one with this likeness is like; 0 none.
pub(super) fn like(likeness: u64) -> u64 {
    find(|known| known.likeness == likeness).map_or(0, |known| known.sequence)
}

/// True when a fork was called where the earlier one was that it is like.
pub(super) fn is_same_site(snapshot: &Snapshot) -> bool {
    find(|known| known.sequence == snapshot.like)
        .is_some_and(|known| snapshot.site == known.site || snapshot.site == known.caller)
}

/// Notes that the report holds this fork in full.
pub(super) fn remember(snapshot: &Snapshot) {
    let address = crate::sites::address_of(snapshot.site);
    let entry = Known {
        likeness: snapshot.fingerprint,
        sequence: snapshot.sequence,
        site: snapshot.site,
        caller: address,
        generation: generation::current(),
    };
    with(|(known, next)| {
        known[*next % FORKS] = entry;
        *next += 1;
    });
}

/// In a forked child: no thread has the table.
pub(super) fn reset_in_child() {
    if BUSY.load(Relaxed) {
        BUSY.store(false, Relaxed);
    }
}
