//! Which library an address lies in: asked of glibc's `_dl_find_object` (2.35), which takes no lock and is made for signal handlers.
//!
//! It names a library until right before that is unmapped, after its destructors.
use core::ffi::CStr;
use core::mem::transmute;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What the loader says of the library around an address: `struct dl_find_object` of <dlfcn.h>.
#[repr(C)]
#[derive(Default)]
pub struct Mapping {
    flags: u64,
    /// Where the library lies.
    pub start: usize,
    pub end: usize,
    /// The loader's record of it.
    pub link_map: usize,
    /// Its .eh_frame_hdr.
    pub eh_frame: usize,
    reserved: [u64; 7],
}

/// Its address; 0 unknown.
#[unsafe(link_section = "forkguard_words")]
static FIND_OBJECT: AtomicUsize = AtomicUsize::new(0);

/// # Safety
/// The address of `_dl_find_object`.
pub(crate) unsafe fn set_find_object(address: usize) {
    FIND_OBJECT.store(address, Relaxed);
}

/// False where this C library cannot tell which library an address lies in.
pub fn can_find_objects() -> bool {
    FIND_OBJECT.load(Relaxed) != 0
}

/// The library that an address lies in.
#[inline]
pub fn find_object(address: usize) -> Option<Mapping> {
    let function = FIND_OBJECT.load(Relaxed);
    if function == 0 {
        return None;
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

impl Mapping {
    /// Calls `work` with the path that the library was loaded from; for the program an empty one.
    pub(crate) fn with_path<R>(&self, work: impl FnOnce(&[u8]) -> R) -> R {
        // SAFETY: the loader has just named its record, which begins with base and path.
        let [_, path] = unsafe { *(self.link_map as *const [usize; 2]) };
        // SAFETY: as above.
        work(unsafe { CStr::from_ptr(path as *const _) }.to_bytes())
    }
}
