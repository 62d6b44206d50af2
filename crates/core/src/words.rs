//! What a lock's own words say: glibc's structures on x86_64 (__pthread_mutex_s: lock, count, owner, nusers, kind;
//! __pthread_rwlock_arch_t: readers, writers, …, cur_writer, shared; new_sem: value, waiters, private; __pthread_cond_s: …, wrefs;
//! struct pthread_barrier: in, current_round, count, shared).
//!
//! Only objects that this C library was seen to lay out so are looked at: the constructor tries each kind ([`tell_known`]).
use crate::held::Kind;
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// Objects of the C library that have words to read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Object {
    /// pthread_mutex_t, mtx_t.
    Mutex = 1,
    /// pthread_rwlock_t.
    ReadWriteLock = 2,
    /// sem_t.
    Semaphore = 4,
    /// pthread_spinlock_t.
    SpinLock = 8,
    /// pthread_cond_t, cnd_t.
    Condition = 16,
    /// pthread_barrier_t.
    Barrier = 32,
}

/// The objects that are laid out as this module says.
#[unsafe(link_section = "forkguard_words")]
static KNOWN: AtomicU8 = AtomicU8::new(0);
/// Index of the word `wrefs` in a condition.
#[unsafe(link_section = "forkguard_words")]
static REFERENCES: AtomicU8 = AtomicU8::new(0);

/// In the constructor: this C library lays such an object out as this module says.
pub fn tell_known(object: Object) {
    KNOWN.fetch_or(object as u8, Relaxed);
}

/// The same for a condition, whose word that counts its waiters is at this index (9 until glibc 2.40, 7 later).
pub fn tell_references(index: usize) {
    REFERENCES.store(index as u8, Relaxed);
    tell_known(Object::Condition);
}

/// Whether the words of such an object are looked at.
pub fn is_known(object: Object) -> bool {
    KNOWN.load(Relaxed) & object as u8 != 0
}

/// The same for a lock of this kind.
pub fn is_known_lock(kind: Kind) -> bool {
    match kind {
        Kind::Mutex | Kind::C11Mutex => is_known(Object::Mutex),
        Kind::Read | Kind::Write => is_known(Object::ReadWriteLock),
        Kind::Semaphore => is_known(Object::Semaphore),
        Kind::Spin => is_known(Object::SpinLock),
        Kind::Libc => true,
    }
}

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
        _ if !is_known_lock(kind) => 0,
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
        Kind::Mutex | Kind::C11Mutex => words[4] & SHARED != 0 && !is_robust(words),
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

const PRIORITY_INHERITING: i32 = 0x20;
const PRIORITY_PROTECTED: i32 = 0x40;
/// In the lock word of a priority-protected mutex.
const CEILING: i32 = 0xfff8_0000_u32 as i32;

/// A thread of a forked child, by its number before the fork and now.
#[derive(Clone, Copy)]
pub struct Survivor {
    /// In the leader.
    pub before: u32,
    /// In the child.
    pub now: u32,
}

/// How many bytes of a lock of this kind [`repaired`] looks at; 0: none.
pub fn extent(kind: Kind) -> usize {
    if kind == Kind::Spin && is_known_lock(kind) { 4 } else { size(kind) }
}

/// What a lock's words must be in a child, so that it can be used there, given what a lost thread of number `lost` had to do with it;
/// `holds`: it surely held it. None when that thread keeps nobody from it, or what it left cannot be told. (A robust mutex is also a
/// link of its holder's list.)
pub fn repaired(kind: Kind, words: &Words, lost: u32, holds: bool, survivor: Survivor) -> Option<Words> {
    match kind {
        Kind::Mutex | Kind::C11Mutex => {
            let inheriting = words[4] & PRIORITY_INHERITING != 0;
            let owner = if inheriting { words[0] as u32 & TID } else { owner(words) };
            let taken = words[0] != ceiling(words);
            // The lost thread may have stood between the two words. (Memory that was a mutex would have to count a user of it.)
            let was_its = if owner == lost { holds || words[3] > 0 } else { owner == 0 && holds };
            (taken && was_its && is_repairable(kind, words)).then(|| free_mutex(words))
        }
        Kind::Read | Kind::Write => left_to(kind, words, holds, survivor),
        Kind::Semaphore if holds && words[0] == 0 => Some(with(words, &[(0, 1), (1, 0)])),
        Kind::Spin if holds && words[0] <= 0 => Some(with(words, &[(0, 1)])),
        Kind::Semaphore | Kind::Spin | Kind::Libc => None,
    }
    .filter(|_| !is_shared(kind, words))
}

/// The same for a lock that the surviving thread itself holds, and that knows it by its number.
pub fn handed_over(kind: Kind, words: &Words, survivor: Survivor) -> Option<Words> {
    let now = survivor.now as i32;
    match kind {
        Kind::Mutex | Kind::C11Mutex if owner(words) == survivor.before && is_repairable(kind, words) => {
            let lock = if words[4] & PRIORITY_INHERITING != 0 { now } else { ceiling(words) | 1 };
            Some(with(words, &[(0, lock), (2, now), (3, 1)]))
        }
        Kind::Write if words[6] as u32 == survivor.before => left_to(kind, words, true, survivor),
        _ => None,
    }
    .filter(|_| !is_shared(kind, words))
}

/// False for a mutex whose words are not all there is of its state, or that is none.
pub fn is_repairable(kind: Kind, words: &Words) -> bool {
    const KINDS: i32 = 0x3ff;
    !matches!(kind, Kind::Mutex | Kind::C11Mutex) || words[4] & (ROBUST | !KINDS) == 0
}

/// True for a robust mutex.
pub fn is_robust(words: &Words) -> bool {
    words[4] & ROBUST != 0
}

fn with(words: &Words, changes: &[(usize, i32)]) -> Words {
    let mut changed = *words;
    changes.iter().for_each(|&(index, value)| changed[index] = value);
    changed
}

/// What stays in the lock word of a mutex that is free.
fn ceiling(words: &Words) -> i32 {
    if words[4] & PRIORITY_PROTECTED != 0 { words[0] & CEILING } else { 0 }
}

fn free_mutex(words: &Words) -> Words {
    with(words, &[(0, ceiling(words)), (1, 0), (2, 0), (3, 0)])
}

/// A read-write lock as its surviving holders leave it when nobody else waits: the surviving thread writes, or those read who did before
/// without the lost one. (pthread_rwlock_common.c: while a writer has it, readers that are counted wait.)
fn left_to(kind: Kind, words: &Words, holds: bool, survivor: Survivor) -> Option<Words> {
    let writer = words[6] as u32;
    let left = |readers: u32| with(words, &[(0, (readers << READERS) as i32), (1, 0), (2, 0), (3, 0), (6, 0)]);
    let written = words[0] & WRITE_PHASE != 0;
    let readers = words[0] as u32 >> READERS;
    match written {
        _ if writer == survivor.now => None,
        _ if writer == survivor.before => {
            let both = WRITE_PHASE | WRITE_LOCKED;
            Some(with(words, &[(0, both), (1, 0), (2, 1), (3, 1), (6, survivor.now as i32)]))
        }
        true => (words[0] != WRITE_PHASE).then(|| left(0)),
        false if kind == Kind::Read && holds => (readers != 0).then(|| left(readers - 1)),
        false => (words[0] & WRITE_LOCKED != 0).then(|| left(readers)),
    }
}

/// How many threads sleep until a semaphore is posted.
pub fn sleepers(semaphore: &Words) -> u32 {
    semaphore[1] as u32
}

/// Bytes that are read of a condition.
pub const CONDITION: usize = 48;

/// The words of a condition.
pub type Condition = [i32; CONDITION / 4];

/// In a condition's word `wrefs`: processes share it, it measures time by CLOCK_MONOTONIC; waiters are counted above.
const CONDITION_SHARED: i32 = 1;
const CONDITION_CLOCK: i32 = 2;
const WAITERS: u32 = 3;

/// How many threads wait for a condition; None for one that processes share, or whose layout is not known.
pub fn waiters(condition: &Condition) -> Option<u32> {
    let references = condition[REFERENCES.load(Relaxed) as usize];
    (is_known(Object::Condition) && references & CONDITION_SHARED == 0).then_some(references as u32 >> WAITERS)
}

/// A condition of the same clock that nobody waits for.
pub fn without_waiters(condition: &Condition) -> Condition {
    let mut new = [0; CONDITION / 4];
    let index = REFERENCES.load(Relaxed) as usize;
    new[index] = condition[index] & CONDITION_CLOCK;
    new
}

/// The index of `wrefs`, by two conditions that were just initialised to measure time by CLOCK_MONOTONIC, the second one also for
/// processes to share: nothing else in them is set.
pub fn find_references(own: &Condition, shared: &Condition) -> Option<usize> {
    let only = |condition: &Condition, value: i32| {
        let index = condition.iter().position(|&word| word != 0)?;
        let is_only = condition[index] == value && condition[index + 1..].iter().all(|&word| word == 0);
        is_only.then_some(index)
    };
    let index = only(own, CONDITION_CLOCK)?;
    (only(shared, CONDITION_CLOCK | CONDITION_SHARED) == Some(index)).then_some(index)
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

    const SURVIVOR: Survivor = Survivor { before: 100, now: 200 };

    #[test]
    fn a_lost_owner_frees_its_mutex() {
        let held = |owner, kind| [2, 1, owner, 1, kind, 0, 0, 0];
        let repaired = |words, holds| repaired(Kind::Mutex, &words, 7, holds, SURVIVOR);
        assert_eq!(repaired(held(7, 1), true), Some([0, 0, 0, 0, 1, 0, 0, 0]));
        assert_eq!(repaired(held(100, 0), true), None);
        assert_eq!(repaired(held(7, ROBUST | SHARED), true), None);
        assert_eq!(repaired(held(7, SHARED), true), None);
        // Between taking it and saying so.
        assert_eq!(repaired(held(0, 0), true), Some([0; 8]));
        assert_eq!(repaired(held(0, 0), false), None);
    }

    #[test]
    fn a_priority_mutex_keeps_its_ceiling() {
        let protected = [5 << 19 | 1, 0, 7, 1, PRIORITY_PROTECTED, 0, 0, 0];
        assert_eq!(repaired(Kind::Mutex, &protected, 7, true, SURVIVOR).map(|w| w[0]), Some(5 << 19));
        let inherited = [1 << 20 | i32::MIN, 0, 1 << 20, 1, PRIORITY_INHERITING, 0, 0, 0];
        assert_eq!(repaired(Kind::Mutex, &inherited, 1 << 20, true, SURVIVOR).map(|w| w[0]), Some(0));
    }

    #[test]
    fn ones_own_recursive_mutex_stays_held() {
        let own = [2, 3, 100, 2, 1, 0, 0, 0];
        assert_eq!(handed_over(Kind::Mutex, &own, SURVIVOR), Some([1, 3, 200, 1, 1, 0, 0, 0]));
        assert_eq!(handed_over(Kind::Mutex, &[1, 1, 7, 1, 1, 0, 0, 0], SURVIVOR), None);
    }

    #[test]
    fn a_lost_reader_goes_and_others_stay() {
        let lock = |word, writer| [word, 0, 0, 0, 0, 0, writer, 0];
        let repaired = |kind, words, holds| repaired(kind, &words, 7, holds, SURVIVOR).map(|w| (w[0], w[6]));
        assert_eq!(repaired(Kind::Read, lock(2 << 3, 0), true), Some((1 << 3, 0)));
        // A lost writer that waits for the reader that is left.
        assert_eq!(repaired(Kind::Write, lock(1 << 3 | WRITE_LOCKED, 0), false), Some((1 << 3, 0)));
        assert_eq!(repaired(Kind::Write, lock(WRITE_PHASE | WRITE_LOCKED, 7), true), Some((0, 0)));
        assert_eq!(repaired(Kind::Read, lock(1 << 3 | WRITE_PHASE | WRITE_LOCKED, 100), false), Some((3, 200)));
    }

    #[test]
    fn a_barrier_counts_down() {
        assert_eq!(missing(&[0, 0, 3, 0]), Some(3));
        assert_eq!(missing(&[5, 0, 3, 0]), Some(1));
        assert_eq!(missing(&[0, 0, 3, 1]), None);
    }
}
