//! Where in the program something was done: a word for the registries. It is the return address of the call, or names a stack in
//! the store: that address and the application's frames, innermost first.
//!
//! A language is one file (or folder): `take` puts the frames of this thread into [`store::Frames`], if it runs code of that
//! language, without a lock and without the language's own allocator; a line in [`capture`] calls it.
mod exports;
mod interpreters;
pub(crate) mod native;
mod perl;
mod php;
mod python;
mod ruby;
mod stack;
pub(crate) mod store;
mod symbols;

use forkguard_core::raw;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use store::{Frames, Kept, Language, Writer};

/// In the constructor.
pub(crate) fn prepare() {
    native::prepare();
    python::prepare();
    interpreters::prepare();
}

/// In a forked child.
pub(crate) fn reset_in_child() {
    native::reset_in_child();
    store::reset_in_child();
    python::reset_in_child();
    interpreters::reset_in_child();
}

/// Captures are a bucket of tokens: so many at once, then one an interval. At 5 µs each that is one percent of a thread.
const BURST: u64 = 4096;
const INTERVAL_NS: u64 = 500_000;
static NEXT: AtomicU64 = AtomicU64::new(0);
/// Sites that got no frames for want of a token, of room, or because another thread was at it.
static SKIPPED: AtomicU32 = AtomicU32::new(0);

fn token() -> bool {
    let now = raw::monotonic();
    let next = NEXT.load(Relaxed).max(now);
    let free = next - now <= BURST * INTERVAL_NS;
    if free {
        NEXT.store(next + INTERVAL_NS, Relaxed);
    }
    free
}

/// The word for a thing that this thread makes now: `caller` is the return address of the call.
#[inline(never)]
pub(crate) fn capture(caller: usize) -> usize {
    let writer = if token() { Writer::take() } else { None };
    let Some(mut writer) = writer else {
        SKIPPED.fetch_add(1, Relaxed);
        return caller;
    };
    let mut frames = Frames::new();
    let _ = python::take(&mut writer, &mut frames);
    interpreters::take(&mut writer, &mut frames);
    // What calls an interpreter's code is the interpreter.
    if frames.is_empty() {
        stack::frames(caller, &mut |address| frames.push_native(address));
    }
    writer.keep(&frames, caller)
}

/// The native address of a site's word, and the frames that it names; none of a reader that was disproved.
pub(crate) fn look(word: usize) -> (usize, impl Iterator<Item = Kept> + Clone) {
    let (address, frames) = store::look(word);
    (address, frames.filter(|kept| kept.language != Language::Python || python::believed()))
}

/// How many captures were skipped.
pub(crate) fn skipped() -> u32 {
    SKIPPED.load(Relaxed)
}
