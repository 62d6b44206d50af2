//! The loader's list of libraries: `struct link_map` and `struct r_debug`, as far as <link.h> shows them.
use crate::elf::{FileHeader, LE, ProgramHeader};
use crate::memory::MemoryAccess;
use core::iter::successors;
use core::ops::Range;
use forkguard_core::fixed::Text;
use object::elf::{ELFMAG, PF_W, PT_GNU_RELRO, PT_LOAD};

/// The loader's record of one library.
#[derive(Clone, Copy)]
pub struct LinkMap {
    memory: MemoryAccess,
    /// Where the record itself lies: it names the library for as long as that is loaded.
    pub address: usize,
    /// What is added to the addresses in the library's file.
    pub base: usize,
    pub(crate) path: usize,
    /// Its dynamic section.
    pub dynamic: usize,
    pub(crate) next: usize,
    pub(crate) previous: usize,
}

/// Libraries that are walked through at most: a list that is changed meanwhile could lead in a circle.
const LONGEST: usize = 4096;

unsafe extern "C" {
    /// The loader's, complete before any other code runs.
    static _r_debug: [usize; 2];
    /// This library's own dynamic section.
    static _DYNAMIC: u8;
}

/// Address of the first record, which is the program's.
pub fn program() -> usize {
    let [_version, first] = raw_debug();
    first
}

fn raw_debug() -> [usize; 2] {
    // SAFETY: the loader fills it before any of our code can run, and never frees it.
    unsafe { (&raw const _r_debug).read_volatile() }
}

/// The records of this library and of those that were loaded after it, which are those that RTLD_NEXT means.
pub fn own_and_next(memory: MemoryAccess) -> impl Iterator<Item = LinkMap> + Clone {
    link_maps(memory, program()).skip_while(|map| !map.is_own())
}

/// The records from the one at an address on, in the order of the loader's list.
pub fn link_maps(memory: MemoryAccess, from: usize) -> impl Iterator<Item = LinkMap> + Clone {
    successors(LinkMap::read(memory, from), move |map| LinkMap::read(memory, map.next)).take(LONGEST)
}

impl LinkMap {
    /// The record at an address; None for zero and where none can be read.
    pub fn read(memory: MemoryAccess, address: usize) -> Option<LinkMap> {
        let [base, path, dynamic, next, previous] = memory.read::<[u64; 5]>(address)?.map(|word| word as usize);
        Some(LinkMap { memory, address, base, path, dynamic, next, previous })
    }

    /// The record at an address, if the loader's list leads there. What is freed may read as it did: jemalloc leaves it so.
    pub(crate) fn listed(memory: MemoryAccess, address: usize) -> Option<LinkMap> {
        LinkMap::read(memory, address).filter(LinkMap::is_listed)
    }

    /// The loader takes a record out of its list before it frees it, and leaves in it where it stood.
    fn is_listed(&self) -> bool {
        self.is_program() || LinkMap::read(self.memory, self.previous).is_some_and(|before| before.next == self.address)
    }

    /// How the library is read.
    pub(crate) fn memory(&self) -> MemoryAccess {
        self.memory
    }

    /// The path that the library, or the program, was loaded from.
    pub fn path(&self) -> Text<200> {
        let path = self.memory.text(self.path);
        if path.is_empty() { program_path() } else { path }
    }

    /// True for this library.
    pub fn is_own(&self) -> bool {
        self.dynamic == (&raw const _DYNAMIC).addr()
    }

    /// True for the program itself.
    pub fn is_program(&self) -> bool {
        self.address == program()
    }

    /// An address in a dynamic section: the loader relocates it in place, but for the vDSO.
    pub(crate) fn relocated(&self, value: usize) -> usize {
        if value < self.base { self.base.wrapping_add(value) } else { value }
    }

    /// The library's variables: start and length of each of its segments that can be written.
    pub fn variables(&self) -> impl Iterator<Item = (usize, usize)> {
        let is_variable = |header: &ProgramHeader| header.p_type.get(LE) == PT_LOAD && header.p_flags.get(LE).contains(PF_W);
        let base = self.base;
        let place = move |header: ProgramHeader| (base + header.p_vaddr.get(LE) as usize, header.p_memsz.get(LE) as usize);
        program_headers(self.memory, base).filter(is_variable).map(place)
    }

    /// The pages that the loader made read-only once it had relocated the library (RELRO); empty when there are none.
    pub(crate) fn read_only_pages(&self) -> Range<usize> {
        const PAGE: usize = 0x1000;
        let is_relro = |header: &ProgramHeader| header.p_type.get(LE) == PT_GNU_RELRO;
        program_headers(self.memory, self.base).find(is_relro).map_or(0..0, |header| {
            let start = self.base + header.p_vaddr.get(LE) as usize;
            start & !(PAGE - 1)..(start + header.p_memsz.get(LE) as usize) & !(PAGE - 1)
        })
    }
}

/// The program headers of the library whose first segment begins at an address: with its file's header.
pub(crate) fn program_headers(memory: MemoryAccess, start: usize) -> impl Iterator<Item = ProgramHeader> {
    /// As many as a library may have for all of them to be looked at.
    const MOST: u16 = 64;
    let header = memory.read::<FileHeader>(start).filter(|header| header.e_ident.magic == ELFMAG);
    let (table, count) = header.map_or((0, 0), |header| (start + header.e_phoff.get(LE) as usize, header.e_phnum.get(LE)));
    (0..count.min(MOST)).map_while(move |index| memory.read(table + usize::from(index) * size_of::<ProgramHeader>()))
}

/// The file of the program that this process runs.
pub fn program_path() -> Text<200> {
    let mut bytes = [0u8; 200];
    let read = rustix::fs::readlinkat_raw(rustix::fs::CWD, c"/proc/self/exe", &mut bytes[..]).unwrap_or(0);
    Text::from_bytes(bytes.get(..read).unwrap_or_default())
}
