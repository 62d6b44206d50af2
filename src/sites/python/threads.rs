//! Where the other threads stood at a fork.
use super::*;
use forkguard_core::fork::ThreadRecord;

/// More threads are not looked at: a list that was being changed at the fork could lead in a circle.
const THREADS: usize = 1024;
/// The same for reads that cannot fault: they cost tens of microseconds a thread.
const FROZEN: usize = 128;

/// True when this thread holds the GIL: then no other thread can run Python code.
pub(in crate::sites) fn can_stand() -> bool {
    interpreter().is_some_and(|python| python.api.state().is_some_and(|state| python.api.holds_gil(state)))
}

/// With the GIL held: the stacks of the other threads, into their records. A thread of Python's that has no state there any more has
/// nothing left to do but to end.
#[inline(never)]
pub(in crate::sites) fn stand(threads: &mut [ThreadRecord]) {
    if let Some(python) = interpreter()
        && let Some(reader) = python.reader()
        && python.trust() == Trust::Proved
    {
        threads.iter_mut().for_each(|thread| thread.ending = thread.label != 0 || thread.code != 0);
        if !each(python, reader, threads, THREADS, |state| python.api.next_state(state)) {
            threads.iter_mut().for_each(|thread| thread.ending = false);
        }
    }
}

/// In a child that was forked without the GIL: the lost threads' states are as they were, perhaps in the middle of a change.
#[inline(never)]
pub(in crate::sites) fn stand_frozen(threads: &mut [ThreadRecord]) {
    if let Some(python) = interpreter()
        && let Some(layout) = &python.layout
        && python.api.state().is_some()
        && matches!(python.trust(), Trust::Proved | Trust::Unproved)
    {
        let reader = Reader { memory: Memory::careful(), layout, types: &python.types };
        // PyThreadState begins with prev, next.
        each(python, reader, threads, FROZEN, |state| reader.memory.value(state + 8).unwrap_or(0));
    }
}

/// True when all states were looked at, and each is of a thread on record (one of nobody's may be of a thread that only starts).
fn each(
    python: &Interpreter,
    reader: Reader<'_>,
    threads: &mut [ThreadRecord],
    most: usize,
    next: impl Fn(usize) -> usize,
) -> bool {
    let own = python.api.state();
    let mut state = python.api.first_state();
    let mut known = true;
    for _ in 0..most {
        if state == 0 {
            return known;
        }
        let handle: Option<usize> = reader.memory.value(state + reader.layout.thread);
        match threads.iter_mut().find(|t| t.handle != 0 && Some(t.handle) == handle) {
            Some(record) => {
                record.ending = false;
                let mut frames = Frames::new();
                if Some(state) != own && reader.stack(&mut frames, state).is_some() {
                    record.stack_at_fork = store::keep(&frames, 0).unwrap_or(0);
                }
            }
            None => known = false,
        }
        state = next(state);
    }
    false
}
