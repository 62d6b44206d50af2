//! Conditions (__pthread_cond_s: …, wrefs) and barriers (struct pthread_barrier: in, current_round, count, shared).
use super::layout::{Object, is_known, set_known};
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// Bytes that are read of a condition.
pub const CONDITION: usize = 48;

/// The words of a condition.
pub type Condition = [i32; CONDITION / 4];

/// Index of the word `wrefs`.
#[unsafe(link_section = "forkguard_words")]
static REFERENCES: AtomicU8 = AtomicU8::new(0);

/// In `wrefs`: processes share the condition, it measures time by CLOCK_MONOTONIC; waiters are counted above.
const SHARED: i32 = 1;
const MONOTONIC: i32 = 2;
const WAITERS: u32 = 3;

/// In the constructor: conditions are known, and `wrefs` is at this index (9 until glibc 2.40, 7 later).
pub fn set_references_index(index: usize) {
    REFERENCES.store(index as u8, Relaxed);
    set_known(Object::Condition);
}

/// How many threads wait for a condition; None for one that processes share, or whose layout is not known.
pub fn waiters(condition: &Condition) -> Option<u32> {
    let references = condition[REFERENCES.load(Relaxed) as usize];
    (is_known(Object::Condition) && references & SHARED == 0).then_some(references as u32 >> WAITERS)
}

/// The clock of the times up to which a condition is waited for: that of the day where its layout is not known.
pub fn clock_of(condition: &Condition) -> libc::clockid_t {
    let references = condition[REFERENCES.load(Relaxed) as usize];
    if is_known(Object::Condition) && references & MONOTONIC != 0 { libc::CLOCK_MONOTONIC } else { libc::CLOCK_REALTIME }
}

/// A condition of the same clock without waiters.
pub fn without_waiters(condition: &Condition) -> Condition {
    let mut new = [0; CONDITION / 4];
    let index = REFERENCES.load(Relaxed) as usize;
    new[index] = condition[index] & MONOTONIC;
    new
}

/// The index of `wrefs`, by two conditions that were just initialised to measure time by CLOCK_MONOTONIC, the second also for processes to
/// share: no other word of them is set.
pub fn find_references(own: &Condition, shared: &Condition) -> Option<usize> {
    let only = |condition: &Condition, value: i32| {
        let index = condition.iter().position(|&word| word != 0)?;
        let is_only = condition[index] == value && condition[index + 1..].iter().all(|&word| word == 0);
        is_only.then_some(index)
    };
    let index = only(own, MONOTONIC)?;
    (only(shared, MONOTONIC | SHARED) == Some(index)).then_some(index)
}

/// How many threads a barrier still waits for, the calling one included; None for one that processes share.
pub fn missing(barrier: &[i32; 4]) -> Option<u32> {
    let [arrived, _, count, shared] = barrier.map(|word| word as u32);
    (shared == 0 && count != 0).then(|| count - arrived % count)
}

#[cfg(test)]
mod tests {
    use super::missing;

    #[test]
    fn a_barrier_counts_down() {
        assert_eq!(missing(&[0, 0, 3, 0]), Some(3));
        assert_eq!(missing(&[5, 0, 3, 0]), Some(1));
        assert_eq!(missing(&[0, 0, 3, 1]), None);
    }
}
