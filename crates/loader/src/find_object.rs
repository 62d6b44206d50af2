//! Which library an address lies in: asked of glibc's `_dl_find_object` (2.35), which takes no lock and is made for signal handlers; before that,
//! of the loader's list.
//!
//! The former names a library until right before that is unmapped, after its destructors.
use crate::link_map::LinkMap;
use crate::listed;
use crate::mapping::Mapping;
use crate::memory::MemoryAccess;
use core::mem::transmute;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use forkguard_core::fixed::Text;

/// Its address; 0 unknown.
#[unsafe(link_section = "forkguard_words")]
static FIND_OBJECT: AtomicUsize = AtomicUsize::new(0);

/// # Safety
/// The address of `_dl_find_object`.
pub(crate) unsafe fn set_find_object(address: usize) {
    FIND_OBJECT.store(address, Relaxed);
}

/// False where this C library cannot tell a library that is loaded from one that is still being loaded or unloaded.
pub fn tells_loaded_libraries() -> bool {
    FIND_OBJECT.load(Relaxed) != 0
}

/// The library that an address lies in.
#[inline]
pub fn find_object(address: usize) -> Option<Mapping> {
    let function = FIND_OBJECT.load(Relaxed);
    if function == 0 {
        return listed::find(address);
    }
    let mut found = Mapping::default();
    // SAFETY: `int _dl_find_object(void *, struct dl_find_object *)`, by the contract of `set_find_object`; the loader is never unloaded.
    let result = unsafe { transmute::<usize, extern "C" fn(usize, *mut Mapping) -> i32>(function)(address, &mut found) };
    (result == 0).then_some(found)
}

/// The loader's record of the library that an address lies in.
pub fn link_map_of(address: usize) -> Option<usize> {
    find_object(address).map(|found| found.link_map)
}

/// True for an address in the loaded library of which this is the loader's record.
pub fn belongs_to(address: usize, link_map: usize) -> bool {
    link_map_of(address) == Some(link_map)
}

impl LinkMap {
    /// The record of the library that an address lies in.
    pub fn around(memory: MemoryAccess, address: usize) -> Option<LinkMap> {
        LinkMap::read(memory, link_map_of(address)?)
    }
}

/// Path of the library, or of the program, that an address lies in.
pub fn path_of(address: usize) -> Option<Text<200>> {
    Some(LinkMap::around(MemoryAccess::FAULT_PROOF, address)?.path())
}
