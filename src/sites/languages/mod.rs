//! Languages whose interpreters may run in this process, and the frames that the calling thread has in them.
//!
//! A language is one file or folder: `frames` calls its argument with the frames of this thread, if it runs code of that language, without a
//! lock and without the language's own allocator. A row of [`READERS`] calls it; Python, whose frames are proved first, has functions of its own.
mod child;
pub(crate) mod cpp;
mod ends;
pub(crate) mod exit_functions;
mod memory;
mod perl;
mod php;
pub(crate) mod python;
pub(crate) mod ruby;

pub(crate) use child::stack_of_child;
pub(crate) use ends::{is_ending, is_exiting};

use crate::sites::store::{self, Frames, Language};
use forkguard_loader::{Library, LibraryWatch, MemoryAccess};
use php::Php;
use ruby::Ruby;
use std::sync::atomic::{AtomicBool, Ordering::*};

/// Calls its argument with file, line and function of this thread's frames, innermost first; allocates nothing, takes no lock.
type Reader = fn(&mut dyn FnMut(&str, u32, &str));

const READERS: [(Language, Reader); 3] =
    [(Language::Ruby, ruby::frames), (Language::Php, php::frames), (Language::Perl, perl::frames)];

#[unsafe(link_section = "forkguard_words")]
static LIBRARIES: LibraryWatch = LibraryWatch::new();
#[unsafe(link_section = "forkguard_words")]
static SEARCHING: AtomicBool = AtomicBool::new(false);

/// Looks for interpreters other than Python's when libraries were loaded since the last time, or theirs is gone.
pub(super) fn find_interpreters(memory: MemoryAccess) {
    if !SEARCHING.swap(true, Acquire) {
        if ruby::FOUND.was_unloaded() || php::FOUND.was_unloaded() || perl::FOUND.was_unloaded() {
            LIBRARIES.forget();
        }
        LIBRARIES.visit(memory, search);
        SEARCHING.store(false, Release);
    }
}

/// Apart, because its stack frame is large and only a new library is searched.
#[inline(never)]
fn search(library: &Library) {
    ruby::FOUND.search(library, Ruby::of);
    php::FOUND.search(library, Php::of);
    perl::FOUND.search(library, perl::of);
    exit_functions::search(library);
    ends::search(library);
    ruby::forks::search(library);
    ruby::gvl::search(library);
}

/// True while an interpreter other than Python's is loaded; does not look for one.
pub(super) fn have_interpreter() -> bool {
    ruby::FOUND.still_loaded().is_some() || php::FOUND.still_loaded().is_some() || perl::FOUND.still_loaded().is_some()
}

/// True when an interpreter of any language is loaded; looks for one.
pub(crate) fn has_interpreter() -> bool {
    find_interpreters(MemoryAccess::FAULT_PROOF);
    have_interpreter() || python::is_loaded()
}

/// Has the interpreter of this process call before it forks what was registered for it, soon; true when that is asked for. Not in a native
/// signal handler.
pub(crate) fn watch_forks_soon() -> bool {
    find_interpreters(MemoryAccess::FAULT_PROOF);
    python::install_soon() || ruby::forks::install_soon()
}

/// In the hook of pthread_create, outside of its bookkeeping: the same, now that there are to be threads.
pub(crate) fn starts_thread() {
    python::starts_thread();
    if ruby::forks::is_awaited() {
        find_interpreters(MemoryAccess::FAULT_PROOF);
        ruby::forks::install_soon();
    }
}

/// True for an address in the code of MRI.
pub(crate) fn is_in_ruby(address: usize) -> bool {
    ruby::owns(address)
}

/// In a forked child: the thread that was looking may be lost.
pub(super) fn reset_in_child() {
    SEARCHING.store(false, Release);
}

/// Adds the frames of this thread, but those of Python.
pub(super) fn add_frames(frames: &mut Frames) {
    find_interpreters(MemoryAccess::FAULT_PROOF);
    for (language, read) in READERS {
        read(&mut |file, line, function| {
            if let (Some(file), Some(function)) = (store::text(file), store::text(function)) {
                frames.push(language, file, function, line);
            }
        });
    }
}
