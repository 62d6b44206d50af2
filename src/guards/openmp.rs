//! FORKGUARD_OPENMP: libgomp's pools. A pool belongs to the thread that entered the regions; a child whose leader's thread had one waits for
//! its threads in its own next region.
//!
//! `pause` has that thread's pool released before the fork by the copy's own omp_pause_resource_all (OpenMP 5.0; libgomp's gomp_pause_host
//! ends and joins the pool's threads, whichever kind of pause is asked for, and refuses inside a region). `single` lets the child's regions run
//! with one thread, which needs no pool (libgomp's gomp_team_start returns before it looks at it): see `child/regions.rs`.
use super::*;
use crate::describe::openmp as pools;
use crate::options::OpenMp;
use crate::sites::{self, Start};
use forkguard_core::fixed::Fixed;
use forkguard_core::held::{ENTERED, Entry};
use forkguard_core::thread::{self, Slot, State};
use forkguard_loader::{Library, MemoryAccess, SymbolName, path_of};
use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize};

/// True where the regions of a child that lost its pool run with one thread.
pub(crate) fn runs_regions_alone() -> bool {
    options::get().openmp == OpenMp::Single && options::guards()
}

/// See [`super::before_fork`].
pub(super) fn before_fork() {
    if options::get().openmp != OpenMp::Pause || !pools::may_have_pools() {
        return;
    }
    RELEASED
        .iter()
        .filter(|released| released.by.load(Relaxed) == raw::thread_id())
        .for_each(|released| released.by.store(0, Relaxed));
    // The threads of a pool start in the same function.
    let mut last = 0;
    for slot in started_by(raw::thread_id()) {
        let start = slot.start.load(Relaxed);
        if std::mem::replace(&mut last, start) != start && pools::is_runtime(start) {
            release(start);
        }
    }
}

/// The threads that a thread started and that have not ended.
fn started_by(creator: u32) -> impl Iterator<Item = &'static Slot> {
    let running = |slot: &&Slot| matches!(slot.state(), State::Live | State::Starting);
    thread::slots().iter().filter(move |slot| slot.creator.load(Relaxed) == creator).filter(running)
}

/// Releases this thread's pool of the copy whose threads start there.
fn release(start: usize) {
    let begun = raw::monotonic();
    let threads = || started_by(raw::thread_id()).filter(|slot| slot.start.load(Relaxed) == start);
    let count = threads().count() as u32;
    let mut ended = Fixed::<u32, 128>::new();
    threads().for_each(|slot| ended.push(slot.tid.load(Relaxed)));
    // SAFETY: threads run in it, so it is loaded.
    let library = Library::around(unsafe { MemoryAccess::direct() }, start);
    let pause = library.and_then(|library| library.function(&SymbolName::new(c"omp_pause_resource_all", None)));
    let failed = match pause {
        // GCC 8 and older have none.
        None => libc::ENOSYS,
        Some(_) if is_interrupted() => libc::EBUSY,
        Some(pause) => call(pause),
    };
    if failed == 0 {
        // They are joined; the kernel lists them a little longer.
        raw::wait_until(|| !ended.as_slice().iter().any(|&tid| raw::thread_exists(tid)));
    }
    Released::note(start, count, raw::monotonic() - begun, failed);
}

/// True where this thread may hold what the pool's threads need to end: inside a handler of a signal, which may have come in the middle of
/// malloc, or a constructor of a library that is being loaded.
fn is_interrupted() -> bool {
    let here = 0u8;
    let loads = |entry: Entry| {
        let covers = entry.flags & ENTERED != 0 && entry.frame > (&raw const here).addr();
        // Of a call that has returned, other frames have taken the place of its return address.
        covers && raw::read_value(entry.frame) == Some(entry.site)
    };
    thread::mine().is_some_and(|slot| slot.held.entries().any(loads)) || sites::handled_signal(Start::here()).is_some()
}

/// omp_pause_resource_all(omp_pause_soft): an errno.
fn call(pause: usize) -> i32 {
    unsafe extern "C" {
        fn pthread_setcancelstate(state: i32, before: *mut i32) -> i32;
    }
    const SOFT: i32 = 1;
    const DISABLE: i32 = 1;
    let mut state = 0;
    // It joins threads; fork is no point where a thread is cancelled.
    // SAFETY: sets a word of this thread's.
    unsafe { pthread_setcancelstate(DISABLE, &mut state) };
    // SAFETY: `int omp_pause_resource_all(omp_pause_resource_t)`, found under that name.
    let result = unsafe { std::mem::transmute::<usize, extern "C-unwind" fn(i32) -> i32>(pause)(SOFT) };
    // SAFETY: as above.
    unsafe { pthread_setcancelstate(state, &mut state) };
    if result == 0 { 0 } else { libc::EBUSY }
}

/// A pool that a forking thread released, or not, for its child's report.
struct Released {
    /// 0: nobody.
    by: AtomicU32,
    start: AtomicUsize,
    threads: AtomicU32,
    ns: AtomicU64,
    failed: AtomicI32,
}

static RELEASED: [Released; 8] = [const {
    Released {
        by: AtomicU32::new(0),
        start: AtomicUsize::new(0),
        threads: AtomicU32::new(0),
        ns: AtomicU64::new(0),
        failed: AtomicI32::new(0),
    }
}; 8];

impl Released {
    fn note(start: usize, threads: u32, ns: u64, failed: i32) {
        let free = |place: &&Released| place.by.compare_exchange(0, raw::thread_id(), Relaxed, Relaxed).is_ok();
        if let Some(place) = RELEASED.iter().find(free) {
            place.start.store(start, Relaxed);
            place.threads.store(threads, Relaxed);
            place.ns.store(ns, Relaxed);
            place.failed.store(failed, Relaxed);
        }
    }

    fn tell(&self) {
        let path = path_of(self.start.load(Relaxed));
        let file = path.as_ref().and_then(|path| path.as_str().rsplit('/').next()).unwrap_or("?");
        let start = raw::monotonic_of_kernel().saturating_sub(self.ns.load(Relaxed));
        let (action, result) = match self.failed.load(Relaxed) {
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
pub(super) fn in_child(fork: &'static Inner, is_watched: fn(usize) -> bool) {
    match options::get().openmp {
        OpenMp::Pause if pools::may_have_pools() => {
            RELEASED.iter().filter(|released| released.by.swap(0, Relaxed) == fork.thread).for_each(Released::tell);
        }
        OpenMp::Single => {
            pools::each_lost(|of, file, threads, library| tell_alone(std::ptr::eq(of, fork), file, threads, is_watched(library)))
        }
        OpenMp::Pause | OpenMp::Keep => {}
    }
}

/// `own`: the pool was lost at the fork that made this child, whose report tells of it.
fn tell_alone(own: bool, file: &str, threads: usize, watched: bool) {
    const ALONE: &str = "run with one thread";
    let start = raw::monotonic_of_kernel();
    let subject = format_args!("regions of {file}, which lost {threads} thread{}", if threads == 1 { "" } else { "s" });
    match (watched, own) {
        (true, true) => {
            let end = (Kind::RuntimeUnsafe, format_args!("{file}"), "forkguard runs its regions with one thread");
            log_resolving_action(Guard::Openmp, ALONE, subject, start, Ok(()), end);
        }
        (true, false) => log_action(Guard::Openmp, ALONE, subject, start, Ok(())),
        (false, _) => log_action(Guard::Openmp, "left: nobody imports them", subject, start, Err(libc::ENOENT)),
    }
}
