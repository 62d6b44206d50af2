//! Where a loaded library lies.
use core::ffi::CStr;
use core::ops::Range;

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

impl Mapping {
    /// Of a library with these addresses.
    pub(crate) fn new(Range { start, end }: Range<usize>, link_map: usize, eh_frame: usize) -> Mapping {
        Mapping { start, end, link_map, eh_frame, ..Mapping::default() }
    }

    /// Calls `work` with the path that the library was loaded from; for the program an empty one.
    pub(crate) fn with_path<R>(&self, work: impl FnOnce(&[u8]) -> R) -> R {
        // SAFETY: the loader has just named its record, which begins with base and path.
        let [_, path] = unsafe { *(self.link_map as *const [usize; 2]) };
        // SAFETY: as above.
        work(unsafe { CStr::from_ptr(path as *const _) }.to_bytes())
    }
}
