//! `trim`: free memory that an allocator keeps is given back before the fork. A child would take it from there, and each page of it that it writes is
//! first copied for nothing.
use crate::ledger::log_action;
use forkguard_core::kernel;
use forkguard_loader::{Library, LibraryWatch, MemoryAccess, WhileLoaded};
use forkguard_report::event::Guard;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Servers fork their workers at once: the next time there is something to give back again.
const PAUSE_NS: u64 = 1_000_000_000;

/// When it was last done, how long it took, and how many pages the process had less afterwards.
static LAST: AtomicU64 = AtomicU64::new(0);
static NS: AtomicU64 = AtomicU64::new(0);
static PAGES: AtomicU64 = AtomicU64::new(0);

type Jemalloc = unsafe extern "C" fn(*const c_char, *mut c_void, *mut usize, *mut c_void, usize) -> c_int;
type Mimalloc = unsafe extern "C" fn(bool);
type Tcmalloc = unsafe extern "C" fn();

static WATCH: LibraryWatch = LibraryWatch::without_pause();
static JEMALLOC: WhileLoaded<Jemalloc> = WhileLoaded::new();
static MIMALLOC: WhileLoaded<Mimalloc> = WhileLoaded::new();
static TCMALLOC: WhileLoaded<Tcmalloc> = WhileLoaded::new();

/// In the leader.
pub(super) fn before_fork() {
    let start = kernel::monotonic();
    let last = LAST.load(Relaxed);
    if last != 0 && start < last + PAUSE_NS {
        return;
    }
    LAST.store(start, Relaxed);
    let before = resident_pages();
    purge();
    PAGES.store(before.saturating_sub(resident_pages()), Relaxed);
    NS.store(kernel::monotonic() - start, Relaxed);
}

/// An allocator's own atfork handler takes the same locks right after, so a thread that may fork may call these.
fn purge() {
    const ALL_ARENAS: &CStr = c"arena.4096.purge";
    // SAFETY: functions of these allocators' C APIs under their names; no lock of ours is held.
    unsafe {
        WATCH.visit(MemoryAccess::FAULT_PROOF, |library: &Library| {
            // The second function tells them from a program's own of the same name.
            JEMALLOC.search(library, |library| library.find(c"mallocx").and_then(|_| library.function_as(c"mallctl")));
            MIMALLOC.search(library, |library| library.find(c"mi_malloc").and_then(|_| library.function_as(c"mi_collect")));
            TCMALLOC.search(library, |library| library.function_as(c"MallocExtension_ReleaseFreeMemory"));
        });
        if let Some(control) = JEMALLOC.still_loaded() {
            control(ALL_ARENAS.as_ptr(), std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut(), 0);
        }
        if let Some(collect) = MIMALLOC.still_loaded() {
            collect(true);
        }
        if let Some(release) = TCMALLOC.still_loaded() {
            release();
        }
        libc::malloc_trim(0);
    }
}

/// The second word of statm.
fn resident_pages() -> u64 {
    let mut bytes = [0u8; 128];
    let text = std::str::from_utf8(kernel::read_file(c"/proc/self/statm", &mut bytes)).unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0)
}

/// See [`super::in_child`].
pub(super) fn in_child() {
    if LAST.load(Relaxed) == 0 {
        return;
    }
    let start = kernel::monotonic_by_syscall().saturating_sub(NS.load(Relaxed));
    let kilobytes = PAGES.load(Relaxed) * 4;
    log_action(Guard::Memory, "given back before the fork", format_args!("{kilobytes} kB that malloc kept free"), start, Ok(()));
}
