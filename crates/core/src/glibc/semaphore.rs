//! Semaphores (new_sem: value, waiters, private) and spin locks (one word that counts down from 1).
use super::layout::{Words, with};

/// Bytes that are read of a semaphore.
pub(super) const SIZE: usize = 16;
/// Bytes of a spin lock.
pub(super) const SPIN_SIZE: usize = 4;

const VALUE: usize = 0;
const WAITERS: usize = 1;
const SHARED: usize = 2;

pub(super) fn is_shared(words: &Words) -> bool {
    words[SHARED] != 0
}

/// True for a semaphore without a token.
pub fn is_empty(words: &Words) -> bool {
    words[VALUE] == 0
}

/// How many threads sleep until a semaphore is posted.
pub fn sleepers(semaphore: &Words) -> u32 {
    semaphore[WAITERS] as u32
}

/// The words with one token and no waiters.
pub(super) fn repaired(words: &Words, holds: bool) -> Option<Words> {
    (holds && is_empty(words)).then(|| with(words, &[(VALUE, 1), (WAITERS, 0)]))
}

pub(super) fn spin_blocks(words: &Words) -> bool {
    words[VALUE] != 1
}

pub(super) fn spin_repaired(words: &Words, holds: bool) -> Option<Words> {
    (holds && words[VALUE] <= 0).then(|| with(words, &[(VALUE, 1)]))
}
