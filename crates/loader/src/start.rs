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
/// The same of its library of threads, which glibc had before 2.34; 0 where the C library is that, too.
#[unsafe(link_section = "forkguard_words")]
static THREADS_LIBRARY: AtomicUsize = AtomicUsize::new(0);

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
    let library_with = |name| find(name).and_then(link_map_of).unwrap_or(0);
    let (library, threads) = (library_with(c"__libc_start_main"), library_with(c"pthread_create"));
    C_LIBRARY.store(library, Relaxed);
    THREADS_LIBRARY.store(if threads == library { 0 } else { threads }, Relaxed);
}

/// The libraries that were loaded after this one, which are those that RTLD_NEXT means.
pub fn next_libraries(memory: MemoryAccess) -> impl Iterator<Item = Library> + Clone {
    own_and_next(memory).skip(1).filter_map(|map| Library::of(&map))
}

/// True for the loader's record of the C library.
pub(crate) fn is_c_library(link_map: usize) -> bool {
    link_map != 0 && link_map == C_LIBRARY.load(Relaxed)
}

/// True for an address in the C library, which calls `main` and what a thread begins with.
pub fn is_in_c_library(address: usize) -> bool {
    let is_in = |library: usize| library != 0 && belongs_to(address, library);
    is_in(C_LIBRARY.load(Relaxed)) || is_in(THREADS_LIBRARY.load(Relaxed))
}
