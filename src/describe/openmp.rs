//! Pools of libgomp: a pool belongs to the thread that entered the regions, and a child has none of its threads.
use forkguard_core::fork::{self as core_fork, Snapshot, ThreadRecord};
use forkguard_loader::{link_map_of, path_of};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed};

/// A part of the file names of all copies of the runtime.
pub(crate) const RUNTIME: &str = "libgomp";

/// The threads of the pool that this process's first thread lost, of a runtime for which `of` is true, and the fork that lost them.
pub(crate) fn lost_pool(
    of: impl Fn(&ThreadRecord) -> bool + Copy,
) -> impl Iterator<Item = (&'static Snapshot, &'static ThreadRecord)> {
    let mut first_thread = true;
    core_fork::ancestors()
        // What an earlier leader lost is this thread's only if it is the one that came out of that fork.
        .take_while(move |snapshot| std::mem::replace(&mut first_thread, snapshot.thread == snapshot.leader))
        .flat_map(move |snapshot| {
            let threads = snapshot.threads.as_slice().iter();
            threads.filter(move |t| t.tid != snapshot.thread && t.creator == snapshot.thread && of(t)).map(move |t| (snapshot, t))
        })
}

/// True for a start routine of a copy of libgomp.
pub(crate) fn is_runtime(start: usize) -> bool {
    path_of(start).is_some_and(|path| path.as_str().rsplit('/').next().is_some_and(|file| file.starts_with(RUNTIME)))
}

/// Not zero once such a runtime has started a thread in this process or in those that forked it.
#[unsafe(link_section = "forkguard_words")]
static STARTED: AtomicU8 = AtomicU8::new(0);

/// True once a pool may have been started: before that there is none to look for.
pub(crate) fn may_have_pools() -> bool {
    STARTED.load(Relaxed) != 0
}

/// Remembers that a thread is started with this routine, whose library is looked up once.
pub(crate) fn record_start(start: usize) {
    static KNOWN: [AtomicUsize; 32] = [const { AtomicUsize::new(0) }; 32];
    let known = &KNOWN[(start >> 4) % KNOWN.len()];
    if known.load(Relaxed) != start {
        known.store(start, Relaxed);
        if is_runtime(start) {
            STARTED.store(1, Relaxed);
        }
    }
}

/// In a forked child: for each runtime whose pool it lost the fork, the name of its file, the pool's threads, and its link map.
pub(crate) fn each_lost(mut each: impl FnMut(&'static Snapshot, &str, usize, usize)) {
    let mut last = 0;
    for (fork, thread) in lost_pool(|thread| may_have_pools() && thread.start != 0) {
        if std::mem::replace(&mut last, thread.start) == thread.start || !is_runtime(thread.start) {
            continue;
        }
        let (Some(library), Some(path)) = (link_map_of(thread.start), path_of(thread.start)) else { continue };
        let file = path.as_str().rsplit('/').next().unwrap_or_default();
        each(fork, file, lost_pool(|other| other.start == thread.start).count(), library);
    }
}
