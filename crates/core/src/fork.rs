//! One fork: what was true at its instant, taken in prepare (which runs last) without allocating and without asking the kernel
//! about anything one by one.
pub mod shared_page;

use crate::fixed::{Fixed, Text};
use crate::held::{Entry, HOLDS, Kind, MADE, WAITS};
use crate::thread::{self, Seen, Slot, State};
use crate::words::{self, Words};
use crate::{generation, held, raw, semaphore, timer, tls};
use core::cell::UnsafeCell;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering::*, fence};

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
    /// Its language has let go of it: it was about to end.
    pub ending: bool,
    /// Detached.
    pub detached: bool,
    /// The program said that children do without it.
    pub fork_safe: bool,
    /// The program said that children may start it again by its start routine and argument.
    pub restartable: bool,
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

/// What was true at a fork. From the beginning of a page on: what most forks write of it fits on that one.
#[repr(align(4096))]
pub struct Snapshot {
    inner: UnsafeCell<Inner>,
}

/// The content of a snapshot. In this order, so that what every fork writes lies on as few pages as may be: each page written after
/// a fork is a page that the kernel copies.
#[repr(C)]
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
    /// Prepare has run: the lists below are of this fork.
    pub prepared: bool,
    /// What was found has a life: it is reported, here or by the earlier fork that this one is like.
    pub full: bool,
    /// What its child inherits, as a number: see [`crate::likeness`].
    pub likeness: u64,
    /// Number of an earlier fork of this process that it is like; 0 none.
    pub like: u64,
    /// Blocked signals of the forking thread.
    pub blocked: u64,
    /// Threads as the kernel counts them.
    pub kernel_threads: u32,
    /// Threads that were being created.
    pub starting: u32,
    /// Interval timers that were armed (bit n: timer n).
    pub interval_timers: u8,
    /// Return addresses of the calls that armed them; 0 unknown.
    pub interval_sites: [usize; 3],
    /// Descriptors that the hooks know of.
    pub descriptors: u32,
    /// Return address of the first use of the C library's generator; 0 none.
    pub random: usize,
    /// The fork that this thread was in already: a handler of another library forked.
    outer: *const Snapshot,
    /// The newest child before a fork that no wrapper sees the result of.
    newest_child: Option<u32>,
    /// Threads, the forking one included.
    pub threads: Fixed<ThreadRecord, THREADS>,
    /// Held locks.
    pub locks: Fixed<LockRecord, LOCKS>,
    /// Armed timers of timer_create.
    pub timers: Fixed<timer::Timer, 32>,
    /// In the child: which of them were made usable there.
    repaired: [AtomicBool; LOCKS],
    words: [Words; LOCKS],
    from: [libc::iovec; LOCKS],
    into: [libc::iovec; LOCKS],
}

// SAFETY: `taken` gives the content to one thread at a time.
unsafe impl Sync for Snapshot {}

#[expect(clippy::declare_interior_mutable_const, reason = "the initial value of the pool's statics")]
const EMPTY: Snapshot = Snapshot {
    inner: UnsafeCell::new(Inner {
        sequence: 0,
        leader: 0,
        thread: 0,
        door: Door::Internal,
        site: 0,
        entered: 0,
        prepare_ns: 0,
        prepared: false,
        full: false,
        likeness: 0,
        like: 0,
        threads: Fixed::new(),
        locks: Fixed::new(),
        repaired: [const { AtomicBool::new(false) }; LOCKS],
        blocked: 0,
        kernel_threads: 0,
        interval_timers: 0,
        interval_sites: [0; 3],
        timers: Fixed::new(),
        descriptors: 0,
        words: [[0; 8]; LOCKS],
        from: [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; LOCKS],
        into: [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; LOCKS],
        outer: ptr::null(),
        newest_child: None,
        random: 0,
        starting: 0,
    }),
};

/// Forks that can be under way at once in one process; a further one is reported by its counts only.
const AT_ONCE: usize = 16;
static POOL: [Snapshot; AT_ONCE] = [EMPTY; AT_ONCE];
/// The threads that use them; 0 nobody. Apart from the snapshots, so that asking touches one page.
#[unsafe(link_section = "forkguard_words")]
static TAKEN: [AtomicU32; AT_ONCE] = [const { AtomicU32::new(0) }; AT_ONCE];
#[unsafe(link_section = "forkguard_words")]
static FORKS: AtomicU64 = AtomicU64::new(0);
/// The process that these registries are of: another one is a child that no atfork handler saw.
#[unsafe(link_section = "forkguard_words")]
static OWNER: AtomicU32 = AtomicU32::new(0);
#[unsafe(link_section = "forkguard_words")]
static SEQUENCE: AtomicU64 = AtomicU64::new(0);

/// How many forks of this process were numbered.
pub fn begun() -> u64 {
    SEQUENCE.load(Relaxed)
}

/// Numbers the next fork of this process.
pub fn next_sequence() -> u64 {
    SEQUENCE.fetch_add(1, Relaxed) + 1
}

/// From now on forks have numbers above this one.
pub fn number_from(least: u64) {
    SEQUENCE.fetch_max(least, Relaxed);
}

/// How many forks this process made.
pub fn made() -> u64 {
    FORKS.load(Relaxed)
}

/// In the constructor, and in a forked child: the registries are this process's.
pub fn own() {
    OWNER.store(raw::process_id(), Relaxed);
}

/// False in a child that no atfork handler saw.
pub fn owned() -> bool {
    OWNER.load(Relaxed) == raw::process_id()
}

/// Begins a fork in this thread; None when too many are under way.
pub fn begin(door: Door, site: usize) -> Option<&'static Snapshot> {
    FORKS.fetch_add(1, Relaxed);
    let Some(index) = free_snapshot().or_else(abandoned_snapshot) else {
        tls::set_fork(NONE_TO_HAVE as *const Snapshot);
        return None;
    };
    let snapshot = &POOL[index];
    let inner = snapshot.inner();
    inner.sequence = next_sequence();
    inner.leader = raw::process_id();
    inner.thread = raw::thread_id();
    inner.door = door;
    inner.site = site;
    inner.entered = raw::monotonic();
    inner.prepared = false;
    inner.full = false;
    inner.like = 0;
    inner.outer = current().map_or(ptr::null(), ptr::from_ref);
    inner.newest_child = if matches!(door, Door::Daemon | Door::Internal) { raw::newest_child() } else { None };
    tls::set_fork(snapshot);
    Some(snapshot)
}

/// The outcome of a fork whose result no wrapper sees.
pub enum Outcome {
    /// It made this child (None: the kernel does not tell which).
    Made(Option<u32>),
    /// The thread has no new child.
    Failed,
}

/// What became of a fork, by the thread's newest child.
pub fn outcome(inner: &Inner) -> Outcome {
    match raw::newest_child() {
        None if !raw::tells_children() => Outcome::Made(None),
        newest if newest == inner.newest_child => Outcome::Failed,
        newest => Outcome::Made(newest),
    }
}

/// In a thread's word for its fork: it is in one for which there was no snapshot.
const NONE_TO_HAVE: usize = 1;

/// The fork that this thread is in.
pub fn current() -> Option<&'static Snapshot> {
    let snapshot = tls::fork();
    // SAFETY: beyond the mark it is a reference into POOL.
    (snapshot as usize > NONE_TO_HAVE).then(|| unsafe { &*snapshot })
}

/// True in a fork for which there was no snapshot.
pub fn goes_without() -> bool {
    tls::fork() as usize == NONE_TO_HAVE
}

/// Ends such a fork.
pub fn end_without() {
    tls::set_fork(ptr::null());
}

fn take(index: usize, from: u32) -> bool {
    TAKEN[index].compare_exchange(from, raw::thread_id(), AcqRel, Relaxed).is_ok()
}

fn free_snapshot() -> Option<usize> {
    (0..AT_ONCE).find(|&index| take(index, 0))
}

/// One of a thread that ended inside fork (cancelled in a prepare handler): nobody else will give it back.
fn abandoned_snapshot() -> Option<usize> {
    (0..AT_ONCE).find(|&index| {
        let user = TAKEN[index].load(Acquire);
        let is_ancestor = ancestors().any(|ancestor| ptr::eq(ancestor, &POOL[index]));
        user != 0 && !is_ancestor && !raw::thread_exists(user) && take(index, user)
    })
}

/// Ends this thread's fork.
pub fn end(snapshot: &'static Snapshot) {
    tls::set_fork(snapshot.inner().outer);
    release(snapshot);
}

impl LockRecord {
    fn is_mutex(&self) -> bool {
        matches!(self.entry.kind, Kind::Mutex | Kind::C11Mutex)
    }

    /// RECURSIVE 1, ERRORCHECK 2 among the kinds of a mutex; 0 for one that does not know its owner.
    pub fn owner_checking(&self) -> i32 {
        if self.is_mutex() && self.mutex_kind >= 0 && self.mutex_kind & 3 != 3 { self.mutex_kind & 3 } else { 0 }
    }

    /// PTHREAD_PRIO_INHERIT: its lock word is its owner's number.
    fn inherits_priority(&self) -> bool {
        const INHERITING: i32 = 0x20;
        self.is_mutex() && self.mutex_kind >= 0 && self.mutex_kind & INHERITING != 0
    }

    /// True when the child cannot use it: a lost thread holds it, or the forking thread does and its owner word is of the leader.
    pub fn broken_in_child(&self) -> bool {
        !self.own || self.owner_checking() != 0 || self.entry.kind == Kind::Write || self.inherits_priority()
    }
}

impl Snapshot {
    /// The content, for as long as nobody changes it: a child's, of the fork that made it.
    pub fn facts(&self) -> &Inner {
        // SAFETY: it is changed by the thread that forks only, which is not in the middle of that.
        unsafe { &*self.inner.get() }
    }

    /// The content: of the thread that began it, until it ends it.
    #[allow(clippy::mut_from_ref, reason = "`taken` makes this thread the only user")]
    pub fn inner(&self) -> &mut Inner {
        // SAFETY: only the thread that took it (or, in the child, the one that settles it) gets here.
        unsafe { &mut *self.inner.get() }
    }
}

/// The last of all prepare handlers: takes the snapshot.
pub fn prepare(inner: &mut Inner) {
    let start = raw::monotonic();
    inner.threads.clear();
    inner.locks.clear();
    inner.timers.clear();
    inner.kernel_threads = raw::kernel_threads();
    thread::reap(inner.kernel_threads);
    inner.starting = 0;
    thread::slots().iter().for_each(|slot| note_thread(inner, slot));
    drop_unmade(inner);
    verify(inner);
    inner.repaired.iter().take(inner.locks.as_slice().len()).for_each(|repaired| repaired.store(false, Relaxed));
    inner.blocked = raw::blocked_signals();
    inner.interval_timers = (0..3).filter(|&which| raw::interval_timer_armed(which)).fold(0, |bits, which| bits | 1 << which);
    inner.interval_sites = [0, 1, 2].map(timer::interval_site);
    inner.random = crate::rng::used();
    timer::armed().for_each(|t| inner.timers.push(t));
    inner.descriptors = crate::descriptor::count();
    inner.prepared = true;
    inner.prepare_ns = raw::monotonic() - start;
}

/// Notes the thread of a slot, and its locks; nothing when the slot was given back while it was read.
fn note_thread(inner: &mut Inner, slot: &'static Slot) {
    let in_use = |seen: Seen| matches!(seen.state(generation::current()), State::Live | State::Starting);
    let seen = slot.seen();
    if !in_use(seen) {
        return;
    }
    let before = (inner.threads.as_slice().len(), inner.locks.as_slice().len());
    note_owner(inner, slot);
    fence(Acquire);
    let now = slot.seen();
    if !now.is_of_owner(seen) || !in_use(now) {
        inner.threads.truncate(before.0);
        inner.locks.truncate(before.1);
    } else if now.state(generation::current()) == State::Starting {
        inner.starting += 1;
    }
}

/// Of those that are being created and do not run yet the kernel has some already: as many as it counts.
fn drop_unmade(inner: &mut Inner) {
    let mut surplus = (inner.threads.as_slice().len() as u32).saturating_sub(inner.kernel_threads);
    if surplus == 0 {
        return;
    }
    inner.threads.retain(|thread| {
        let dropped = surplus > 0 && thread.tid == 0;
        surplus -= u32::from(dropped);
        !dropped
    });
}

fn note_owner(inner: &mut Inner, slot: &'static Slot) {
    let tid = slot.tid.load(Relaxed);
    let own = tid == inner.thread;
    let mut holds = 0;
    let mut waits_for = slot.waits_for.load(Relaxed);
    let mut stood = if waits_for == 0 { 0 } else { slot.waits_at.load(Relaxed) };
    for entry in slot.entries() {
        if entry.flags & WAITS != 0 {
            (waits_for, stood) = (entry.address, entry.site);
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
        stood,
        waits_for,
        ending: false,
        detached: slot.detached.load(Relaxed) != 0,
        fork_safe: slot.fork_safe.load(Relaxed) != 0,
        restartable: slot.restartable.load(Relaxed) != 0,
        holds,
    });
}

fn note_lock(inner: &mut Inner, slot: &Slot, entry: Entry, holder: u32, own: bool) {
    // The same lock taken again by its holder is one lock.
    if inner.locks.as_slice().iter().any(|l| l.holder == holder && l.entry.address == entry.address) {
        return;
    }
    let signal = entry.kind == Kind::Semaphore && (entry.flags & (WAITS | MADE) != 0 || semaphore::is_signal(entry.address));
    inner.locks.push(LockRecord { entry, holder, holder_name: slot.name(), own, signal, mutex_kind: -1 });
}

/// The first of all child handlers: freezes what the lost threads left.
pub fn child(snapshot: &'static Snapshot) {
    let start = raw::monotonic_of_kernel();
    remember_ancestor(snapshot);
    become_child();
    CHILD_NS.store(raw::monotonic_of_kernel() - start, Relaxed);
}

/// Forks that are remembered in a child: a daemon is made by two.
const ANCESTORS: usize = 4;
/// The fork that made this process, for as long as it lives, and those that made its leaders, the latest first; then null. (Not in the
/// snapshots: the child would write to a page more.)
#[unsafe(link_section = "forkguard_words")]
static ANCESTRY: [AtomicPtr<Snapshot>; ANCESTORS] = [const { AtomicPtr::new(ptr::null_mut()) }; ANCESTORS];
/// Nanoseconds that the child handler took.
#[unsafe(link_section = "forkguard_words")]
static CHILD_NS: AtomicU64 = AtomicU64::new(0);

/// The fork that made this process; None when no handler of ours saw one.
pub fn birth() -> Option<&'static Snapshot> {
    ancestors().next()
}

/// The forks that made this process and its leaders, the latest first.
pub fn ancestors() -> impl Iterator<Item = &'static Snapshot> {
    // SAFETY: null or a reference that `remember_ancestor` stored.
    ANCESTRY.iter().map_while(|snapshot| unsafe { snapshot.load(Relaxed).as_ref() })
}

/// The threads that this process and its leaders lost, each with the fork that lost it.
pub fn lost_threads() -> impl Iterator<Item = (&'static Inner, &'static ThreadRecord)> {
    let lost = |fork: &'static Inner| fork.threads.as_slice().iter().filter(|thread| thread.tid != fork.thread);
    ancestors().map(|snapshot| snapshot.facts()).flat_map(move |fork| lost(fork).map(move |thread| (fork, thread)))
}

/// In a child: nanoseconds that the child handler of its fork took.
pub fn child_ns() -> u64 {
    CHILD_NS.load(Relaxed)
}

/// Puts this process's own fork first, and forgets of the others those that lost nothing, and those too long ago.
fn remember_ancestor(own: &'static Snapshot) {
    let mut latest: Fixed<&Snapshot, ANCESTORS> = Fixed::new();
    latest.push(own);
    ancestors().filter(|older| older.facts().lost_something()).for_each(|older| latest.push(older));
    remember_ancestors(latest.as_slice());
}

fn remember_ancestors(latest: &[&'static Snapshot]) {
    for (index, place) in ANCESTRY.iter().enumerate() {
        place.store(latest.get(index).map_or(ptr::null_mut(), |snapshot| ptr::from_ref(*snapshot).cast_mut()), Relaxed);
    }
}

impl Inner {
    /// True when its child lacks threads or cannot use locks.
    fn lost_something(&self) -> bool {
        self.prepared && (self.kernel_threads > 1 || self.broken_locks().next().is_some())
    }

    fn locks_by_repair(&self, repaired: bool) -> impl Iterator<Item = &LockRecord> {
        let locks = self.locks.as_slice().iter().zip(&self.repaired);
        let broken = locks.filter(move |(lock, flag)| lock.broken_in_child() && flag.load(Relaxed) == repaired);
        broken.map(|(lock, _)| lock)
    }

    /// The locks that the child cannot use.
    pub fn broken_locks(&self) -> impl Iterator<Item = &LockRecord> {
        self.locks_by_repair(false)
    }

    /// Those that were made usable in it.
    pub fn repaired_locks(&self) -> impl Iterator<Item = &LockRecord> {
        self.locks_by_repair(true)
    }

    /// The lock at this address was made usable.
    pub fn mark_repaired(&self, address: usize) {
        let locks = self.locks.as_slice().iter().zip(&self.repaired);
        locks.filter(|(lock, _)| lock.entry.address == address).for_each(|(_, repaired)| repaired.store(true, Relaxed));
    }
}

/// In a child whose locks were repaired: fewer of its waits may be in vain.
pub fn watch_anew() {
    held::watch(watched());
}

/// How closely this child's waits are watched.
#[unsafe(link_section = ".text.forkguard_child")]
fn watched() -> u8 {
    ancestors().fold(0, |closest, snapshot| closest.max(snapshot.facts().watched()))
}

impl Inner {
    /// How closely the child's waits are watched: see [`held::WATCHED`].
    #[unsafe(link_section = ".text.forkguard_child")]
    fn watched(&self) -> u8 {
        let ownerless = |l: &LockRecord| !l.is_mutex() && l.entry.kind != Kind::Libc && !l.signal;
        match self.lost_something() {
            false => 0,
            true if self.broken_locks().any(ownerless) => held::WATCHED_WHOLLY,
            true => 1,
        }
    }
}

/// In a child that no atfork handler saw.
pub fn child_unseen() {
    remember_ancestors(&[]);
    become_child();
}

/// In every forked child: the registries become its own.
#[unsafe(link_section = ".text.forkguard_child")]
fn become_child() {
    own();
    held::begin_child(watched());
    generation::next();
    crate::safe_point::begin_child();
    thread::survive();
    SEQUENCE.store(0, Relaxed);
    FORKS.store(0, Relaxed);
    for (taken, snapshot) in TAKEN.iter().zip(&POOL) {
        if taken.load(Relaxed) != 0 && !ancestors().any(|ancestor| ptr::eq(ancestor, snapshot)) {
            taken.store(0, Relaxed);
        }
    }
    // The fork is over; its snapshot stays for as long as the child lives.
    tls::set_fork(ptr::null());
}

/// Gives a snapshot back.
fn release(snapshot: &'static Snapshot) {
    if let Some(index) = POOL.iter().position(|s| ptr::eq(s, snapshot)) {
        TAKEN[index].store(0, Release);
    }
}

/// Checks the noted locks against their own words, in one fault-proof read: what its holder does not hold after all (memory that was
/// given back, a release that no hook saw, a count that others can still take) is dropped. Where such reads are forbidden the record
/// stands as it is.
fn verify(inner: &mut Inner) {
    let Inner { locks, words: read, from, into, .. } = inner;
    let mut count = 0;
    for (index, lock) in locks.as_slice().iter().enumerate().filter(|(_, l)| words::size(l.entry.kind) != 0) {
        let length = words::size(lock.entry.kind);
        from[count] = libc::iovec { iov_base: lock.entry.address as *mut _, iov_len: length };
        into[count] = libc::iovec { iov_base: (&raw mut read[index]).cast(), iov_len: length };
        count += 1;
    }
    if count == 0 {
        return;
    }
    let all = raw::read_scattered(&from[..count], &into[..count]);
    let forbidden = !all && !raw::can_read_memory();
    let mut index = 0;
    locks.retain(|lock| {
        let length = words::size(lock.entry.kind);
        let place = &mut read[index];
        index += 1;
        if length == 0 || forbidden {
            return true;
        }
        if !all && !raw::read_words(lock.entry.address, &mut place[..length / 4]) {
            return false;
        }
        if lock.is_mutex() {
            lock.mutex_kind = words::mutex_kind(place);
        }
        words::held_by(lock.entry.kind, lock.holder, place)
    });
}
