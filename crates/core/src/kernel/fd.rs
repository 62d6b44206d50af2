//! Descriptors: opened, copied and asked about.
use super::clock::timespec;
use super::process::process_id;
use super::syscall::syscall;
use core::ffi::CStr;
use core::mem::ManuallyDrop;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use rustix::event::{PollFd, PollFlags, epoll, poll};
use rustix::fd::FromRawFd;
use rustix::fd::IntoRawFd;
pub use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::{DupFlags, Errno};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::pipe::PipeFlags;
use rustix::process::{Pid, PidfdFlags};

/// What names an open file in the kernel: its device and its number there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FileNumber {
    /// Device.
    pub device: u64,
    /// Number of the inode.
    pub inode: u64,
}

/// Borrows a descriptor number that the host owns; every call on it may fail with EBADF.
pub fn borrow(fd: i32) -> BorrowedFd<'static> {
    // SAFETY: the number is only passed to system calls, which check it; -1 is the one value that BorrowedFd forbids.
    unsafe { BorrowedFd::borrow_raw(if fd < 0 { i32::MAX } else { fd }) }
}

/// True for /dev/null and its like, null(4): what is written there is nowhere.
pub fn is_memory_device(fd: i32) -> bool {
    const MEMORY: u32 = 1;
    let is_one = |stat: rustix::fs::Stat| {
        let kind = FileType::from_raw_mode(stat.st_mode);
        kind == FileType::CharacterDevice && rustix::fs::major(stat.st_rdev) == MEMORY
    };
    rustix::fs::fstat(borrow(fd)).is_ok_and(is_one)
}

/// Closes a descriptor of ours without passing through our hook.
pub fn close(fd: i32) {
    // SAFETY: takes an integer.
    unsafe { syscall(libc::SYS_close, [fd as usize, 0, 0, 0, 0, 0]) };
}

/// close_range(2) with its flags; the kernel's answer.
pub fn close_range(first: u32, last: u32, flags: i32) -> isize {
    // SAFETY: takes integers.
    unsafe { syscall(libc::SYS_close_range, [first as usize, last as usize, flags as usize, 0, 0, 0]) }
}

/// A descriptor of ours, closed by the system call itself when dropped. (rustix's OwnedFd is std's as soon as any crate of a build enables
/// that, and then closes by libc's close: a cancellation point of the host's thread and a hook of ours.)
pub struct OwnedFd(i32);

impl OwnedFd {
    /// openat(2).
    pub fn at(directory: BorrowedFd<'_>, path: &CStr, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
        rustix::fs::openat(directory, path, flags, mode).map(OwnedFd::from)
    }

    /// open(2).
    pub fn new(path: &CStr, flags: OFlags) -> Result<OwnedFd, Errno> {
        Self::at(rustix::fs::CWD, path, flags, Mode::empty())
    }

    /// The number, which stays open.
    pub fn into_number(self) -> i32 {
        let number = self.0;
        core::mem::forget(self);
        number
    }
}

impl From<rustix::fd::OwnedFd> for OwnedFd {
    fn from(fd: rustix::fd::OwnedFd) -> OwnedFd {
        OwnedFd(fd.into_raw_fd())
    }
}

impl AsFd for OwnedFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        borrow(self.0)
    }
}

impl Drop for OwnedFd {
    fn drop(&mut self) {
        close(self.0);
    }
}

/// False where the table of descriptors is full, or has one free number only (a directory and a file in it take two).
pub fn can_open_two() -> bool {
    let open = || OwnedFd::new(c"/", OFlags::PATH | OFlags::CLOEXEC);
    let (one, other) = (open(), open());
    one.is_ok() && other.is_ok()
}

/// dup3(2).
pub fn duplicate_onto(from: &OwnedFd, to: i32, flags: DupFlags) -> Result<(), Errno> {
    // SAFETY: the number is only passed to the system call, and never closed here.
    let mut to = ManuallyDrop::new(unsafe { rustix::fd::OwnedFd::from_raw_fd(to) });
    rustix::io::dup3(from, &mut to, flags)
}

/// Sets or clears the close-on-exec flag.
pub fn set_close_on_exec(fd: i32, closes: bool) -> Result<(), Errno> {
    let flags = if closes { rustix::io::FdFlags::CLOEXEC } else { rustix::io::FdFlags::empty() };
    rustix::io::fcntl_setfd(borrow(fd), flags)
}

/// An end of a connection whose other end is closed, closed on exec: reading it gives end of file, writing EPIPE. Unlike a stream a unix
/// socket of packets raises no SIGPIPE (unix_dgram_sendmsg in the kernel's net/unix/af_unix.c).
pub fn disconnected_socket(nonblocking: bool) -> Result<OwnedFd, Errno> {
    let flags = if nonblocking { SocketFlags::NONBLOCK } else { SocketFlags::empty() };
    socket_pair(SocketType::SEQPACKET, flags).map(|(end, _closed)| end)
}

/// epoll_create1(2), closed on exec.
pub fn create_epoll() -> Result<OwnedFd, Errno> {
    epoll::create(epoll::CreateFlags::CLOEXEC).map(OwnedFd::from)
}

/// epoll_ctl(2), EPOLL_CTL_ADD.
pub fn add_to_epoll(epoll: &OwnedFd, fd: i32, events: u32, data: u64) -> Result<(), Errno> {
    epoll::add(epoll, borrow(fd), epoll::EventData::new_u64(data), epoll::EventFlags::from_bits_retain(events))
}

/// epoll_ctl(2), EPOLL_CTL_DEL.
pub fn remove_from_epoll(epoll: i32, fd: i32) -> Result<(), Errno> {
    epoll::delete(borrow(epoll), borrow(fd))
}

/// True for a socket of datagrams.
pub fn is_datagram_socket(fd: i32) -> bool {
    socket_type(fd) == Some(SocketType::DGRAM)
}

/// The type of a socket (SO_TYPE); None for any other descriptor.
pub fn socket_type(fd: i32) -> Option<SocketType> {
    rustix::net::sockopt::socket_type(borrow(fd)).ok()
}

/// socketpair(2) of unix sockets, closed on exec.
pub fn socket_pair(kind: SocketType, flags: SocketFlags) -> Result<(OwnedFd, OwnedFd), Errno> {
    let ends = rustix::net::socketpair(AddressFamily::UNIX, kind, flags | SocketFlags::CLOEXEC, None);
    ends.map(|(one, other)| (one.into(), other.into()))
}

/// pipe2(2), closed on exec: the end that is written to comes first.
pub fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map(|(read, write)| (write.into(), read.into()))
}

/// A descriptor of another process, closed on exec, at the lowest free number from `above` on (pidfd_open(2)).
pub fn open_pidfd(process: u32, above: i32) -> Option<i32> {
    // Valgrind prints a warning at each call that it does not know.
    static UNKNOWN: AtomicBool = AtomicBool::new(false);
    if UNKNOWN.load(Relaxed) {
        return None;
    }
    let opened = rustix::process::pidfd_open(Pid::from_raw(process as i32)?, PidfdFlags::empty());
    UNKNOWN.store(opened.as_ref().is_err_and(|&error| error == Errno::NOSYS), Relaxed);
    let low = OwnedFd::from(opened.ok()?);
    rustix::io::fcntl_dupfd_cloexec(&low, above).ok().map(IntoRawFd::into_raw_fd)
}

/// True for a descriptor that is open.
pub fn is_open(fd: i32) -> bool {
    rustix::io::fcntl_getfd(borrow(fd)).is_ok()
}

/// True for a descriptor that is open and stays so when another program is exec'd.
pub fn survives_exec(fd: i32) -> bool {
    rustix::io::fcntl_getfd(borrow(fd)).is_ok_and(|flags| !flags.contains(rustix::io::FdFlags::CLOEXEC))
}

/// True for a descriptor that can be written to.
pub fn is_writable(fd: i32) -> bool {
    let mode = OFlags::RDONLY | OFlags::WRONLY | OFlags::RDWR;
    rustix::fs::fcntl_getfl(borrow(fd)).is_ok_and(|flags| flags & mode != OFlags::RDONLY)
}

/// True for two ends of one pipe.
pub fn is_same_pipe(one: i32, other: i32) -> bool {
    is_same(one, other, FileType::Fifo)
}

/// True for two numbers of one socket.
pub fn is_same_socket(one: i32, other: i32) -> bool {
    is_same(one, other, FileType::Socket)
}

fn is_same(one: i32, other: i32, kind: FileType) -> bool {
    let of_kind = |fd| rustix::fs::fstat(borrow(fd)).ok().filter(|stat| FileType::from_raw_mode(stat.st_mode) == kind);
    of_kind(one).zip(of_kind(other)).is_some_and(|(one, other)| (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}

/// True when two numbers of this process stand for one open file description (kcmp(2)); false, too, where the kernel does not tell.
pub fn is_same_open_file(one: i32, other: i32) -> bool {
    const KCMP_FILE: usize = 0;
    let process = process_id() as usize;
    // SAFETY: compares two descriptors.
    unsafe { syscall(libc::SYS_kcmp, [process, process, KCMP_FILE, one as usize, other as usize, 0]) == 0 }
}

/// What names the file that is open under a number; None of one that is not open.
pub fn file_number(fd: i32) -> Option<FileNumber> {
    let stat = rustix::fs::fstat(borrow(fd)).ok()?;
    Some(FileNumber { device: stat.st_dev, inode: stat.st_ino })
}

/// The process that holds a lock of F_SETLK on some part of a file, as far as that is another one (fcntl(2), F_GETLK).
pub fn locking_process(fd: i32) -> Option<u32> {
    locker(fd, libc::F_GETLK)
}

/// The same; this process is one of those that it may be (F_OFD_GETLK asks for the open file, to which no such lock belongs).
pub fn process_with_lock(fd: i32) -> Option<u32> {
    locker(fd, libc::F_OFD_GETLK).filter(|&process| process != u32::MAX)
}

/// Who keeps a lock of the whole file from being taken; u32::MAX for an open file.
fn locker(fd: i32, command: i32) -> Option<u32> {
    // SAFETY: a flock is plain words.
    let mut asked: libc::flock = unsafe { core::mem::zeroed() };
    asked.l_type = libc::F_WRLCK as i16;
    // SAFETY: the kernel reads and writes the structure, which outlives the call.
    let result = unsafe { syscall(libc::SYS_fcntl, [fd as usize, command as usize, (&raw mut asked).addr(), 0, 0, 0]) };
    (result == 0 && asked.l_type != libc::F_UNLCK as i16).then_some(asked.l_pid as u32)
}

/// True for a pipe, with a name or without.
pub fn is_pipe(fd: i32) -> bool {
    rustix::fs::fstat(borrow(fd)).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo)
}

/// True when a write need not wait for room, or would fail.
pub fn has_room(fd: i32) -> bool {
    let mut asked = [PollFd::from_borrowed_fd(borrow(fd), PollFlags::OUT)];
    poll(&mut asked, Some(&timespec(0))).is_ok_and(|ready| ready > 0)
}

/// True for a regular file that is open for reading only.
pub fn is_read_by_position(fd: i32) -> bool {
    let regular =
        || rustix::fs::fstat(borrow(fd)).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile);
    let mode = OFlags::RDONLY | OFlags::WRONLY | OFlags::RDWR;
    rustix::fs::fcntl_getfl(borrow(fd)).is_ok_and(|flags| flags & mode == OFlags::RDONLY && !flags.contains(OFlags::PATH))
        && regular()
}

/// The position at which a descriptor reads and writes next (lseek(2)); None where it has none.
pub fn position(fd: i32) -> Option<u64> {
    rustix::fs::tell(borrow(fd)).ok()
}

/// True for a descriptor whose calls wait (O_NONBLOCK is not set).
pub fn blocks(fd: i32) -> bool {
    rustix::fs::fcntl_getfl(borrow(fd)).is_ok_and(|flags| !flags.contains(OFlags::NONBLOCK))
}

/// True when a call that must wait for input or room by this descriptor does so for as long as it takes: not where it is set to fail at once
/// (O_NONBLOCK) or after a time (SO_RCVTIMEO, SO_SNDTIMEO of socket(7)).
pub fn waits_without_limit(fd: i32) -> bool {
    use rustix::net::sockopt::{Timeout, socket_timeout};
    let is_limited = |direction| matches!(socket_timeout(borrow(fd), direction), Ok(Some(_)));
    blocks(fd) && !is_limited(Timeout::Recv) && !is_limited(Timeout::Send)
}

/// True when a call that reads from the descriptor would have to wait for input.
pub fn would_wait_for_input(fd: i32) -> bool {
    blocks(fd) && !has_input_within(fd, 0)
}

/// True for a connection whose other side has said that no more is to come, or is gone.
pub fn is_hung_up(fd: i32) -> bool {
    let mut asked = [PollFd::from_borrowed_fd(borrow(fd), PollFlags::RDHUP)];
    poll(&mut asked, Some(&timespec(0))).is_ok_and(|ready| ready > 0)
}

/// True for a timer of timerfd_create that is armed.
pub fn is_armed_timer(fd: i32) -> bool {
    let is_zero = |time: rustix::time::Timespec| time.tv_sec == 0 && time.tv_nsec == 0;
    rustix::time::timerfd_gettime(borrow(fd)).is_ok_and(|timer| !is_zero(timer.it_value))
}

/// True when input arrives within so many nanoseconds, or a call would fail.
pub fn has_input_within(fd: i32, nanoseconds: u64) -> bool {
    let mut asked = [PollFd::from_borrowed_fd(borrow(fd), PollFlags::IN)];
    poll(&mut asked, Some(&timespec(nanoseconds))).is_ok_and(|ready| ready > 0)
}
