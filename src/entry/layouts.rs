//! Which of the C library's objects are laid out as `forkguard_core::glibc` says: tried in the constructor, by what its own functions write
//! into objects of ours. A later C library may lay them out anew (conditions changed in glibc 2.41).
use forkguard_core::glibc::{self, Condition, LockKind, Object};
use forkguard_core::kernel;
use libc::{FILE, c_int};
use std::mem::MaybeUninit;

/// Tells whether an object is laid out as said.
type Trial = fn() -> bool;

/// All that are looked into: what they are, what they are called, and their trial.
pub(crate) const OBJECTS: [(Object, &str, Trial); 7] = [
    (Object::Mutex, "mutexes", mutex),
    (Object::ReadWriteLock, "read-write locks", read_write_lock),
    (Object::Semaphore, "semaphores", semaphore),
    (Object::SpinLock, "spin locks", spin_lock),
    (Object::Condition, "conditions", condition),
    (Object::Barrier, "barriers", barrier),
    (Object::Stream, "streams", stream),
];

/// In the constructor.
pub(crate) fn try_all() {
    OBJECTS.iter().filter(|(.., is_as_said)| is_as_said()).for_each(|&(object, ..)| glibc::set_known(object));
}

/// Names of those that are not looked into.
pub(crate) fn unknown() -> impl Iterator<Item = &'static str> {
    OBJECTS.iter().filter(|(object, ..)| !glibc::is_known(*object)).map(|&(_, name, _)| name)
}

/// An object of the C library's, or attributes of one: it begins as zeros, stays in its place, and is destroyed in the end.
struct Tried<T> {
    object: MaybeUninit<T>,
    destroy: unsafe extern "C" fn(*mut T) -> c_int,
    /// It was initialised.
    is_made: bool,
}

impl<T> Tried<T> {
    fn new(destroy: unsafe extern "C" fn(*mut T) -> c_int) -> Tried<T> {
        Tried { object: MaybeUninit::zeroed(), destroy, is_made: false }
    }

    /// True when `make` initialises it.
    fn is_made(&mut self, make: impl FnOnce(*mut T) -> c_int) -> bool {
        self.is_made = make(self.object.as_mut_ptr()) == 0;
        self.is_made
    }

    /// True when the call, which is given the object, succeeds.
    fn does(&mut self, call: unsafe extern "C" fn(*mut T) -> c_int) -> bool {
        // SAFETY: functions that use such an object, once it is initialised.
        self.is_made && unsafe { call(self.object.as_mut_ptr()) == 0 }
    }

    /// The first words; those beyond the object are zeros.
    fn words<const N: usize>(&self) -> [i32; N] {
        let mut words = [0; N];
        let size = size_of::<T>().min(size_of_val(&words));
        // SAFETY: the object began as zeros, so that all of its bytes are initialised.
        unsafe { std::ptr::copy_nonoverlapping(self.object.as_ptr().cast::<u8>(), words.as_mut_ptr().cast(), size) };
        words
    }
}

impl<T> Drop for Tried<T> {
    fn drop(&mut self) {
        self.does(self.destroy);
    }
}

fn mutex() -> bool {
    let (mut attributes, mut mutex) = (Tried::new(libc::pthread_mutexattr_destroy), Tried::new(libc::pthread_mutex_destroy));
    let (me, kind) = (kernel::thread_id() as i32, libc::PTHREAD_MUTEX_RECURSIVE);
    // SAFETY: they initialise what they are given.
    attributes.is_made(|attributes| unsafe {
        libc::pthread_mutexattr_init(attributes) | libc::pthread_mutexattr_settype(attributes, kind)
    }) && mutex.is_made(|mutex| unsafe { libc::pthread_mutex_init(mutex, attributes.object.as_ptr()) })
        && mutex.does(libc::pthread_mutex_lock)
        && mutex.words() == [1, 1, me, 1, kind]
        && mutex.does(libc::pthread_mutex_unlock)
        && mutex.words() == [0, 0, 0, 0, kind]
}

fn read_write_lock() -> bool {
    let mut lock = Tried::new(libc::pthread_rwlock_destroy);
    let mut shared = Tried::new(libc::pthread_rwlock_destroy);
    let mut attributes = Tried::new(libc::pthread_rwlockattr_destroy);
    let is = |lock: &Tried<_>, kind, readers, holder| {
        let words = lock.words();
        glibc::readers(kind, &words) == readers && glibc::known_holder(kind, &words) == holder && !glibc::is_shared(kind, &words)
    };
    // SAFETY: they initialise what they are given.
    lock.is_made(|lock| unsafe { libc::pthread_rwlock_init(lock, std::ptr::null()) })
        && lock.does(libc::pthread_rwlock_rdlock)
        && is(&lock, LockKind::Read, 1, 0)
        && lock.does(libc::pthread_rwlock_unlock)
        && lock.does(libc::pthread_rwlock_wrlock)
        && is(&lock, LockKind::Write, 0, kernel::thread_id())
        && glibc::blocks(LockKind::Read, &lock.words())
        && lock.does(libc::pthread_rwlock_unlock)
        && !glibc::is_taken(LockKind::Write, &lock.words())
        && attributes.is_made(|attributes| unsafe {
            libc::pthread_rwlockattr_init(attributes)
                | libc::pthread_rwlockattr_setpshared(attributes, libc::PTHREAD_PROCESS_SHARED)
        })
        && shared.is_made(|lock| unsafe { libc::pthread_rwlock_init(lock, attributes.object.as_ptr()) })
        && glibc::is_shared(LockKind::Read, &shared.words())
}

fn semaphore() -> bool {
    let (mut own, mut shared) = (Tried::new(libc::sem_destroy), Tried::new(libc::sem_destroy));
    // SAFETY: it initialises what it is given.
    let init = |semaphore, shared| unsafe { libc::sem_init(semaphore, shared, 3) };
    own.is_made(|semaphore| init(semaphore, 0))
        && own.words() == [3, 0, 0]
        && own.does(libc::sem_wait)
        && own.words() == [2, 0, 0]
        && shared.is_made(|semaphore| init(semaphore, 1))
        && glibc::is_shared(LockKind::Semaphore, &shared.words())
}

fn spin_lock() -> bool {
    let mut lock = Tried::new(libc::pthread_spin_destroy);
    let is_free = |lock: &Tried<_>| !glibc::blocks(LockKind::Spin, &lock.words());
    // SAFETY: it initialises what it is given.
    lock.is_made(|lock| unsafe { libc::pthread_spin_init(lock, libc::PTHREAD_PROCESS_PRIVATE) })
        && is_free(&lock)
        && lock.does(libc::pthread_spin_lock)
        && !is_free(&lock)
        && lock.does(libc::pthread_spin_unlock)
        && is_free(&lock)
}

fn condition() -> bool {
    let initialised = |sharing: c_int| -> Option<Condition> {
        let mut condition = Tried::new(libc::pthread_cond_destroy);
        let mut attributes = Tried::new(libc::pthread_condattr_destroy);
        // SAFETY: they initialise what they are given.
        let made = attributes.is_made(|attributes| unsafe {
            libc::pthread_condattr_init(attributes)
                | libc::pthread_condattr_setclock(attributes, libc::CLOCK_MONOTONIC)
                | libc::pthread_condattr_setpshared(attributes, sharing)
        }) && condition.is_made(|condition| unsafe { libc::pthread_cond_init(condition, attributes.object.as_ptr()) });
        made.then(|| condition.words())
    };
    let (own, shared) = (initialised(libc::PTHREAD_PROCESS_PRIVATE), initialised(libc::PTHREAD_PROCESS_SHARED));
    let references = own.zip(shared).and_then(|(own, shared)| glibc::find_references(&own, &shared));
    references.inspect(|&index| glibc::set_references_index(index)).is_some()
}

fn barrier() -> bool {
    let missing = |sharing: c_int| {
        let mut barrier = Tried::new(libc::pthread_barrier_destroy);
        let mut attributes = Tried::new(libc::pthread_barrierattr_destroy);
        // SAFETY: they initialise what they are given.
        let made = attributes.is_made(|attributes| unsafe {
            libc::pthread_barrierattr_init(attributes) | libc::pthread_barrierattr_setpshared(attributes, sharing)
        }) && barrier.is_made(|barrier| unsafe { libc::pthread_barrier_init(barrier, attributes.object.as_ptr(), 3) });
        made.then(|| glibc::missing(&barrier.words()))
    };
    missing(libc::PTHREAD_PROCESS_PRIVATE) == Some(Some(3)) && missing(libc::PTHREAD_PROCESS_SHARED) == Some(None)
}

unsafe extern "C" {
    static _IO_list_all: usize;
    static _IO_2_1_stdin_: FILE;
    static _IO_2_1_stdout_: FILE;
    static _IO_2_1_stderr_: FILE;
    fn __fpending(stream: *mut FILE) -> usize;
    fn fwide(stream: *mut FILE, mode: c_int) -> c_int;
}

/// A stream that only functions which read its words see. (They take no lock, and call nothing through the stream.)
fn stream() -> bool {
    /// It writes, and has a descriptor: `_IO_MAGIC`, `_IO_CURRENTLY_PUTTING`, `_IO_IS_FILEBUF`.
    const FLAGS: usize = 0xfbad_2800;
    const ROOM: usize = 64;
    let made = |mode: usize| {
        let mut words = [0usize; ROOM];
        (words[0], words[4], words[5], words[14], words[24]) = (FLAGS, 0x1000, 0x1005, 77, mode);
        words
    };
    let (mut bytes, mut wide) = (made(0), made(1));
    let [stream, other] = [&mut bytes, &mut wide].map(|words| words.as_mut_ptr().cast::<FILE>());
    // SAFETY: as large as a FILE, and laid out as one if the words are where they are said to be; else the answers differ.
    let as_said =
        unsafe { __fpending(stream) == 5 && libc::fileno(stream) == 77 && fwide(stream, 0) == 0 && fwide(other, 0) == 1 };
    // SAFETY: variables of the C library.
    unsafe { glibc::set_streams((&raw const _IO_list_all).addr(), standard_streams()) };
    let listed = || glibc::standard(standard_streams()[1]) == Some(1);
    as_said && listed()
}

fn standard_streams() -> [usize; 3] {
    [&raw const _IO_2_1_stdin_, &raw const _IO_2_1_stdout_, &raw const _IO_2_1_stderr_].map(|stream| stream.addr())
}
