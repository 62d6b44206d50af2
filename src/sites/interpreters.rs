//! Interpreters whose frames their own functions or variables tell: which of them are loaded, and what they run.
use super::store::{self, Frames, Language};
use super::symbols::Watch;
use super::{perl, php, ruby};
use std::sync::atomic::{AtomicBool, Ordering::*};

/// Calls its argument with file, line and function of this thread's frames, innermost first; allocates nothing, takes no lock.
type Reader = fn(&mut dyn FnMut(&str, u32, &str));

const READERS: [(Language, Reader); 3] =
    [(Language::Ruby, ruby::frames), (Language::Php, php::frames), (Language::Perl, perl::frames)];

static LIBRARIES: Watch = Watch::new();
static LOOKING: AtomicBool = AtomicBool::new(false);

/// Looks for them when libraries were loaded since the last time.
pub(super) fn prepare() {
    if !LOOKING.swap(true, Acquire) {
        LIBRARIES.look(|library| {
            ruby::EXPORTS.offer(library);
            ruby::VARIABLES.offer(library);
            php::EXPORTS.offer(library);
            perl::EXPORTS.offer(library);
            None::<()>
        });
        LOOKING.store(false, Release);
    }
}

/// True once one of them was found; does not look for one.
pub(super) fn are_known() -> bool {
    ruby::EXPORTS.base() != 0 || php::EXPORTS.base() != 0 || perl::EXPORTS.base() != 0
}

/// In a forked child: whoever was looking may be gone.
pub(super) fn reset_in_child() {
    LOOKING.store(false, Release);
}

/// Takes the frames of this thread.
pub(super) fn take(frames: &mut Frames) {
    prepare();
    for (language, read) in READERS {
        read(&mut |file, line, function| {
            if let (Some(file), Some(function)) = (store::text(file), store::text(function)) {
                frames.push(language, file, function, line);
            }
        });
    }
}
