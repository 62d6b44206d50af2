//! In a forked child: an open file description of its own under the number of one that it shares with its leader.
use super::fd::{self, OwnedFd, borrow};
use crate::fixed::Text;
use rustix::fs::{Mode, OFlags};
use rustix::io::{DupFlags, Errno};
use rustix::net::SocketFlags;

/// Why a description stays shared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotUnshared {
    /// The kernel refused.
    Failed(Errno),
    /// A lock is held through it, another instance watches it, or another descriptor of this process shares it.
    Needed,
}

impl From<Errno> for NotUnshared {
    fn from(errno: Errno) -> NotUnshared {
        NotUnshared::Failed(errno)
    }
}

/// Puts `new` under a number, whose close-on-exec flag stays as it is.
pub fn replace(number: i32, new: &OwnedFd) -> Result<(), Errno> {
    let closes = rustix::io::fcntl_getfd(borrow(number))?.contains(rustix::io::FdFlags::CLOEXEC);
    let flags = if closes { DupFlags::CLOEXEC } else { DupFlags::empty() };
    fd::duplicate_onto(new, number, flags)
}

/// A regular file that is only read, opened again at the same place in it: leader and child no longer move one position. One through
/// which a lock is held stays shared (flock(2): the lock is the description's).
pub fn reopen(fd: i32) -> Result<(), NotUnshared> {
    if holds_lock(fd) {
        return Err(NotUnshared::Needed);
    }
    let old = borrow(fd);
    let kept = OFlags::from_bits_retain(rustix::fs::fcntl_getfl(old)?.bits()) - OFlags::CREATE - OFlags::EXCL - OFlags::TRUNC;
    let place = rustix::fs::seek(old, rustix::fs::SeekFrom::Current(0))?;
    let path = Text::<40>::of(format_args!("/proc/self/fd/{fd}"));
    let path = path.as_cstr().ok_or(NotUnshared::Failed(Errno::NAMETOOLONG))?;
    let new = OwnedFd::at(rustix::fs::CWD, path, kept | OFlags::CLOEXEC, Mode::empty())?;
    let same = |a: rustix::fs::Stat, b: rustix::fs::Stat| (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino);
    if !same(rustix::fs::fstat(old)?, rustix::fs::fstat(&new)?) {
        return Err(NotUnshared::Failed(Errno::STALE));
    }
    rustix::fs::seek(&new, rustix::fs::SeekFrom::Start(place))?;
    Ok(replace(fd, &new)?)
}

/// True for a file through which a lock of flock(2) or F_OFD_SETLK is held (proc(5): fdinfo lists them), or that cannot be asked.
pub fn holds_lock(fd: i32) -> bool {
    let locked = |line: &[u8]| line.starts_with(b"lock:");
    each_line(fd, |line| if locked(line) { Err(NotUnshared::Needed) } else { Ok(()) }).is_err()
}

/// A lock of flock(2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeldLock {
    /// The process that took it.
    pub taker: u32,
    /// LOCK_EX.
    pub exclusive: bool,
}

impl HeldLock {
    /// `lock:  1: FLOCK  ADVISORY  WRITE 1234 00:2f:567 0 EOF`
    fn parse(line: &[u8]) -> Option<HeldLock> {
        let mut words = core::str::from_utf8(line).ok()?.strip_prefix("lock:")?.split_ascii_whitespace().skip(1);
        let is_flock = words.next()? == "FLOCK";
        let exclusive = words.nth(1)? == "WRITE";
        // In another namespace of processes it has no number.
        let taker = words.next()?.parse().ok().filter(|&taker| taker != 0)?;
        is_flock.then_some(HeldLock { taker, exclusive })
    }
}

/// The lock of flock(2) that is held through this open file (proc(5): fdinfo), by whichever process.
pub fn flock_held(fd: i32) -> Option<HeldLock> {
    let mut held = None;
    _ = each_line(fd, |line| {
        held = held.or_else(|| HeldLock::parse(line));
        Ok(())
    });
    held
}

/// An epoll instance that watches the same descriptors in the same way, by /proc/self/fdinfo (proc(5)). One that watches another
/// instance stays shared: the other is still to be replaced.
pub fn copy_epoll(fd: i32, is_epoll: impl Fn(i32) -> bool) -> Result<(), NotUnshared> {
    let new = fd::create_epoll()?;
    each_line(fd, |line| {
        let Some(watch) = Watch::parse(line) else { return Ok(()) };
        if is_epoll(watch.fd) {
            return Err(NotUnshared::Needed);
        }
        // The number may be another file's by now: the watched file is then open in the leader only.
        if rustix::fs::fstat(borrow(watch.fd)).map(|stat| stat.st_ino) != Ok(watch.inode) {
            return Ok(());
        }
        match fd::add_to_epoll(&new, watch.fd, watch.events, watch.data) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(errno) => Err(NotUnshared::Failed(errno)),
        }
    })?;
    Ok(replace(fd, &new)?)
}

/// Both ends of a pipe, or of a pair of sockets, as new ones: `end` is written to.
pub fn new_pair(end: i32, twin: i32) -> Result<(), Errno> {
    let flags = |fd| Ok(rustix::fs::fcntl_getfl(borrow(fd))? & OFlags::NONBLOCK);
    let (end_flags, twin_flags) = (flags(end)?, flags(twin)?);
    let (new_end, new_twin) = match fd::socket_type(end) {
        Some(kind) => fd::socket_pair(kind, SocketFlags::empty())?,
        None => fd::pipe()?,
    };
    for (new, flags) in [(&new_end, end_flags), (&new_twin, twin_flags)] {
        rustix::fs::fcntl_setfl(new, flags)?;
    }
    replace(end, &new_end)?;
    replace(twin, &new_twin)
}

/// One descriptor that an epoll instance watches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Watch {
    fd: i32,
    events: u32,
    data: u64,
    inode: u64,
}

impl Watch {
    /// `tfd:        5 events:       19 data:     7ffe  pos:0 ino:… sdev:…`
    fn parse(line: &[u8]) -> Option<Watch> {
        // The kernel adds both by itself.
        const ALWAYS: u32 = 0x18;
        let text = core::str::from_utf8(line).ok()?.strip_prefix("tfd:")?;
        let (fd, text) = text.split_once("events:")?;
        let (events, text) = text.split_once("data:")?;
        let data = text.split_ascii_whitespace().next()?;
        let inode = text.split_once("ino:")?.1.split_ascii_whitespace().next()?;
        Some(Watch {
            fd: fd.trim().parse().ok()?,
            events: u32::from_str_radix(events.trim(), 16).ok()? & !ALWAYS,
            data: u64::from_str_radix(data, 16).ok()?,
            inode: u64::from_str_radix(inode, 16).ok()?,
        })
    }
}

/// Calls `each` for the lines of a descriptor's fdinfo (proc(5)), until the first error.
fn each_line(fd: i32, mut each: impl FnMut(&[u8]) -> Result<(), NotUnshared>) -> Result<(), NotUnshared> {
    let path = Text::<40>::of(format_args!("/proc/self/fdinfo/{fd}"));
    let file = OwnedFd::new(path.as_cstr().ok_or(NotUnshared::Failed(Errno::NAMETOOLONG))?, OFlags::RDONLY | OFlags::CLOEXEC)?;
    let mut bytes = [0u8; 2048];
    let mut length = 0;
    loop {
        let got = rustix::io::read(&file, &mut bytes[length..])?;
        length += got;
        let mut start = 0;
        while let Some(end) = bytes[start..length].iter().position(|&byte| byte == b'\n') {
            each(&bytes[start..start + end])?;
            start += end + 1;
        }
        if got == 0 || start == 0 && length == bytes.len() {
            return Ok(());
        }
        bytes.copy_within(start..length, 0);
        length -= start;
    }
}
