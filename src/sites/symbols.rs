//! Symbols of libraries that may be loaded and unloaded at any time: without the loader's lock, by fault-proof reads.
use super::loaded::Loaded;
use super::native::read_text;
use crate::hooks::real;
use forkguard_core::fixed::Text;
use forkguard_core::raw::{Plain, monotonic, read_memory, read_value};
use std::ffi::CStr;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// A loaded library's table of symbols.
pub(crate) struct Library {
    /// Address of the loader's record.
    record: usize,
    base: usize,
    path: usize,
    dynamic: usize,
    symbols: usize,
    strings: usize,
    hash: usize,
    versions: usize,
    /// Its SONAME in `strings`; 0 none.
    soname: usize,
}

/// What a name stands for in a library.
pub(crate) struct Symbol {
    pub(crate) address: usize,
    /// STT_FUNC and the like (elf(5)).
    pub(crate) kind: u8,
}

impl Library {
    /// From the loader's record (struct link_map: base, name, dynamic section, next, previous).
    fn read(record: usize, [base, path, dynamic, ..]: [usize; 5]) -> Option<Library> {
        const STRINGS: usize = 5;
        const SYMBOLS: usize = 6;
        const SONAME: usize = 14;
        const GNU_HASH: usize = 0x6fff_fef5;
        const VERSIONS: usize = 0x6fff_fff0;
        let mut library = Library { record, base, path, dynamic, symbols: 0, strings: 0, hash: 0, versions: 0, soname: 0 };
        let mut place = dynamic;
        for _ in 0..16 {
            for [tag, value] in read_entries(place)?.as_chunks::<2>().0 {
                let address = if *value < base { value + base } else { *value };
                match *tag {
                    0 => return (library.symbols != 0 && library.strings != 0 && library.hash != 0).then_some(library),
                    STRINGS => library.strings = address,
                    SYMBOLS => library.symbols = address,
                    GNU_HASH => library.hash = address,
                    VERSIONS => library.versions = address,
                    SONAME => library.soname = *value,
                    _ => {}
                }
            }
            place += 128;
        }
        None
    }

    /// How it is loaded; None while the loader is still at it.
    pub(crate) fn loaded(&self) -> Option<Loaded> {
        Loaded::by(self.dynamic, self.record)
    }

    /// The path that it was loaded from; of the program itself empty.
    pub(crate) fn path(&self) -> Text<200> {
        read_text(self.path)
    }

    /// The name by which others ask for it; empty when it has none.
    pub(crate) fn soname(&self) -> Text<200> {
        if self.soname == 0 { Text::new() } else { read_text(self.strings + self.soname) }
    }

    /// Address of a symbol that the library defines.
    pub(crate) fn find(&self, name: &CStr) -> Option<usize> {
        self.place(name).map(|place| place.start)
    }

    /// The value of a symbol that the library defines: of a thread-local variable its place among those.
    pub(super) fn value(&self, name: &CStr) -> Option<usize> {
        self.find(name).map(|address| address - self.base)
    }

    /// True for the program itself.
    pub(super) fn is_program(&self) -> bool {
        self.record == real::first_link_map()
    }

    /// Where a symbol lies that the library defines.
    pub(crate) fn place(&self, name: &CStr) -> Option<Range<usize>> {
        self.each_called(name, |_, [_, value, size]| {
            let start = self.base + value;
            Some(start..start + size)
        })
    }

    /// A symbol that the library defines: of several versions the default one.
    pub(crate) fn symbol(&self, name: &CStr) -> Option<Symbol> {
        const HIDDEN: u16 = 0x8000;
        let mut other = None;
        let default = self.each_called(name, |index, [head, value, _]| {
            let version: u16 = if self.versions == 0 { 0 } else { read(self.versions + index as usize * 2)? };
            let symbol = Symbol { address: self.base + value, kind: (head >> 32) as u8 & 0xf };
            if version & HIDDEN == 0 {
                return Some(symbol);
            }
            other = Some(symbol);
            None
        });
        default.or(other)
    }

    /// Looks a name up through the GNU hash table: `each` gets the index and the entry (Elf64_Sym: name, info and section in the first
    /// word, value, size) of those defined here, until it gives something.
    fn each_called<T>(&self, name: &CStr, mut each: impl FnMut(u32, [usize; 3]) -> Option<T>) -> Option<T> {
        let hash = name.to_bytes().iter().fold(5381u32, |h, &b| h.wrapping_mul(33).wrapping_add(u32::from(b)));
        let [buckets, first, bloom, shift] = read::<[i32; 4]>(self.hash)?.map(|word| word as u32);
        if buckets == 0 || bloom == 0 {
            return None;
        }
        let filter: usize = read(self.hash + 16 + (hash / 64 % bloom) as usize * 8)?;
        if filter >> (hash % 64) & filter >> ((hash >> (shift % 32)) % 64) & 1 == 0 {
            return None;
        }
        let bucket = self.hash + 16 + bloom as usize * 8;
        let chain = bucket + buckets as usize * 4;
        let mut index: u32 = read(bucket + (hash % buckets) as usize * 4)?;
        loop {
            let entry: u32 = read(chain + index.checked_sub(first)? as usize * 4)?;
            if entry | 1 == hash | 1 {
                let symbol: [usize; 3] = read(self.symbols + index as usize * 24)?;
                let [head, ..] = symbol;
                if head >> 48 != 0
                    && self.is_called(head as u32, name)
                    && let Some(found) = each(index, symbol)
                {
                    return Some(found);
                }
            }
            if entry & 1 != 0 {
                return None;
            }
            index += 1;
        }
    }

    fn is_called(&self, offset: u32, name: &CStr) -> bool {
        if ALONE.load(Relaxed) {
            // SAFETY: the library is loaded, and its symbols have names.
            return unsafe { CStr::from_ptr((self.strings + offset as usize) as *const _) } == name;
        }
        let mut bytes = [0u8; 256];
        let wanted = name.to_bytes_with_nul();
        bytes.get_mut(..wanted.len()).is_some_and(|b| read_memory(self.strings + offset as usize, b) && b == wanted)
    }
}

unsafe extern "C" {
    /// Of the C library: zero once there was a second thread.
    safe static __libc_single_threaded: u8;
}

/// True while only this thread could unload a library, and does not: what the loader keeps is read directly then.
#[unsafe(link_section = "forkguard_words")]
static ALONE: AtomicBool = AtomicBool::new(false);

/// In the constructor: does the work, which looks into the libraries that are loaded.
pub(super) fn look_alone(work: impl FnOnce()) {
    ALONE.store(__libc_single_threaded != 0, Relaxed);
    work();
    ALONE.store(false, Relaxed);
}

/// What lies at an address in a loaded library or in the loader's records.
fn read<T: Plain>(address: usize) -> Option<T> {
    if ALONE.load(Relaxed) {
        // SAFETY: as long as nobody unloads it.
        return Some(unsafe { (address as *const T).read_unaligned() });
    }
    read_value(address)
}

/// Eight entries of a dynamic section (Elf64_Dyn), of which the last is zero. They may end before, and with them the memory.
fn read_entries(address: usize) -> Option<[usize; 16]> {
    if !ALONE.load(Relaxed) {
        return read_value(address);
    }
    let mut entries = [0; 16];
    for (index, entry) in entries.as_chunks_mut::<2>().0.iter_mut().enumerate() {
        *entry = read(address + index * size_of_val(entry))?;
        if entry[0] == 0 {
            break;
        }
    }
    Some(entries)
}

/// A function of a library.
///
/// # Safety
/// It must be of this type.
pub(super) unsafe fn function<F: Copy>(library: &Library, name: &CStr) -> Option<F> {
    const { assert!(size_of::<F>() == size_of::<usize>()) };
    let address = library.find(name)?;
    // SAFETY: a function's address, of the type that the caller vouches for.
    Some(unsafe { std::mem::transmute_copy(&address) })
}

/// Notices libraries that are loaded as time goes by.
pub(crate) struct Watch {
    /// The loader's last record (0: look at all again), its dynamic section, and the record before it: another library's record may come to
    /// lie at the same place.
    last: [AtomicUsize; 3],
    /// Not before this time (nanoseconds).
    next: AtomicU64,
    pause: u64,
}

/// An interpreter takes longer to begin.
const PAUSE_NS: u64 = 2_000_000;

impl Watch {
    pub(crate) const fn new() -> Watch {
        Watch { last: [const { AtomicUsize::new(0) }; 3], next: AtomicU64::new(0), pause: PAUSE_NS }
    }

    /// One that looks whenever it is asked to.
    pub(crate) const fn without_pause() -> Watch {
        Watch { pause: 0, ..Watch::new() }
    }

    /// The next look is at all libraries again.
    pub(crate) fn forget(&self) {
        self.last[0].store(0, Relaxed);
    }

    /// Calls `each` with all libraries, if any was loaded since the last time: one read when not, and that not often. Those that are just
    /// being loaded are left for the next time.
    pub(crate) fn look(&self, mut each: impl FnMut(&Library)) {
        let now = monotonic();
        if now < self.next.load(Relaxed) {
            return;
        }
        self.next.store(now + self.pause, Relaxed);
        if self.is_same() {
            return;
        }
        let mut map = real::first_link_map();
        let mut complete = true;
        // At most so many: a list that is changed while it is read could lead in a circle.
        for _ in 0..4096 {
            let Some(record @ [_, _, dynamic, next, previous]) = read::<[usize; 5]>(map) else { return };
            let ready = Loaded::by(dynamic, map).is_some();
            complete &= ready;
            if ready && let Some(library) = Library::read(map, record) {
                each(&library);
            }
            if next == 0 {
                let last = if complete { map } else { 0 };
                self.last.iter().zip([last, dynamic, previous]).for_each(|(place, word)| place.store(word, Relaxed));
                return;
            }
            map = next;
        }
    }

    /// True when the list ends as it did.
    fn is_same(&self) -> bool {
        let [last, dynamic, previous] = self.last.each_ref().map(|word| word.load(Relaxed));
        last != 0 && read::<[usize; 5]>(last).is_some_and(|[_, _, d, next, p]| (d, next, p) == (dynamic, 0, previous))
    }
}
