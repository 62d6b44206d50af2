//! Random generators whose state is copied into every child: whether the C library's were used, and who took a seed from the kernel.
use crate::gate;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering::*};

#[unsafe(link_section = "forkguard_words")]
static USED: AtomicUsize = AtomicUsize::new(0);

/// Uses that are looked at: libraries that use a generator for themselves do so again and again.
const MOST_LOOKS: u8 = 64;
#[unsafe(link_section = "forkguard_words")]
static LOOKS: AtomicU8 = AtomicU8::new(0);

/// Records the first use that has a site.
pub fn record(site: impl FnOnce() -> Option<usize>) {
    if USED.load(Relaxed) == 0 && LOOKS.load(Relaxed) < MOST_LOOKS && gate::awake() {
        LOOKS.fetch_add(1, Relaxed);
        site().into_iter().for_each(|site| _ = USED.compare_exchange(0, site, Relaxed, Relaxed));
    }
}

/// Word of the first use; 0 when there was none.
pub fn used() -> usize {
    USED.load(Relaxed)
}

/// Seeds that are recorded.
const SEEDS: usize = 16;
/// What took each: a library, or a line of a program in an interpreter; 0 free.
static TAKERS: [AtomicUsize; SEEDS] = [const { AtomicUsize::new(0) }; SEEDS];
/// The site of its first; 0 until it is known.
static SITES: [AtomicUsize; SEEDS] = [const { AtomicUsize::new(0) }; SEEDS];

/// Records the first seed that `taker` (not 0) took from the kernel.
pub fn record_seed(taker: usize, site: impl FnOnce() -> usize) {
    for (word, place) in TAKERS.iter().zip(&SITES) {
        match word.compare_exchange(0, taker, AcqRel, Acquire) {
            Ok(_) => return place.store(site(), Release),
            Err(known) if known == taker => return,
            Err(_) => {}
        }
    }
}

/// Sites of the seeds that were taken.
pub fn seeds() -> impl Iterator<Item = usize> {
    SITES.iter().map(|site| site.load(Acquire)).take_while(|&site| site != 0)
}
