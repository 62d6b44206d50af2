//! FORKGUARD_LOCKS=reset: orphaned locks are made usable again, in the child's own memory, by the words of glibc's structures
//! (`forkguard_core::glibc`).
//!
//! The locks of the lost threads are read from their frozen slots, not from the snapshot: the threads went on between it and the fork.
use crate::describe::{self, lock_id};
use crate::ledger::{log_action, log_resolving_action};
use crate::options::{self, Locks};
use forkguard_core::fixed::Text;
use forkguard_core::fork::{self as core_fork, LockRecord, Snapshot, ThreadRecord};
use forkguard_core::glibc::{self, CONDITION, LockKind, Survivor, Words};
use forkguard_core::kernel;
use forkguard_core::registry::held::{ENTERED, Entry, HOLDS, MADE, WAITS};
use forkguard_core::registry::semaphores;
use forkguard_core::registry::threads::{self, SlotState};
use forkguard_loader::link_map_of;
use forkguard_report::event::{FindingKind, Guard};
use std::sync::atomic::Ordering::Relaxed;

/// The reason why a lock is no orphan any more.
pub(crate) const REPAIRED: &str = "forkguard reset it; what it guards may be inconsistent";

/// See [`super::in_child`].
pub(super) fn in_child(fork: &'static Snapshot) {
    if options::get().locks != Locks::Reset || !fork.prepared {
        return;
    }
    let survivor = Survivor { before: fork.thread, now: kernel::thread_id() };
    fork.locks.as_slice().iter().filter(|lock| lock.own).for_each(|lock| change_owner(fork, lock, survivor));
    fork.threads.as_slice().iter().filter(|thread| is_frozen(fork, thread)).for_each(|thread| repair_all(fork, thread, survivor));
    fork.broken_locks().filter(|lock| lock.entry.kind.is_pythons()).for_each(|lock| repair_pythons(fork, lock, survivor));
    fork.broken_locks().filter(|lock| is_inside_libc(lock)).for_each(log_unreachable);
    core_fork::update_watched();
}

fn repair_all(fork: &Snapshot, thread: &ThreadRecord, survivor: Survivor) {
    thread.slot.held.entries().for_each(|entry| repair(fork, thread, entry, holds(&entry), survivor));
    if let Some(entry) = thread.slot.held.last_released().filter(|entry| is_mutex(entry.kind)) {
        // The thread may have been in the middle of the release. The mutex is still one if it lies in a library's own data.
        repair(fork, thread, entry, link_map_of(entry.address).is_some(), survivor);
    }
    forget_waiters(thread.slot.waits_for.load(Relaxed));
}

/// A lock that no hook saw being taken is in the snapshot only.
fn repair_pythons(fork: &Snapshot, lock: &LockRecord, survivor: Survivor) {
    if let Some(thread) = fork.threads.as_slice().iter().find(|thread| thread.tid == lock.holder) {
        repair(fork, thread, lock.entry, true, survivor);
    }
}

/// True for a lost thread whose slot no other thread has taken since.
fn is_frozen(fork: &Snapshot, thread: &ThreadRecord) -> bool {
    thread.tid != 0
        && thread.tid != fork.thread
        && thread.slot.tid.load(Relaxed) == thread.tid
        && thread.slot.state() == SlotState::Lost
}

fn is_mutex(kind: LockKind) -> bool {
    matches!(kind, LockKind::Mutex | LockKind::C11Mutex)
}

/// True when the lost thread held the lock by its record alone. (A mutex names its owner itself: any record of it is enough.)
fn holds(entry: &Entry) -> bool {
    match entry.kind {
        LockKind::Mutex | LockKind::C11Mutex => true,
        LockKind::Semaphore => entry.flags & (HOLDS | WAITS | MADE) == HOLDS && !semaphores::is_signal(entry.address),
        _ => entry.flags & HOLDS != 0,
    }
}

/// Frees a lock that a lost thread held or was about to take or release.
fn repair(fork: &Snapshot, thread: &ThreadRecord, entry: Entry, holds: bool, survivor: Survivor) {
    let Some(words) = words_of(&entry) else { return };
    let (name, mutex_kind) = (thread.slot.name(), glibc::mutex_kind(&words));
    let lock = Repair { entry, holder: thread.tid, holder_name: &name, mutex_kind, start: kernel::monotonic_by_syscall() };
    match glibc::repaired(entry.kind, &words, thread.tid, holds, survivor) {
        Some(repaired) => lock.apply(fork, "made usable; what it guards may be inconsistent", &repaired),
        None if is_mutex(entry.kind) && glibc::is_robust(&words) && glibc::owner(&words) == thread.tid => {
            lock.log(fork, "left: a robust mutex", Err(libc::ENOTSUP));
        }
        None => {}
    }
}

/// Makes the surviving thread, by its new number, the owner of a lock that it held before the fork.
fn change_owner(fork: &Snapshot, lock: &LockRecord, survivor: Survivor) {
    let Some(words) = words_of(&lock.entry) else { return };
    let Some(changed) = glibc::with_new_owner(lock.entry.kind, &words, survivor) else { return };
    // The hooks see its release in any process; until then a later fork must know that this thread holds it.
    if let Some(slot) = threads::mine().filter(|_| lock.owner_checking() != 0) {
        (0..words[1].max(1))
            .for_each(|_| _ = slot.held.push(lock.entry.address, lock.entry.site, lock.entry.kind as u32 | HOLDS));
    }
    let &LockRecord { entry, holder, ref holder_name, mutex_kind, .. } = lock;
    let repair = Repair { entry, holder, holder_name, mutex_kind, start: kernel::monotonic_by_syscall() };
    repair.apply(fork, "its owner is the child's thread now", &changed);
}

/// False also where the kernel does not tell: forkguard writes only to memory that is known to be the child's own.
fn is_own_memory(address: usize) -> bool {
    kernel::is_shared(address) == Some(false)
}

/// None for a lock that has no words, or whose memory the child lacks.
fn words_of(entry: &Entry) -> Option<Words> {
    let mut words = Words::default();
    let read = words.get_mut(..glibc::repair_size(entry.kind) / 4).filter(|read| !read.is_empty())?;
    kernel::read_words(entry.address, read).then_some(words)
}

fn is_inside_libc(lock: &LockRecord) -> bool {
    lock.entry.kind == LockKind::Libc && lock.entry.flags & ENTERED == 0
}

fn log_unreachable(lock: &LockRecord) {
    let name = describe::libc_name(lock.entry.address);
    let subject = format_args!("the C library's lock inside {name}(), held by thread {}", lock.holder);
    log_action(Guard::Locks, "left: it cannot be reached", subject, kernel::monotonic_by_syscall(), Err(libc::ENOTSUP));
}

/// The repair of one lock, as the report lists it.
struct Repair<'a> {
    entry: Entry,
    holder: u32,
    holder_name: &'a Text<16>,
    mutex_kind: i32,
    start: u64,
}

impl Repair<'_> {
    /// Writes the lock's new words. In memory that processes share the holder is not lost: it lives on in the leader.
    fn apply(&self, fork: &Snapshot, action: &'static str, words: &Words) {
        if !is_own_memory(self.entry.address) {
            return self.log(fork, "left: in memory that processes share", Err(libc::ENOTSUP));
        }
        let written = kernel::write_words(self.entry.address, &words[..glibc::repair_size(self.entry.kind) / 4]);
        if written {
            fork.mark_repaired(self.entry.address);
        }
        self.log(fork, action, written.then_some(()).ok_or(libc::EFAULT));
    }

    fn log(&self, fork: &Snapshot, action: &'static str, result: Result<(), i32>) {
        let &Repair { entry, holder, holder_name, mutex_kind, start } = self;
        let lock = LockRecord { entry, holder, holder_name: *holder_name, own: false, signal: false, mutex_kind };
        let kind = describe::lock_kind(&lock).name();
        let name = match holder_name.as_str() {
            "" => Text::<32>::of(format_args!("{holder}")),
            name => Text::of(format_args!("\"{name}\" (tid {holder})")),
        };
        let subject = format_args!("{kind} at {:#x}, held by thread {}", entry.address, name.as_str());
        // The leader's report has findings of the locks in the snapshot only.
        let is_same = |lock: &&LockRecord| lock.holder == holder && lock.entry.address == entry.address;
        match fork.repaired_locks().find(is_same) {
            Some(lock) => {
                let id = lock_id(lock);
                let resolved = (FindingKind::LockOrphaned, format_args!("{}", id.as_str()), REPAIRED);
                log_resolving_action(Guard::Locks, action, subject, start, result, resolved);
            }
            None => log_action(Guard::Locks, action, subject, start, result),
        }
    }
}

/// Initialises a condition anew that a lost thread waits for. (The surviving thread waits for none: it forks.)
fn forget_waiters(address: usize) {
    if address == 0 {
        return;
    }
    let start = kernel::monotonic_by_syscall();
    let mut condition = [0; CONDITION / 4];
    if !kernel::read_words(address, &mut condition) || !is_own_memory(address) {
        return;
    }
    let Some(waiters) = glibc::waiters(&condition).filter(|&waiters| waiters != 0) else { return };
    let written = kernel::write_words(address, &glibc::without_waiters(&condition)).then_some(()).ok_or(libc::EFAULT);
    let subject = format_args!("condition at {address:#x} with {waiters} lost");
    log_action(Guard::Locks, "made as new", subject, start, written);
}
