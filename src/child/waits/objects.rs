//! The words of the host's locks, conditions and barriers.
use forkguard_core::fork::lost_threads;
use forkguard_core::glibc::{self, LockKind, Object, Words};
use forkguard_core::kernel;
use forkguard_core::registry::threads::{self, Slot, SlotState};
use std::sync::atomic::Ordering::Relaxed;

/// Copies plain words of the host's, which the call that follows reads too.
pub(super) fn copy<T: Copy>(address: usize) -> T {
    // SAFETY: the host passes a valid object of at least this size, of plain words.
    unsafe { (address as *const T).read_volatile() }
}

/// How many words a lock of this kind has.
pub(super) fn word_count(kind: LockKind) -> usize {
    glibc::size(kind).max(4) / 4
}

/// The words of a lock that the host passes.
pub(super) fn words_of(kind: LockKind, address: usize) -> Words {
    let mut read = Words::default();
    read.iter_mut().take(word_count(kind)).enumerate().for_each(|(i, word)| *word = copy(address + i * 4));
    read
}

/// True for a condition that other processes may signal.
pub(super) fn is_shared_condition(address: usize) -> bool {
    glibc::waiters(&copy(address)).is_none()
}

/// The clock of the times up to which a condition is waited for.
pub(crate) fn condition_clock(address: usize) -> libc::clockid_t {
    glibc::clock_of(&copy(address))
}

/// True for a condition with waiters that this process does not have.
pub(super) fn has_lost_waiters(address: usize) -> bool {
    let waiters = glibc::waiters(&copy(address)).unwrap_or(0);
    let own = threads::slots().iter().filter(|s| s.state() == threads::SlotState::Live && s.waits_for.load(Relaxed) == address);
    waiters as usize > own.count() && lost_threads().any(|(_, t)| t.waits_for == address)
}

/// True for a barrier that needs more threads than the caller.
pub(super) fn lacks_threads(address: usize) -> bool {
    glibc::is_known(Object::Barrier) && glibc::missing(&copy(address)).is_some_and(|missing| missing > 1)
}

/// True while the token of that semaphore is there, and no living thread waits for it or has taken it before.
pub(super) fn lies_untaken(semaphore: usize) -> bool {
    let is_used = |slot: &Slot| slot.state() == SlotState::Live && slot.held.find(semaphore).is_some();
    has_token(semaphore) && !threads::slots().iter().any(is_used)
}

fn has_token(semaphore: usize) -> bool {
    let mut words = Words::default();
    let known = glibc::is_known_lock(LockKind::Semaphore);
    known && kernel::read_words(semaphore, &mut words[..word_count(LockKind::Semaphore)]) && !glibc::is_empty(&words)
}
