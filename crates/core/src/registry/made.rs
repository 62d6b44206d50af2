//! Directories and files that this process made: where, for the line behind a library's removal of them, and that they are its own.
use crate::fork::Digest;
use crate::kernel;
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::*};

/// Those that are kept: the newest ones.
const KEPT: usize = 256;

struct Made {
    /// Of its path; 0 while it is being changed.
    path: AtomicU64,
    /// Of its last component.
    name: AtomicU64,
    site: AtomicUsize,
    /// The process that made it: a leader's are known in its children.
    maker: AtomicU32,
}

static MADE: [Made; KEPT] =
    [const { Made { path: AtomicU64::new(0), name: AtomicU64::new(0), site: AtomicUsize::new(0), maker: AtomicU32::new(0) } };
        KEPT];
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// Records a directory or file that was made; `site` 0: unknown.
pub fn record(path: &[u8], site: usize) {
    let made = known(path).unwrap_or_else(|| &MADE[NEXT.fetch_add(1, Relaxed) % KEPT]);
    made.path.store(0, Relaxed);
    made.name.store(key(last_component(path)), Release);
    made.site.store(site, Release);
    made.maker.store(kernel::process_id(), Release);
    made.path.store(key(path), Release);
}

/// Where it was made; None when that is not known.
pub fn site(path: &[u8]) -> Option<usize> {
    known(path).map(|made| made.site.load(Acquire)).filter(|&site| site != 0)
}

/// False for a path whose last component none has that a process made from which this one was forked since.
pub fn may_be_inherited(path: &[u8]) -> bool {
    let (name, own) = (key(last_component(path)), kernel::process_id());
    MADE.iter().any(|made| made.name.load(Relaxed) == name && made.maker.load(Relaxed) != own)
}

fn last_component(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)
}

/// True for one that a process made from which this one was forked since.
pub fn is_inherited(path: &[u8]) -> bool {
    known(path).is_some_and(|made| made.maker.load(Acquire) != kernel::process_id())
}

fn known(path: &[u8]) -> Option<&'static Made> {
    let key = key(path);
    MADE.iter().find(|made| made.path.load(Acquire) == key)
}

/// Of a path, never 0.
fn key(path: &[u8]) -> u64 {
    let mut digest = Digest::new();
    path.iter().for_each(|&byte| digest.add(byte));
    digest.hash() | 1
}
