//! What is found once, in the constructor.
use crate::find_object::{belongs_to, link_map_of, set_find_object};
use crate::library::Library;
use crate::link_map::own_and_next;
use crate::memory::MemoryAccess;
use crate::symbols::SymbolName;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The loader's record of the C library; 0 unknown.
#[unsafe(link_section = "forkguard_words")]
static C_LIBRARY: AtomicUsize = AtomicUsize::new(0);

/// Finds what tells which library an address lies in.
///
/// # Safety
/// No library is unloaded meanwhile.
pub unsafe fn prepare() {
    // SAFETY: as the caller vouches.
    let libraries = next_libraries(unsafe { MemoryAccess::direct() });
    let find = |name| libraries.clone().find_map(|library| library.function(&SymbolName::new(name, None)));
    if let Some(address) = find(c"_dl_find_object") {
        // SAFETY: found under that name.
        unsafe { set_find_object(address) };
    }
    let start = find(c"__libc_start_main");
    C_LIBRARY.store(start.and_then(link_map_of).unwrap_or(0), Relaxed);
}

/// The libraries that were loaded after this one, which are those that RTLD_NEXT means.
pub fn next_libraries(memory: MemoryAccess) -> impl Iterator<Item = Library> + Clone {
    own_and_next(memory).skip(1).filter_map(|map| Library::of(&map))
}

/// True for an address in the C library, which calls `main` and what a thread begins with.
pub fn is_in_c_library(address: usize) -> bool {
    let library = C_LIBRARY.load(Relaxed);
    library != 0 && belongs_to(address, library)
}
