//! Whether a process does nothing but wait, as /proc tells: nothing is stopped, and no memory is read.
use crate::maps::has_library;
use crate::status::{Status, tasks};
use crate::wait::{FutexWait, Wait};
use std::fs;

/// The waits of a process that may hang. Equal to an earlier one when none of these threads has run in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Still(Vec<Waiting>);

/// A thread in a wait without a limit of time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Waiting {
    thread: u32,
    wait: Wait,
    /// How often it had given up a processor by itself.
    switches: u64,
}

impl Still {
    /// True when the same threads are in the same waits, whether they have run in between or not: a tracer that stops them makes them run.
    pub fn same_waits(&self, other: &Still) -> bool {
        let waits = |still: &Still| still.0.iter().map(|waiting| (waiting.thread, waiting.wait)).collect::<Vec<_>>();
        waits(self) == waits(other)
    }
}

/// The waits by which a process may hang: for locks that are held, or of all its threads. None where there are none.
pub fn still(pid: u32) -> Option<Still> {
    let waits = |task: Status| (endless_wait(pid, task.id), task);
    let threads: Vec<(Option<Wait>, Status)> = tasks(pid).into_iter().map(waits).collect();
    let all = !threads.is_empty() && threads.iter().all(|(wait, _)| wait.is_some());
    let counts = |wait: &Wait| all || wait.futex().is_some_and(is_for_lock);
    let waiting: Vec<Waiting> = threads
        .into_iter()
        .filter_map(|(wait, task)| Some(Waiting { thread: task.id, wait: wait.filter(counts)?, switches: task.switches }))
        .collect();
    (!waiting.is_empty()).then_some(Still(waiting))
}

/// True for a process that is worth a look: it has forkguard's library, waits for a lock that is held, or does nothing but wait for itself.
pub fn may_be_stuck(pid: u32) -> bool {
    still(pid).is_some() || has_library(pid)
}

fn endless_wait(pid: u32, tid: u32) -> Option<Wait> {
    let wait = Wait::parse(&fs::read_to_string(format!("/proc/{pid}/task/{tid}/syscall")).ok()?);
    wait.futex().is_some_and(|futex| !futex.timed).then_some(wait)
}

/// True for what a contended lock of glibc's asks of the kernel.
fn is_for_lock(futex: FutexWait) -> bool {
    const CONTENDED: u32 = 2;
    futex.operation == 0 && futex.expected == CONTENDED
}

#[cfg(test)]
mod tests {
    use super::is_for_lock;
    use crate::wait::Wait;

    #[test]
    fn locks_are_told_from_other_waits() {
        let is_lock = |text: &str| Wait::parse(text).futex().is_some_and(is_for_lock);
        assert!(is_lock("202 0x55e0 0x80 0x2 0x0 0x0 0x55e0 0x7ffc10 0x7f01"));
        assert!(!is_lock("202 0x55e0 0x189 0x0 0x0 0x0 0xffffffff 0x7ffc10 0x7f01"), "a semaphore");
        assert!(!is_lock("232 0x4 0x7ffc 0x10 0xffffffff 0x0 0x8 0x7ffc10 0x7f01"), "epoll_wait");
    }
}
