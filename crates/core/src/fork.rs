//! One fork: what was true at its instant, taken in prepare (which runs last) without allocating and without asking the kernel
//! about anything one by one.
use crate::fixed::{Fixed, Text};
use crate::held::{Entry, HOLDS, Kind, WAITS};
use crate::thread::{self, Slot, State};
use crate::{held, raw, semaphore, timer, tls};
use core::cell::UnsafeCell;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};

/// Threads that a snapshot lists; further ones are counted.
pub const THREADS: usize = 512;
/// Held locks that a snapshot lists; further ones are counted.
pub const LOCKS: usize = 256;

/// Which door the fork came through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Door {
    /// None of ours: only the atfork handlers saw it. (The first, so that an empty snapshot is all zero and lies in .bss.)
    Internal,
    /// fork(3).
    Fork,
    /// daemon(3).
    Daemon,
    /// forkpty(3).
    Forkpty,
}

/// A thread at the fork.
#[derive(Clone, Copy)]
pub struct ThreadRecord {
    /// Its slot.
    pub slot: &'static Slot,
    /// Kernel id; 0 when it had not begun to run.
    pub tid: u32,
    /// Kernel id of the thread that started it; 0 unknown.
    pub creator: u32,
    /// The name that was set; empty: ask the kernel.
    pub name: Text<16>,
    /// Start routine; 0 unknown.
    pub start: usize,
    /// Return address of the call that started it; 0 unknown.
    pub site: usize,
    /// Its pthread_t; 0 unknown.
    pub handle: usize,
    /// What its language calls it, what code it runs there, where it stood at the fork: words of the library's store; 0 unknown.
    pub label: usize,
    /// See `label`.
    pub code: usize,
    /// See `label`.
    pub stood: usize,
    /// What it waits for; 0 nothing known.
    pub waits_for: usize,
    /// Detached.
    pub detached: bool,
    /// Locks that it holds.
    pub holds: u32,
}

/// A lock at the fork.
#[derive(Clone, Copy)]
pub struct LockRecord {
    /// Which.
    pub entry: Entry,
    /// Kernel id of its holder.
    pub holder: u32,
    /// The holder's name.
    pub holder_name: Text<16>,
    /// The forking thread itself holds it.
    pub own: bool,
    /// A semaphore that is used as a signal, or that its holder waits for itself.
    pub signal: bool,
    /// The kind word of a mutex (offset 16 of pthread_mutex_t), as it was read.
    pub mutex_kind: i32,
}

/// What was true at a fork.
pub struct Snapshot {
    taken: AtomicBool,
    inner: UnsafeCell<Inner>,
}

/// The content of a snapshot.
pub struct Inner {
    /// Number of the fork in this process, from 1.
    pub sequence: u64,
    /// The leader.
    pub leader: u32,
    /// The forking thread.
    pub thread: u32,
    /// Which door.
    pub door: Door,
    /// Return address of the call; 0 unknown.
    pub site: usize,
    /// Nanoseconds of the monotonic clock when the door was entered.
    pub entered: u64,
    /// Nanoseconds that taking the snapshot took.
    pub prepare_ns: u64,
    /// Nanoseconds that our child handler took.
    pub child_ns: u64,
    /// Prepare has run: the lists below are of this fork.
    pub prepared: bool,
    /// Threads, the forking one included.
    pub threads: Fixed<ThreadRecord, THREADS>,
    /// Held locks.
    pub locks: Fixed<LockRecord, LOCKS>,
    /// Blocked signals of the forking thread.
    pub blocked: u64,
    /// Threads as the kernel counts them.
    pub kernel_threads: u32,
    /// Interval timers that were armed (bit n: timer n).
    pub interval_timers: u8,
    /// Return addresses of the calls that armed them; 0 unknown.
    pub interval_sites: [usize; 3],
    /// Armed timers of timer_create.
    pub timers: Fixed<timer::Timer, 32>,
    /// Descriptors that the hooks know of.
    pub descriptors: u32,
    mutexes: [MutexWords; LOCKS],
    remote: [libc::iovec; LOCKS],
}

// SAFETY: `taken` gives the content to one thread at a time.
unsafe impl Sync for Snapshot {}

#[expect(clippy::declare_interior_mutable_const, reason = "the initial value of the pool's statics")]
const EMPTY: Snapshot = Snapshot {
    taken: AtomicBool::new(false),
    inner: UnsafeCell::new(Inner {
        sequence: 0,
        leader: 0,
        thread: 0,
        door: Door::Internal,
        site: 0,
        entered: 0,
        prepare_ns: 0,
        child_ns: 0,
        prepared: false,
        threads: Fixed::new(),
        locks: Fixed::new(),
        blocked: 0,
        kernel_threads: 0,
        interval_timers: 0,
        interval_sites: [0; 3],
        timers: Fixed::new(),
        descriptors: 0,
        mutexes: [[0; 5]; LOCKS],
        remote: [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; LOCKS],
    }),
};

/// Forks that can be under way at once in one process; a further one is reported by its counts only.
static POOL: [Snapshot; 4] = [EMPTY, EMPTY, EMPTY, EMPTY];
static SEQUENCE: AtomicU64 = AtomicU64::new(0);

/// Numbers the next fork of this process.
pub fn next_sequence() -> u64 {
    SEQUENCE.fetch_add(1, Relaxed) + 1
}

/// How many forks this process made.
pub fn made() -> u64 {
    SEQUENCE.load(Relaxed)
}

/// Begins a fork in this thread; None when too many are under way.
pub fn begin(door: Door, site: usize) -> Option<&'static Snapshot> {
    let snapshot = POOL.iter().find(|s| s.taken.compare_exchange(false, true, Acquire, Relaxed).is_ok())?;
    // SAFETY: just taken, so it is this thread's.
    let inner = unsafe { &mut *snapshot.inner.get() };
    inner.sequence = next_sequence();
    inner.leader = raw::process_id();
    inner.thread = raw::thread_id();
    inner.door = door;
    inner.site = site;
    inner.entered = raw::monotonic();
    inner.prepared = false;
    tls::set_fork(snapshot);
    Some(snapshot)
}

/// The fork that this thread is in.
pub fn current() -> Option<&'static Snapshot> {
    // SAFETY: null or a reference into POOL.
    unsafe { tls::fork().as_ref() }
}

/// Ends this thread's fork.
pub fn end(snapshot: &'static Snapshot) {
    tls::set_fork(ptr::null());
    snapshot.taken.store(false, Release);
}

impl LockRecord {
    fn is_mutex(&self) -> bool {
        matches!(self.entry.kind, Kind::Mutex | Kind::C11Mutex)
    }

    /// RECURSIVE 1, ERRORCHECK 2 among the kinds of a mutex; 0 for one that does not know its owner.
    pub fn owner_checking(&self) -> i32 {
        if self.is_mutex() && self.mutex_kind >= 0 && self.mutex_kind & 3 != 3 { self.mutex_kind & 3 } else { 0 }
    }

    /// True when the child cannot use it: a lost thread holds it, or the forking thread does and its owner word is of the leader.
    pub fn broken_in_child(&self) -> bool {
        !self.own || self.owner_checking() != 0 || self.entry.kind == Kind::Write
    }
}

impl Snapshot {
    /// The content: of the thread that began it, until it ends it.
    #[allow(clippy::mut_from_ref, reason = "`taken` makes this thread the only user")]
    pub fn inner(&self) -> &mut Inner {
        // SAFETY: only the thread that took it (or, in the child, its only thread) gets here.
        unsafe { &mut *self.inner.get() }
    }
}

/// The last of all prepare handlers: takes the snapshot.
pub fn prepare(inner: &mut Inner) {
    let start = raw::monotonic();
    inner.threads.clear();
    inner.locks.clear();
    inner.timers.clear();
    for slot in thread::slots().iter().filter(|s| matches!(s.state(), State::Live | State::Starting)) {
        note_thread(inner, slot);
    }
    verify(inner);
    inner.blocked = raw::blocked_signals();
    inner.interval_timers = (0..3).filter(|&which| raw::interval_timer_armed(which)).fold(0, |bits, which| bits | 1 << which);
    inner.interval_sites = [0, 1, 2].map(timer::interval_site);
    inner.kernel_threads = raw::kernel_threads();
    timer::armed().for_each(|t| inner.timers.push(t));
    inner.descriptors = crate::descriptor::count();
    inner.prepared = true;
    inner.prepare_ns = raw::monotonic() - start;
}

fn note_thread(inner: &mut Inner, slot: &'static Slot) {
    let tid = slot.tid.load(Relaxed);
    let own = tid == inner.thread;
    let mut holds = 0;
    let mut waits_for = slot.waits_for.load(Relaxed);
    for entry in slot.entries() {
        if entry.flags & WAITS != 0 {
            waits_for = entry.address;
        }
        if entry.flags & HOLDS != 0 {
            holds += 1;
            note_lock(inner, slot, entry, tid, own);
        }
    }
    inner.locks.miss(slot.overflow.load(Relaxed));
    inner.threads.push(ThreadRecord {
        slot,
        tid,
        creator: slot.creator.load(Relaxed),
        name: slot.name(),
        start: slot.start.load(Relaxed),
        site: slot.site.load(Relaxed),
        handle: slot.handle.load(Relaxed),
        label: slot.label.load(Relaxed),
        code: slot.code.load(Relaxed),
        stood: 0,
        waits_for,
        detached: slot.detached.load(Relaxed) != 0,
        holds,
    });
}

fn note_lock(inner: &mut Inner, slot: &Slot, entry: Entry, holder: u32, own: bool) {
    // The same lock taken again by its holder is one lock.
    if inner.locks.as_slice().iter().any(|l| l.holder == holder && l.entry.address == entry.address) {
        return;
    }
    let signal = entry.kind == Kind::Semaphore && (entry.flags & WAITS != 0 || semaphore::is_signal(entry.address));
    inner.locks.push(LockRecord { entry, holder, holder_name: slot.name(), own, signal, mutex_kind: -1 });
}

/// The first of all child handlers: freezes what the lost threads left.
pub fn child(inner: &mut Inner) {
    let start = raw::monotonic();
    child_unseen();
    inner.child_ns = raw::monotonic() - start;
}

/// The same in a child that no atfork handler saw.
pub fn child_unseen() {
    held::stop_tracking();
    thread::freeze_others();
    timer::forget_all();
    crate::descriptor::mark_forked();
    SEQUENCE.store(0, Relaxed);
    for other in POOL.iter().filter(|s| !ptr::eq(*s, tls::fork())) {
        other.taken.store(false, Relaxed);
    }
    // The fork is over; its snapshot stays until the child has settled.
    tls::set_fork(ptr::null());
}

/// Gives back the snapshot that a child kept.
pub fn release(snapshot: &'static Snapshot) {
    snapshot.taken.store(false, Release);
}

/// Words of a mutex, from glibc's struct __pthread_mutex_s on x86_64: lock, count, owner, nusers, kind.
type MutexWords = [i32; 5];

/// True when a mutex belongs to a thread: by its owner word, or (robust and priority-inheriting ones, whose owner word may say
/// that the last owner died) by the futex word itself.
fn belongs_to(words: &MutexWords, thread: u32) -> bool {
    const TID: u32 = 0x3fff_ffff;
    words[2] as u32 == thread || words[0] as u32 & TID == thread
}

/// Checks the mutexes among the noted locks against their own owner words, in one fault-proof read: what their holder does not
/// hold after all (memory that was given back, an unlock that no hook saw) is dropped. Where such reads are forbidden the record
/// stands as it is.
fn verify(inner: &mut Inner) {
    let Inner { locks, mutexes, remote, .. } = inner;
    let mut count = 0;
    for lock in locks.as_slice().iter().filter(|l| l.is_mutex()) {
        remote[count] = libc::iovec { iov_base: lock.entry.address as *mut _, iov_len: size_of::<MutexWords>() };
        count += 1;
    }
    if count == 0 {
        return;
    }
    let all = raw::read_scattered(&remote[..count], mutexes);
    let mut next = 0;
    locks.retain(|lock| {
        if !lock.is_mutex() {
            return true;
        }
        let words = if all { Some(mutexes[next]) } else { raw::read_value(lock.entry.address) };
        next += 1;
        match words {
            Some(words) => {
                lock.mutex_kind = words[4];
                belongs_to(&words, lock.holder)
            }
            None => !all && !raw::can_read_memory(),
        }
    });
}
