//! Where each descriptor came from: a table by number. The kernel knows which are open; this table only records who made them.
use super::{generation, pipes};
use crate::kernel::{self, Pages};
use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering::*};

/// forkguard's own descriptor, which does not exist for the program; negative: none.
pub static OWN: AtomicI32 = AtomicI32::new(-1);

/// Numbers from here on are not recorded: they are listed with origin unknown.
pub const CAPACITY: usize = 65_536;

/// The kind of a descriptor, by the call that made it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum FdKind {
    /// Nothing recorded.
    None = 0,
    /// open, creat, fopen …: the kernel says what it is.
    File,
    /// socket, socketpair, accept.
    Socket,
    /// pipe.
    Pipe,
    /// epoll_create.
    Epoll,
    /// eventfd.
    Eventfd,
    /// timerfd_create.
    Timerfd,
    /// signalfd.
    Signalfd,
    /// inotify_init, fanotify_init.
    Inotify,
    /// memfd_create.
    Memfd,
    /// Open when the program began.
    Start,
    /// posix_openpt, openpty, forkpty: the master of a pseudoterminal.
    Terminal,
}

const KINDS: [FdKind; 12] = [
    FdKind::None,
    FdKind::File,
    FdKind::Socket,
    FdKind::Pipe,
    FdKind::Epoll,
    FdKind::Eventfd,
    FdKind::Timerfd,
    FdKind::Signalfd,
    FdKind::Inotify,
    FdKind::Memfd,
    FdKind::Start,
    FdKind::Terminal,
];

/// What happened to a descriptor, as bits.
pub mod role {
    /// connect()ed by this process.
    pub const CONNECTED: u8 = 1;
    /// Came from accept().
    pub const ACCEPTED: u8 = 2;
    /// listen()s, or takes datagrams at a port that it chose.
    pub const LISTENING: u8 = 4;
    /// One end of a socketpair().
    pub const PAIR: u8 = 8;
    /// Came from the process that forked this one (worked out when read).
    pub const FORKED: u8 = 16;
    /// dup2, dup3 or freopen put it under this number on purpose.
    pub const PLACED: u8 = 64;
    /// Its close-on-exec flag was cleared on purpose.
    pub const KEPT_ON_EXEC: u8 = 32;
    /// A file that was examined and is no database.
    pub const NO_DATABASE: u8 = 128;
}

/// What guards record of a descriptor until its number is closed, as bits.
pub mod mark {
    /// Made for the children: no guard touches it.
    pub const KEPT: u8 = 1;
    /// A guard set its close-on-exec flag.
    pub const CLOSES_ON_EXEC: u8 = 2;
    /// Another number stands for the same open file, or did.
    pub const COPIED: u8 = 4;
    /// A guard put a dead connection in place of the inherited one.
    pub const SEVERED: u8 = 8;
    /// An inherited connection to whose peer this process has opened one of its own.
    pub const REPLACED: u8 = 16;
    /// An end of a pipe or pair of sockets that is recorded in [`pipes`](super::super::pipes).
    pub const PIPE_END: u8 = 32;
    /// A socket for datagrams that was bound to an address, at a port of the kernel's choice.
    pub const BOUND: u8 = 64;
    /// An accepted connection on which this process has sent since it forked, without a shutdown.
    pub const ANSWERED: u8 = 128;
}

struct FdEntry {
    kind: AtomicU8,
    role: AtomicU8,
    marks: AtomicU8,
    family: AtomicU16,
    thread: AtomicU32,
    site: AtomicUsize,
    /// Peer as connect() was given it: port and IPv4 or IPv6 address; all zero for others. Of an end of a pipe or socketpair the other
    /// end's number, plus one, and [`pipes::End::word`].
    port: AtomicU32,
    /// The process's generation when it was made.
    generation: AtomicU32,
    /// Of an end of a pipe or pair: the generation in which the other end was closed, plus one.
    left: AtomicU32,
    /// Of a file: which opening it came from.
    opening: AtomicU32,
    /// Of a connection, and of one that was accepted: how many forks its process had begun before.
    forks: AtomicU64,
    address: [AtomicU64; 2],
    /// The generation in which an inherited one needs no further look.
    seen: AtomicU32,
    /// Of an end of a pipe or pair: the generation in which it was read or written last, plus one.
    used: AtomicU32,
    /// Of a copy that a child made of an inherited one: the child's generation, and the number of the inherited one.
    copied: AtomicU32,
    original: AtomicU32,
    /// Of a file: the kind of the lock that was taken through it, where, by which thread, and in which generation.
    lock: AtomicU8,
    lock_site: AtomicUsize,
    lock_thread: AtomicU32,
    lock_process: AtomicU32,
    lock_generation: AtomicU32,
    /// How many forks its process had begun before it was taken.
    lock_forks: AtomicU64,
    /// Of a lock of F_SETLK: not zero once its process was seen to have it as it forked.
    lock_held: AtomicU8,
    /// The epoll instance that it was added to last, plus one, and the site of that call.
    added_to: AtomicU32,
    added_at: AtomicUsize,
    /// Of one of the leader's that this process closed with all others: [`swept`], [`lost`], and where and by which thread it was opened.
    swept: AtomicU8,
    swept_lost: AtomicU8,
    swept_site: AtomicUsize,
    swept_thread: AtomicU32,
}

/// Values of [`FdEntry::swept`].
mod swept {
    /// It was not.
    pub(super) const NO: u8 = 0;
    /// It was, and the number has been free since.
    pub(super) const FREE: u8 = 1;
    /// Something else was opened under its number since.
    pub(super) const REOPENED: u8 = 2;
}

/// What can no longer be done with what was so closed, as bits.
pub mod lost {
    /// To write there.
    pub const OUTPUT: u8 = 1;
    /// To read there.
    pub const INPUT: u8 = 2;
    /// To change an epoll instance or wait on it.
    pub const WATCH: u8 = 4;
}

/// One of the leader's that this process closed with all others, by number: what used it may not know.
#[derive(Clone, Copy, Debug)]
pub struct Swept {
    /// Bits of [`lost`].
    pub lost: u8,
    /// Return address of the call that opened it.
    pub site: usize,
    /// Kernel id of the thread that opened it.
    pub thread: u32,
    /// Something else was opened under its number since.
    pub reopened: bool,
}

/// The kind of a lock on a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum FileLockKind {
    /// flock(2): the open file's, which a fork shares.
    Flock = 1,
    /// F_OFD_SETLK of fcntl(2): the same.
    OpenFile,
    /// F_SETLK of fcntl(2): the process's alone.
    Process,
}

/// A lock that was taken through a descriptor.
#[derive(Clone, Copy, Debug)]
pub struct FileLock {
    /// Its kind.
    pub kind: FileLockKind,
    /// Return address of the call that took it.
    pub site: usize,
    /// Kernel id of the thread that took it.
    pub thread: u32,
    /// The process that took it.
    pub process: u32,
    /// Taken before the fork that made this process.
    pub inherited: bool,
    /// Of a lock of F_SETLK: its process had it when it forked.
    pub held_at_fork: bool,
}

/// A copy of what is recorded of one descriptor.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// What it is.
    pub kind: FdKind,
    /// Bits of [`role`].
    pub role: u8,
    /// Bits of [`mark`].
    pub marks: u8,
    /// Address family of a socket.
    pub family: u16,
    /// Kernel id of the thread that made it.
    pub thread: u32,
    /// Return address of the call that made it (that connected it, for a connected socket).
    pub site: usize,
    /// Peer's port, host order.
    pub port: u16,
    /// Peer's address: an IPv4 one in the first four bytes.
    pub address: [u8; 16],
    /// Number of the opening that a file came from: another one for each; 0 for other descriptors.
    pub opening: u32,
    /// How many forks its process had begun before it was connected; 0 for other descriptors.
    pub forks: u64,
}

/// How many numbers a part of the table has.
const PART: usize = 1024;
/// The table, in parts that are mapped once one of their numbers is recorded: a process may have little room for addresses (`ulimit -v`).
static TABLE: [AtomicPtr<[FdEntry; PART]>; CAPACITY / PART] = [const { AtomicPtr::new(ptr::null_mut()) }; CAPACITY / PART];
/// Numbers at and above this were never recorded.
#[unsafe(link_section = "forkguard_words")]
static HIGH: AtomicUsize = AtomicUsize::new(0);
#[unsafe(link_section = "forkguard_words")]
static OPEN: AtomicU32 = AtomicU32::new(0);
#[unsafe(link_section = "forkguard_words")]
static OPENINGS: AtomicU32 = AtomicU32::new(0);
/// A bit for each number that stands for a connected socket: a child that looks for them does not walk ten thousand others.
static CONNECTED: [AtomicU64; CAPACITY / 64] = [const { AtomicU64::new(0) }; CAPACITY / 64];
/// Numbers at and above this never stood for one.
#[unsafe(link_section = "forkguard_words")]
static CONNECTED_HIGH: AtomicUsize = AtomicUsize::new(0);
/// Not zero once this process or one above it has accepted a connection.
#[unsafe(link_section = "forkguard_words")]
static ACCEPTS: AtomicU8 = AtomicU8::new(0);
/// The last generation in which an inherited descriptor was copied.
#[unsafe(link_section = "forkguard_words")]
static COPYING: AtomicU32 = AtomicU32::new(0);

/// None where nothing was ever recorded.
#[inline(always)]
fn entry(fd: i32) -> Option<&'static FdEntry> {
    let number = usize::try_from(fd).ok()?;
    // SAFETY: a part is all zeros first, which are places, and is never given back.
    let part = unsafe { TABLE.get(number / PART)?.load(Acquire).as_ref() }?;
    Some(&part[number % PART])
}

/// The same, to record something there; None beyond the table, and where there is no memory for it.
fn entry_for(fd: i32) -> Option<&'static FdEntry> {
    entry(fd).or_else(|| {
        let part = TABLE.get(usize::try_from(fd).ok()? / PART)?;
        let pages = Pages::map(size_of::<[FdEntry; PART]>())?;
        if part.compare_exchange(ptr::null_mut(), pages.start().cast(), Release, Relaxed).is_ok() {
            core::mem::forget(pages);
        }
        entry(fd)
    })
}

impl FdEntry {
    fn is_connected(&self) -> bool {
        self.role.load(Relaxed) & role::CONNECTED != 0
    }
}

fn set_connected(fd: i32) {
    if let Some(entry) = entry(fd) {
        entry.role.fetch_or(role::CONNECTED, Relaxed);
        CONNECTED[fd as usize / 64].fetch_or(1 << (fd % 64), Relaxed);
        CONNECTED_HIGH.fetch_max(fd as usize + 1, Relaxed);
    }
}

/// Clears the bit of the set only; the caller changes the role.
fn forget_connected(fd: i32) {
    CONNECTED[fd as usize / 64].fetch_and(!(1 << (fd % 64)), Relaxed);
}

/// The numbers of all connected sockets.
pub fn connected() -> impl Iterator<Item = i32> {
    let words = CONNECTED.iter().take(CONNECTED_HIGH.load(Relaxed).div_ceil(64)).enumerate();
    words.flat_map(|(index, word)| {
        let mut bits = word.load(Relaxed);
        core::iter::from_fn(move || {
            let bit = (bits != 0).then(|| bits.trailing_zeros())?;
            bits &= bits - 1;
            Some(index as i32 * 64 + bit as i32)
        })
    })
}

/// Records a new descriptor: whatever was recorded under this number is forgotten.
pub fn open(fd: i32, kind: FdKind, roles: u8, family: u16, site: usize, thread: u32) {
    let Some(entry) = entry_for(fd) else { return };
    if entry.is_connected() {
        forget_connected(fd);
    }
    entry.role.store(roles, Relaxed);
    if roles & role::CONNECTED != 0 {
        set_connected(fd);
    }
    if roles & role::ACCEPTED != 0 && ACCEPTS.load(Relaxed) == 0 {
        ACCEPTS.store(1, Relaxed);
    }
    entry.marks.store(0, Relaxed);
    entry.generation.store(generation::current(), Relaxed);
    entry.opening.store(if kind == FdKind::File { OPENINGS.fetch_add(1, Relaxed) + 1 } else { 0 }, Relaxed);
    entry.family.store(family, Relaxed);
    entry.thread.store(thread, Relaxed);
    entry.site.store(site, Relaxed);
    entry.port.store(0, Relaxed);
    entry.address[0].store(0, Relaxed);
    entry.address[1].store(0, Relaxed);
    entry.forks.store(if roles & role::ACCEPTED != 0 { generation::last_sequence() } else { 0 }, Relaxed);
    entry.copied.store(0, Relaxed);
    entry.lock.store(0, Relaxed);
    entry.left.store(0, Relaxed);
    entry.used.store(0, Relaxed);
    entry.added_to.store(0, Relaxed);
    if entry.swept.load(Relaxed) == swept::FREE {
        entry.swept.store(swept::REOPENED, Relaxed);
    }
    if entry.kind.swap(kind as u8, Relaxed) == FdKind::None as u8 {
        OPEN.fetch_add(1, Relaxed);
    }
    HIGH.fetch_max(fd as usize + 1, Relaxed);
}

/// Records that the number stands for a description of this process's own from now on.
pub fn set_own(fd: i32) {
    if let Some(entry) = entry(fd) {
        entry.generation.store(generation::current(), Relaxed);
    }
}

/// Records that the number stands for one end of a dead connection now: its first use is still to come, like that of the inherited one, whose
/// peer stays recorded.
pub fn sever(fd: i32, family: u16) {
    if let Some(entry) = entry(fd) {
        disconnect(fd);
        entry.role.store(role::PAIR, Relaxed);
        entry.family.store(family, Relaxed);
        entry.marks.store(mark::SEVERED, Relaxed);
    }
}

/// Records that a number is free again.
#[inline]
pub fn close(fd: i32) {
    if let Some(entry) = entry(fd)
        && entry.kind.load(Relaxed) != 0
        && entry.kind.swap(FdKind::None as u8, Relaxed) != FdKind::None as u8
    {
        if entry.is_connected() {
            disconnect(fd);
        }
        match entry.marks.load(Relaxed) & (mark::PIPE_END | mark::COPIED) {
            mark::PIPE_END => pipes::End::of_word(entry.address[1].load(Relaxed)).into_iter().for_each(pipes::End::close),
            marks if marks & mark::PIPE_END != 0 => leave_copy(entry),
            _ => {}
        }
        if entry.address[0].load(Relaxed) != 0 {
            leave_twin(fd, entry);
        }
        OPEN.fetch_sub(1, Relaxed);
    }
}

/// A number of an end of a pipe or pair was closed. The last one that is left stands for it alone again: an end that was moved is as one that
/// was made there. (A child's copies are found by the numbers of the fork.)
fn leave_copy(closed: &FdEntry) {
    let end = closed.address[1].load(Relaxed);
    let is_of = |entry: &&FdEntry, end: u64| {
        let is_end = entry.kind.load(Relaxed) != FdKind::None as u8 && entry.marks.load(Relaxed) & mark::PIPE_END != 0;
        is_end && entry.address[1].load(Relaxed) == end
    };
    let find = |end: u64| numbers().filter_map(move |fd| Some((fd, entry(fd).filter(|entry| is_of(entry, end))?)));
    let mut left = find(end);
    if let (Some((fd, last)), None) = (left.next(), left.next())
        && !last.is_inherited()
    {
        let twin = pipes::End::of_word(end).and_then(|end| find(end.other().word()).next());
        last.marks.fetch_and(!mark::COPIED, Relaxed);
        last.address[0].store(twin.map_or(0, |(twin, _)| twin as u64 + 1), Relaxed);
        if let Some((_, twin)) = twin {
            twin.address[0].store(fd as u64 + 1, Relaxed);
        }
    }
}

/// An end of a pipe or pair was closed; what else stands for it may be open still.
fn leave_twin(fd: i32, end: &FdEntry) {
    let noted = |entry: &FdEntry| entry.address[0].load(Relaxed) as i32 - 1;
    let is_end = |entry: &FdEntry| entry.kind.load(Relaxed) == FdKind::Pipe as u8 || entry.role.load(Relaxed) & role::PAIR != 0;
    if end.marks.load(Relaxed) & mark::COPIED == 0
        && let Some(twin) = entry(noted(end)).filter(|twin| is_end(twin) && noted(twin) == fd)
    {
        twin.left.store(generation::current() + 1, Relaxed);
    }
}

/// True for an end of a pipe or pair whose other end this process, or one that it was forked from, has closed: another process has that.
/// `before`: it was closed before the last fork.
pub fn is_only_end(fd: i32, before: bool) -> bool {
    let left = |entry: &FdEntry| entry.left.load(Relaxed).checked_sub(1);
    let is_end = |record: &Record| record.kind == FdKind::Pipe || record.role & role::PAIR != 0;
    record(fd).is_some_and(|record| is_end(&record) && record.marks & mark::COPIED == 0)
        && entry(fd).and_then(left).is_some_and(|left| !before || left < generation::current())
}

/// True for a connection that this process has accepted, and forked since.
#[inline]
pub fn is_accepted_before_fork(fd: i32) -> bool {
    entry(fd).is_some_and(|entry| {
        entry.role.load(Relaxed) & role::ACCEPTED != 0
            && entry.kind.load(Relaxed) == FdKind::Socket as u8
            && entry.forks.load(Relaxed) < generation::last_sequence()
            && !entry.is_inherited()
    })
}

/// The accepted connections of this process.
pub fn accepted() -> impl Iterator<Item = i32> {
    let is_accepted = |record: &Record| record.kind == FdKind::Socket && record.role & role::ACCEPTED != 0;
    let all = (ACCEPTS.load(Relaxed) != 0).then(recorded).into_iter().flatten();
    all.filter(move |(_, record)| is_accepted(record)).map(|(fd, _)| fd)
}

/// Records that all numbers from first to last are free again.
pub fn close_range(first: u32, last: u32) {
    let high = HIGH.load(Relaxed) as u32;
    for fd in first..high.min(last.saturating_add(1)) {
        close(fd as i32);
    }
}

/// What its loss takes from a child, as bits of [`lost`]: of an inherited one under a number that nobody chose, but for sockets with a peer
/// elsewhere, whose users find an error and connect anew.
pub fn lost_with(fd: i32) -> u8 {
    let Some(record) = record(fd).filter(|record| fd > 2 && record.role & role::PLACED == 0 && is_inherited(fd)) else {
        return 0;
    };
    match record.kind {
        FdKind::File => lost::INPUT | if kernel::is_writable(fd) { lost::OUTPUT } else { 0 },
        FdKind::Epoll => lost::WATCH,
        FdKind::Pipe | FdKind::Eventfd | FdKind::Timerfd | FdKind::Signalfd | FdKind::Inotify => lost::INPUT,
        FdKind::Socket if record.role & role::PAIR != 0 => lost::INPUT,
        _ => 0,
    }
}

/// Notes what is lost with it before it is closed.
pub fn note_lost(fd: i32, lost: u8) {
    if let Some(entry) = entry(fd) {
        entry.swept_lost.store(lost, Relaxed);
    }
}

/// Records that this process closed it with all others.
pub fn sweep(fd: i32) {
    if let Some(entry) = entry(fd) {
        entry.swept_site.store(entry.site.load(Relaxed), Relaxed);
        entry.swept_thread.store(entry.thread.load(Relaxed), Relaxed);
        entry.swept.store(swept::FREE, Relaxed);
    }
}

/// What was so closed under this number.
pub fn swept(fd: i32) -> Option<Swept> {
    let entry = entry(fd)?;
    let (state, lost) = (entry.swept.load(Relaxed), entry.swept_lost.load(Relaxed));
    let (site, thread) = (entry.swept_site.load(Relaxed), entry.swept_thread.load(Relaxed));
    (state != swept::NO).then_some(Swept { lost, site, thread, reopened: state == swept::REOPENED })
}

/// True when something was.
#[inline(always)]
pub fn is_swept(fd: i32) -> bool {
    entry(fd).is_some_and(|entry| entry.swept.load(Relaxed) != swept::NO)
}

/// Who used it knows now, or it was told.
pub fn forget_swept(fd: i32) {
    if let Some(entry) = entry(fd).filter(|entry| entry.swept.load(Relaxed) != swept::NO) {
        entry.swept.store(swept::NO, Relaxed);
    }
}

/// The recorded numbers from first to last.
pub fn recorded_within(first: u32, last: u32) -> impl Iterator<Item = i32> {
    numbers().filter(move |&fd| (first..=last).contains(&(fd as u32)))
}

/// Records that `to` now is what `from` is.
pub fn duplicate(from: i32, to: i32, site: usize, thread: u32) {
    match record(from) {
        Some(r) => {
            if is_pipe_end(to) {
                close(to);
            }
            let made = if r.site != 0 { r.site } else { site };
            open(to, r.kind, r.role & !(role::KEPT_ON_EXEC | role::FORKED | role::PLACED), r.family, made, thread);
            set_peer(to, r.port, r.address);
            if let (Some(old), Some(new)) = (entry(from), entry(to)) {
                old.marks.fetch_or(mark::COPIED, Relaxed);
                new.marks.store(r.marks & (mark::KEPT | mark::PIPE_END | mark::BOUND) | mark::COPIED, Relaxed);
                new.opening.store(r.opening, Relaxed);
                new.forks.store(r.forks, Relaxed);
                new.left.store(old.left.load(Relaxed), Relaxed);
                new.generation.store(old.generation.load(Relaxed), Relaxed);
                new.seen.store(old.seen.load(Relaxed), Relaxed);
                new.copy_lock(old);
                if old.is_inherited() {
                    new.original.store(number_at_fork(from) as u32, Relaxed);
                    new.copied.store(generation::current(), Relaxed);
                    COPYING.store(generation::current(), Relaxed);
                }
            }
        }
        None => close(to),
    }
}

fn set_peer(fd: i32, port: u16, address: [u8; 16]) {
    let Some(entry) = entry(fd) else { return };
    entry.port.store(u32::from(port), Relaxed);
    for (word, bytes) in entry.address.iter().zip(address.chunks_exact(8)) {
        word.store(u64::from_ne_bytes(bytes.try_into().unwrap_or_default()), Relaxed);
    }
}

/// Records connect(): its peer and where it was called.
pub fn connect(fd: i32, family: u16, port: u16, address: [u8; 16], site: usize, thread: u32) {
    let known = record(fd).filter(|r| r.kind == FdKind::Socket);
    if known.is_none() {
        open(fd, FdKind::Socket, 0, family, site, thread);
    }
    set_peer(fd, port, address);
    if let Some(entry) = entry(fd) {
        entry.family.store(family, Relaxed);
        entry.site.store(site, Relaxed);
        entry.thread.store(thread, Relaxed);
        entry.generation.store(generation::current(), Relaxed);
        entry.forks.store(generation::last_sequence(), Relaxed);
        set_connected(fd);
    }
}

/// Records that a descriptor was added to those that an epoll instance watches.
pub fn add(fd: i32, epoll: i32, site: usize) {
    if let Some(entry) = entry_for(fd) {
        entry.added_at.store(site, Relaxed);
        entry.added_to.store(epoll as u32 + 1, Relaxed);
    }
}

/// The site where it was added to that instance, if to no other since. Also of one that was closed and that the instance watches on.
pub fn added_at(fd: i32, epoll: i32) -> Option<usize> {
    let entry = entry(fd).filter(|entry| entry.added_to.load(Relaxed) == epoll as u32 + 1)?;
    Some(entry.added_at.load(Relaxed))
}

/// The epoll instance that a descriptor was added to last.
#[inline]
pub fn watched_by(fd: i32) -> Option<i32> {
    entry(fd)?.added_to.load(Relaxed).checked_sub(1).map(|epoll| epoll as i32)
}

/// Records the end of a connection: a datagram socket was dissolved from its peer.
pub fn disconnect(fd: i32) {
    if let Some(entry) = entry(fd) {
        entry.role.fetch_and(!role::CONNECTED, Relaxed);
        forget_connected(fd);
    }
}

/// Adds bits of [`role`].
pub fn add_role(fd: i32, bits: u8) {
    if let Some(entry) = entry_for(fd) {
        entry.role.fetch_or(bits, Relaxed);
    }
}

/// Takes bits of [`role`] back.
pub fn remove_role(fd: i32, bits: u8) {
    if let Some(entry) = entry(fd) {
        entry.role.fetch_and(!bits, Relaxed);
    }
}

/// Adds bits of [`mark`].
pub fn add_mark(fd: i32, bits: u8) {
    if let Some(entry) = entry_for(fd) {
        entry.marks.fetch_or(bits, Relaxed);
    }
}

/// Takes bits of [`mark`] back; true if one of them was set.
pub fn remove_mark(fd: i32, bits: u8) -> bool {
    entry(fd).is_some_and(|entry| entry.marks.load(Relaxed) & bits != 0 && entry.marks.fetch_and(!bits, Relaxed) & bits != 0)
}

/// Records that two descriptors are the ends of one pipe or pair of sockets.
pub fn join([one, other]: [i32; 2]) {
    let files = [one, other].map(kernel::file_number);
    let first = match (files, record(one)) {
        ([Some(file), Some(twin)], Some(made)) => Some(pipes::record([file, twin], made.site, made.thread)),
        _ => None,
    };
    for (end, twin, recorded) in [(one, other, first), (other, one, first.map(pipes::End::other))] {
        if let Some(entry) = entry(end) {
            entry.address[0].store(twin as u64 + 1, Relaxed);
            if let Some(recorded) = recorded {
                entry.address[1].store(recorded.word(), Relaxed);
                entry.marks.fetch_or(mark::PIPE_END, Relaxed);
            }
        }
    }
}

/// True for an end of a pipe or pair of sockets that is recorded in [`pipes`].
#[inline(always)]
pub fn is_pipe_end(fd: i32) -> bool {
    entry(fd)
        .is_some_and(|entry| entry.kind.load(Relaxed) != FdKind::None as u8 && entry.marks.load(Relaxed) & mark::PIPE_END != 0)
}

/// Records that this process reads or writes such an end.
#[inline(always)]
pub fn set_used(fd: i32) {
    if let Some(entry) = entry(fd) {
        entry.used.store(generation::current() + 1, Relaxed);
    }
}

/// True for an end that this process has read or written: what its leader did before the fork does not count.
pub fn is_used(fd: i32) -> bool {
    entry(fd).is_some_and(|entry| entry.used.load(Relaxed) == generation::current() + 1)
}

/// Whether a child of this process, or one of its children, has read or written such an end, as the child's own table has it; None where that cannot
/// be read.
pub fn is_used_by(child: u32, fd: i32) -> Option<bool> {
    let mut bytes = [0; 4];
    let used = &raw const entry(fd)?.used;
    let is_read = kernel::read_memory_of(child, used.addr(), &mut bytes);
    is_read.then(|| u32::from_ne_bytes(bytes) > generation::current() + 1)
}

/// What is recorded of such an end.
pub fn pipe_end(fd: i32) -> Option<pipes::End> {
    pipes::End::of_word(entry(fd).filter(|_| is_pipe_end(fd))?.address[1].load(Relaxed))
}

/// The number that the other end of a pipe or pair of sockets was made with.
pub fn twin_as_made(fd: i32) -> Option<i32> {
    i32::try_from(entry(fd)?.address[0].load(Relaxed)).ok()?.checked_sub(1).filter(|&twin| twin >= 0)
}

/// The other end of a pipe or pair of sockets, while this process has it.
pub fn twin(fd: i32) -> Option<i32> {
    let (kind, twin) = (record(fd)?.kind, twin_as_made(fd)?);
    (record(twin)?.kind == kind && twin_as_made(twin) == Some(number_at_fork(fd))).then_some(twin)
}

impl FdEntry {
    #[inline(always)]
    fn is_inherited(&self) -> bool {
        self.kind.load(Relaxed) != FdKind::None as u8 && self.generation.load(Relaxed) < generation::current()
    }
}

/// True for one that this process shares with the one that it was forked from.
pub fn is_inherited(fd: i32) -> bool {
    entry(fd).is_some_and(FdEntry::is_inherited)
}

/// The numbers under which something may be recorded.
fn numbers() -> impl Iterator<Item = i32> {
    0..HIGH.load(Relaxed).min(CAPACITY) as i32
}

/// True for an inherited descriptor whose use is still to be checked.
#[inline(always)]
pub fn is_unseen(fd: i32) -> bool {
    entry(fd).is_some_and(|p| p.is_inherited() && p.seen.load(Relaxed) != generation::current())
}

/// The numbers of all those.
pub fn unseen() -> impl Iterator<Item = i32> {
    numbers().filter(|&fd| is_unseen(fd))
}

/// Records that its use needs no further check; false when that was recorded before.
pub fn set_seen(fd: i32) -> bool {
    entry(fd).is_some_and(|p| p.seen.swap(generation::current(), Relaxed) != generation::current())
}

/// The number that an inherited descriptor had at the fork: another one for a copy that was made since.
pub fn number_at_fork(fd: i32) -> i32 {
    match entry(fd) {
        Some(entry) if entry.copied.load(Relaxed) == generation::current() && generation::current() != 0 => {
            entry.original.load(Relaxed) as i32
        }
        _ => fd,
    }
}

/// True while another number stands for the same inherited descriptor.
pub fn has_copy(fd: i32) -> bool {
    let number = number_at_fork(fd);
    let is_copy = |other: i32| other != fd && entry(other).is_some_and(FdEntry::is_inherited) && number_at_fork(other) == number;
    COPYING.load(Relaxed) == generation::current() && numbers().any(is_copy)
}

impl FdEntry {
    fn copy_lock(&self, of: &FdEntry) {
        self.lock_site.store(of.lock_site.load(Relaxed), Relaxed);
        self.lock_thread.store(of.lock_thread.load(Relaxed), Relaxed);
        self.lock_process.store(of.lock_process.load(Relaxed), Relaxed);
        self.lock_generation.store(of.lock_generation.load(Relaxed), Relaxed);
        self.lock_forks.store(of.lock_forks.load(Relaxed), Relaxed);
        self.lock_held.store(of.lock_held.load(Relaxed), Relaxed);
        self.lock.store(of.lock.load(Relaxed), Relaxed);
    }
}

/// Not zero once a lock of F_SETLK was taken in this process or one above it.
#[unsafe(link_section = "forkguard_words")]
static PROCESS_LOCKS: AtomicU8 = AtomicU8::new(0);

/// Records that a lock was taken through a descriptor.
pub fn lock(fd: i32, kind: FileLockKind, site: usize, thread: u32) {
    let Some(entry) = entry(fd) else { return };
    entry.lock_site.store(site, Relaxed);
    entry.lock_thread.store(thread, Relaxed);
    entry.lock_process.store(kernel::process_id(), Relaxed);
    entry.lock_generation.store(generation::current(), Relaxed);
    entry.lock_forks.store(generation::last_sequence(), Relaxed);
    entry.lock_held.store(0, Relaxed);
    entry.lock.store(kind as u8, Relaxed);
    if kind == FileLockKind::Process && PROCESS_LOCKS.load(Relaxed) == 0 {
        PROCESS_LOCKS.store(1, Relaxed);
    }
}

/// The files through which locks of F_SETLK were taken, by this process or one above it, with those locks.
pub fn process_locks() -> impl Iterator<Item = (i32, FileLock)> {
    let high = if PROCESS_LOCKS.load(Relaxed) == 0 { 0 } else { HIGH.load(Relaxed).min(CAPACITY) as i32 };
    (0..high).filter_map(|fd| Some((fd, file_lock(fd).filter(|lock| lock.kind == FileLockKind::Process)?)))
}

/// Before a fork: notes which of these locks this process has. The child cannot ask once its leader has ended.
pub(crate) fn note_process_locks() {
    for (fd, lock) in process_locks().filter(|(_, lock)| !lock.inherited) {
        let holds = kernel::process_with_lock(fd) == Some(lock.process);
        entry(fd).into_iter().for_each(|entry| entry.lock_held.store(u8::from(holds), Relaxed));
    }
}

/// True for a file that this process has locked for whoever has it open, and forked with since.
#[inline(always)]
pub fn is_locked_before_fork(fd: i32) -> bool {
    entry(fd).is_some_and(|entry| entry.lock.load(Relaxed) != 0) && is_own_lock_shared(fd)
}

#[cold]
fn is_own_lock_shared(fd: i32) -> bool {
    let shared = |entry: &FdEntry| entry.lock_forks.load(Relaxed) < generation::last_sequence();
    file_lock(fd).is_some_and(|lock| lock.kind != FileLockKind::Process && !lock.inherited) && entry(fd).is_some_and(shared)
}

/// True while another number stands for the same opening of a file.
pub fn is_opening_under_other_number(fd: i32) -> bool {
    let opening = |fd| record(fd).map_or(0, |record| record.opening);
    let own = opening(fd);
    own != 0 && recorded().any(|(other, record)| other != fd && record.opening == own)
}

/// Records that it was released.
pub fn unlock(fd: i32) {
    if let Some(entry) = entry(fd) {
        entry.lock.store(0, Relaxed);
    }
}

/// The lock that was taken through a descriptor and not released, as far as it is recorded.
pub fn file_lock(fd: i32) -> Option<FileLock> {
    let entry = entry(fd).filter(|entry| entry.kind.load(Relaxed) != FdKind::None as u8)?;
    let kind = match entry.lock.load(Relaxed) {
        1 => FileLockKind::Flock,
        2 => FileLockKind::OpenFile,
        3 => FileLockKind::Process,
        _ => return None,
    };
    Some(FileLock {
        kind,
        site: entry.lock_site.load(Relaxed),
        thread: entry.lock_thread.load(Relaxed),
        process: entry.lock_process.load(Relaxed),
        inherited: entry.lock_generation.load(Relaxed) < generation::current(),
        held_at_fork: entry.lock_held.load(Relaxed) != 0,
    })
}

/// What is recorded under a number.
pub fn record(fd: i32) -> Option<Record> {
    let entry = entry(fd)?;
    let kind = *KINDS.get(entry.kind.load(Relaxed) as usize)?;
    if kind == FdKind::None {
        return None;
    }
    let mut address = [0u8; 16];
    for (word, bytes) in entry.address.iter().zip(address.chunks_exact_mut(8)) {
        bytes.copy_from_slice(&word.load(Relaxed).to_ne_bytes());
    }
    let forked = if entry.generation.load(Relaxed) < generation::current() { role::FORKED } else { 0 };
    Some(Record {
        kind,
        role: entry.role.load(Relaxed) | forked,
        marks: entry.marks.load(Relaxed),
        family: entry.family.load(Relaxed),
        thread: entry.thread.load(Relaxed),
        site: entry.site.load(Relaxed),
        port: entry.port.load(Relaxed) as u16,
        address,
        opening: entry.opening.load(Relaxed),
        forks: entry.forks.load(Relaxed),
    })
}

/// All recorded descriptors, in order.
pub fn recorded() -> impl Iterator<Item = (i32, Record)> {
    numbers().filter_map(|fd| Some((fd, record(fd)?)))
}

/// How many are recorded.
pub fn count() -> u32 {
    OPEN.load(Relaxed)
}
