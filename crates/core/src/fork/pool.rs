//! The snapshots of the forks that are under way, and their numbers.
use super::snapshot::{ForkCall, Snapshot};
use crate::{kernel, registry::generation, tls};
use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut};
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering::*};

/// Forks that can be under way at once in one process; a further one is reported by its counts only.
const AT_ONCE: usize = 16;
static POOL: [SnapshotCell; AT_ONCE] = [const { SnapshotCell::new() }; AT_ONCE];
/// The threads that use them; 0 none.
#[unsafe(link_section = "forkguard_words")]
static TAKEN: [AtomicU32; AT_ONCE] = [const { AtomicU32::new(0) }; AT_ONCE];
#[unsafe(link_section = "forkguard_words")]
static STATES: [AtomicU8; AT_ONCE] = [const { AtomicU8::new(FREE) }; AT_ONCE];
#[unsafe(link_section = "forkguard_words")]
static FORKS: AtomicU64 = AtomicU64::new(0);
/// Whether the facts may be written: by nobody yet, by the holder of a [`SnapshotGuard`], never again.
const FREE: u8 = 0;
const BORROWED: u8 = 1;
const FROZEN: u8 = 2;

/// A snapshot, from the beginning of a page on: the facts that most forks write fit on that one. The state lies elsewhere, so that a child
/// need not write to the page.
#[repr(C, align(4096))]
pub struct SnapshotCell {
    /// The fork that its thread was in already: a handler of another library forked.
    outer: AtomicPtr<SnapshotCell>,
    facts: UnsafeCell<Snapshot>,
}

// SAFETY: the facts are written only by the holder of the one guard, and read by others only once they are frozen.
unsafe impl Sync for SnapshotCell {}

impl SnapshotCell {
    const fn new() -> SnapshotCell {
        SnapshotCell { outer: AtomicPtr::new(ptr::null_mut()), facts: UnsafeCell::new(Snapshot::new()) }
    }

    fn index(&self) -> usize {
        (ptr::from_ref(self).addr() - POOL.as_ptr().addr()) / size_of::<SnapshotCell>()
    }

    fn state(&self) -> &'static AtomicU8 {
        &STATES[self.index()]
    }

    /// Access to the facts; None while there is another guard, and once they are frozen.
    pub fn borrow(&'static self) -> Option<SnapshotGuard> {
        self.guard(FREE)
    }

    /// The same in the child of this fork: the facts are frozen when the guard is dropped.
    pub(super) fn borrow_to_freeze(&'static self) -> Option<SnapshotGuard> {
        self.guard(FROZEN)
    }

    fn guard(&'static self, after: u8) -> Option<SnapshotGuard> {
        let is_free = self.state().compare_exchange(FREE, BORROWED, Acquire, Relaxed).is_ok();
        is_free.then_some(SnapshotGuard { cell: self, after })
    }

    /// The facts, once they are frozen.
    pub(super) fn frozen(&'static self) -> Option<&'static Snapshot> {
        // SAFETY: they are written no more.
        (self.state().load(Acquire) == FROZEN).then(|| unsafe { &*self.facts.get() })
    }
}

/// The only access to facts that are not frozen.
pub struct SnapshotGuard {
    cell: &'static SnapshotCell,
    after: u8,
}

impl Deref for SnapshotGuard {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        // SAFETY: there is one guard at a time.
        unsafe { &*self.cell.facts.get() }
    }
}

impl DerefMut for SnapshotGuard {
    fn deref_mut(&mut self) -> &mut Snapshot {
        // SAFETY: there is one guard at a time.
        unsafe { &mut *self.cell.facts.get() }
    }
}

impl Drop for SnapshotGuard {
    fn drop(&mut self) {
        self.cell.state().store(self.after, Release);
    }
}

/// How many forks this process made.
pub fn made() -> u64 {
    FORKS.load(Relaxed)
}

/// Begins a fork in this thread; None when too many are under way.
pub fn begin(call: ForkCall, site: usize) -> Option<&'static SnapshotCell> {
    FORKS.fetch_add(1, Relaxed);
    begin_snapshot(call, site)
}

/// The same for a fork that nobody makes: what its child would inherit can be asked of its facts. [`end`] ends it.
pub fn begin_unmade() -> Option<&'static SnapshotCell> {
    let cell = begin_snapshot(ForkCall::Fork, 0);
    if cell.is_none() {
        end_unrecorded();
    }
    cell
}

fn begin_snapshot(call: ForkCall, site: usize) -> Option<&'static SnapshotCell> {
    let Some(index) = free_snapshot().or_else(abandoned_snapshot) else {
        tls::set_fork(NONE_FREE as *const ());
        return None;
    };
    let cell = &POOL[index];
    cell.outer.store(current().map_or(ptr::null_mut(), |outer| ptr::from_ref(outer).cast_mut()), Relaxed);
    let mut snapshot = cell.borrow()?;
    snapshot.sequence = generation::next_sequence();
    snapshot.leader = kernel::process_id();
    snapshot.thread = kernel::thread_id();
    snapshot.call = call;
    snapshot.site = site;
    snapshot.entered = kernel::monotonic();
    snapshot.prepared = false;
    snapshot.buffers.clear();
    snapshot.full = false;
    snapshot.like = 0;
    let has_no_hook = matches!(call, ForkCall::Daemon | ForkCall::Internal);
    snapshot.newest_child = if has_no_hook { kernel::newest_child() } else { None };
    tls::set_fork(ptr::from_ref(cell).cast());
    Some(cell)
}

/// The outcome of a fork whose result no hook sees.
pub enum Outcome {
    /// It made this child (None: the kernel does not tell which).
    Made(Option<u32>),
    /// The thread has no new child.
    Failed,
}

/// The outcome of a fork, by the thread's newest child.
pub fn outcome(snapshot: &Snapshot) -> Outcome {
    match kernel::newest_child() {
        None if !kernel::lists_children() => Outcome::Made(None),
        newest if newest == snapshot.newest_child => Outcome::Failed,
        newest => Outcome::Made(newest),
    }
}

/// In a thread's word for its fork: it is in a fork for which no snapshot was free.
const NONE_FREE: usize = 1;

/// The fork that this thread is in.
pub fn current() -> Option<&'static SnapshotCell> {
    let cell = tls::fork();
    // SAFETY: beyond the mark it is a reference into POOL.
    (cell as usize > NONE_FREE).then(|| unsafe { &*cell.cast::<SnapshotCell>() })
}

/// True in a call that has not forked yet.
pub fn is_begun_by(call: ForkCall) -> bool {
    current().and_then(SnapshotCell::borrow).is_some_and(|snapshot| snapshot.call == call && !snapshot.prepared)
}

/// True in a fork for which no snapshot was free.
pub fn is_unrecorded() -> bool {
    tls::fork() as usize == NONE_FREE
}

/// Ends such a fork.
pub fn end_unrecorded() {
    tls::set_fork(ptr::null());
}

fn take(index: usize, from: u32) -> bool {
    TAKEN[index].compare_exchange(from, kernel::thread_id(), AcqRel, Relaxed).is_ok()
}

fn free_snapshot() -> Option<usize> {
    (0..AT_ONCE).find(|&index| take(index, 0))
}

/// The snapshot of a thread that ended inside fork (cancelled in a prepare handler), which will never release it.
fn abandoned_snapshot() -> Option<usize> {
    (0..AT_ONCE).find(|&index| {
        let user = TAKEN[index].load(Acquire);
        user != 0 && STATES[index].load(Relaxed) == FREE && !kernel::thread_exists(user) && take(index, user)
    })
}

/// Ends this thread's fork.
pub fn end(cell: &'static SnapshotCell) {
    tls::set_fork(cell.outer.load(Relaxed).cast_const().cast());
    TAKEN[cell.index()].store(0, Release);
}

/// In a forked child, whose own fork is over: its ancestors stay in use, and the outer forks of this thread (`before` was its kernel id in
/// the leader) that a signal handler interrupted and that the child goes on with.
pub(super) fn init_child(before: u32, is_ancestor: impl Fn(&SnapshotCell) -> bool) {
    FORKS.store(0, Relaxed);
    for ((user, state), cell) in TAKEN.iter().zip(&STATES).zip(&POOL) {
        match (user.load(Relaxed), state.load(Relaxed)) {
            (0, _) => {}
            _ if is_ancestor(cell) => {}
            (thread, BORROWED) if thread == before => user.store(kernel::thread_id(), Relaxed),
            // Its users were lost threads; hooks read an ancestor's facts within one call only, and none is under way.
            _ => {
                state.store(FREE, Relaxed);
                user.store(0, Release);
            }
        }
    }
    tls::set_fork(ptr::null());
}
