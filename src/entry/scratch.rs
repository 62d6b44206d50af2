//! The memory that reports are made in: a stack, an arena, room for lines. Mapped once, kept, and but for the stack empty in every forked
//! child (what is not copied costs a fork nothing); a second report at the same time maps its own.
use super::arena::Arena;
use super::held_signals::holding_signals;
use super::panic::catch_panic;
use forkguard_core::kernel::{Pages, valgrind};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering::*};

/// A page that stops a stack that grows too far, the stack, the arena, the lines.
const GUARD: usize = 4 << 10;
const STACK: usize = 252 << 10;
const ARENA: usize = (2 << 20) + RESERVE;
/// Of the arena: room for a fork's lists once more.
const RESERVE: usize = 512 << 10;
const LINES: usize = 2 << 20;

struct CommonPages {
    busy: AtomicBool,
    pages: UnsafeCell<Option<Pages>>,
}
// SAFETY: `busy` gives the pages to one thread at a time; nobody waits for them.
unsafe impl Sync for CommonPages {}

#[unsafe(link_section = "forkguard_words")]
static COMMON: CommonPages = CommonPages { busy: AtomicBool::new(false), pages: UnsafeCell::new(None) };

/// Memory for one piece of work.
pub(crate) struct ScratchMemory {
    start: *mut u8,
    /// Its own mapping, when the kept one was in use.
    own: Option<Pages>,
}

impl ScratchMemory {
    /// None when there is no memory to be had.
    pub(crate) fn take() -> Option<ScratchMemory> {
        if COMMON.busy.swap(true, Acquire) {
            let own = map()?;
            return Some(ScratchMemory { start: own.start(), own: Some(own) });
        }
        // SAFETY: see `CommonPages`.
        let common = unsafe { &mut *COMMON.pages.get() };
        if common.is_none() {
            *common = map();
        }
        match common {
            Some(pages) => Some(ScratchMemory { start: pages.start(), own: None }),
            None => {
                COMMON.busy.store(false, Release);
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

impl Drop for ScratchMemory {
    fn drop(&mut self) {
        if self.own.is_none() {
            COMMON.busy.store(false, Release);
        }
    }
}

/// Runs work that needs room on a stack of its own: the host's may be that of a signal handler or of a thread with the least there is.
/// Signals are held meanwhile: a handler must not find itself on a foreign stack.
pub(crate) fn on_scratch_stack<R>(work: impl FnOnce(&Scratch) -> R) -> Option<R> {
    holding_signals(|blocked| {
        let workspace = ScratchMemory::take()?;
        let (stack, size) = workspace.stack();
        let at = Scratch { blocked, workspace };
        // SAFETY: the stack is mapped, aligned and large, and outlives the callback, which catches its own panics.
        unsafe { psm::on_stack(stack, size, || catch_panic(|| work(&at))) }
    })
}

/// Runs work that opens files in passing: see [`forkguard_core::kernel`]. None when it panicked.
pub(crate) fn aside<R>(work: impl FnOnce() -> R) -> Option<R> {
    let mut result = None;
    forkguard_core::kernel::with_private_fds(|| result = catch_panic(work));
    result
}

/// What work at length may use.
pub(crate) struct Scratch {
    /// The signals that the host's thread blocks.
    pub(crate) blocked: u64,
    workspace: ScratchMemory,
}

impl Scratch {
    /// Memory for lists and texts.
    pub(crate) fn arena(&self) -> Arena {
        // SAFETY: the workspace is this thread's alone; work makes one arena at a time.
        unsafe { Arena::new(self.workspace.arena(), RESERVE) }
    }

    /// Memory for lines.
    pub(crate) fn lines(&self) -> (*mut u8, usize) {
        self.workspace.lines()
    }
}

fn map() -> Option<Pages> {
    let pages = Pages::map_guarded(GUARD + STACK + ARENA + LINES, GUARD, GUARD + STACK)?;
    valgrind::register_stack(pages.start().addr() + GUARD, STACK);
    Some(pages)
}

/// In a child whose report is made: workers need not keep the room for it.
pub(crate) fn give_back() {
    if !COMMON.busy.swap(true, Acquire) {
        // SAFETY: see `CommonPages`.
        if let Some(pages) = unsafe { &mut *COMMON.pages.get() } {
            pages.give_back(GUARD);
        }
        COMMON.busy.store(false, Release);
    }
}

/// In a forked child: the thread that used the memory may be gone.
pub(crate) fn reset_in_child() {
    COMMON.busy.store(false, Release);
}
