//! Interpreters whose frames their own functions or variables tell: which of them are loaded, and what they run.
use super::perl::{self, Perl};
use super::php::{self, Php};
use super::ruby::{self, Ruby};
use super::store::{self, Frames, Language};
use forkguard_loader::{LibraryWatch, MemoryAccess};
use std::sync::atomic::{AtomicBool, Ordering::*};

/// Calls its argument with file, line and function of this thread's frames, innermost first; allocates nothing, takes no lock.
type Reader = fn(&mut dyn FnMut(&str, u32, &str));

const READERS: [(Language, Reader); 3] =
    [(Language::Ruby, ruby::frames), (Language::Php, php::frames), (Language::Perl, perl::frames)];

#[unsafe(link_section = "forkguard_words")]
static LIBRARIES: LibraryWatch = LibraryWatch::new();
#[unsafe(link_section = "forkguard_words")]
static LOOKING: AtomicBool = AtomicBool::new(false);

/// Looks for them when libraries were loaded since the last time, or theirs is gone.
pub(super) fn prepare(memory: MemoryAccess) {
    if !LOOKING.swap(true, Acquire) {
        if ruby::FOUND.was_unloaded() || php::FOUND.was_unloaded() || perl::FOUND.was_unloaded() {
            LIBRARIES.forget();
        }
        LIBRARIES.visit(memory, |library| {
            ruby::FOUND.search(library, Ruby::of);
            php::FOUND.search(library, Php::of);
            perl::FOUND.search(library, Perl::of);
        });
        LOOKING.store(false, Release);
    }
}

/// True while one of them is loaded; does not look for one.
pub(super) fn are_known() -> bool {
    ruby::FOUND.still_loaded().is_some() || php::FOUND.still_loaded().is_some() || perl::FOUND.still_loaded().is_some()
}

/// True for an address in the code of MRI.
pub(super) fn is_rubys_own(address: usize) -> bool {
    ruby::owns(address)
}

/// In a forked child: whoever was looking may be gone.
pub(super) fn reset_in_child() {
    LOOKING.store(false, Release);
}

/// Takes the frames of this thread.
pub(super) fn take(frames: &mut Frames) {
    prepare(MemoryAccess::FAULT_PROOF);
    for (language, read) in READERS {
        read(&mut |file, line, function| {
            if let (Some(file), Some(function)) = (store::text(file), store::text(function)) {
                frames.push(language, file, function, line);
            }
        });
    }
}
