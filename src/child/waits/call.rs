//! Calls that may wait, and what was reported of them.
use crate::ledger::Reported;
use forkguard_core::fork::{LockRecord, Snapshot};
use forkguard_core::glibc::LockKind;
use std::ffi::CStr;

/// A call by what it may wait for; the address is its first argument.
#[derive(Clone, Copy)]
pub(crate) enum BlockingCall {
    /// A lock, for as long as it takes.
    Lock(LockKind),
    /// A lock, up to a time.
    Timed(LockKind),
    /// The lock of the C library that the function of this name takes.
    Libc(&'static CStr),
    /// A condition, for as long as it takes.
    Condition,
    /// A condition, up to a time.
    TimedCondition,
    /// The waiters of a condition that is destroyed.
    ConditionEnd,
    /// A barrier.
    Barrier,
    /// A thread's end.
    Join,
    /// A word, through futex(2), for as long as it takes and while it has this value; `private` to its process, as the caller says.
    Futex { value: u32, private: bool },
}

/// What was reported before a wait, to be taken back if the wait returns.
#[derive(Clone, Copy)]
pub(crate) enum WaitReport {
    /// The wait was not checked.
    Unchecked,
    /// Nothing.
    Nothing,
    /// A finding, and the hazard behind it.
    Finding(&'static Reported, Option<&'static Reported>),
    /// A finding of a wait that begins anew whenever its time is up: taken back only if the wait succeeds.
    Periodic(&'static Reported),
    /// Nothing yet: a time ends this wait, of that caller, for what lost threads may have had to do with that semaphore.
    Answer(usize, usize),
    /// Nothing yet: a time ends this wait for an orphaned lock.
    Timed(&'static Snapshot, &'static LockRecord),
}

/// The result of a call that may wait.
pub(crate) trait WaitResult {
    /// True unless it says that the call failed.
    fn is_success(&self) -> bool {
        true
    }
}

impl WaitResult for i32 {
    fn is_success(&self) -> bool {
        *self == 0
    }
}
impl WaitResult for i64 {}
impl WaitResult for usize {}
impl WaitResult for () {}
impl<T> WaitResult for *mut T {}
