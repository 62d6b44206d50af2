//! Files of Python's that are open for writing: found among the objects that its collector tracks, once for each set of such descriptors.
//!
//! The collector's generations are rings of objects in the order in which they were made; a list that is made now stands at the end of the
//! first, before its head. The heads stand next to each other in the interpreter (pycore_gc.h, CPython 3.10 to 3.14).
use super::frames::Reader;
use super::interpreter::{Interpreter, Trust};
use forkguard_core::kernel;
use forkguard_core::registry::descriptors::{self, FdKind};
use forkguard_frames::Memory as _;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Files that are kept.
const FILES: usize = 32;
static KNOWN: [AtomicUsize; FILES] = [const { AtomicUsize::new(0) }; FILES];
/// Of the descriptors for which they were looked for.
static SEARCHED: AtomicUsize = AtomicUsize::new(0);
/// How often they were looked for; above this many times only among the youngest objects.
static SEARCHES: AtomicUsize = AtomicUsize::new(0);
const WHOLE_SEARCHES: usize = 8;

/// Bytes from the first generation's head to those of the others, and of the permanent one until 3.13 and in 3.14: a word stands before it, or none.
/// What is no head is not taken for one.
const HEADS: [usize; 5] = [0, 24, 48, 80, 72];
/// Objects that a search looks at, the youngest first: the fork waits for it, some 100 ns an object.
const MOST: usize = 1 << 18;

/// The objects that were found last.
pub(super) fn known() -> impl Iterator<Item = usize> {
    KNOWN.iter().map(|known| known.load(Relaxed)).take_while(|&object| object != 0)
}

impl Interpreter {
    /// Calls `each` with the objects of these classes that were found when this set of files was first open. A file may have been closed and opened
    /// again by the same line since: then its object may be freed, and the memory unmapped.
    pub(super) fn each_file(&self, reader: &Reader, classes: [usize; 2], each: impl FnMut(usize)) {
        let open = open_files();
        if open != SEARCHED.load(Relaxed) {
            self.find_files(reader, classes, if open == 0 { 0 } else { SEARCHES.fetch_add(1, Relaxed) + 1 });
            SEARCHED.store(open, Relaxed);
        }
        known().for_each(each);
    }

    /// Looks for them; 0: there are none.
    fn find_files(&self, reader: &Reader, classes: [usize; 2], search: usize) {
        let mut known = KNOWN.iter();
        let heads = if search > WHOLE_SEARCHES { &HEADS[..2] } else { &HEADS };
        if search != 0
            && self.trust() == Trust::Proved
            && let Some(first) = self.api.first_generation()
        {
            let mut left = MOST;
            heads.iter().for_each(|offset| {
                each_object(reader, first + offset, &mut left, |object, class| {
                    if classes.contains(&class)
                        && let Some(place) = known.next()
                    {
                        place.store(object, Relaxed);
                    }
                });
            });
        }
        known.for_each(|place| place.store(0, Relaxed));
    }
}

/// Calls `each` with object and class of the objects of a generation, of so many that are `left`, if its head is one.
fn each_object(reader: &Reader, head: usize, left: &mut usize, mut each: impl FnMut(usize, usize)) -> Option<()> {
    const FLAGS: usize = 3;
    let [mut entry, last]: [usize; 2] = reader.memory.value(head)?;
    let is_ring = reader.memory.value::<usize>((last & !FLAGS).max(8))? & !FLAGS == head;
    while is_ring && entry != head && *left > 0 {
        *left -= 1;
        // The collector's two words stand before the object, whose second one is its class.
        let [next, _, _, class]: [usize; 4] = reader.memory.value(entry)?;
        each(entry + 16, class);
        entry = next & !FLAGS;
    }
    Some(())
}

/// A number for the files that are open for writing, beside the standard ones; 0: there are none.
fn open_files() -> usize {
    let files = descriptors::recorded().filter(|(fd, record)| *fd > 2 && record.kind == FdKind::File && kernel::is_writable(*fd));
    files.fold(0, |sum, (fd, record)| (sum ^ record.site ^ (fd as usize) << 48).wrapping_mul(0x100_0000_01b3) | 1)
}
