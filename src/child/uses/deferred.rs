//! Uses that are reported when their leader has had the time to hand over: an epoll call, or one on a connection that does not block, is not
//! held up for that.
use super::certainty::{HANDING_OVER_NS, gives_time};
use forkguard_core::{flags, kernel};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// A use, by its descriptor and its site, and whether the child was ending.
struct Deferred {
    fd: AtomicI32,
    site: AtomicUsize,
    at_end: AtomicBool,
}

static DEFERRED: [Deferred; 8] =
    [const { Deferred { fd: AtomicI32::new(0), site: AtomicUsize::new(0), at_end: AtomicBool::new(false) } }; 8];
#[unsafe(link_section = "forkguard_words")]
static COUNT: AtomicU32 = AtomicU32::new(0);
/// When they are reported: nanoseconds of the monotonic clock.
#[unsafe(link_section = "forkguard_words")]
static DUE: AtomicU64 = AtomicU64::new(0);

/// In a forked child.
pub(super) fn reset() {
    COUNT.store(0, Relaxed);
}

/// True while there are some.
pub(super) fn is_any() -> bool {
    COUNT.load(Relaxed) != 0
}

/// Defers a use; false when there is no reason to, or no room.
pub(super) fn defer(fd: i32, site: usize, at_end: bool) -> bool {
    let begins = || gives_time().then(|| DUE.store(kernel::monotonic() + HANDING_OVER_NS, Relaxed)).is_some();
    if !is_any() && !begins() {
        return false;
    }
    let Some(slot) = DEFERRED.get(COUNT.load(Relaxed) as usize) else { return false };
    slot.fd.store(fd, Relaxed);
    slot.site.store(site, Relaxed);
    slot.at_end.store(at_end, Relaxed);
    COUNT.fetch_add(1, Relaxed);
    flags::watch_uses(true);
    flags::watch_waits();
    true
}

/// Nanoseconds until they are due.
pub(super) fn due_in() -> u64 {
    DUE.load(Relaxed).saturating_sub(kernel::monotonic())
}

/// Their descriptors.
pub(super) fn descriptors() -> impl Iterator<Item = i32> {
    DEFERRED.iter().take(COUNT.load(Relaxed) as usize).map(|slot| slot.fd.load(Relaxed))
}

/// Takes them: descriptor, site, and whether the child was ending.
pub(super) fn take() -> impl Iterator<Item = (i32, usize, bool)> {
    let slots = DEFERRED.iter().take(COUNT.swap(0, Relaxed) as usize);
    slots.map(|slot| (slot.fd.load(Relaxed), slot.site.load(Relaxed), slot.at_end.load(Relaxed)))
}
