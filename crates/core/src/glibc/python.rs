//! CPython's own locks since 3.13: a byte whose lowest bit says that it is locked; in a recursive one the owner's pthread_t and a count follow.
use super::layout::Words;

/// Bytes that are read: the byte and some of what pads it.
pub(super) const SIZE: usize = 4;
/// Of a recursive one.
pub(super) const RECURSIVE_SIZE: usize = 24;

const LOCKED: i32 = 1;

pub(super) fn is_locked(words: &Words) -> bool {
    words[0] & LOCKED != 0
}

/// As it was made. (Who waited for it is lost, too, and CPython forgets its waiters after a fork.)
pub(super) fn repaired(words: &Words, holds: bool) -> Option<Words> {
    (holds && is_locked(words)).then(Words::default)
}
