//! Inherited descriptors of a child whose first use is still to come.
use super::concern::Concern;
use super::deferred;
use super::positions;
use forkguard_core::flags;
use forkguard_core::fork::are_copies_left;
use forkguard_core::registry::descriptors;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// How many of them a settled child has.
#[unsafe(link_section = "forkguard_words")]
static LEFT: AtomicU32 = AtomicU32::new(0);

/// The child settles: descriptors whose use would not matter are watched no more.
pub(crate) fn settle() {
    let matters = |fd| Concern::of_number(fd).is_some_and(|concern| concern.may_hit(fd));
    descriptors::unseen().filter(|&fd| !matters(fd)).for_each(|fd| _ = descriptors::set_seen(fd));
    count();
}

/// Counts them, and watches uses only while there are some.
pub(super) fn count() {
    LEFT.store(descriptors::unseen().count() as u32, Relaxed);
    flags::watch_uses(LEFT.load(Relaxed) != 0 || deferred::is_any() || are_copies_left() || positions::any());
}

/// The first use of this one has come.
pub(super) fn mark_used(fd: i32) {
    if descriptors::set_seen(fd) && !flags::is_settling() && LEFT.fetch_sub(1, Relaxed) <= 1 {
        // Copies may have been counted twice.
        count();
    }
}
