//! Libraries that are loaded as time goes by.
use crate::identity::Identity;
use crate::library::Library;
use crate::link_map::{LinkMap, link_maps, program};
use crate::memory::MemoryAccess;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use forkguard_core::kernel::monotonic;

/// Visits the libraries again whenever some were loaded.
pub struct LibraryWatch {
    /// The loader's last record (0: visit all again), its dynamic section, and the record before it: another library's record may come to
    /// lie at the same place.
    last: [AtomicUsize; 3],
    /// Not before this time (nanoseconds).
    next: AtomicU64,
    pause: u64,
}

/// An interpreter takes longer to begin.
const PAUSE_NS: u64 = 2_000_000;

impl LibraryWatch {
    /// One that is spared from looking too often.
    pub const fn new() -> LibraryWatch {
        LibraryWatch { last: [const { AtomicUsize::new(0) }; 3], next: AtomicU64::new(0), pause: PAUSE_NS }
    }

    /// One that looks whenever it is asked to.
    pub const fn without_pause() -> LibraryWatch {
        LibraryWatch { pause: 0, ..LibraryWatch::new() }
    }

    /// The next visit is one of all libraries again.
    pub fn forget(&self) {
        self.last[0].store(0, Relaxed);
    }

    /// Calls `each` with all libraries, if any was loaded since the last time: one read when not, and that not often. Those that are just
    /// being loaded are left for the next time.
    pub fn visit(&self, memory: MemoryAccess, mut each: impl FnMut(&Library)) {
        let now = monotonic();
        if now < self.next.load(Relaxed) {
            return;
        }
        self.next.store(now + self.pause, Relaxed);
        if self.is_same(memory) {
            return;
        }
        let (mut complete, mut last) = (true, None);
        for map in link_maps(memory, program()) {
            let is_ready = Identity::of(map.dynamic, map.address).is_some();
            complete &= is_ready;
            if is_ready && let Some(library) = Library::of(&map) {
                each(&library);
            }
            last = Some(map);
        }
        if let Some(LinkMap { address, dynamic, next: 0, previous, .. }) = last {
            let last = if complete { address } else { 0 };
            self.last.iter().zip([last, dynamic, previous]).for_each(|(place, word)| place.store(word, Relaxed));
        }
    }

    /// True when the list ends as it did.
    fn is_same(&self, memory: MemoryAccess) -> bool {
        let [last, dynamic, previous] = self.last.each_ref().map(|word| word.load(Relaxed));
        let end = LinkMap::listed(memory, last);
        end.is_some_and(|end| (end.dynamic, end.next, end.previous) == (dynamic, 0, previous))
    }
}

impl Default for LibraryWatch {
    fn default() -> LibraryWatch {
        LibraryWatch::new()
    }
}
