//! What this process has printed of findings: what is resolved afterwards is taken back there, too.
use forkguard_core::fixed::Text;
use forkguard_report::event::Finding;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::*};

/// Findings that are remembered; further ones stay as they were printed.
const CAPACITY: usize = 64;
const EMPTY: u8 = 0;
const READY: u8 = 1;
const TAKEN: u8 = 2;

/// A printed finding: what follows the fork in its id, and what it is about.
#[derive(Clone, Copy)]
struct Printed {
    what: Text<96>,
    subject: Text<128>,
}

struct Slot {
    state: AtomicU8,
    printed: UnsafeCell<Printed>,
}
// SAFETY: the thread that drew the slot's number from `COUNT` writes it, and nobody reads it before `state` is `READY`.
unsafe impl Sync for Slot {}

static SLOTS: [Slot; CAPACITY] = [const {
    Slot { state: AtomicU8::new(EMPTY), printed: UnsafeCell::new(Printed { what: Text::new(), subject: Text::new() }) }
}; CAPACITY];
#[unsafe(link_section = "forkguard_words")]
static COUNT: AtomicUsize = AtomicUsize::new(0);

fn in_use() -> impl Iterator<Item = &'static Slot> {
    SLOTS.iter().take(COUNT.load(Relaxed))
}

/// Remembers a finding that is printed.
pub(crate) fn mark_printed(finding: &Finding<'_>) {
    let what = finding.id.split_once(':').map_or("", |(_, what)| what);
    if let Some(slot) = SLOTS.get(COUNT.fetch_add(1, Relaxed)) {
        let printed = Printed { what: Text::of(format_args!("{what}")), subject: Text::of(format_args!("{}", finding.subject)) };
        // SAFETY: see `Slot`.
        unsafe { *slot.printed.get() = printed };
        slot.state.store(READY, Release);
    }
}

/// What a finding is about that was printed and not taken back yet: only once. `what`: what follows the fork in its id.
pub(super) fn take_printed(what: &str) -> Option<&'static str> {
    let ready = in_use().filter(|slot| slot.state.load(Acquire) == READY);
    // SAFETY: see `Slot`.
    let mut printed = ready.map(|slot| (slot, unsafe { &*slot.printed.get() }));
    let (slot, printed) = printed.find(|(_, printed)| printed.what.as_str() == what)?;
    slot.state.compare_exchange(READY, TAKEN, AcqRel, Relaxed).ok().map(|_| printed.subject.as_str())
}

/// In a forked child. Each page that a child writes to is one that the kernel copies.
pub(super) fn reset_in_child() {
    if COUNT.load(Relaxed) != 0 {
        in_use().for_each(|slot| slot.state.store(EMPTY, Relaxed));
        COUNT.store(0, Relaxed);
    }
}
