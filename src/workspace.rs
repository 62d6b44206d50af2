//! The memory that reports are made in: a stack, an arena, room for lines. Mapped once, kept, and empty in every forked child (what is
//! not copied costs a fork nothing); a second report at the same time maps its own.
use forkguard_core::raw::Pages;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering::*};

/// A page that stops a stack that grows too far, the stack, the arena, the lines.
const GUARD: usize = 4 << 10;
const STACK: usize = 252 << 10;
const ARENA: usize = 512 << 10;
const LINES: usize = 768 << 10;

struct Kept {
    busy: AtomicBool,
    pages: UnsafeCell<Option<Pages>>,
}
// SAFETY: `busy` gives the pages to one thread at a time; nobody waits for them.
unsafe impl Sync for Kept {}

static KEPT: Kept = Kept { busy: AtomicBool::new(false), pages: UnsafeCell::new(None) };

/// Memory for one piece of work.
pub(crate) struct Workspace {
    start: *mut u8,
    /// Its own mapping, when the kept one was in use.
    own: Option<Pages>,
}

impl Workspace {
    /// None when there is no memory to be had.
    pub(crate) fn take() -> Option<Workspace> {
        if KEPT.busy.swap(true, Acquire) {
            let own = map()?;
            return Some(Workspace { start: own.start(), own: Some(own) });
        }
        // SAFETY: see `Kept`.
        let kept = unsafe { &mut *KEPT.pages.get() };
        if kept.is_none() {
            *kept = map();
        }
        match kept {
            Some(pages) => Some(Workspace { start: pages.start(), own: None }),
            None => {
                KEPT.busy.store(false, Release);
                None
            }
        }
    }

    /// Where the stack begins, and its size.
    pub(crate) fn stack(&self) -> (*mut u8, usize) {
        // SAFETY: within the mapping.
        (unsafe { self.start.add(GUARD) }, STACK)
    }

    /// Room for an arena.
    pub(crate) fn arena(&self) -> (*mut u8, usize) {
        // SAFETY: within the mapping.
        (unsafe { self.start.add(GUARD + STACK) }, ARENA)
    }

    /// Room for lines.
    pub(crate) fn lines(&self) -> (*mut u8, usize) {
        // SAFETY: within the mapping.
        (unsafe { self.start.add(GUARD + STACK + ARENA) }, LINES)
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        if self.own.is_none() {
            KEPT.busy.store(false, Release);
        }
    }
}

fn map() -> Option<Pages> {
    Pages::map_guarded(GUARD + STACK + ARENA + LINES, GUARD)
}

/// In a forked child: the thread that used the memory may be gone.
pub(crate) fn reset_in_child() {
    KEPT.busy.store(false, Release);
}
