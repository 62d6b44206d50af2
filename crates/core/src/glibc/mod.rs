//! The words of glibc's locks, conditions and streams on x86_64: who holds a lock, who waits, what makes it usable in a child, and what waits to
//! be written. Also those of CPython's own locks.
mod condition;
mod layout;
mod mutex;
mod python;
mod rwlock;
mod semaphore;
mod stream;
mod timer;

pub use condition::{CONDITION, Condition, clock_of, find_references, missing, set_references_index, waiters, without_waiters};
pub use layout::{LockKind, Object, Survivor, Words, is_known, set_known};
pub use mutex::{is_robust, is_robust_kind, mutex_kind, owner};
pub use semaphore::{is_empty, sleepers};
pub use stream::{
    INDEX_SHIFT, Output, STREAM_SHIFT, StreamWords, WRITER, WRITERS, descriptor as stream_descriptor, drop_output,
    forget_writers, last_writer, output, set_streams, standard, stream_words, streams,
};
pub use timer::{TimerEvent, notification, timer_number};

/// True when the words of a lock of this kind may be read.
pub fn is_known_lock(kind: LockKind) -> bool {
    match kind {
        LockKind::Mutex | LockKind::C11Mutex => is_known(Object::Mutex),
        LockKind::Read | LockKind::Write => is_known(Object::ReadWriteLock),
        LockKind::Semaphore => is_known(Object::Semaphore),
        LockKind::Spin => is_known(Object::SpinLock),
        LockKind::Libc | LockKind::Python | LockKind::PythonRecursive => true,
    }
}

/// How many bytes of a lock of this kind are read; 0 when its words say nothing.
pub fn size(kind: LockKind) -> usize {
    match kind {
        _ if !is_known_lock(kind) => 0,
        LockKind::Mutex | LockKind::C11Mutex => mutex::SIZE,
        LockKind::Read | LockKind::Write => rwlock::SIZE,
        LockKind::Semaphore => semaphore::SIZE,
        LockKind::Python => python::SIZE,
        LockKind::PythonRecursive => python::RECURSIVE_SIZE,
        LockKind::Spin | LockKind::Libc => 0,
    }
}

/// How many bytes of a lock of this kind [`repaired`] needs; 0: it cannot be repaired.
pub fn repair_size(kind: LockKind) -> usize {
    if kind == LockKind::Spin && is_known_lock(kind) { semaphore::SPIN_SIZE } else { size(kind) }
}

/// True for a lock that processes share: it is not broken in a child, since its holder still can release it.
pub fn is_shared(kind: LockKind, words: &Words) -> bool {
    match kind {
        LockKind::Mutex | LockKind::C11Mutex => mutex::is_shared(words),
        LockKind::Read | LockKind::Write => rwlock::is_shared(words),
        LockKind::Semaphore => semaphore::is_shared(words),
        LockKind::Spin | LockKind::Libc | LockKind::Python | LockKind::PythonRecursive => false,
    }
}

/// Kernel id of the thread that holds a mutex, or a read-write lock for writing; 0 unknown or nobody.
pub fn known_holder(kind: LockKind, words: &Words) -> u32 {
    match kind {
        LockKind::Mutex | LockKind::C11Mutex => owner(words),
        LockKind::Read | LockKind::Write => rwlock::writer(words),
        _ => 0,
    }
}

/// Whether `holder` may hold the lock in this process.
pub fn held_by(kind: LockKind, holder: u32, words: &Words) -> bool {
    !is_shared(kind, words)
        && match kind {
            LockKind::Mutex | LockKind::C11Mutex => mutex::may_be_held_by(holder, words),
            LockKind::Semaphore => is_empty(words),
            LockKind::Write => rwlock::writer(words) == holder,
            LockKind::Python | LockKind::PythonRecursive => python::is_locked(words),
            LockKind::Read | LockKind::Spin | LockKind::Libc => true,
        }
}

/// True for a read-write lock that another thread holds for writing: glibc lets only its writer release it.
pub fn is_written_by_other(kind: LockKind, thread: u32, words: &Words) -> bool {
    matches!(kind, LockKind::Read | LockKind::Write) && ![0, thread].contains(&rwlock::writer(words))
}

/// Whether a thread that asks for the lock now has to wait, if it is not the holder itself.
pub fn blocks(kind: LockKind, words: &Words) -> bool {
    match kind {
        LockKind::Mutex | LockKind::C11Mutex => mutex::blocks(words),
        LockKind::Read => rwlock::blocks_reader(words),
        LockKind::Write => rwlock::blocks_writer(words),
        LockKind::Semaphore => is_empty(words),
        LockKind::Spin => semaphore::spin_blocks(words),
        LockKind::Python | LockKind::PythonRecursive => python::is_locked(words),
        LockKind::Libc => true,
    }
}

/// How many threads hold the lock for reading.
pub fn readers(kind: LockKind, words: &Words) -> u32 {
    if kind == LockKind::Read { rwlock::readers(words) } else { 0 }
}

/// Whether any thread holds the lock.
pub fn is_taken(kind: LockKind, words: &Words) -> bool {
    blocks(if kind == LockKind::Read { LockKind::Write } else { kind }, words)
}

/// The words that make a lock usable in a child, given the lost thread `lost`; `holds`: it surely held the lock. None when that thread keeps
/// no other from it, or when that cannot be decided.
pub fn repaired(kind: LockKind, words: &Words, lost: u32, holds: bool, survivor: Survivor) -> Option<Words> {
    match kind {
        _ if is_shared(kind, words) => None,
        LockKind::Mutex | LockKind::C11Mutex => mutex::repaired(words, lost, holds),
        LockKind::Read | LockKind::Write => rwlock::repaired(kind == LockKind::Read, words, holds, survivor),
        LockKind::Semaphore => semaphore::repaired(words, holds),
        LockKind::Spin => semaphore::spin_repaired(words, holds),
        LockKind::Python | LockKind::PythonRecursive => python::repaired(words, holds),
        LockKind::Libc => None,
    }
}

/// The same for a lock that the surviving thread itself holds, and that names its holder.
pub fn with_new_owner(kind: LockKind, words: &Words, survivor: Survivor) -> Option<Words> {
    match kind {
        _ if is_shared(kind, words) => None,
        LockKind::Mutex | LockKind::C11Mutex => mutex::with_new_owner(words, survivor),
        LockKind::Write => rwlock::with_new_owner(words, survivor),
        _ => None,
    }
}
