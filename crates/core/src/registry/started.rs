//! Processes that this one forked: where, for the line behind one that a child of its takes for its own.
use crate::kernel;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::*};

/// Those that are kept: the newest ones.
const KEPT: usize = 64;

struct Started {
    /// 0 while it is being changed.
    process: AtomicU32,
    /// Who forked it.
    leader: AtomicU32,
    site: AtomicUsize,
}

static STARTED: [Started; KEPT] =
    [const { Started { process: AtomicU32::new(0), leader: AtomicU32::new(0), site: AtomicUsize::new(0) } }; KEPT];
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// Records a process that was forked at `site`.
pub fn record(process: u32, site: usize) {
    let started = &STARTED[NEXT.fetch_add(1, Relaxed) % KEPT];
    started.process.store(0, Relaxed);
    started.leader.store(kernel::process_id(), Release);
    started.site.store(site, Release);
    started.process.store(process, Release);
}

/// True for one that this process has forked.
pub fn is_own(process: u32) -> bool {
    let is_it =
        |started: &Started| started.process.load(Acquire) == process && started.leader.load(Acquire) == kernel::process_id();
    STARTED.iter().any(is_it)
}

/// Where a process above this one forked that process; None when that is not known.
pub fn site(process: u32) -> Option<usize> {
    let is_it =
        |started: &&Started| started.process.load(Acquire) == process && started.leader.load(Acquire) != kernel::process_id();
    STARTED.iter().find(is_it).map(|started| started.site.load(Acquire)).filter(|&site| site != 0)
}
