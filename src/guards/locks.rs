//! FORKGUARD_LOCKS=reset: orphaned locks are made usable again, in the child's own memory, by the words of glibc's structures
//! (`forkguard_core::words`).
//!
//! What the lost threads had is read from their frozen slots, not from the snapshot: they went on between it and the fork.
use super::*;
use crate::describe;
use crate::describe::lock_id;
use crate::options::Locks;
use forkguard_core::fork::{self as core_fork, LockRecord, ThreadRecord};
use forkguard_core::held::{ENTERED, Entry, HOLDS, Kind, MADE, WAITS};
use forkguard_core::semaphore;
use forkguard_core::thread::{self, State};
use forkguard_core::words::{self, CONDITION, Survivor, Words};
use forkguard_loader::link_map_of;
use forkguard_report::event::Kind as Finds;

/// See [`super::in_child`].
pub(super) fn in_child(fork: &'static Inner) {
    if options::get().locks != Locks::Reset || !fork.prepared {
        return;
    }
    let survivor = Survivor { before: fork.thread, now: raw::thread_id() };
    fork.locks.as_slice().iter().filter(|lock| lock.own).for_each(|lock| hand_over(fork, lock, survivor));
    for thread in fork.threads.as_slice().iter().filter(|thread| is_frozen(fork, thread)) {
        thread.slot.held.entries().for_each(|entry| repair(fork, thread, entry, holds(&entry), survivor));
        if let Some(entry) = thread.slot.held.last_released().filter(|entry| is_mutex(entry.kind)) {
            // It may have been in the middle of that. Where a mutex was, it still is one if it lies in a library's own data.
            repair(fork, thread, entry, link_map_of(entry.address).is_some(), survivor);
        }
        forget_waiters(thread.slot.waits_for.load(Relaxed));
    }
    fork.broken_locks().filter(|lock| is_the_c_librarys(lock)).for_each(leave);
    core_fork::watch_anew();
}

/// True for a lost thread whose slot still is as the thread left it.
fn is_frozen(fork: &Inner, thread: &ThreadRecord) -> bool {
    thread.tid != 0
        && thread.tid != fork.thread
        && thread.slot.tid.load(Relaxed) == thread.tid
        && thread.slot.state() == State::Lost
}

fn is_mutex(kind: Kind) -> bool {
    matches!(kind, Kind::Mutex | Kind::C11Mutex)
}

/// Whether the lost thread held it, by its record alone. (A mutex names its owner: there it is enough that the thread was at it.)
fn holds(entry: &Entry) -> bool {
    match entry.kind {
        Kind::Mutex | Kind::C11Mutex => true,
        Kind::Semaphore => entry.flags & (HOLDS | WAITS | MADE) == HOLDS && !semaphore::is_signal(entry.address),
        Kind::Spin | Kind::Read | Kind::Write | Kind::Libc => entry.flags & HOLDS != 0,
    }
}

/// Frees what a lost thread held, or stood at.
fn repair(fork: &Inner, thread: &ThreadRecord, entry: Entry, holds: bool, survivor: Survivor) {
    let Some(words) = words_of(&entry) else { return };
    let name = thread.slot.name();
    let lock =
        Deed { entry, holder: thread.tid, name: &name, mutex_kind: words::mutex_kind(&words), start: raw::monotonic_of_kernel() };
    match words::repaired(entry.kind, &words, thread.tid, holds, survivor) {
        Some(repaired) => lock.write(fork, "made usable; what it guards may be inconsistent", &repaired),
        None if is_mutex(entry.kind) && words::is_robust(&words) && words::owner(&words) == thread.tid => {
            lock.tell(fork, "left: a robust mutex", Err(libc::ENOTSUP));
        }
        None => {}
    }
}

/// Makes the surviving thread, by its new number, the owner of what it held before.
fn hand_over(fork: &Inner, lock: &LockRecord, survivor: Survivor) {
    let Some(words) = words_of(&lock.entry) else { return };
    let Some(handed) = words::handed_over(lock.entry.kind, &words, survivor) else { return };
    // Its release is seen in any process: until then it is this thread's at a later fork, too.
    if let Some(slot) = thread::mine().filter(|_| lock.owner_checking() != 0) {
        (0..words[1].max(1))
            .for_each(|_| _ = slot.held.push(lock.entry.address, lock.entry.site, lock.entry.kind as u32 | HOLDS));
    }
    let &LockRecord { entry, holder, holder_name, mutex_kind, .. } = lock;
    let deed = Deed { entry, holder, name: &holder_name, mutex_kind, start: raw::monotonic_of_kernel() };
    deed.write(fork, "its owner is the child's thread now", &handed);
}

/// False also where the kernel does not say: what is not known to be the child's own is not written to.
fn is_own_memory(address: usize) -> bool {
    raw::is_shared(address) == Some(false)
}

/// None for a lock that has no words, or whose memory the child lacks.
fn words_of(entry: &Entry) -> Option<Words> {
    let mut words = Words::default();
    let read = words.get_mut(..words::extent(entry.kind) / 4).filter(|read| !read.is_empty())?;
    raw::read_words(entry.address, read).then_some(words)
}

fn is_the_c_librarys(lock: &LockRecord) -> bool {
    lock.entry.kind == Kind::Libc && lock.entry.flags & ENTERED == 0
}

fn leave(lock: &LockRecord) {
    let name = describe::libc_name(lock.entry.address);
    let subject = format_args!("the C library's lock inside {name}(), held by thread {}", lock.holder);
    log_action(Guard::Locks, "left: it cannot be reached", subject, raw::monotonic_of_kernel(), Err(libc::ENOTSUP));
}

/// Why a lock is no orphan any more.
pub(crate) const REPAIRED: &str = "forkguard reset it; what it guards may be inconsistent";

/// What is done to a lock.
struct Deed<'a> {
    entry: Entry,
    holder: u32,
    name: &'a Text<16>,
    mutex_kind: i32,
    start: u64,
}

impl Deed<'_> {
    /// Where processes share the memory the holder is not lost: it is still there, in the leader.
    fn write(&self, fork: &Inner, action: &'static str, words: &Words) {
        if !is_own_memory(self.entry.address) {
            return self.tell(fork, "left: in memory that processes share", Err(libc::ENOTSUP));
        }
        let written = raw::write_words(self.entry.address, &words[..words::extent(self.entry.kind) / 4]);
        if written {
            fork.mark_repaired(self.entry.address);
        }
        self.tell(fork, action, written.then_some(()).ok_or(libc::EFAULT));
    }

    fn tell(&self, fork: &Inner, action: &'static str, result: Result<(), i32>) {
        let &Deed { entry, holder, name, mutex_kind, start } = self;
        let lock = LockRecord { entry, holder, holder_name: *name, own: false, signal: false, mutex_kind };
        let kind = describe::lock_kind(&lock).name();
        let subject = format_args!("{kind} at {:#x}, held by thread \"{}\" (tid {holder})", entry.address, name.as_str());
        // The leader's report knows those of the snapshot.
        let is_it = |lock: &&LockRecord| lock.holder == holder && lock.entry.address == entry.address;
        match fork.repaired_locks().find(is_it) {
            Some(lock) => {
                let what = lock_id(lock);
                let end = (Finds::LockOrphaned, format_args!("{}", what.as_str()), REPAIRED);
                log_resolving_action(Guard::Locks, action, subject, start, result, end);
            }
            None => log_action(Guard::Locks, action, subject, start, result),
        }
    }
}

/// Makes a condition new that a lost thread waits for. (This thread waits for nothing.)
fn forget_waiters(address: usize) {
    if address == 0 {
        return;
    }
    let start = raw::monotonic_of_kernel();
    let mut condition = [0; CONDITION / 4];
    if !raw::read_words(address, &mut condition) || !is_own_memory(address) {
        return;
    }
    let Some(waiters) = words::waiters(&condition).filter(|&waiters| waiters != 0) else { return };
    let written = raw::write_words(address, &words::without_waiters(&condition)).then_some(()).ok_or(libc::EFAULT);
    let subject = format_args!("condition at {address:#x} with {waiters} lost");
    log_action(Guard::Locks, "its waiters were forgotten", subject, start, written);
}
