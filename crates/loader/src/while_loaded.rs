//! What is found in libraries that may be unloaded at any time: given out only while they are loaded.
use crate::identity::AtomicIdentity;
use crate::library::Library;
use core::cell::UnsafeCell;
use core::mem::{MaybeUninit, needs_drop};
use core::sync::atomic::{AtomicUsize, Ordering::*};

/// Values that are kept: whoever still reads the first of them has been calling into a library that is long gone.
const GENERATIONS: usize = 4;

/// What was found in a library (addresses of its functions and variables, what was learned of it): out of reach once that is unloaded.
pub struct WhileLoaded<T> {
    /// The number of the latest value, from 1; 0 none so far.
    latest: AtomicUsize,
    /// Numbers that were given out: two threads that find something at once, or one that is lost meanwhile, do not meet.
    taken: AtomicUsize,
    generations: [Generation<T>; GENERATIONS],
}

struct Generation<T> {
    library: AtomicIdentity,
    value: UnsafeCell<MaybeUninit<T>>,
}
// SAFETY: a value is written before `latest` names it, by the thread that took its number, and then only read until GENERATIONS - 1 other
// numbers were taken.
unsafe impl<T: Sync> Sync for Generation<T> {}

impl<T> WhileLoaded<T> {
    /// With nothing found yet.
    pub const fn new() -> WhileLoaded<T> {
        const { assert!(!needs_drop::<T>()) };
        let generations =
            [const { Generation { library: AtomicIdentity::new(), value: UnsafeCell::new(MaybeUninit::uninit()) } }; GENERATIONS];
        WhileLoaded { latest: AtomicUsize::new(0), taken: AtomicUsize::new(0), generations }
    }

    /// What was found, if the loader says that its library is still loaded.
    #[inline]
    pub fn still_loaded(&self) -> Option<&T> {
        let latest = self.latest.load(Acquire);
        let found = self.generations.get(latest % GENERATIONS).filter(|_| latest != 0)?;
        // SAFETY: see `Generation`.
        found.library.still_loaded().then(|| unsafe { (*found.value.get()).assume_init_ref() })
    }

    /// True when what was found is out of reach.
    pub fn was_unloaded(&self) -> bool {
        self.latest.load(Relaxed) != 0 && self.still_loaded().is_none()
    }

    /// Searches a library, if nothing was found in another one.
    pub fn search(&self, library: &Library, find: impl FnOnce(&Library) -> Option<T>) {
        if self.still_loaded().is_none()
            && let Some(identity) = library.identity()
            && let Some(value) = find(library)
        {
            let number = self.taken.fetch_add(1, Relaxed) + 1;
            let next = &self.generations[number % GENERATIONS];
            next.library.set(identity);
            // SAFETY: see `Generation`.
            unsafe { (*next.value.get()).write(value) };
            self.latest.fetch_max(number, Release);
        }
    }
}

impl<T> Default for WhileLoaded<T> {
    fn default() -> WhileLoaded<T> {
        WhileLoaded::new()
    }
}
