//! What a leader knows of a child that lost threads.
use super::outside::Wait;
use forkguard_core::fixed::{Fixed, Text};
use forkguard_core::fork::{LockRecord, ThreadRecord};

/// Lost threads that a finding names.
pub(super) const NAMED: usize = 4;

/// A child that lost threads.
pub(super) struct Child {
    pub(super) pid: u32,
    /// The fork that made it.
    pub(super) sequence: u64,
    /// That fork was reported in full: its findings have states.
    pub(super) full: bool,
    /// Nanoseconds since boot at its fork.
    pub(super) forked_at: u64,
    pub(super) lost: Fixed<ThreadRecord, NAMED>,
    /// The locks of the C library that they held.
    pub(super) libc_locks: Fixed<LockRecord, NAMED>,
    /// All threads that it lost.
    pub(super) lost_count: u32,
    /// Those of them that no hook saw start.
    pub(super) unrecorded: u32,
    /// The wait in which the last inspection found it.
    pub(super) wait: Option<Wait>,
    pub(super) reported: Reported,
    /// What was reported of that wait.
    pub(super) hit: Option<ReportedHit>,
}

/// What was reported of a child's wait, to be taken back if the child goes on: ids of findings.
pub(super) struct ReportedHit {
    pub(super) finding: Text<160>,
    /// The one behind it; empty: none.
    pub(super) hazard: Text<160>,
}

/// Whether it was reported that the child waits in vain.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reported {
    No,
    Yes,
    /// It was, but the last inspection found the child elsewhere.
    InDoubt,
}

impl Child {
    pub(super) const fn new() -> Child {
        Child {
            pid: 0,
            sequence: 0,
            full: false,
            forked_at: 0,
            lost: Fixed::new(),
            libc_locks: Fixed::new(),
            lost_count: 0,
            unrecorded: 0,
            wait: None,
            reported: Reported::No,
            hit: None,
        }
    }
}
