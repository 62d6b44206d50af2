//! Files whose position the child shares and sets: it reads and writes where it set it, or where its own reads and writes have led since. If the
//! position is elsewhere, another process has moved it.
//!
//! The calls of one thread are followed. What moves a position past the hooks ends that: other threads, copies of the descriptor, streams of the C
//! library's; and programs and children that this process starts may move it on its behalf.
use crate::entry::record;
use crate::ledger::spawns;
use forkguard_core::registry::descriptors::{FdKind, Record};
use forkguard_core::{flags, fork as core_fork, glibc, kernel, registry, tls};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// How a call moves the position.
#[derive(Clone, Copy)]
pub(crate) enum Move {
    /// It sets it to this one.
    To(u64),
    /// It moves it on by so many bytes at most.
    By(usize),
    /// It leads somewhere.
    Somewhere,
}

/// A file that is followed, and where its position is if nobody else moves it.
struct Followed {
    /// Its number plus one; 0 none.
    number: AtomicI32,
    /// The thread whose calls are followed, by its own variables.
    thread: AtomicUsize,
    /// Processes and programs that this one had started by then.
    started: AtomicU64,
    /// From the first of these to the last; not known where the first is the greater one.
    first: AtomicU64,
    last: AtomicU64,
}

const MOST: usize = 16;
static FOLLOWED: [Followed; MOST] = [const {
    let (number, thread, started) = (AtomicI32::new(0), AtomicUsize::new(0), AtomicU64::new(0));
    Followed { number, thread, started, first: AtomicU64::new(u64::MAX), last: AtomicU64::new(0) }
}; MOST];
#[unsafe(link_section = "forkguard_words")]
static ANY: AtomicBool = AtomicBool::new(false);

/// In a forked child.
pub(super) fn reset() {
    if any() {
        end(|_| true);
    }
}

/// True while a file is followed.
#[inline(always)]
pub(super) fn any() -> bool {
    ANY.load(Relaxed)
}

/// The child uses the position of this file for the first time.
pub(super) fn follow(fd: i32) {
    let free = FOLLOWED.iter().find(|file| file.number.load(Relaxed) == 0);
    if let Some(file) = free.filter(|_| !may_have_other_number(fd)) {
        file.thread.store(tls::own_address(), Relaxed);
        file.forget_place();
        file.number.store(fd + 1, Relaxed);
        ANY.store(true, Relaxed);
        flags::watch_uses(true);
    }
}

/// True where this process has the file open under another number, too, which may stand for the same position.
fn may_have_other_number(fd: i32) -> bool {
    let file = kernel::file_number(fd);
    let is_same = |(other, record): (i32, Record)| {
        other != fd && matches!(record.kind, FdKind::File | FdKind::Start) && kernel::file_number(other) == file
    };
    record(|_| registry::descriptors::recorded().any(is_same)) != Some(false)
}

/// True for a descriptor of a stream of the C library's, which moves its position past the hooks.
fn has_stream(fd: i32) -> bool {
    glibc::streams().any(|(_, words)| glibc::stream_descriptor(&words) == fd)
}

/// These numbers are followed no more.
#[cold]
pub(super) fn forget(numbers: RangeInclusive<i32>) {
    end(|file| numbers.contains(&(file.number.load(Relaxed) - 1)));
}

fn end(is_over: impl Fn(&Followed) -> bool) {
    let followed = || FOLLOWED.iter().filter(|file| file.number.load(Relaxed) != 0);
    followed().filter(|file| is_over(file)).for_each(|file| file.number.store(0, Relaxed));
    ANY.store(followed().next().is_some(), Relaxed);
}

/// Before a call that moves the position of a descriptor: true when another process has moved it. It is followed no more then.
#[cold]
pub(super) fn is_moved(fd: i32, by: Move) -> bool {
    let Some(file) = FOLLOWED.iter().find(|file| file.number.load(Relaxed) == fd + 1) else { return false };
    if file.thread.load(Relaxed) != tls::own_address() {
        forget(fd..=fd);
        return false;
    }
    match by {
        Move::To(position) => file.set_place(position..=position),
        Move::Somewhere => file.forget_place(),
        Move::By(length) => match file.place().zip(kernel::position(fd)) {
            Some((expected, now)) if expected.contains(&now) => file.set_place(now..=now.saturating_add(length as u64)),
            Some(_) => {
                forget(fd..=fd);
                return !has_stream(fd);
            }
            None => file.forget_place(),
        },
    }
    false
}

impl Followed {
    fn place(&self) -> Option<RangeInclusive<u64>> {
        let (first, last) = (self.first.load(Relaxed), self.last.load(Relaxed));
        (first <= last && self.started.load(Relaxed) == started()).then_some(first..=last)
    }

    fn set_place(&self, place: RangeInclusive<u64>) {
        self.first.store(*place.start(), Relaxed);
        self.last.store(*place.end(), Relaxed);
        self.started.store(started(), Relaxed);
    }

    fn forget_place(&self) {
        self.first.store(u64::MAX, Relaxed);
        self.last.store(0, Relaxed);
    }
}

/// Processes and programs that this one has started.
fn started() -> u64 {
    core_fork::made() + spawns::made()
}
