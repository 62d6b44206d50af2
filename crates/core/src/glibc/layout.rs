//! Which of glibc's objects are laid out as this module says on x86_64. The constructor tries each kind and records it as known; only known
//! objects are read.
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// Kinds of locks that threads hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum LockKind {
    /// pthread_mutex_t; its own kind is read from its words later.
    Mutex = 1,
    /// C11 mtx_t.
    C11Mutex,
    /// A read-write lock, for reading.
    Read,
    /// A read-write lock, for writing.
    Write,
    /// pthread_spin_lock.
    Spin,
    /// A semaphore.
    Semaphore,
    /// The inside of a function of the C library that has a lock of its own.
    Libc,
    /// A lock object of CPython's since 3.13 (PyMutex).
    Python,
    /// The same that one thread may take again, of 3.14 (_PyRecursiveMutex).
    PythonRecursive,
}

impl LockKind {
    /// True for a lock object of CPython's, whose taking and releasing crosses no symbol.
    pub fn is_pythons(self) -> bool {
        matches!(self, LockKind::Python | LockKind::PythonRecursive)
    }

    /// The kind whose number is the lowest byte.
    pub fn of(word: u32) -> Option<LockKind> {
        use LockKind::*;
        [Mutex, C11Mutex, Read, Write, Spin, Semaphore, Libc, Python, PythonRecursive]
            .into_iter()
            .find(|kind| *kind as u32 == word & 0xff)
    }
}

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
    /// FILE.
    Stream = 64,
}

#[unsafe(link_section = "forkguard_words")]
static KNOWN: AtomicU8 = AtomicU8::new(0);

/// In the constructor: this C library lays such objects out as this module says.
pub fn set_known(object: Object) {
    KNOWN.fetch_or(object as u8, Relaxed);
}

/// True when the words of such an object may be read.
pub fn is_known(object: Object) -> bool {
    KNOWN.load(Relaxed) & object as u8 != 0
}

/// The words of a lock: enough for every kind.
pub type Words = [i32; 8];

/// The words with some of them changed.
pub(super) fn with(words: &Words, changes: &[(usize, i32)]) -> Words {
    let mut changed = *words;
    changes.iter().for_each(|&(index, value)| changed[index] = value);
    changed
}

/// The surviving thread of a forked child.
#[derive(Clone, Copy)]
pub struct Survivor {
    /// Its kernel id in the leader.
    pub before: u32,
    /// Its kernel id in the child.
    pub now: u32,
}
