//! A loaded library with what its dynamic section says: where its symbols, their names, hash table and versions are.
use crate::elf::{Dynamic, GnuHashHeader, HashHeader, LE};
use crate::identity::Identity;
use crate::link_map::LinkMap;
use crate::memory::{MemoryAccess, zeroed};
use forkguard_core::fixed::Text;
use object::elf::*;

/// A library that is, or was a moment ago, loaded.
#[derive(Clone, Copy)]
pub struct Library {
    /// The loader's record of it.
    pub link_map: LinkMap,
    pub(crate) symbols: usize,
    pub(crate) strings: usize,
    pub(crate) hash: HashTable,
    /// A version's index for each symbol; 0: the library knows no versions.
    pub(crate) versions: usize,
    /// The versions that it defines, and those that it needs of others.
    pub(crate) definitions: usize,
    pub(crate) needed_versions: usize,
    /// Its SONAME among the strings; 0 none.
    soname: usize,
}

/// The hash table by which names are looked up.
#[derive(Clone, Copy)]
pub(crate) enum HashTable {
    Gnu { address: usize, header: GnuHashHeader },
    SystemV { address: usize, header: HashHeader },
}

impl HashTable {
    /// The table of DT_GNU_HASH, without one that of DT_HASH.
    fn read(memory: MemoryAccess, gnu: usize, system_v: usize) -> Option<HashTable> {
        match memory.read(gnu) {
            Some(header) => Some(HashTable::Gnu { address: gnu, header }),
            None => memory.read(system_v).map(|header| HashTable::SystemV { address: system_v, header }),
        }
    }
}

impl Library {
    /// None for a library without symbols, and for one that cannot be read any more.
    pub fn of(link_map: &LinkMap) -> Option<Library> {
        let (mut symbols, mut strings, mut gnu_hash, mut hash) = (0, 0, 0, 0);
        let (mut versions, mut definitions, mut needed_versions, mut soname) = (0, 0, 0, 0);
        for (tag, value) in dynamic_entries(link_map) {
            let address = link_map.relocated(value);
            match tag {
                DT_SYMTAB => symbols = address,
                DT_STRTAB => strings = address,
                DT_GNU_HASH => gnu_hash = address,
                DT_HASH => hash = address,
                DT_VERSYM => versions = address,
                DT_VERDEF => definitions = address,
                DT_VERNEED => needed_versions = address,
                DT_SONAME => soname = value,
                _ => {}
            }
        }
        let hash = HashTable::read(link_map.memory(), gnu_hash, hash)?;
        let library = Library { link_map: *link_map, symbols, strings, hash, versions, definitions, needed_versions, soname };
        (symbols != 0 && strings != 0).then_some(library)
    }

    /// The library that an address lies in.
    pub fn around(memory: MemoryAccess, address: usize) -> Option<Library> {
        Library::of(&LinkMap::around(memory, address)?)
    }

    pub(crate) fn memory(&self) -> MemoryAccess {
        self.link_map.memory()
    }

    /// How it is loaded; None while the loader is still at it.
    pub fn identity(&self) -> Option<Identity> {
        Identity::of(self.link_map.dynamic, self.link_map.address)
    }

    /// The name by which others ask for it; empty when it has none.
    pub fn soname(&self) -> Text<200> {
        if self.soname == 0 { Text::new() } else { self.memory().text(self.strings + self.soname) }
    }
}

/// Tags and values of a library's dynamic section.
pub(crate) fn dynamic_entries(link_map: &LinkMap) -> impl Iterator<Item = (DynamicTag, usize)> + use<> {
    const TOGETHER: usize = 8;
    const MOST: usize = 128;
    let (memory, dynamic) = (link_map.memory(), link_map.dynamic);
    let mut entries = [zeroed::<Dynamic>(); TOGETHER];
    (0..MOST).map_while(move |index| {
        if index % TOGETHER == 0 {
            entries = read_entries(memory, dynamic + index * size_of::<Dynamic>());
        }
        let Dynamic { d_tag, d_val } = entries[index % TOGETHER];
        (d_tag.get(LE) != DT_NULL).then(|| (d_tag.get(LE), d_val.get(LE) as usize))
    })
}

/// Entries of a dynamic section, which may end before that many, and with it the memory: what is missing is DT_NULL.
fn read_entries<const N: usize>(memory: MemoryAccess, address: usize) -> [Dynamic; N] {
    let mut entries = [zeroed::<Dynamic>(); N];
    if memory.is_direct() || !memory.fill(address, &mut entries) {
        let places = (address..).step_by(size_of::<Dynamic>());
        for (entry, place) in entries.iter_mut().zip(places) {
            *entry = memory.read(place).unwrap_or_else(zeroed);
            if entry.d_tag.get(LE) == DT_NULL {
                break;
            }
        }
    }
    entries
}
