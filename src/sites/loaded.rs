//! What is found in libraries that may be unloaded at any time: given out only while they are loaded.
//!
//! Whether a library is, the loader is asked without a lock: the one that an address lies in must be the very one that it was. It says so until
//! right before it unmaps it, after its destructors. What remains is the time between the answer and the use: a thread that unloads a library
//! in which another one is inside a hook of ours, and no code of that library. An interpreter that runs code of this thread's stays.
use super::native::{Found as Object, find_object};
use super::symbols::Library;
use crate::hooks::real;
use crate::sites::native;
use forkguard_core::raw::read_value;
use std::cell::UnsafeCell;
use std::ffi::{CStr, c_char};
use std::mem::{MaybeUninit, needs_drop};
use std::sync::atomic::{AtomicUsize, Ordering::*};

/// A library as it was loaded. One that comes to lie at the same place later is another one, unless path, size, tables and the loader's record
/// are the same: then it is the same file, loaded again, and what was found there holds.
#[derive(Clone, Copy)]
pub(crate) struct Loaded {
    /// An address in it.
    address: usize,
    /// The loader's record of it; 0 unknown, or of the program itself: such a one is never missed.
    record: usize,
    mark: usize,
}

impl Loaded {
    /// The library that an address lies in, of which this is the loader's record; None while the loader does not find it there: it is being
    /// loaded or unloaded.
    pub(super) fn by(address: usize, record: usize) -> Option<Loaded> {
        if record == real::first_link_map() {
            return Some(Loaded { address, record: 0, mark: 0 });
        }
        Some(Loaded { address, record, mark: mark(address, record)? })
    }

    /// The library that an address lies in, if any does.
    pub(crate) fn around(address: usize) -> Loaded {
        let known = native::link_map_of(address).and_then(|record| Loaded::by(address, record));
        known.unwrap_or(Loaded { address, record: 0, mark: 0 })
    }

    /// True while it is loaded.
    pub(crate) fn is_there(&self) -> bool {
        self.record == 0 || mark(self.address, self.record) == Some(self.mark)
    }
}

/// What the loader says of the library at an address, in one word.
fn mark(address: usize, record: usize) -> Option<usize> {
    if native::can_find() {
        return find_object(address).filter(|found| found.link_map == record).map(|found| mark_of(&found));
    }
    // struct link_map: base, name, dynamic section. What is freed is written over.
    read_value::<[usize; 3]>(record).map(|words| mixed(record, words))
}

/// Small libraries look alike but for their paths.
fn mark_of(found: &Object) -> usize {
    // SAFETY: the loader has just named its record (struct link_map: base, path).
    let path = unsafe { CStr::from_ptr((*(found.link_map as *const [*const c_char; 2]))[1]) };
    let (words, rest) = path.to_bytes().as_chunks::<8>();
    let mark = words.iter().fold(found.link_map, |mark, word| mixed(mark, [usize::from_le_bytes(*word)]));
    let mark = rest.iter().fold(mark, |mark, byte| mixed(mark, [usize::from(*byte)]));
    mixed(mark, [found.start, found.end, found.eh_frame])
}

fn mixed<const N: usize>(mark: usize, words: [usize; N]) -> usize {
    words.iter().fold(mark, |mark, word| (mark ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29))
}

/// Bits of an address of a program; above them is room for a mark.
const ADDRESS: u64 = (1 << 48) - 1;
/// In the address of a place in a library that is loaded no more: so it lies in none.
pub(crate) const UNLOADED: usize = 1 << 62;

/// An address together with the mark of the library that it lies in now.
pub(super) fn marked(address: usize) -> u64 {
    let mark = find_object(address).map_or(0, |found| mark_of(&found) as u64);
    address as u64 & ADDRESS | mark & !ADDRESS
}

/// The address, [`UNLOADED`] if it lies in another library now, or in none.
pub(super) fn unmarked(word: u64) -> usize {
    let address = (word & ADDRESS) as usize;
    if marked(address) == word { address } else { address | UNLOADED }
}

/// A [`Loaded`] that may be asked for while another thread writes it.
pub(crate) struct Place([AtomicUsize; 3]);

impl Place {
    pub(crate) const fn new() -> Place {
        Place([const { AtomicUsize::new(0) }; 3])
    }

    pub(crate) fn set(&self, Loaded { address, record, mark }: Loaded) {
        self.0.iter().zip([address, record, mark]).for_each(|(place, word)| place.store(word, Relaxed));
    }

    /// True while what was set is loaded.
    pub(crate) fn is_there(&self) -> bool {
        let [address, record, mark] = self.0.each_ref().map(|word| word.load(Relaxed));
        Loaded { address, record, mark }.is_there()
    }
}

/// Values that are kept: whoever still reads the first of them has been calling into a library that is long gone.
const KEPT: usize = 4;

/// What was found in a library (addresses of its functions and variables, what was learned of it): out of reach once that is unloaded.
pub(crate) struct Found<T> {
    /// The number of the latest one, from 1; 0 none so far.
    latest: AtomicUsize,
    kept: [Kept<T>; KEPT],
}

struct Kept<T> {
    library: Place,
    value: UnsafeCell<MaybeUninit<T>>,
}
// SAFETY: a value is written before `latest` names it, by one thread at a time, and then only read until KEPT - 1 others were.
unsafe impl<T: Sync> Sync for Kept<T> {}

impl<T> Found<T> {
    pub(crate) const fn new() -> Found<T> {
        const { assert!(!needs_drop::<T>()) };
        let kept = [const { Kept { library: Place::new(), value: UnsafeCell::new(MaybeUninit::uninit()) } }; KEPT];
        Found { latest: AtomicUsize::new(0), kept }
    }

    /// What was found, if its library is loaded still.
    #[inline]
    pub(crate) fn get(&self) -> Option<&T> {
        let kept = &self.kept[self.latest.load(Acquire).checked_sub(1)? % KEPT];
        // SAFETY: see `Kept`.
        kept.library.is_there().then(|| unsafe { (*kept.value.get()).assume_init_ref() })
    }

    /// True when what was found is out of reach.
    pub(crate) fn is_lost(&self) -> bool {
        self.latest.load(Relaxed) != 0 && self.get().is_none()
    }

    /// Looks into a library, if there is nothing of another one. One thread at a time.
    pub(crate) fn offer(&self, library: &Library, find: impl FnOnce(&Library) -> Option<T>) {
        if self.get().is_none()
            && let Some(loaded) = library.loaded()
            && let Some(value) = find(library)
        {
            let latest = self.latest.load(Relaxed);
            let kept = &self.kept[latest % KEPT];
            kept.library.set(loaded);
            // SAFETY: see `Kept`.
            unsafe { (*kept.value.get()).write(value) };
            self.latest.store(latest + 1, Release);
        }
    }
}
