//! Python's own locks, which cross no symbol since 3.13: who holds one is known by the `with` block that the thread is inside of, and who waits for
//! one by the semaphore on the waiter's stack.
use super::frames::{Reader, file, name};
use super::interpreter::{Interpreter, Trust, interpreter, is_code};
use crate::sites::languages::memory::Memory;
use crate::sites::store::{self, Frames, Language, SiteId, text_of};
use forkguard_core::fork::{LockRecord, Snapshot, ThreadRecord};
use forkguard_core::glibc::LockKind;
use forkguard_core::registry::held::{Entry, HOLDS};
use forkguard_frames::Memory as _;
use forkguard_frames::python::{ByteLock, Frame, IMPORTING, LONGEST};

/// Threads that are looked at.
const MOST_THREADS: usize = 512;
/// Frames of a thread that are looked at, the innermost first.
const MOST_FRAMES: usize = 128;
/// Locks of a thread that are recorded.
const MOST_HELD: usize = 8;

/// The thread that forks has the GIL: the locks of the other threads' `with` blocks, into the snapshot.
#[inline(never)]
pub(crate) fn record_locks(snapshot: &mut Snapshot) {
    if let Some(python) = interpreter()
        && let Some(reader) = python.reader().filter(|reader| reader.layout.has_blocks() && python.trust() == Trust::Proved)
    {
        record(python, &reader, snapshot, |state| python.api.next_state(state));
    }
}

/// The same in a child that was forked without the GIL, before its interpreter frees the frames. True where a lock was recorded.
#[inline(never)]
pub(crate) fn record_frozen_locks(snapshot: &mut Snapshot) -> bool {
    let before = snapshot.locks.as_slice().len();
    if let Some(python) = interpreter()
        && let Some(layout) = python.layout.as_ref().filter(|layout| layout.has_blocks())
        && python.api.state().is_some()
        && matches!(python.trust(), Trust::Proved | Trust::Unproved)
    {
        let reader = Reader { memory: Memory::careful(), layout, types: &python.types };
        record(python, &reader, snapshot, |state| reader.memory.value(state + 8).unwrap_or(0));
    }
    snapshot.locks.as_slice().len() > before
}

fn record(python: &Interpreter, reader: &Reader<'_>, snapshot: &mut Snapshot, next: impl Fn(usize) -> usize) {
    each_lock_of_others(python, reader, next, |handle, entry| {
        let Some(thread) = snapshot.threads.as_slice().iter().position(|thread| thread.handle == handle && thread.tid != 0)
        else {
            return;
        };
        let ThreadRecord { tid, name, .. } = snapshot.threads.as_slice()[thread];
        let known = snapshot.locks.as_slice().iter().find(|known| known.entry.address == entry.address);
        match known.map(|known| known.holder == tid) {
            Some(true) => {}
            // Two threads cannot be inside: one of them has given it away in there, and which one is not known.
            Some(false) => snapshot.locks.retain(|known| known.entry.address != entry.address),
            None => {
                snapshot.add_lock(LockRecord {
                    entry,
                    holder: tid,
                    holder_name: name,
                    own: false,
                    signal: false,
                    mutex_kind: -1,
                });
                snapshot.threads.as_mut_slice()[thread].holds += 1;
            }
        }
    });
}

/// Needs the GIL: calls `each` with the pthread_t of the other threads that are inside of `with` blocks, and the locks of those.
pub(crate) fn locks_of_others(each: impl FnMut(usize, Entry)) {
    if let Some(python) = interpreter()
        && let Some(reader) = python.reader().filter(|reader| reader.layout.has_blocks())
    {
        each_lock_of_others(python, &reader, |state| python.api.next_state(state), each);
    }
}

fn each_lock_of_others(
    python: &Interpreter,
    reader: &Reader<'_>,
    next: impl Fn(usize) -> usize,
    mut each: impl FnMut(usize, Entry),
) {
    let own = python.api.state();
    let mut state = python.api.first_state();
    for _ in 0..MOST_THREADS {
        if state == 0 {
            return;
        }
        let handle = reader.memory.value::<usize>(state + reader.layout.thread).filter(|&handle| handle != 0);
        if let Some(handle) = handle.filter(|_| Some(state) != own) {
            each_lock(reader, state, handle, |entry| each(handle, entry));
        }
        state = next(state);
    }
}

/// Calls `each` with the locks of one thread.
fn each_lock(reader: &Reader<'_>, state: usize, handle: usize, mut each: impl FnMut(Entry)) {
    let mut held: [Option<(usize, ByteLock, Option<u32>)>; MOST_HELD] = [None; MOST_HELD];
    let mut places = held.iter_mut();
    each_held(reader, state, |depth, lock, line| {
        let is_its = lock.owner(reader.memory).is_none_or(|owner| owner == handle);
        if is_its
            && lock.is_locked(reader.memory) == Some(true)
            && let Some(place) = places.next()
        {
            *place = Some((depth, lock, line));
        }
    });
    for (depth, lock, line) in held.into_iter().flatten() {
        each(Entry {
            address: lock.address,
            site: site(reader, state, depth, line),
            kind: if lock.recursive { LockKind::PythonRecursive } else { LockKind::Python },
            flags: HOLDS,
            frame: 0,
        });
    }
}

/// Calls `each` with the locks of a thread's `with` blocks: how many frames are further in, the lock and the block's line.
fn each_held(reader: &Reader<'_>, state: usize, mut each: impl FnMut(usize, ByteLock, Option<u32>)) {
    let (mut depth, mut in_condition) = (0, false);
    reader.walk(state, |frame| {
        depth += 1;
        if is_condition_wait(reader, frame) {
            in_condition = true;
            return depth < MOST_FRAMES;
        }
        // Who waits for a condition has released its lock, which may be that of a block further out; but events and queues have conditions and
        // locks of their own.
        if std::mem::take(&mut in_condition) && !has_own_condition(reader, frame) {
            return false;
        }
        reader.with_locks(frame, |lock, line| each(depth - 1, lock, line));
        depth < MOST_FRAMES
    });
}

fn is_condition_wait(reader: &Reader<'_>, frame: Frame) -> bool {
    let mut bytes = [0; 32];
    let name = reader.short_name(frame.code, &mut bytes);
    name == Some("Condition.wait") || name == Some("Condition.wait_for")
}

fn has_own_condition(reader: &Reader<'_>, frame: Frame) -> bool {
    let mut bytes = [0; LONGEST];
    let file = reader.file_text(frame.code, &mut bytes);
    file.is_some_and(|file| file.ends_with("/threading.py") || file.ends_with("/queue.py"))
}

/// The site of a block: the frames from its own on, whose line is the block's.
fn site(reader: &Reader<'_>, state: usize, depth: usize, line: Option<u32>) -> SiteId {
    let mut frames = Frames::new();
    let mut index = 0;
    reader.walk(state, |frame| {
        let at = index;
        index += 1;
        if at < depth {
            return true;
        }
        let line = line.filter(|_| at == depth).or_else(|| reader.line(frame));
        let (Some(file), Some(function)) = (file(reader, frame.code), name(reader, frame.code)) else { return false };
        text_of(file).starts_with(IMPORTING) || frames.push(Language::Python, file, function, line.unwrap_or(0))
    });
    store::insert(&frames, 0).unwrap_or(0)
}

/// A lock for which a thread is about to wait.
#[derive(Clone, Copy)]
pub(crate) struct ParkedAt {
    /// Its address.
    pub(crate) address: usize,
    /// The pthread_t of its owner, if it names one.
    pub(crate) owner: Option<usize>,
}

impl ParkedAt {
    /// True while it is locked.
    pub(crate) fn is_locked(self) -> bool {
        Memory::careful().value::<u8>(self.address).is_some_and(|byte| byte & 1 != 0)
    }
}

/// The lock behind a wait of the interpreter's for a semaphore, which lies in the waiter's frame: in front of it are what the lock's side
/// says of the wait, which lies on the same stack, and the lock's address (struct wait_entry).
pub(crate) fn parked_at(semaphore: usize, caller: usize) -> Option<ParkedAt> {
    const WITHIN: usize = 4096;
    const LOCKED_AND_AWAITED: u8 = 3;
    if !is_code(caller) {
        return None;
    }
    let python = interpreter()?;
    let reader = Reader { memory: Memory::careful(), layout: python.layout.as_ref()?, types: &python.types };
    let [argument, address]: [usize; 2] = reader.memory.value(semaphore.checked_sub(16)?)?;
    let is_on_stack = argument.abs_diff(semaphore) < WITHIN;
    let is_awaited = is_on_stack && reader.memory.value::<u8>(address) == Some(LOCKED_AND_AWAITED);
    let lock = if is_awaited { reader.byte_lock_at(address)? } else { return None };
    Some(ParkedAt { address, owner: lock.owner(reader.memory) })
}

/// True when this thread is inside a `with` block of the lock at that address.
pub(crate) fn holds_lock(address: usize) -> bool {
    let held = || {
        let python = interpreter()?;
        let (state, reader) = (python.api.state()?, python.reader()?);
        let mut held = false;
        each_held(&reader, state, |_, lock, _| held |= lock.address == address);
        Some(held)
    };
    held().unwrap_or(false)
}
