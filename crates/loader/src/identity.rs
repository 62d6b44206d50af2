//! Which library it was: whether that one is still loaded, and no other one at its place.
//!
//! The loader is asked without a lock. What remains is the time between its answer and the use: a thread that unloads a library in which
//! another thread is inside a hook of ours, and in no code of that library. An interpreter that runs code of this thread's stays.
use crate::find_object::{find_object, link_map_of, tells_loaded_libraries};
use crate::link_map::{LinkMap, program};
use crate::mapping::Mapping;
use crate::memory::MemoryAccess;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// A library as it was loaded. One that comes to lie at the same place later is another one, unless path, size, tables and the loader's record
/// are the same: then it is the same file, loaded again, and what was found there holds.
#[derive(Clone, Copy)]
pub struct Identity {
    /// An address in it.
    address: usize,
    /// The loader's record of it; 0 unknown, or of the program itself, which is never unloaded.
    link_map: usize,
    fingerprint: usize,
}

impl Identity {
    /// Of the library that an address lies in, of which this is the loader's record; None while the loader does not find it there: it is
    /// being loaded or unloaded.
    pub(crate) fn of(address: usize, link_map: usize) -> Option<Identity> {
        if link_map == program() {
            return Some(Identity { address, link_map: 0, fingerprint: 0 });
        }
        Some(Identity { address, link_map, fingerprint: fingerprint(address, link_map)? })
    }

    /// Of the library that an address lies in, if any does.
    pub fn around(address: usize) -> Identity {
        let known = link_map_of(address).and_then(|link_map| Identity::of(address, link_map));
        known.unwrap_or(Identity { address, link_map: 0, fingerprint: 0 })
    }

    /// Asks the loader.
    pub fn still_loaded(&self) -> bool {
        self.link_map == 0 || fingerprint(self.address, self.link_map) == Some(self.fingerprint)
    }
}

/// What the loader says of the library at an address, in one word.
fn fingerprint(address: usize, link_map: usize) -> Option<usize> {
    if tells_loaded_libraries() {
        return find_object(address).filter(|found| found.link_map == link_map).map(|found| fingerprint_of(&found));
    }
    LinkMap::listed(MemoryAccess::FAULT_PROOF, link_map).map(|map| mixed(link_map, [map.base, map.path, map.dynamic]))
}

/// Small libraries look alike but for their paths, which may be read where their records stay.
fn fingerprint_of(found: &Mapping) -> usize {
    if !tells_loaded_libraries() {
        return mixed(found.link_map, [found.start, found.end, found.eh_frame]);
    }
    let of_path = found.with_path(|path| {
        let (words, rest) = path.as_chunks::<8>();
        let mark = words.iter().fold(found.link_map, |mark, word| mixed(mark, [usize::from_le_bytes(*word)]));
        rest.iter().fold(mark, |mark, byte| mixed(mark, [usize::from(*byte)]))
    });
    mixed(of_path, [found.start, found.end, found.eh_frame])
}

fn mixed<const N: usize>(seed: usize, words: [usize; N]) -> usize {
    words.iter().fold(seed, |mixed, word| (mixed ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29))
}

/// Bits of an address of a program; above them is room for a part of a fingerprint.
const ADDRESS: u64 = (1 << 48) - 1;
/// In the address of a place in a library that is loaded no more: so it lies in none.
pub const UNLOADED: usize = 1 << 62;

/// An address together with a part of the fingerprint of the library that it lies in now.
pub fn tagged(address: usize) -> u64 {
    let tag = find_object(address).map_or(0, |found| fingerprint_of(&found) as u64);
    address as u64 & ADDRESS | tag & !ADDRESS
}

/// The address, with [`UNLOADED`] if it lies in another library now, or in none.
pub fn untagged(word: u64) -> usize {
    let address = (word & ADDRESS) as usize;
    if tagged(address) == word { address } else { address | UNLOADED }
}

/// An [`Identity`] that may be asked for while another thread writes it.
pub struct AtomicIdentity([AtomicUsize; 3]);

impl AtomicIdentity {
    /// That of no library, which is never unloaded.
    pub const fn new() -> AtomicIdentity {
        AtomicIdentity([const { AtomicUsize::new(0) }; 3])
    }

    /// From now on it is this library.
    pub fn set(&self, Identity { address, link_map, fingerprint }: Identity) {
        self.0.iter().zip([address, link_map, fingerprint]).for_each(|(place, word)| place.store(word, Relaxed));
    }

    /// Asks the loader for what was set.
    pub fn still_loaded(&self) -> bool {
        let [address, link_map, fingerprint] = self.0.each_ref().map(|word| word.load(Relaxed));
        Identity { address, link_map, fingerprint }.still_loaded()
    }
}

impl Default for AtomicIdentity {
    fn default() -> AtomicIdentity {
        AtomicIdentity::new()
    }
}
