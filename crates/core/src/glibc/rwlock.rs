//! Read-write locks (__pthread_rwlock_arch_t): readers, writers, two futex words, …, cur_writer, shared.
use super::layout::{Survivor, Words, with};

/// Bytes that are read.
pub(super) const SIZE: usize = 32;

const STATE: usize = 0;
const WRITERS: usize = 1;
const WRITE_PHASE_FUTEX: usize = 2;
const WRITERS_FUTEX: usize = 3;
const WRITER: usize = 6;
const SHARED: usize = 7;

/// In the first word: a writer's turn, a writer has or wants the lock; readers are counted above.
const WRITE_PHASE: i32 = 1;
const WRITE_LOCKED: i32 = 2;
const READERS: u32 = 3;

pub(super) fn is_shared(words: &Words) -> bool {
    words[SHARED] as u8 != 0
}

/// Kernel id of the thread that holds the lock for writing.
pub(super) fn writer(words: &Words) -> u32 {
    words[WRITER] as u32
}

/// How many threads hold the lock for reading.
pub(super) fn readers(words: &Words) -> u32 {
    words[STATE] as u32 >> READERS
}

pub(super) fn blocks_reader(words: &Words) -> bool {
    words[STATE] & (WRITE_PHASE | WRITE_LOCKED) == WRITE_PHASE | WRITE_LOCKED
}

pub(super) fn blocks_writer(words: &Words) -> bool {
    words[STATE] & WRITE_LOCKED != 0 || readers(words) != 0
}

/// The words of the lock as its surviving holders leave it when no other thread waits: the surviving thread writes, or the other readers
/// read on without the lost one. (pthread_rwlock_common.c: while a writer has it, readers that are counted wait.)
pub(super) fn repaired(is_reader: bool, words: &Words, holds: bool, survivor: Survivor) -> Option<Words> {
    let left = |readers: u32| {
        let state = (readers << READERS) as i32;
        with(words, &[(STATE, state), (WRITERS, 0), (WRITE_PHASE_FUTEX, 0), (WRITERS_FUTEX, 0), (WRITER, 0)])
    };
    let written = words[STATE] & WRITE_PHASE != 0;
    let readers = readers(words);
    match written {
        _ if writer(words) == survivor.now => None,
        _ if writer(words) == survivor.before => Some(held_by_writer(words, survivor.now)),
        true => (words[STATE] != WRITE_PHASE).then(|| left(0)),
        false if is_reader && holds => (readers != 0).then(|| left(readers - 1)),
        false => (words[STATE] & WRITE_LOCKED != 0).then(|| left(readers)),
    }
}

fn held_by_writer(words: &Words, writer: u32) -> Words {
    let state = WRITE_PHASE | WRITE_LOCKED;
    with(words, &[(STATE, state), (WRITERS, 0), (WRITE_PHASE_FUTEX, 1), (WRITERS_FUTEX, 1), (WRITER, writer as i32)])
}

/// The words of a lock that the surviving thread itself holds for writing.
pub(super) fn with_new_owner(words: &Words, survivor: Survivor) -> Option<Words> {
    let is_survivor = writer(words) == survivor.before && survivor.before != survivor.now;
    is_survivor.then(|| held_by_writer(words, survivor.now))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SURVIVOR: Survivor = Survivor { before: 100, now: 200 };

    #[test]
    fn a_reader_waits_for_writers_only() {
        let readers = |word| [word, 0, 0, 0, 0, 0, 0, 0];
        assert!(!blocks_reader(&readers(8)) && blocks_writer(&readers(8)));
        // Left in the writers' phase by an unlock: free for both.
        assert!(!blocks_reader(&readers(WRITE_PHASE)) && !blocks_writer(&readers(WRITE_PHASE)));
        let written = readers(WRITE_PHASE | WRITE_LOCKED);
        assert!(blocks_reader(&written) && blocks_writer(&written));
    }

    #[test]
    fn a_lost_reader_goes_and_others_stay() {
        let lock = |word, writer| [word, 0, 0, 0, 0, 0, writer, 0];
        let repaired = |is_reader, words, holds| repaired(is_reader, &words, holds, SURVIVOR).map(|w| (w[0], w[6]));
        assert_eq!(repaired(true, lock(2 << 3, 0), true), Some((1 << 3, 0)));
        // A lost writer that waits for the reader that is left.
        assert_eq!(repaired(false, lock(1 << 3 | WRITE_LOCKED, 0), false), Some((1 << 3, 0)));
        assert_eq!(repaired(false, lock(WRITE_PHASE | WRITE_LOCKED, 7), true), Some((0, 0)));
        assert_eq!(repaired(true, lock(1 << 3 | WRITE_PHASE | WRITE_LOCKED, 100), false), Some((3, 200)));
    }
}
