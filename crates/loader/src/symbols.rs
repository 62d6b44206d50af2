//! The symbols that a library exports: by name and version, as the loader looks them up, and by address.
use crate::elf::{
    GnuHashHeader, HashHeader, LE, NeededVersion, NeededVersions, SymbolEntry, SymbolVersion, VersionDefinition, VersionName,
};
use crate::library::{HashTable, Library};
use crate::memory::{MemoryAccess, zeroed};
use core::ffi::CStr;
use core::iter::{from_fn, successors};
use core::mem::{transmute, transmute_copy};
use core::ops::Range;
use forkguard_core::fixed::Text;
use object::elf::*;

/// A name to look for, and its version where a library may have several.
pub struct SymbolName<'a> {
    name: &'a CStr,
    version: Option<&'a CStr>,
    gnu_hash: u32,
}

impl<'a> SymbolName<'a> {
    /// Without a version the default one is meant.
    pub fn new(name: &'a CStr, version: Option<&'a CStr>) -> SymbolName<'a> {
        SymbolName { name, version, gnu_hash: gnu_hash(name.to_bytes()) }
    }
}

/// What a name stands for in a library.
#[derive(Clone, Copy)]
pub struct Symbol {
    /// Where it lies.
    pub address: usize,
    /// Its value as the library's file has it: of a thread-local variable its offset among those of the library.
    pub value: usize,
    /// In bytes.
    pub size: usize,
    kind: SymbolType,
}

impl Library {
    /// The definition that the loader gives who asks for this name and version. Where there is no default version, the last of the others.
    pub fn symbol(&self, name: &SymbolName) -> Option<Symbol> {
        let mut hidden = None;
        for index in self.candidates(name) {
            let Some(symbol) = self.exported(index, name.name) else { continue };
            if self.has_version(index, name.version) {
                return Some(symbol);
            }
            hidden = Some(symbol).filter(|_| name.version.is_none());
        }
        hidden
    }

    /// Address of a symbol in its default version.
    pub fn find(&self, name: &CStr) -> Option<usize> {
        self.symbol(&SymbolName::new(name, None)).map(|symbol| symbol.address)
    }

    /// Where a variable lies.
    pub fn range(&self, name: &CStr) -> Option<Range<usize>> {
        let symbol = self.symbol(&SymbolName::new(name, None))?;
        Some(symbol.address..symbol.address + symbol.size)
    }

    /// The address to call for a name; of an indirect function that which its resolver chooses.
    pub fn function(&self, name: &SymbolName) -> Option<usize> {
        let symbol = self.symbol(name)?;
        match symbol.kind {
            STT_NOTYPE | STT_FUNC => Some(symbol.address),
            STT_GNU_IFUNC if self.still_loaded() => {
                // SAFETY: the resolver of a loaded library, called as the loader calls it on x86_64.
                Some(unsafe { transmute::<usize, extern "C" fn() -> usize>(symbol.address)() })
            }
            _ => None,
        }
    }

    /// A function in its default version.
    ///
    /// # Safety
    /// It must be of this type, and may be called only while the library is loaded.
    pub unsafe fn function_as<F: Copy>(&self, name: &CStr) -> Option<F> {
        const { assert!(size_of::<F>() == size_of::<usize>()) };
        let address = self.function(&SymbolName::new(name, None))?;
        // SAFETY: a function's address, of the type that the caller vouches for.
        Some(unsafe { transmute_copy(&address) })
    }

    fn still_loaded(&self) -> bool {
        self.memory().is_direct() || self.identity().is_some_and(|identity| identity.still_loaded())
    }

    /// Indices of the symbols whose name may have this hash.
    fn candidates(&self, name: &SymbolName) -> impl Iterator<Item = u32> + use<> {
        let memory = self.memory();
        let (gnu, system_v) = match self.hash {
            HashTable::Gnu { address, header } => (gnu_chain(memory, address, header, name.gnu_hash), None),
            HashTable::SystemV { address, header } => (None, system_v_chain(memory, address, header, hash(name.name.to_bytes()))),
        };
        gnu.into_iter().flatten().chain(system_v.into_iter().flatten())
    }

    /// The symbol at an index, if others may find it by this name.
    fn exported(&self, index: u32, name: &CStr) -> Option<Symbol> {
        let entry: SymbolEntry = self.memory().read(self.symbols + index as usize * size_of::<SymbolEntry>())?;
        let is_found = is_exported(&entry) && self.memory().is_text(self.strings + entry.st_name.get(LE) as usize, name);
        is_found.then(|| {
            let value = entry.st_value.get(LE) as usize;
            let address = if entry.st_shndx.get(LE) == SHN_ABS { value } else { self.link_map.base + value };
            Symbol { address, value, size: entry.st_size.get(LE) as usize, kind: entry.st_type() }
        })
    }

    /// Whether the loader lets a reference to this version (without one: to the default one) lead to the symbol.
    fn has_version(&self, index: u32, version: Option<&CStr>) -> bool {
        if self.versions == 0 {
            return true;
        }
        let place = self.versions + index as usize * size_of::<SymbolVersion>();
        let Some(own) = self.memory().read::<SymbolVersion>(place).map(|own| own.0.get(LE)) else { return false };
        match version {
            Some(_) if own <= VersymIndex(VER_NDX_GLOBAL.0) => true,
            Some(version) => self.defines(own.index(), version),
            None => !own.is_hidden(),
        }
    }

    /// The version that a reference of this library asks for; None for one without.
    pub(crate) fn needed_version(&self, symbol: u32) -> Option<Text<64>> {
        /// A malformed table could lead in a circle.
        const MOST: usize = 256;
        let memory = self.memory();
        if self.versions == 0 || self.needed_versions == 0 {
            return None;
        }
        let index = memory.read::<SymbolVersion>(self.versions + symbol as usize * size_of::<SymbolVersion>())?.0.get(LE);
        let read_file = |place: usize| Some((place, memory.read::<NeededVersions>(place)?));
        let read_version = |place: usize| Some((place, memory.read::<NeededVersion>(place)?));
        let after = |place: usize, offset: u32| (offset != 0).then(|| place + offset as usize);
        let files = successors(read_file(self.needed_versions), |(place, file)| read_file(after(*place, file.vn_next.get(LE))?));
        let versions = files.take(MOST).flat_map(|(place, file)| {
            let first = read_version(place + file.vn_aux.get(LE) as usize);
            successors(first, |(place, version)| read_version(after(*place, version.vna_next.get(LE))?)).take(MOST)
        });
        let mut versions = versions.map(|(_, version)| version);
        let version = versions.find(|version| version.vna_other.get(LE) == index.index())?;
        Some(memory.text(self.strings + version.vna_name.get(LE) as usize))
    }

    /// True when the library defines this version by this index.
    fn defines(&self, index: VersionIndex, version: &CStr) -> bool {
        let read = |place: usize| Some((place, self.memory().read::<VersionDefinition>(place)?));
        let next = |(place, definition): &(usize, VersionDefinition)| {
            let offset = definition.vd_next.get(LE) as usize;
            if offset == 0 { None } else { read(place + offset) }
        };
        let mut definitions = successors(read(self.definitions), next);
        definitions.find(|(_, definition)| definition.vd_ndx.get(LE) == index).is_some_and(|(place, definition)| {
            let name = self.memory().read::<VersionName>(place + definition.vd_aux.get(LE) as usize);
            name.is_some_and(|name| self.memory().is_text(self.strings + name.vda_name.get(LE) as usize, version))
        })
    }
}

/// True for a symbol that the loader lets a reference of another library lead to.
fn is_exported(symbol: &SymbolEntry) -> bool {
    let kind = symbol.st_type();
    let has_value = symbol.st_value.get(LE) != 0 || symbol.st_shndx.get(LE) == SHN_ABS || kind == STT_TLS;
    symbol.st_shndx.get(LE) != SHN_UNDEF
        && has_value
        && matches!(symbol.st_bind(), STB_GLOBAL | STB_WEAK | STB_GNU_UNIQUE)
        && matches!(kind, STT_NOTYPE | STT_OBJECT | STT_FUNC | STT_TLS | STT_GNU_IFUNC)
        && !matches!(symbol.st_visibility(), STV_INTERNAL | STV_HIDDEN)
}

/// Address of a word in a table of them.
fn word(table: usize, index: u32) -> usize {
    table + index as usize * size_of::<u32>()
}

/// Where the buckets of a DT_GNU_HASH table are (behind header and Bloom filter), and where its chains are.
fn gnu_tables(address: usize, header: GnuHashHeader) -> (usize, usize) {
    let filter = address + size_of::<GnuHashHeader>();
    let buckets = filter + header.bloom_count.get(LE) as usize * size_of::<u64>();
    (buckets, word(buckets, header.bucket_count.get(LE)))
}

/// The indices that DT_GNU_HASH has for names of this hash: a chain ends with an entry whose lowest bit is set.
fn gnu_chain(
    memory: MemoryAccess,
    address: usize,
    header: GnuHashHeader,
    hash: u32,
) -> Option<impl Iterator<Item = u32> + use<>> {
    let (bucket_count, first) = (header.bucket_count.get(LE), header.symbol_base.get(LE));
    let (bloom_count, shift) = (header.bloom_count.get(LE), header.bloom_shift.get(LE));
    let filter =
        address + size_of::<GnuHashHeader>() + hash.wrapping_div(64).checked_rem(bloom_count)? as usize * size_of::<u64>();
    let filter: u64 = memory.read(filter)?;
    if filter >> (hash % 64) & filter >> ((hash >> (shift % 32)) % 64) & 1 == 0 {
        return None;
    }
    let (buckets, chains) = gnu_tables(address, header);
    let mut next: Option<u32> = memory.read(word(buckets, hash.checked_rem(bucket_count)?));
    Some(from_fn(move || {
        loop {
            let index = next?;
            let entry: u32 = memory.read(word(chains, index.checked_sub(first)?))?;
            next = if entry & 1 == 0 { index.checked_add(1) } else { None };
            if entry | 1 == hash | 1 {
                return Some(index);
            }
        }
    }))
}

/// The indices that DT_HASH has for names of this hash: a chain ends with zero.
fn system_v_chain(
    memory: MemoryAccess,
    address: usize,
    header: HashHeader,
    hash: u32,
) -> Option<impl Iterator<Item = u32> + use<>> {
    let bucket_count = header.bucket_count.get(LE);
    let buckets = address + size_of::<HashHeader>();
    let chains = word(buckets, bucket_count);
    let follow = move |place| memory.read::<u32>(place).filter(|index| *index != 0);
    let first = follow(word(buckets, hash.checked_rem(bucket_count)?));
    // A chain has an entry a symbol at most.
    Some(successors(first, move |index| follow(word(chains, *index))).take(header.chain_count.get(LE) as usize))
}

/// A library's table of symbols, to look through for an address.
#[derive(Clone, Copy)]
pub struct SymbolTable {
    library: Library,
    count: u32,
}

/// Symbols that are looked through at most: a larger table would cost more than a report may.
const MOST: u32 = 40_000;

impl SymbolTable {
    /// None for a table that is too large, or whose size is unknown.
    pub fn of(library: Library) -> Option<SymbolTable> {
        let HashTable::Gnu { address, header } = library.hash else { return None };
        let count = symbol_count(library.memory(), address, header).filter(|count| *count <= MOST)?;
        Some(SymbolTable { library, count })
    }

    /// The innermost symbol that an address (an offset in the library's file) lies in: where it begins, and its name.
    pub fn around(&self, offset: usize) -> Option<(usize, Text<96>)> {
        const TOGETHER: usize = 170;
        let memory = self.library.memory();
        let mut entries = [zeroed::<SymbolEntry>(); TOGETHER];
        let mut best: Option<(usize, u32)> = None;
        for first in (0..self.count as usize).step_by(TOGETHER) {
            let entries = &mut entries[..TOGETHER.min(self.count as usize - first)];
            if !memory.fill(self.library.symbols + first * size_of::<SymbolEntry>(), entries) {
                return None;
            }
            for entry in entries {
                let (value, size) = (entry.st_value.get(LE) as usize, entry.st_size.get(LE) as usize);
                let is_inside = entry.st_shndx.get(LE) != SHN_UNDEF && value <= offset && offset - value < size.max(1);
                if is_inside && best.is_none_or(|(start, _)| start < value) {
                    best = Some((value, entry.st_name.get(LE)));
                }
            }
        }
        let named = best.map(|(start, name)| (start, memory.text(self.library.strings + name as usize)));
        named.filter(|(_, name)| !name.is_empty())
    }
}

/// How many symbols a library has: the last one of the last chain of its GNU hash table.
fn symbol_count(memory: MemoryAccess, address: usize, header: GnuHashHeader) -> Option<u32> {
    let (buckets, chains) = gnu_tables(address, header);
    let (bucket_count, first) = (header.bucket_count.get(LE), header.symbol_base.get(LE));
    let mut last = 0;
    let mut chunk = [0u32; 256];
    for start in (0..bucket_count).step_by(chunk.len()) {
        let chunk = &mut chunk[..256.min(bucket_count - start) as usize];
        if !memory.fill(word(buckets, start), chunk) {
            return None;
        }
        last = chunk.iter().copied().fold(last, u32::max);
    }
    if last < first {
        return Some(first);
    }
    while memory.read::<u32>(word(chains, last - first))? & 1 == 0 {
        last += 1;
    }
    Some(last + 1)
}
