//! Mutexes (__pthread_mutex_s): lock, count, owner, users, kind.
use super::layout::{Survivor, Words, with};

/// Bytes that are read.
pub(super) const SIZE: usize = 20;

const LOCK: usize = 0;
const COUNT: usize = 1;
const OWNER: usize = 2;
const USERS: usize = 3;
const KIND: usize = 4;

const ROBUST: i32 = 0x10;
const PRIORITY_INHERITING: i32 = 0x20;
const PRIORITY_PROTECTED: i32 = 0x40;
const SHARED: i32 = 0x80;
/// All bits that a kind can have.
const KINDS: i32 = 0x3ff;
/// A thread id in the lock word of a robust or priority-inheriting mutex.
const TID: u32 = 0x3fff_ffff;
/// In the lock word of a priority-protected mutex.
const CEILING: i32 = 0xfff8_0000_u32 as i32;

/// The kind of a mutex.
pub fn mutex_kind(words: &Words) -> i32 {
    words[KIND]
}

/// Kernel id of the thread that a mutex names as its owner; 0 none.
pub fn owner(words: &Words) -> u32 {
    // A negative owner marks a robust mutex whose last owner died.
    if words[OWNER] > 0 { words[OWNER] as u32 } else { 0 }
}

/// True for a robust mutex.
pub fn is_robust(words: &Words) -> bool {
    is_robust_kind(words[KIND])
}

/// True for the kind of a robust mutex.
pub fn is_robust_kind(kind: i32) -> bool {
    kind & ROBUST != 0
}

/// False for words that are no mutex, and for a mutex with state outside its words (a robust one is a link of its holder's list).
pub(super) fn is_repairable(words: &Words) -> bool {
    words[KIND] & (ROBUST | !KINDS) == 0
}

pub(super) fn is_shared(words: &Words) -> bool {
    // glibc sets the shared bit in every robust mutex.
    words[KIND] & SHARED != 0 && !is_robust(words)
}

pub(super) fn may_be_held_by(holder: u32, words: &Words) -> bool {
    words[OWNER] as u32 == holder || words[LOCK] as u32 & TID == holder
}

pub(super) fn blocks(words: &Words) -> bool {
    words[LOCK] != 0
}

fn is_inheriting(words: &Words) -> bool {
    words[KIND] & PRIORITY_INHERITING != 0
}

/// The part of the lock word that a free mutex keeps.
fn ceiling(words: &Words) -> i32 {
    if words[KIND] & PRIORITY_PROTECTED != 0 { words[LOCK] & CEILING } else { 0 }
}

/// The words of the mutex, freed from a lost thread; None when that thread does not own it. `holds`: it surely held the mutex.
pub(super) fn repaired(words: &Words, lost: u32, holds: bool) -> Option<Words> {
    let owner = if is_inheriting(words) { words[LOCK] as u32 & TID } else { owner(words) };
    let taken = words[LOCK] != ceiling(words);
    // The lost thread may have written only one of the two words. (Memory that was a mutex would have to count a user.)
    let was_its = if owner == lost { holds || words[USERS] > 0 } else { owner == 0 && holds };
    (taken && was_its && is_repairable(words)).then(|| with(words, &[(LOCK, ceiling(words)), (COUNT, 0), (OWNER, 0), (USERS, 0)]))
}

/// The words of a mutex that the surviving thread itself holds.
pub(super) fn with_new_owner(words: &Words, survivor: Survivor) -> Option<Words> {
    let now = survivor.now as i32;
    let lock = if is_inheriting(words) { now } else { ceiling(words) | 1 };
    (owner(words) == survivor.before && is_repairable(words)).then(|| with(words, &[(LOCK, lock), (OWNER, now), (USERS, 1)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SURVIVOR: Survivor = Survivor { before: 100, now: 200 };

    #[test]
    fn a_lost_owner_frees_its_mutex() {
        let held = |owner, kind| [2, 1, owner, 1, kind, 0, 0, 0];
        assert_eq!(repaired(&held(7, 1), 7, true), Some([0, 0, 0, 0, 1, 0, 0, 0]));
        assert_eq!(repaired(&held(100, 0), 7, true), None);
        assert_eq!(repaired(&held(7, ROBUST | SHARED), 7, true), None);
        // Between taking the mutex and naming its owner.
        assert_eq!(repaired(&held(0, 0), 7, true), Some([0; 8]));
        assert_eq!(repaired(&held(0, 0), 7, false), None);
        assert!(is_shared(&held(7, SHARED)));
    }

    #[test]
    fn a_priority_mutex_keeps_its_ceiling() {
        let protected = [5 << 19 | 1, 0, 7, 1, PRIORITY_PROTECTED, 0, 0, 0];
        assert_eq!(repaired(&protected, 7, true).map(|w| w[0]), Some(5 << 19));
        let inherited = [1 << 20 | i32::MIN, 0, 1 << 20, 1, PRIORITY_INHERITING, 0, 0, 0];
        assert_eq!(repaired(&inherited, 1 << 20, true).map(|w| w[0]), Some(0));
    }

    #[test]
    fn ones_own_recursive_mutex_stays_held() {
        let own = [2, 3, 100, 2, 1, 0, 0, 0];
        assert_eq!(with_new_owner(&own, SURVIVOR), Some([1, 3, 200, 1, 1, 0, 0, 0]));
        assert_eq!(with_new_owner(&[1, 1, 7, 1, 1, 0, 0, 0], SURVIVOR), None);
    }
}
