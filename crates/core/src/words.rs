//! What a lock's own words say: glibc's structures on x86_64 (__pthread_mutex_s: lock, count, owner, nusers, kind;
//! __pthread_rwlock_arch_t: readers, writers, …, cur_writer, shared; new_sem: value, waiters, private; __pthread_cond_s: …, wrefs;
//! struct pthread_barrier: in, current_round, count, shared).
use crate::held::Kind;

/// The words of a lock: enough for every kind.
pub type Words = [i32; 8];

/// A thread id in the lock word of a robust or priority-inheriting mutex.
const TID: u32 = 0x3fff_ffff;
const ROBUST: i32 = 0x10;
const SHARED: i32 = 0x80;
/// In an rwlock's first word: a writer's turn, a writer has or wants it; readers are counted above.
const WRITE_PHASE: i32 = 1;
const WRITE_LOCKED: i32 = 2;
const READERS: u32 = 3;

/// How many bytes of a lock of this kind are read; 0: it is not looked at.
pub fn size(kind: Kind) -> usize {
    match kind {
        Kind::Mutex | Kind::C11Mutex => 20,
        Kind::Read | Kind::Write => 32,
        Kind::Semaphore => 16,
        Kind::Spin | Kind::Libc => 0,
    }
}

/// The kind of a mutex.
pub fn mutex_kind(words: &Words) -> i32 {
    words[4]
}

/// True for a lock that processes share: it is not broken in a child, its holder still is there to give it up.
pub fn is_shared(kind: Kind, words: &Words) -> bool {
    match kind {
        // glibc sets the shared bit in every robust mutex.
        Kind::Mutex | Kind::C11Mutex => words[4] & SHARED != 0 && words[4] & ROBUST == 0,
        Kind::Read | Kind::Write => words[7] as u8 != 0,
        Kind::Semaphore => words[2] != 0,
        Kind::Spin | Kind::Libc => false,
    }
}

/// Kernel id of the thread that a mutex names as its owner; 0 none.
pub fn owner(words: &Words) -> u32 {
    // The owner word of a robust one may say that its last owner died.
    if words[2] > 0 { words[2] as u32 } else { 0 }
}

/// Kernel id of the thread that holds a mutex, or a read-write lock for writing; 0 unknown or nobody.
pub fn known_holder(kind: Kind, words: &Words) -> u32 {
    match kind {
        Kind::Mutex | Kind::C11Mutex => owner(words),
        Kind::Read | Kind::Write => words[6] as u32,
        Kind::Semaphore | Kind::Spin | Kind::Libc => 0,
    }
}

/// Whether `holder` may hold it in this process.
pub fn held_by(kind: Kind, holder: u32, words: &Words) -> bool {
    !is_shared(kind, words)
        && match kind {
            Kind::Mutex | Kind::C11Mutex => words[2] as u32 == holder || words[0] as u32 & TID == holder,
            Kind::Semaphore => words[0] == 0,
            Kind::Read | Kind::Write | Kind::Spin | Kind::Libc => true,
        }
}

/// Whether a thread that asks for it now has to wait, if it is not the holder itself.
pub fn blocks(kind: Kind, words: &Words) -> bool {
    match kind {
        Kind::Mutex | Kind::C11Mutex => words[0] != 0,
        Kind::Read => words[0] & (WRITE_PHASE | WRITE_LOCKED) == WRITE_PHASE | WRITE_LOCKED,
        Kind::Write => words[0] & WRITE_LOCKED != 0 || words[0] as u32 >> READERS != 0,
        Kind::Semaphore => words[0] == 0,
        // pthread_spin_lock counts down from 1.
        Kind::Spin => words[0] != 1,
        Kind::Libc => true,
    }
}

/// How many hold it for reading.
pub fn readers(kind: Kind, words: &Words) -> u32 {
    if kind == Kind::Read { words[0] as u32 >> READERS } else { 0 }
}

/// Whether anybody holds it.
pub fn is_taken(kind: Kind, words: &Words) -> bool {
    blocks(if kind == Kind::Read { Kind::Write } else { kind }, words)
}

/// How many threads sleep until a semaphore is posted.
pub fn sleepers(semaphore: &Words) -> u32 {
    semaphore[1] as u32
}

/// Bytes that are read of a condition.
pub const CONDITION: usize = 48;

/// How many threads wait for a condition, by its word `wrefs` (a waiter counts 8); None for one that processes share.
pub fn waiters(condition: &[i32; CONDITION / 4]) -> Option<u32> {
    const SHARED: u32 = 1;
    let references = condition[9] as u32;
    (references & SHARED == 0).then_some(references >> 3)
}

/// How many threads a barrier still waits for, the calling one included; None for one that processes share.
pub fn missing(barrier: &[i32; 4]) -> Option<u32> {
    let [arrived, _, count, shared] = barrier.map(|word| word as u32);
    (shared == 0 && count != 0).then(|| count - arrived % count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_waits_for_writers_only() {
        let readers = |word| [word, 0, 0, 0, 0, 0, 0, 0];
        assert!(!blocks(Kind::Read, &readers(8)) && blocks(Kind::Write, &readers(8)));
        // Left in the writers' phase by an unlock: free for both.
        assert!(!blocks(Kind::Read, &readers(WRITE_PHASE)) && !blocks(Kind::Write, &readers(WRITE_PHASE)));
        let written = readers(WRITE_PHASE | WRITE_LOCKED);
        assert!(blocks(Kind::Read, &written) && blocks(Kind::Write, &written));
    }

    #[test]
    fn a_barrier_counts_down() {
        assert_eq!(missing(&[0, 0, 3, 0]), Some(3));
        assert_eq!(missing(&[5, 0, 3, 0]), Some(1));
        assert_eq!(missing(&[0, 0, 3, 1]), None);
    }
}
