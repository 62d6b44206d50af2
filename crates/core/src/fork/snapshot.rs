//! The facts of one fork.
use super::buffers::{BUFFERS, BufferRecord, Digest};
use crate::fixed::{Fixed, Text};
use crate::glibc::{self, LockKind, Output, Words};
use crate::kernel::is_memory_device;
use crate::registry::held::Entry;
use crate::registry::mask::{self, BlockingCall};
use crate::registry::threads::Slot;
use crate::registry::timers::{self, Timer};
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering::*};

/// Threads that a snapshot lists; further ones are counted.
pub const THREADS: usize = 512;
/// Held locks that a snapshot lists; further ones are counted.
pub const LOCKS: usize = 256;

/// The call that forked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ForkCall {
    /// No call that we hook: only the atfork handlers saw it. (The first, so that an empty snapshot is all zero and lies in .bss.)
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
    /// Its name in its language, the code that it runs there, and its stack at the fork: sites of the library's store; 0 unknown.
    pub label: usize,
    /// See `label`.
    pub code: usize,
    /// See `label`.
    pub stack_at_fork: usize,
    /// The object that it waits for; 0 unknown or none.
    pub waits_for: usize,
    /// Its language has released it: it was about to end.
    pub ending: bool,
    /// It waits for an element of a queue, as its language tells.
    pub awaits_work: bool,
    /// Detached.
    pub detached: bool,
    /// The program declared that children do without it.
    pub fork_safe: bool,
    /// The program declared that children may start it again by its start routine and argument.
    pub restartable: bool,
    /// Locks that it holds.
    pub holds: u32,
}

/// A lock at the fork.
#[derive(Clone, Copy)]
pub struct LockRecord {
    /// The lock and how it is held.
    pub entry: Entry,
    /// Kernel id of its holder.
    pub holder: u32,
    /// The holder's name.
    pub holder_name: Text<16>,
    /// The forking thread itself holds it.
    pub own: bool,
    /// A semaphore that is used as a signal, or for which its holder itself waits.
    pub signal: bool,
    /// The kind word of a mutex (offset 16 of pthread_mutex_t), as it was read.
    pub mutex_kind: i32,
}

/// The facts of a fork. In this order, so that every fork writes as few pages as can be: each page written after a fork is a page that the
/// kernel copies.
#[repr(C)]
pub struct Snapshot {
    /// Number of the fork in this process, from 1.
    pub sequence: u64,
    /// The leader.
    pub leader: u32,
    /// The forking thread.
    pub thread: u32,
    /// The call that forked.
    pub call: ForkCall,
    /// Return address of the call; 0 unknown.
    pub site: usize,
    /// Nanoseconds of the monotonic clock when the call was entered.
    pub entered: u64,
    /// Nanoseconds that taking the snapshot took.
    pub prepare_ns: u64,
    /// Prepare has run: the lists below are of this fork.
    pub prepared: bool,
    /// Its findings are reported, here or by the earlier fork that this one is like.
    pub full: bool,
    /// The fingerprint of what its child inherits: see [`super::fingerprint`].
    pub fingerprint: u64,
    /// Number of an earlier fork of this process that it is like; 0 none.
    pub like: u64,
    /// Blocked signals of the forking thread.
    pub blocked: u64,
    /// The calls that blocked those of them that servers are steered by.
    pub blocking_calls: [BlockingCall; mask::REMEMBERED],
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
    /// Seeds of generators that were taken from the kernel.
    pub seeds: usize,
    /// The newest child before a fork whose result no hook sees.
    pub(super) newest_child: Option<u32>,
    /// Streams whose output waited to be written.
    pub(super) buffers: Fixed<BufferRecord, BUFFERS>,
    /// Threads, the forking one included.
    pub threads: Fixed<ThreadRecord, THREADS>,
    /// Held locks.
    pub locks: Fixed<LockRecord, LOCKS>,
    /// Armed timers of timer_create.
    pub timers: Fixed<Timer, { timers::CAPACITY }>,
    /// In the child: which of them were made usable there.
    pub(super) repaired: [AtomicBool; LOCKS],
    /// For prepare: the words of the locks, and the addresses of both sides of one read.
    pub(super) words: [Words; LOCKS],
    pub(super) from: [libc::iovec; LOCKS],
    pub(super) into: [libc::iovec; LOCKS],
}

impl Snapshot {
    pub(super) const fn new() -> Snapshot {
        Snapshot {
            sequence: 0,
            leader: 0,
            thread: 0,
            call: ForkCall::Internal,
            site: 0,
            entered: 0,
            prepare_ns: 0,
            prepared: false,
            full: false,
            fingerprint: 0,
            like: 0,
            buffers: Fixed::new(),
            threads: Fixed::new(),
            locks: Fixed::new(),
            repaired: [const { AtomicBool::new(false) }; LOCKS],
            blocked: 0,
            blocking_calls: [mask::NO_CALL; mask::REMEMBERED],
            kernel_threads: 0,
            interval_timers: 0,
            interval_sites: [0; 3],
            timers: Fixed::new(),
            descriptors: 0,
            words: [[0; 8]; LOCKS],
            from: [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; LOCKS],
            into: [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; LOCKS],
            newest_child: None,
            random: 0,
            seeds: 0,
            starting: 0,
        }
    }
}

impl LockRecord {
    pub(super) fn is_mutex(&self) -> bool {
        matches!(self.entry.kind, LockKind::Mutex | LockKind::C11Mutex)
    }

    /// RECURSIVE 1, ERRORCHECK 2 among the kinds of a mutex; 0 for a lock that does not name its owner.
    pub fn owner_checking(&self) -> i32 {
        if self.is_mutex() && self.mutex_kind >= 0 && self.mutex_kind & 3 != 3 { self.mutex_kind & 3 } else { 0 }
    }

    /// PTHREAD_MUTEX_ROBUST.
    pub fn is_robust_mutex(&self) -> bool {
        self.is_mutex() && self.mutex_kind >= 0 && glibc::is_robust_kind(self.mutex_kind)
    }

    /// PTHREAD_PRIO_INHERIT: its lock word is its owner's number.
    fn inherits_priority(&self) -> bool {
        const INHERITING: i32 = 0x20;
        self.is_mutex() && self.mutex_kind >= 0 && self.mutex_kind & INHERITING != 0
    }

    /// True when the child cannot use it: a lost thread holds it, or the forking thread does and its owner word is of the leader.
    pub fn broken_in_child(&self) -> bool {
        !self.own || self.owner_checking() != 0 || self.entry.kind == LockKind::Write || self.inherits_priority()
    }
}

impl Snapshot {
    /// True when its child lacks threads or cannot use locks.
    pub(super) fn lost_something(&self) -> bool {
        self.prepared && (self.kernel_threads > 1 || self.broken_locks().next().is_some())
    }

    /// Before the fork: a language's own buffer for a descriptor holds output. `site`: where the fork is.
    pub fn add_languages_output(&mut self, language: &'static str, fd: i32, length: usize, digest: Digest, site: usize) {
        let record = BufferRecord { stream: 0, language, output: Output { fd, start: 0, length }, digest, writer: 0, site };
        // A file with a text layer is found with it, and its buffer by itself.
        match self.buffers.as_mut_slice().iter_mut().find(|known| known.is_languages() && known.output.fd == fd) {
            Some(known) if known.output.length < length => *known = record,
            Some(_) => {}
            None if !is_memory_device(fd) => self.buffers.push(record),
            None => {}
        }
    }

    /// Adds a lock that no hook saw.
    pub fn add_lock(&mut self, lock: LockRecord) {
        if let Some(repaired) = self.repaired.get(self.locks.as_slice().len()) {
            repaired.store(false, Relaxed);
        }
        self.locks.push(lock);
    }

    /// The streams whose output the child has a copy of.
    pub fn buffers(&self) -> &[BufferRecord] {
        if self.prepared { self.buffers.as_slice() } else { &[] }
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

    /// The locks that were made usable in it.
    pub fn repaired_locks(&self) -> impl Iterator<Item = &LockRecord> {
        self.locks_by_repair(true)
    }

    /// Records that the lock at this address was made usable.
    pub fn mark_repaired(&self, address: usize) {
        let locks = self.locks.as_slice().iter().zip(&self.repaired);
        locks.filter(|(lock, _)| lock.entry.address == address).for_each(|(_, repaired)| repaired.store(true, Relaxed));
    }
}
