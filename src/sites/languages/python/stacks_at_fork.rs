//! The stacks of the other threads at a fork.
use super::frames::{Reader, add_stack};
use super::interpreter::{Interpreter, Trust, interpreter};
use crate::sites::languages::memory::Memory;
use crate::sites::store::{self, Frames};
use forkguard_core::fork::ThreadRecord;
use forkguard_frames::Memory as _;

/// Threads that are looked at: a list that was being changed at the fork could lead in a circle.
const MOST_THREADS: usize = 1024;
/// The same for fault-proof reads: they cost tens of microseconds a thread.
const MOST_FROZEN: usize = 128;

/// With the GIL held: the stacks of the other threads, into their records. A thread of Python whose state is deleted already is about to
/// end.
#[inline(never)]
pub(crate) fn record_stacks(threads: &mut [ThreadRecord]) {
    if let Some(python) = interpreter()
        && let Some(reader) = python.reader()
        && python.trust() == Trust::Proved
    {
        threads.iter_mut().for_each(|thread| thread.ending = thread.label != 0 || thread.code != 0);
        if !for_each_thread(python, reader, threads, MOST_THREADS, |state| python.api.next_state(state)) {
            threads.iter_mut().for_each(|thread| thread.ending = false);
        }
    }
}

/// In a child that was forked without the GIL: the states of the lost threads are as they were, perhaps in the middle of a change.
#[inline(never)]
pub(crate) fn record_frozen_stacks(threads: &mut [ThreadRecord]) {
    if let Some(python) = interpreter()
        && let Some(layout) = &python.layout
        && python.api.state().is_some()
        && matches!(python.trust(), Trust::Proved | Trust::Unproved)
    {
        let reader = Reader { memory: Memory::careful(), layout, types: &python.types };
        // PyThreadState begins with prev, next.
        for_each_thread(python, reader, threads, MOST_FROZEN, |state| reader.memory.value(state + 8).unwrap_or(0));
    }
}

/// True when all states were looked at, and each is of a recorded thread (another one may be of a thread that only starts).
fn for_each_thread(
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
                if Some(state) != own && add_stack(&reader, &mut frames, state).is_some() {
                    record.stack_at_fork = store::insert(&frames, 0).unwrap_or(0);
                }
            }
            None => known = false,
        }
        state = next(state);
    }
    false
}
