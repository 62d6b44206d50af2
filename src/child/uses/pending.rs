//! New states of hazards that are reported once the child settles: most children that close what they inherited are about to exec.
use crate::entry::{Scratch, record_with_scratch};
use crate::ledger;
use forkguard_core::flags;
use forkguard_core::registry::descriptors;
use forkguard_report::event::{FindingKind, State};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A new state: of a hazard of this kind, and why.
pub(super) type Change = (FindingKind, State, &'static str);
const CHANGES: [Change; 5] = [
    (FindingKind::ConnectionInherited, State::Resolved, UNUSED),
    (FindingKind::EpollInherited, State::Resolved, UNUSED),
    (FindingKind::SqliteInherited, State::Resolved, UNUSED),
    (FindingKind::FileOffsetShared, State::Hit, "the child moves the position that it shares"),
    REPLACED,
];
/// An inherited connection that the child has left alone so far.
pub(super) const REPLACED: Change =
    (FindingKind::ConnectionInherited, State::Resolved, "the child opened a connection of its own to the same peer");
const UNUSED: &str = "the child closed it unused";

/// The number of the descriptor at the fork, and above it the index in [`CHANGES`] plus one.
static PENDING: [AtomicU32; 64] = [const { AtomicU32::new(0) }; 64];
#[unsafe(link_section = "forkguard_words")]
static COUNT: AtomicU32 = AtomicU32::new(0);
const INDEX_SHIFT: u32 = 24;

/// In a forked child. Each page that a child writes to is one that the kernel copies.
pub(super) fn reset() {
    if COUNT.load(Relaxed) != 0 {
        take().for_each(drop);
    }
}

/// Reports the new state of a descriptor's hazard once the child has settled.
pub(super) fn report_once_settled(kind: FindingKind, fd: i32) {
    if let Some(change) = CHANGES.iter().find(|(of, ..)| *of == kind) {
        change_once_settled(*change, fd);
    }
}

/// The same for one of [`CHANGES`].
pub(super) fn change_once_settled(change: Change, fd: i32) {
    let number = descriptors::number_at_fork(fd);
    let Some(index) = CHANGES.iter().position(|of| *of == change) else { return };
    let slot = flags::is_settling().then(|| PENDING.get(COUNT.fetch_add(1, Relaxed) as usize)).flatten();
    match slot {
        Some(slot) => slot.store((index as u32 + 1) << INDEX_SHIFT | number as u32, Relaxed),
        None => _ = record_with_scratch(|scratch| report(scratch, CHANGES[index], number)),
    }
}

fn report(scratch: &Scratch, (kind, state, because): Change, number: i32) {
    ledger::report_state(scratch, kind, format_args!("{number}"), state, None, because);
}

/// The child settles.
pub(crate) fn report_all(scratch: &Scratch) {
    take().for_each(|(change, number)| report(scratch, change, number));
}

/// Takes the changes that are pending, each with the number of its descriptor at the fork.
pub(super) fn take() -> impl Iterator<Item = (Change, i32)> {
    let words = PENDING.iter().take(COUNT.swap(0, Relaxed) as usize).map(|slot| slot.swap(0, Relaxed));
    let number = |word| (word & ((1 << INDEX_SHIFT) - 1)) as i32;
    words.filter(|&word| word != 0).map(move |word| (CHANGES[(word >> INDEX_SHIFT) as usize - 1], number(word)))
}
