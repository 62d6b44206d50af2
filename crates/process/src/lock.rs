//! Which lock a thread waits for: told by the function that waits, by what it asks of the kernel, and by the lock's own words (glibc 2.17 to 2.42,
//! x86_64).
use crate::memory::ProcessMemory;
use crate::wait::FutexWait;
use forkguard_frames::Memory;

/// What kind of thing is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Mutex,
    ReadWriteLock,
    Condition,
    Semaphore,
    /// The end of a thread.
    Join,
    Once,
    Barrier,
    /// A lock of the C library's own.
    Library,
    /// Python's global interpreter lock.
    Gil,
    /// A word that is none of these: of Go, Rust, OpenMP.
    Word,
}

impl Kind {
    /// Its name in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Mutex => "mutex",
            Kind::ReadWriteLock => "read-write lock",
            Kind::Condition => "condition variable",
            Kind::Semaphore => "semaphore",
            Kind::Join => "end of a thread",
            Kind::Once => "pthread_once",
            Kind::Barrier => "barrier",
            Kind::Library => "lock of the C library",
            Kind::Gil => "global interpreter lock of Python",
            Kind::Word => "futex",
        }
    }
}

impl Kind {
    /// True for what a signal's handler may post or wake; locks are not released there.
    pub(crate) fn may_be_given_by_handler(self) -> bool {
        matches!(self, Kind::Semaphore | Kind::Condition | Kind::Word)
    }
}

/// What a thread waits for.
#[derive(Debug, Clone)]
pub struct Lock {
    pub kind: Kind,
    /// Where it begins.
    pub address: usize,
    /// The thread that has it, by the lock's own words, as the process itself numbers threads.
    pub owner: Option<u32>,
    /// The variable that it lies in.
    pub name: Option<String>,
    /// The function of the C library that takes it.
    pub function: Option<String>,
}

/// Where a lock is looked for.
pub(crate) struct Evidence<'a> {
    pub(crate) futex: FutexWait,
    /// The functions of the C library in which the thread is, innermost first.
    pub(crate) functions: &'a [String],
    /// The word lies in the C library itself.
    pub(crate) in_library: bool,
    /// The word lies in the interpreter's static state.
    pub(crate) is_gil: bool,
    pub(crate) memory: &'a ProcessMemory,
}

/// Beginnings of functions' names, and what they wait for.
const FUNCTIONS: [(&str, Kind); 13] = [
    ("pthread_mutex_", Kind::Mutex),
    ("mtx_", Kind::Mutex),
    ("pthread_rwlock_", Kind::ReadWriteLock),
    ("pthread_cond_", Kind::Condition),
    ("cnd_", Kind::Condition),
    ("sem_", Kind::Semaphore),
    ("pthread_join", Kind::Join),
    ("pthread_timedjoin", Kind::Join),
    ("pthread_clockjoin", Kind::Join),
    ("thrd_join", Kind::Join),
    ("pthread_once", Kind::Once),
    ("call_once", Kind::Once),
    ("pthread_barrier_", Kind::Barrier),
];

impl Evidence<'_> {
    /// The lock, with its variable's name left open.
    pub(crate) fn lock(&self) -> Lock {
        let kind = self.kind();
        let (address, owner) = match kind {
            Kind::Mutex => (self.futex.address, self.mutex_owner()),
            Kind::Join => (self.futex.address, Some(self.futex.expected)),
            Kind::ReadWriteLock => self.rwlock(),
            _ => (self.futex.address, None),
        };
        let function = self.functions.last().filter(|_| kind == Kind::Library).cloned();
        Lock { kind, address, owner: owner.filter(|&owner| owner != 0), name: None, function }
    }

    fn kind(&self) -> Kind {
        /// FUTEX_LOCK_PI, FUTEX_WAIT_BITSET, FUTEX_LOCK_PI2; what a contended lock of glibc's holds.
        const LOCK_PI: u32 = 6;
        const WAIT_BITSET: u32 = 9;
        const LOCK_PI2: u32 = 13;
        const CONTENDED: u32 = 2;
        let FutexWait { operation, expected, private, .. } = self.futex;
        if self.is_gil {
            return Kind::Gil;
        }
        let plain = |name: &str| name.trim_start_matches('_').to_owned();
        let named = self
            .functions
            .iter()
            .find_map(|function| FUNCTIONS.iter().find(|(start, _)| plain(function).starts_with(start)).map(|&(_, kind)| kind));
        if let Some(kind) = named {
            return kind;
        }
        match operation {
            LOCK_PI | LOCK_PI2 => Kind::Mutex,
            0 if expected == CONTENDED && self.in_library => Kind::Library,
            0 if expected == CONTENDED && self.looks_like_mutex() => Kind::Mutex,
            0 if expected == CONTENDED && !self.functions.is_empty() => Kind::Library,
            // A semaphore's value, with those that wait for it in the upper half.
            WAIT_BITSET if expected == 0 && private && self.word(4).is_some_and(|waiters| (1..1 << 20).contains(&waiters)) => {
                Kind::Semaphore
            }
            WAIT_BITSET if expected > 1 && !private && self.word(0) == Some(expected) => Kind::Join,
            _ => Kind::Word,
        }
    }

    fn word(&self, offset: isize) -> Option<u32> {
        self.memory.value(self.futex.address.wrapping_add_signed(offset))
    }

    /// struct __pthread_mutex_s: lock, count, owner, users, kind.
    fn looks_like_mutex(&self) -> bool {
        let words = [4, 8, 12, 16].map(|offset| self.word(offset));
        matches!(words, [Some(_), Some(1..), Some(1..1_000_000), Some(0..0x200)])
    }

    fn mutex_owner(&self) -> Option<u32> {
        /// FUTEX_TID_MASK: what robust and priority-inheriting mutexes hold.
        const TID: u32 = 0x3fff_ffff;
        self.word(8).filter(|&owner| owner != 0).or_else(|| self.word(0).map(|word| word & TID).filter(|&word| word > 2))
    }

    /// struct __pthread_rwlock_arch_t: readers, writers, the words for the phase and for writers, …, the writer at 24, whether it is shared at 28.
    fn rwlock(&self) -> (usize, Option<u32>) {
        const WRITE_LOCKED: u32 = 2;
        let base = [-8, -12].into_iter().find(|&base| {
            let shared = self.word(base + 28);
            self.word(base).is_some_and(|readers| readers != 0) && matches!(shared, Some(0 | 1))
        });
        let Some(base) = base else { return (self.futex.address, None) };
        let written = self.word(base).is_some_and(|readers| readers & WRITE_LOCKED != 0);
        (self.futex.address.wrapping_add_signed(base), self.word(base + 24).filter(|_| written))
    }
}
