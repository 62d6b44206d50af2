//! FORKGUARD_OPENMP: libgomp's pools. A pool belongs to the thread that entered the regions; in a child of that thread the next region waits
//! for threads that were lost.
//!
//! `pause` has that thread's pool released before the fork by omp_pause_resource_all of the same copy of libgomp (OpenMP 5.0; its
//! gomp_pause_host ends and joins the pool's threads, whichever kind of pause is asked for, and refuses inside a region). `single` has the
//! child's regions run with one thread, which needs no pool (libgomp's gomp_team_start returns before it uses one): see `child/regions.rs`.
use crate::describe::openmp as pools;
use crate::ledger::{log_action, log_resolving_action};
use crate::options::{self, OpenMp};
use crate::sites::{self, Start};
use forkguard_core::fixed::Fixed;
use forkguard_core::fork::Snapshot;
use forkguard_core::kernel;
use forkguard_core::registry::held::{ENTERED, Entry};
use forkguard_core::registry::threads::{self, Slot, SlotState};
use forkguard_loader::{Library, MemoryAccess, SymbolName, path_of};
use forkguard_report::event::{FindingKind, Guard};
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// True where the regions of a child that lost its pool run with one thread.
pub(crate) fn regions_are_single() -> bool {
    options::get().openmp == OpenMp::Single && options::guards()
}

/// See [`super::before_fork`].
pub(super) fn before_fork() {
    if options::get().openmp != OpenMp::Pause || !pools::may_have_pools() {
        return;
    }
    let thread = kernel::thread_id();
    // Of an earlier fork, for whose child they were recorded.
    RELEASES.iter().for_each(|release| _ = release.by.compare_exchange(thread, 0, Relaxed, Relaxed));
    // The threads of a pool start in the same function.
    let mut last = 0;
    for slot in started_by(thread) {
        let start = slot.start.load(Relaxed);
        if std::mem::replace(&mut last, start) != start && pools::is_runtime(start) {
            release(start);
        }
    }
}

/// The running threads that a thread started.
fn started_by(creator: u32) -> impl Iterator<Item = &'static Slot> {
    let running = |slot: &&Slot| matches!(slot.state(), SlotState::Live | SlotState::Starting);
    threads::slots().iter().filter(move |slot| slot.creator.load(Relaxed) == creator).filter(running)
}

/// Releases this thread's pool of the copy of libgomp whose threads start there.
fn release(start: usize) {
    let begun = kernel::monotonic();
    let threads = || started_by(kernel::thread_id()).filter(|slot| slot.start.load(Relaxed) == start);
    let count = threads().count() as u32;
    let mut ended = Fixed::<u32, 128>::new();
    threads().for_each(|slot| ended.push(slot.tid.load(Relaxed)));
    // SAFETY: threads run in it, so it is loaded.
    let library = Library::around(unsafe { MemoryAccess::direct() }, start);
    let pause = library.and_then(|library| library.function(&SymbolName::new(c"omp_pause_resource_all", None)));
    let errno = match pause {
        // GCC 8 and older have none.
        None => libc::ENOSYS,
        Some(_) if is_interrupted() => libc::EBUSY,
        Some(pause) => call(pause),
    };
    if errno == 0 {
        // The threads are joined; the kernel lists them a little longer.
        kernel::wait_until(|| !ended.as_slice().iter().any(|&tid| kernel::thread_exists(tid)));
    }
    Release::record(start, count, kernel::monotonic() - begun, errno);
}

/// True where this thread may hold a lock that the pool's threads need to end: in a signal handler, which may have interrupted malloc, or in
/// a constructor of a library that is being loaded, under the loader's lock.
fn is_interrupted() -> bool {
    let here = 0u8;
    let is_inside = |entry: Entry| {
        let is_below = entry.flags & ENTERED != 0 && entry.frame > (&raw const here).addr();
        // Once the call has returned, other frames overwrite its return address.
        is_below && kernel::read_value(entry.frame) == Some(entry.site)
    };
    threads::mine().is_some_and(|slot| slot.held.entries().any(is_inside)) || sites::handled_signal(Start::here()).is_some()
}

/// omp_pause_resource_all(omp_pause_soft): an errno.
fn call(pause: usize) -> i32 {
    unsafe extern "C" {
        fn pthread_setcancelstate(state: i32, before: *mut i32) -> i32;
    }
    const SOFT: i32 = 1;
    const DISABLE: i32 = 1;
    let mut state = 0;
    // It joins threads, which is a cancellation point; fork is none.
    // SAFETY: sets a word of this thread's.
    unsafe { pthread_setcancelstate(DISABLE, &mut state) };
    // SAFETY: `int omp_pause_resource_all(omp_pause_resource_t)`, found under that name.
    let result = unsafe { std::mem::transmute::<usize, extern "C-unwind" fn(i32) -> i32>(pause)(SOFT) };
    // SAFETY: as above.
    unsafe { pthread_setcancelstate(state, &mut state) };
    if result == 0 { 0 } else { libc::EBUSY }
}

/// The release of a pool by a forking thread, for its child's report.
struct Release {
    /// The forking thread; 0: this element is free.
    by: AtomicU32,
    start: AtomicUsize,
    threads: AtomicU32,
    ns: AtomicU64,
    errno: AtomicI32,
}

static RELEASES: [Release; 8] = [const {
    Release {
        by: AtomicU32::new(0),
        start: AtomicUsize::new(0),
        threads: AtomicU32::new(0),
        ns: AtomicU64::new(0),
        errno: AtomicI32::new(0),
    }
}; 8];

impl Release {
    fn record(start: usize, threads: u32, ns: u64, errno: i32) {
        let is_free = |release: &&Release| release.by.compare_exchange(0, kernel::thread_id(), Relaxed, Relaxed).is_ok();
        if let Some(release) = RELEASES.iter().find(is_free) {
            release.start.store(start, Relaxed);
            release.threads.store(threads, Relaxed);
            release.ns.store(ns, Relaxed);
            release.errno.store(errno, Relaxed);
        }
    }

    fn log(&self) {
        let path = path_of(self.start.load(Relaxed));
        let file = path.as_ref().and_then(|path| path.as_str().rsplit('/').next()).unwrap_or("?");
        let start = kernel::monotonic_by_syscall().saturating_sub(self.ns.load(Relaxed));
        let (action, result) = match self.errno.load(Relaxed) {
            0 => ("released before the fork", Ok(())),
            libc::ENOSYS => ("not released: this libgomp knows no omp_pause_resource_all", Err(libc::ENOSYS)),
            errno => ("not released: a region or a handler runs", Err(errno)),
        };
        let threads = self.threads.load(Relaxed);
        let plural = if threads == 1 { "" } else { "s" };
        log_action(Guard::Openmp, action, format_args!("the pool of {file}, {threads} thread{plural}"), start, result);
    }
}

/// See [`super::in_child`].
pub(super) fn in_child(fork: &'static Snapshot, is_watched: fn(usize) -> bool) {
    match options::get().openmp {
        OpenMp::Pause if pools::may_have_pools() => {
            RELEASES.iter().filter(|release| release.by.swap(0, Relaxed) == fork.thread).for_each(Release::log);
        }
        OpenMp::Single => {
            pools::each_lost(|of, file, threads, library| log_single(std::ptr::eq(of, fork), file, threads, is_watched(library)))
        }
        OpenMp::Pause | OpenMp::Keep => {}
    }
}

/// `own`: the pool was lost at the fork that made this child, so that its loss is a finding of this fork.
fn log_single(own: bool, file: &str, threads: usize, watched: bool) {
    const ACTION: &str = "run with one thread";
    let start = kernel::monotonic_by_syscall();
    let subject = format_args!("regions of {file}, which lost {threads} thread{}", if threads == 1 { "" } else { "s" });
    match (watched, own) {
        (true, true) => {
            let resolved = (FindingKind::RuntimeUnsafe, format_args!("{file}"), "forkguard runs its regions with one thread");
            log_resolving_action(Guard::Openmp, ACTION, subject, start, Ok(()), resolved);
        }
        (true, false) => log_action(Guard::Openmp, ACTION, subject, start, Ok(())),
        (false, _) => log_action(Guard::Openmp, "left: nobody imports them", subject, start, Err(libc::ENOENT)),
    }
}
