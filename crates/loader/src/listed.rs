//! Which library an address lies in, where the C library has no `_dl_find_object` (before 2.35): its list of libraries is walked, without its lock and
//! so that a fault is an answer. What was found is kept, and holds while the loader's record reads as it did.
use crate::elf::{LE, ProgramHeader};
use crate::link_map::{LinkMap, link_maps, program, program_headers};
use crate::mapping::Mapping;
use crate::memory::MemoryAccess;
use core::array;
use core::sync::atomic::{AtomicUsize, Ordering::*};
use forkguard_core::kernel;
use object::elf::{PT_GNU_EH_FRAME, PT_LOAD};

const MEMORY: MemoryAccess = MemoryAccess::FAULT_PROOF;
/// Libraries that are kept; what does not fit is searched each time.
const KEPT: usize = 256;
static LIBRARIES: [Kept; KEPT] = [const { Kept::new() }; KEPT];
/// How many places were taken.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// The library that an address lies in.
pub(crate) fn find(address: usize) -> Option<Mapping> {
    let known = LIBRARIES.iter().take(TAKEN.load(Acquire).min(KEPT)).find_map(|kept| kept.around(address));
    if let Some(found) = known {
        return Some(found.mapping());
    }
    let found = search(address)?;
    keep(&found);
    Some(found.mapping())
}

/// Where a library lies, and what its record says.
#[derive(Clone, Copy)]
struct Found {
    start: usize,
    end: usize,
    link_map: usize,
    eh_frame: usize,
    base: usize,
    dynamic: usize,
}

impl Found {
    fn mapping(&self) -> Mapping {
        Mapping::new(self.start..self.end, self.link_map, self.eh_frame)
    }

    /// True while the loader's record is that library's and in its list.
    fn is_loaded(&self) -> bool {
        LinkMap::listed(MEMORY, self.link_map).is_some_and(|map| (map.base, map.dynamic) == (self.base, self.dynamic))
    }
}

/// A library begins at its base, so it is the one with the nearest base below; the program may have the base zero.
fn search(address: usize) -> Option<Found> {
    let below = link_maps(MEMORY, program()).filter(|map| map.base <= address);
    let nearest = below.max_by_key(|map| map.base)?;
    let is_program = nearest.is_program();
    found(&nearest, headers(&nearest, is_program)).filter(|found| (found.start..found.end).contains(&address))
}

fn headers(map: &LinkMap, is_program: bool) -> impl Iterator<Item = ProgramHeader> + use<> {
    // A program that is not position independent has the base zero, and its headers elsewhere.
    let [table, count] = if is_program && map.base == 0 { program_table() } else { [0, 0] };
    let of_program = (0..count).map_while(move |index| MEMORY.read(table + index * size_of::<ProgramHeader>()));
    of_program.chain(program_headers(MEMORY, map.base))
}

/// Where the kernel says that the program's headers lie, and how many they are (AT_PHDR and AT_PHNUM of getauxval(3)).
pub(crate) fn program_table() -> [usize; 2] {
    const AT_PHDR: usize = 3;
    const AT_PHNUM: usize = 5;
    let mut bytes = [0u8; 1024];
    let (words, _) = kernel::read_file(c"/proc/self/auxv", &mut bytes).as_chunks::<8>();
    let (pairs, _) = words.as_chunks::<2>();
    let value = |kind| {
        pairs.iter().map(|pair| pair.map(usize::from_le_bytes)).find(|[key, _]| *key == kind).map_or(0, |[_, value]| value)
    };
    [value(AT_PHDR), value(AT_PHNUM)]
}

fn found(map: &LinkMap, headers: impl Iterator<Item = ProgramHeader>) -> Option<Found> {
    let (mut start, mut end, mut eh_frame) = (usize::MAX, 0, 0);
    for header in headers {
        let place = map.base.wrapping_add(header.p_vaddr.get(LE) as usize);
        match header.p_type.get(LE) {
            PT_LOAD => (start, end) = (start.min(place), end.max(place + header.p_memsz.get(LE) as usize)),
            PT_GNU_EH_FRAME => eh_frame = place,
            _ => {}
        }
    }
    (start < end).then_some(Found { start, end, link_map: map.address, eh_frame, base: map.base, dynamic: map.dynamic })
}

fn keep(found: &Found) {
    // The place of a library that is loaded no more, or a new one.
    let gone = LIBRARIES.iter().take(TAKEN.load(Relaxed).min(KEPT)).find(|kept| kept.read().is_some_and(|old| !old.is_loaded()));
    if let Some(place) = gone.or_else(|| LIBRARIES.get(TAKEN.fetch_add(1, AcqRel))) {
        place.write(found);
    }
}

/// A library that was found: a number that is odd while it is written (a thread that is lost meanwhile leaves it so), and its words.
struct Kept {
    version: AtomicUsize,
    words: [AtomicUsize; 6],
}

impl Kept {
    const fn new() -> Kept {
        Kept { version: AtomicUsize::new(0), words: [const { AtomicUsize::new(0) }; 6] }
    }

    fn read(&self) -> Option<Found> {
        let version = self.version.load(Acquire);
        let [start, end, link_map, eh_frame, base, dynamic] = array::from_fn(|i| self.words[i].load(Relaxed));
        core::sync::atomic::fence(Acquire);
        let is_whole = version != 0 && version.is_multiple_of(2) && self.version.load(Relaxed) == version;
        is_whole.then_some(Found { start, end, link_map, eh_frame, base, dynamic })
    }

    fn around(&self, address: usize) -> Option<Found> {
        self.read().filter(|found| (found.start..found.end).contains(&address) && found.is_loaded())
    }

    /// Nothing where another thread writes it.
    fn write(&self, Found { start, end, link_map, eh_frame, base, dynamic }: &Found) {
        let version = self.version.load(Relaxed);
        if !version.is_multiple_of(2) || self.version.compare_exchange(version, version + 1, Acquire, Relaxed).is_err() {
            return;
        }
        core::sync::atomic::fence(Release);
        for (place, word) in self.words.iter().zip([start, end, link_map, eh_frame, base, dynamic]) {
            place.store(*word, Relaxed);
        }
        self.version.store(version + 2, Release);
    }
}
