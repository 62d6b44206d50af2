//! How many captures a process may make: buckets of tokens.
use forkguard_core::kernel;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// So many captures at once, then one an interval. At 5 µs each that is one percent of a thread.
const BURST: u64 = 4096;
const INTERVAL_NS: u64 = 500_000;
#[unsafe(link_section = "forkguard_words")]
static NEXT: AtomicU64 = AtomicU64::new(0);
/// Sites that got no frames for want of a token or of room.
#[unsafe(link_section = "forkguard_words")]
static SKIPPED: AtomicU32 = AtomicU32::new(0);

/// How many captures were skipped.
pub(crate) fn skipped() -> u32 {
    SKIPPED.load(Relaxed)
}

/// Counts a capture that was skipped.
pub(super) fn skip() {
    SKIPPED.fetch_add(1, Relaxed);
}

/// Takes a token for a capture.
pub(super) fn take_token() -> bool {
    take_from(&NEXT, BURST, INTERVAL_NS)
}

/// Takes a token of a bucket that holds `burst` and fills by one an interval; counts what went without.
fn take_from(bucket: &AtomicU64, burst: u64, interval_ns: u64) -> bool {
    let now = kernel::monotonic();
    let fuller = |next: u64| (next.max(now) - now <= burst * interval_ns).then_some(next.max(now) + interval_ns);
    let taken = bucket.fetch_update(Relaxed, Relaxed, fuller).is_ok();
    if !taken {
        skip();
    }
    taken
}

/// Calls from one place in native code that are captured; then as often as a program connects, not as a loop runs.
const FIRST_CALLS: u32 = 64;
const LATER_NS: u64 = 10_000_000;

/// True for the first calls from a place in native code (places that share a counter share them), and for a hundred of all others a second.
pub(super) fn take_native_turn(caller: usize) -> bool {
    static CALLS: [AtomicU32; 512] = [const { AtomicU32::new(0) }; 512];
    #[unsafe(link_section = "forkguard_words")]
    static LATER: AtomicU64 = AtomicU64::new(0);
    let calls = &CALLS[caller.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 55];
    let before = calls.load(Relaxed);
    if before < FIRST_CALLS {
        calls.store(before + 1, Relaxed);
    }
    before < FIRST_CALLS || take_from(&LATER, 1, LATER_NS)
}
