//! The kernel, asked directly: rustix (its raw back end) where it has the call, one assembly instruction where it has not.
use crate::aside::aside;
use core::arch::asm;
use core::ffi::CStr;
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use rustix::fd::IntoRawFd;
pub use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// `syscall` with up to six arguments; the result as the kernel gives it (a negative errno on failure).
///
/// # Safety
/// As the call `number` demands of its arguments.
#[inline]
pub unsafe fn syscall(number: i64, args: [usize; 6]) -> isize {
    let result: isize;
    // SAFETY: the x86_64 system call convention; the caller vouches for the arguments.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") args[0], in("rsi") args[1], in("rdx") args[2],
            in("r10") args[3], in("r8") args[4], in("r9") args[5],
            lateout("rcx") _, lateout("r11") _,
            options(nostack)
        );
    }
    result
}

/// In the constructor: the address of the vDSO, 0 none. The kernel, asked for it by rustix itself, would also tell of one that is not there:
/// valgrind has taken it out of memory and out of the C library's auxiliary vector.
pub fn tell_vdso(address: usize) {
    // What rustix wants begins with an environment, here one without variables; pairs of a tag and a value follow.
    let mut vector = [0, libc::AT_SYSINFO_EHDR as usize, address, libc::AT_NULL as usize, 0];
    // SAFETY: the layout as above; rustix copies what it needs.
    unsafe { rustix::param::init(vector.as_mut_ptr().cast()) };
}

/// Kernel id of this thread.
pub fn thread_id() -> u32 {
    rustix::thread::gettid().as_raw_nonzero().get() as u32
}

/// This process.
pub fn process_id() -> u32 {
    rustix::process::getpid().as_raw_nonzero().get() as u32
}

/// Its parent; 0 when that lies outside the pid namespace.
pub fn parent_id() -> u32 {
    rustix::process::getppid().map_or(0, |p| p.as_raw_nonzero().get() as u32)
}

/// Nanoseconds of the monotonic clock.
pub fn monotonic() -> u64 {
    nanoseconds(rustix::time::ClockId::Monotonic)
}

/// The same by a system call: a forked child has not yet mapped what the quick way reads.
pub fn monotonic_of_kernel() -> u64 {
    let mut time = [0u64; 2];
    // SAFETY: writes one timespec: two words.
    unsafe { syscall(libc::SYS_clock_gettime, [libc::CLOCK_MONOTONIC as usize, &raw mut time as usize, 0, 0, 0, 0]) };
    time[0] * 1_000_000_000 + time[1]
}

/// Nanoseconds since the system started, as the kernel notes the start of a process.
pub fn since_boot() -> u64 {
    nanoseconds(rustix::time::ClockId::Boottime)
}

/// Nanoseconds since the epoch.
pub fn wall_clock() -> u64 {
    nanoseconds(rustix::time::ClockId::Realtime)
}

fn nanoseconds(clock: rustix::time::ClockId) -> u64 {
    let t = rustix::time::clock_gettime(clock);
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}

/// Lends a descriptor number that the host owns; every call on it may answer EBADF.
pub fn descriptor(fd: i32) -> BorrowedFd<'static> {
    // SAFETY: the number is only passed to system calls, which check it; -1 is the one value that BorrowedFd forbids.
    unsafe { BorrowedFd::borrow_raw(if fd < 0 { i32::MAX } else { fd }) }
}

/// One process_vm_readv of this process's own memory: true when all of `into` was filled. Fault-proof: an address that is not
/// mapped is an answer, not a signal.
pub fn read_memory(address: usize, into: &mut [u8]) -> bool {
    read_memory_of(process_id(), address, into)
}

/// The same for another process's memory.
pub fn read_memory_of(process: u32, address: usize, into: &mut [u8]) -> bool {
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let remote = libc::iovec { iov_base: address as *mut _, iov_len: into.len() };
    let args = [process as usize, &raw const local as usize, 1, &raw const remote as usize, 1, 0];
    // SAFETY: the kernel writes at most iov_len bytes to `into`, and checks the other side itself.
    let got = unsafe { syscall(libc::SYS_process_vm_readv, args) };
    got == into.len() as isize
}

/// Reads many places into as many others of the same sizes at once: true when all of them could be read.
pub fn read_scattered(from: &[libc::iovec], into: &[libc::iovec]) -> bool {
    let wanted: usize = from.iter().map(|v| v.iov_len).sum();
    let args = [process_id() as usize, into.as_ptr() as usize, into.len(), from.as_ptr() as usize, from.len(), 0];
    // SAFETY: the caller's places to read into are its own memory; the kernel checks the other side itself.
    unsafe { syscall(libc::SYS_process_vm_readv, args) == wanted as isize }
}

/// Writes a word of this process's own, where the process has one thread: through the protection of a page that the loader made read-only
/// (RELRO), which it has again afterwards. Nothing happens where the kernel forbids either.
pub fn overwrite(address: usize, value: usize) {
    let local = libc::iovec { iov_base: (&raw const value).cast_mut().cast(), iov_len: size_of::<usize>() };
    let remote = libc::iovec { iov_base: address as *mut _, iov_len: size_of::<usize>() };
    let args = [process_id() as usize, &raw const local as usize, 1, &raw const remote as usize, 1, 0];
    // SAFETY: the kernel reads `value`, and checks the other side itself.
    let write = || unsafe { syscall(libc::SYS_process_vm_writev, args) };
    let protect = |protection: i32| {
        // SAFETY: a page that can be read: its content stays.
        unsafe { syscall(libc::SYS_mprotect, [address & !0xfff, 0x1000, protection as usize, 0, 0, 0]) }
    };
    let read_only = -libc::EFAULT as isize;
    if write() == read_only && protect(libc::PROT_READ | libc::PROT_WRITE) == 0 {
        write();
        protect(libc::PROT_READ);
    }
}

/// Writes words, fault-proof: false where that memory is not there, or may not be written.
pub fn write_words(address: usize, words: &[i32]) -> bool {
    let local = libc::iovec { iov_base: words.as_ptr().cast_mut().cast(), iov_len: size_of_val(words) };
    let remote = libc::iovec { iov_base: address as *mut _, iov_len: size_of_val(words) };
    let args = [process_id() as usize, &raw const local as usize, 1, &raw const remote as usize, 1, 0];
    // SAFETY: the kernel reads `words`, and checks the other side itself.
    unsafe { syscall(libc::SYS_process_vm_writev, args) == size_of_val(words) as isize }
}

/// Reads words, fault-proof.
pub fn read_words(address: usize, into: &mut [i32]) -> bool {
    // SAFETY: plain words, viewed as bytes.
    read_memory(address, unsafe { core::slice::from_raw_parts_mut(into.as_mut_ptr().cast(), into.len() * 4) })
}

/// False where a sandbox forbids fault-proof reads.
pub fn can_read_memory() -> bool {
    let probe = 0x5eed_u32;
    read_value(&raw const probe as usize) == Some(probe)
}

/// Reads a plain value from this process's own memory, fault-proof.
pub fn read_value<T: Plain>(address: usize) -> Option<T> {
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: the bytes of a zeroed T, and any bytes are a T (Plain).
    unsafe {
        let bytes = core::slice::from_raw_parts_mut(value.as_mut_ptr().cast::<u8>(), size_of::<T>());
        read_memory(address, bytes).then(|| value.assume_init())
    }
}

/// Types for which any bytes are a value.
///
/// # Safety
/// Every bit pattern must be valid.
pub unsafe trait Plain: Copy {}
// SAFETY: integers.
unsafe impl Plain for u8 {}
// SAFETY: integers.
unsafe impl Plain for u16 {}
// SAFETY: integers.
unsafe impl Plain for u32 {}
// SAFETY: integers.
unsafe impl Plain for i32 {}
// SAFETY: integers.
unsafe impl Plain for u64 {}
// SAFETY: integers.
unsafe impl Plain for usize {}
// SAFETY: arrays of integers.
unsafe impl<const N: usize> Plain for [usize; N] {}
// SAFETY: arrays of integers.
unsafe impl<const N: usize> Plain for [i32; N] {}

/// The kernel's `struct sigaction` (not libc's), as rt_sigaction(2) gives it on x86_64.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct KernelAction {
    /// SIG_DFL 0, SIG_IGN 1, or the handler's address.
    pub handler: usize,
    /// SA_ flags.
    pub flags: u64,
    /// The C library's return trampoline.
    pub restorer: usize,
    /// Signals blocked while the handler runs.
    pub mask: u64,
}

/// The disposition of a signal, as the kernel has it.
pub fn signal_action(signal: i32) -> Option<KernelAction> {
    let mut action = KernelAction::default();
    let args = [signal as usize, 0, &raw mut action as usize, 8, 0, 0];
    // SAFETY: writes one kernel sigaction with a mask of 8 bytes.
    (unsafe { syscall(libc::SYS_rt_sigaction, args) } == 0).then_some(action)
}

/// Sets the disposition of a signal; what is pending is discarded where the new one ignores it (signal(7)).
pub fn set_signal_action(signal: i32, action: &KernelAction) -> Result<(), i32> {
    let args = [signal as usize, ptr::from_ref(action) as usize, 0, 8, 0, 0];
    // SAFETY: reads one kernel sigaction with a mask of 8 bytes.
    match unsafe { syscall(libc::SYS_rt_sigaction, args) } {
        0 => Ok(()),
        error => Err(-error as i32),
    }
}

/// The mask of blocked signals of this thread: bit n is signal n + 1.
pub fn blocked_signals() -> u64 {
    let mut mask = 0u64;
    // SAFETY: writes 8 bytes.
    unsafe { syscall(libc::SYS_rt_sigprocmask, [libc::SIG_BLOCK as usize, 0, &raw mut mask as usize, 8, 0, 0]) };
    mask
}

/// Sets the mask of blocked signals of this thread.
pub fn set_blocked_signals(mask: u64) {
    // SAFETY: reads 8 bytes.
    unsafe { syscall(libc::SYS_rt_sigprocmask, [libc::SIG_SETMASK as usize, &raw const mask as usize, 0, 8, 0, 0]) };
}

/// A descriptor for another process, closed on exec, at the lowest free number from `above` on (pidfd_open(2)).
pub fn process_descriptor(process: u32, above: i32) -> Option<i32> {
    // Valgrind complains at each call that it does not know.
    static UNKNOWN: AtomicBool = AtomicBool::new(false);
    if UNKNOWN.load(Relaxed) {
        return None;
    }
    // SAFETY: takes integers.
    let fd = unsafe { syscall(libc::SYS_pidfd_open, [process as usize, 0, 0, 0, 0, 0]) };
    UNKNOWN.store(fd == -(libc::ENOSYS as isize), Relaxed);
    let low = (fd >= 0).then(|| Opened(fd as i32))?;
    rustix::io::fcntl_dupfd_cloexec(&low, above).ok().map(IntoRawFd::into_raw_fd)
}

/// True for a child that waitpid has something to tell of at once: its end, or a stop when this process traces it.
pub fn may_be_waited_for(child: u32) -> bool {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let pid = Pid::from_raw(child as i32);
    pid.is_some_and(|pid| matches!(waitid(WaitId::Pid(pid), options), Ok(Some(_))))
}

/// Waits a little for what another thread is about to do; it may have ended in the middle of it.
pub fn wait_until(done: impl Fn() -> bool) {
    const STEP_NS: u64 = 50_000;
    const STEPS: u32 = 200;
    for _ in 0..STEPS {
        if done() {
            return;
        }
        sleep(STEP_NS);
    }
}

/// Ends the process by SIGABRT, whatever it does with that signal.
pub fn abort() {
    let default = KernelAction::default();
    let mask: u64 = 1 << (libc::SIGABRT - 1);
    // SAFETY: reads one kernel sigaction and one mask; the process ends.
    unsafe {
        syscall(libc::SYS_rt_sigaction, [libc::SIGABRT as usize, &raw const default as usize, 0, 8, 0, 0]);
        syscall(libc::SYS_rt_sigprocmask, [libc::SIG_UNBLOCK as usize, &raw const mask as usize, 0, 8, 0, 0]);
        syscall(libc::SYS_tgkill, [process_id() as usize, thread_id() as usize, libc::SIGABRT as usize, 0, 0, 0]);
    }
}

/// Signals that wait to be delivered to this thread or process.
pub fn pending_signals() -> u64 {
    let mut mask = 0u64;
    // SAFETY: writes 8 bytes.
    unsafe { syscall(libc::SYS_rt_sigpending, [&raw mut mask as usize, 8, 0, 0, 0, 0]) };
    mask
}

/// Takes one pending signal of `mask` away without waiting.
pub fn take_pending_signal(mask: u64) {
    let zero = [0usize; 2];
    // SAFETY: reads the mask and a zero timeout.
    unsafe { syscall(libc::SYS_rt_sigtimedwait, [&raw const mask as usize, 0, &raw const zero as usize, 8, 0, 0]) };
}

/// True while the interval timer `which` (ITIMER_REAL 0, ITIMER_VIRTUAL 1, ITIMER_PROF 2) is armed.
pub fn interval_timer_armed(which: i32) -> bool {
    interval_timer(which)[2..] != [0, 0]
}

/// Closes a descriptor of ours without passing through our hook.
pub fn close(fd: i32) {
    // SAFETY: takes an integer.
    unsafe { syscall(libc::SYS_close, [fd as usize, 0, 0, 0, 0, 0]) };
}

/// A descriptor of ours, closed when dropped by the system call itself. (rustix's own is std's where any crate of a build asks for that:
/// then libc's close would be called, a cancellation point of the host's thread and a hook of ours.)
pub struct Opened(i32);

impl Opened {
    /// openat(2).
    pub fn at(directory: BorrowedFd<'_>, path: &CStr, flags: OFlags, mode: Mode) -> Result<Opened, Errno> {
        rustix::fs::openat(directory, path, flags, mode).map(|fd| Opened(fd.into_raw_fd()))
    }

    /// open(2).
    pub fn new(path: &CStr, flags: OFlags) -> Result<Opened, Errno> {
        Self::at(rustix::fs::CWD, path, flags, Mode::empty())
    }

    /// The number; nobody closes it.
    pub fn into_number(self) -> i32 {
        let number = self.0;
        core::mem::forget(self);
        number
    }
}

impl AsFd for Opened {
    fn as_fd(&self) -> BorrowedFd<'_> {
        descriptor(self.0)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        close(self.0);
    }
}

fn answer(result: isize) -> Result<i32, Errno> {
    if result < 0 { Err(Errno::from_raw_os_error(-result as i32)) } else { Ok(result as i32) }
}

/// dup3(2).
pub fn duplicate_onto(from: &Opened, to: i32, flags: i32) -> Result<(), Errno> {
    // SAFETY: takes integers.
    answer(unsafe { syscall(libc::SYS_dup3, [from.0 as usize, to as usize, flags as usize, 0, 0, 0]) }).map(drop)
}

/// Sets or clears the close-on-exec flag.
pub fn set_close_on_exec(fd: i32, closes: bool) -> Result<(), Errno> {
    let flags = if closes { rustix::io::FdFlags::CLOEXEC } else { rustix::io::FdFlags::empty() };
    rustix::io::fcntl_setfd(descriptor(fd), flags)
}

/// An end of a connection whose other end is closed, closed on exec: reading it gives end of file, writing EPIPE. Unlike a stream a unix
/// socket of packets raises no SIGPIPE (unix_dgram_sendmsg in the kernel's net/unix/af_unix.c).
pub fn dead_connection(nonblocking: bool) -> Result<Opened, Errno> {
    let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC | if nonblocking { libc::SOCK_NONBLOCK } else { 0 };
    let mut ends = [-1i32; 2];
    // SAFETY: writes two descriptors.
    answer(unsafe {
        syscall(libc::SYS_socketpair, [libc::AF_UNIX as usize, kind as usize, 0, ends.as_mut_ptr() as usize, 0, 0])
    })?;
    close(ends[1]);
    Ok(Opened(ends[0]))
}

/// epoll_create1(2), closed on exec.
pub fn new_epoll() -> Result<Opened, Errno> {
    // SAFETY: takes an integer.
    answer(unsafe { syscall(libc::SYS_epoll_create1, [libc::EPOLL_CLOEXEC as usize, 0, 0, 0, 0, 0]) }).map(Opened)
}

/// The type of a socket (SO_TYPE); None for what is none.
pub fn socket_type(fd: i32) -> Option<i32> {
    let (mut kind, mut length) = (0i32, size_of::<i32>() as u32);
    let place = [&raw mut kind as usize, &raw mut length as usize];
    let args = [fd as usize, libc::SOL_SOCKET as usize, libc::SO_TYPE as usize, place[0], place[1], 0];
    // SAFETY: writes an int and its length.
    (unsafe { syscall(libc::SYS_getsockopt, args) } == 0).then_some(kind)
}

/// socketpair(2), closed on exec.
pub fn new_socket_pair(kind: i32) -> Result<(Opened, Opened), Errno> {
    let mut ends = [0i32; 2];
    let kind = kind | libc::SOCK_CLOEXEC;
    let args = [libc::AF_UNIX as usize, kind as usize, 0, ends.as_mut_ptr() as usize, 0, 0];
    // SAFETY: writes two ints.
    answer(unsafe { syscall(libc::SYS_socketpair, args) }).map(|_| (Opened(ends[0]), Opened(ends[1])))
}

/// pipe2(2), closed on exec: the end that is written to comes first.
pub fn new_pipe() -> Result<(Opened, Opened), Errno> {
    let mut ends = [0i32; 2];
    // SAFETY: writes two ints.
    answer(unsafe { syscall(libc::SYS_pipe2, [ends.as_mut_ptr() as usize, libc::O_CLOEXEC as usize, 0, 0, 0, 0]) })
        .map(|_| (Opened(ends[1]), Opened(ends[0])))
}

/// epoll_ctl(2), EPOLL_CTL_ADD.
pub fn watch(epoll: &Opened, fd: i32, events: u32, data: u64) -> Result<(), Errno> {
    let event = libc::epoll_event { events, u64: data };
    let args = [epoll.0 as usize, libc::EPOLL_CTL_ADD as usize, fd as usize, &raw const event as usize, 0, 0];
    // SAFETY: reads one epoll_event.
    answer(unsafe { syscall(libc::SYS_epoll_ctl, args) }).map(drop)
}

/// An interval timer as setitimer(2) takes it: the interval and the time that is left, each in seconds and microseconds.
pub type IntervalTimer = [usize; 4];

/// getitimer(2).
pub fn interval_timer(which: i32) -> IntervalTimer {
    let mut value = IntervalTimer::default();
    // SAFETY: writes one itimerval: four words.
    unsafe { syscall(libc::SYS_getitimer, [which as usize, &raw mut value as usize, 0, 0, 0, 0]) };
    value
}

/// setitimer(2).
pub fn set_interval_timer(which: i32, value: &IntervalTimer) -> Result<(), Errno> {
    // SAFETY: reads one itimerval: four words.
    answer(unsafe { syscall(libc::SYS_setitimer, [which as usize, value.as_ptr() as usize, 0, 0, 0, 0]) }).map(drop)
}

/// True for a descriptor that is open.
pub fn is_open(fd: i32) -> bool {
    rustix::io::fcntl_getfd(descriptor(fd)).is_ok()
}

/// True when two numbers of this process stand for one open file description (kcmp(2)); false, too, where the kernel does not tell.
pub fn is_same_open_file(one: i32, other: i32) -> bool {
    const KCMP_FILE: usize = 0;
    let process = process_id() as usize;
    // SAFETY: compares two descriptors.
    unsafe { syscall(libc::SYS_kcmp, [process, process, KCMP_FILE, one as usize, other as usize, 0]) == 0 }
}

/// True for a regular file that is open for reading only.
pub fn is_read_by_position(fd: i32) -> bool {
    use rustix::fs::FileType;
    let regular =
        || rustix::fs::fstat(descriptor(fd)).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile);
    let mode = OFlags::RDONLY | OFlags::WRONLY | OFlags::RDWR;
    rustix::fs::fcntl_getfl(descriptor(fd)).is_ok_and(|flags| flags & mode == OFlags::RDONLY && !flags.contains(OFlags::PATH))
        && regular()
}

/// True for a descriptor that is open and stays so when another program is exec'd.
pub fn survives_exec(fd: i32) -> bool {
    rustix::io::fcntl_getfd(descriptor(fd)).is_ok_and(|flags| !flags.contains(rustix::io::FdFlags::CLOEXEC))
}

/// True for the program file of this process, or a script that it interprets.
pub fn is_own_program(path: &CStr) -> bool {
    let Ok(own) = rustix::fs::stat(c"/proc/self/exe") else { return false };
    let is_own = |path: &CStr| rustix::fs::stat(path).is_ok_and(|s| (s.st_dev, s.st_ino) == (own.st_dev, own.st_ino));
    let mut head = [0u8; 256];
    let script = read_file(path, &mut head).strip_prefix(b"#!").unwrap_or_default().trim_ascii_start();
    let end = script.iter().position(u8::is_ascii_whitespace).unwrap_or(script.len());
    is_own(path)
        || crate::fixed::Text::<256>::from_bytes(&script[..end])
            .as_cstr()
            .is_some_and(|interpreter| end != 0 && is_own(interpreter))
}

/// close_range(2) with its flags; the kernel's answer.
pub fn close_range(first: u32, last: u32, flags: i32) -> isize {
    // SAFETY: takes integers.
    unsafe { syscall(libc::SYS_close_range, [first as usize, last as usize, flags as usize, 0, 0, 0]) }
}

/// Whether the effective user may execute the file (faccessat2, AT_EACCESS).
pub fn executable(directory: i32, path: &CStr) -> bool {
    let args = [directory as usize, path.as_ptr() as usize, libc::X_OK as usize, libc::AT_EACCESS as usize, 0, 0];
    // SAFETY: reads a C string.
    unsafe { syscall(libc::SYS_faccessat2, args) == 0 }
}

/// False where the table of descriptors is full, or has one free number only (a directory and a file in it take two).
pub fn can_open_two() -> bool {
    let open = || Opened::new(c"/", OFlags::PATH | OFlags::CLOEXEC);
    let (one, other) = (open(), open());
    one.is_ok() && other.is_ok()
}

/// True for a file that can be opened for reading.
pub fn is_readable(path: &CStr) -> bool {
    let mut readable = false;
    aside(|| readable = Opened::new(path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK).is_ok());
    readable
}

/// False for a file that can be read and is neither ELF nor begins with `#!`.
pub fn is_program(directory: i32, path: &CStr) -> bool {
    let directory = if directory < 0 { rustix::fs::CWD } else { descriptor(directory) };
    let Ok(file) = Opened::at(directory, path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty()) else {
        return true;
    };
    let mut head = [0u8; 4];
    matches!(rustix::io::read(&file, &mut head), Ok(4)) && (head == *b"\x7fELF" || head.starts_with(b"#!"))
}

/// Whether processes share the memory at this address, as the kernel says it of its page, or where that is refused (a process that gave up
/// rights) of its mapping; None when it says neither.
pub fn is_shared(address: usize) -> Option<bool> {
    // A page that nobody touched since the fork is not there yet.
    read_memory(address, &mut [0u8]).then(|| page_is_shared(address).or_else(|| mapping_is_shared(address)))?
}

/// By bit 61 of the page's word in /proc/self/pagemap, proc(5): a page of a file, or one that processes share.
fn page_is_shared(address: usize) -> Option<bool> {
    const OF_FILE_OR_SHARED: u64 = 1 << 61;
    const IN_MEMORY_OR_SWAP: u64 = 3 << 62;
    let mut word = [0u8; 8];
    let mut read = false;
    aside(|| {
        let Ok(file) = Opened::new(c"/proc/self/pagemap", OFlags::RDONLY | OFlags::CLOEXEC) else { return };
        read = rustix::io::pread(&file, &mut word, (address / 4096 * 8) as u64) == Ok(8);
    });
    let word = u64::from_ne_bytes(word);
    (read && word & IN_MEMORY_OR_SWAP != 0).then_some(word & OF_FILE_OR_SHARED != 0)
}

/// By the fourth letter of the mapping's rights in /proc/self/maps, proc(5).
fn mapping_is_shared(address: usize) -> Option<bool> {
    let mut shared = None;
    aside(|| {
        let maps = Opened::new(c"/proc/self/maps", OFlags::RDONLY | OFlags::CLOEXEC).ok();
        shared = maps.and_then(|maps| listed_as_shared(&maps, address));
    });
    shared
}

fn listed_as_shared(maps: &Opened, address: usize) -> Option<bool> {
    // A path may be as long as PATH_MAX.
    let (mut bytes, mut kept) = ([0u8; 4096 + 256], 0);
    loop {
        let read = rustix::io::read(maps, &mut bytes[kept..]).ok().filter(|&read| read > 0)?;
        let filled = kept + read;
        let end = bytes[..filled].iter().rposition(|&byte| byte == b'\n')?;
        if let Some(shared) = bytes[..end].split(|&byte| byte == b'\n').find_map(|line| shared_in(line, address)) {
            return Some(shared);
        }
        bytes.copy_within(end + 1..filled, 0);
        kept = filled - end - 1;
    }
}

/// `START-END RIGHTS …`: None of another mapping.
fn shared_in(line: &[u8], address: usize) -> Option<bool> {
    let mut words = core::str::from_utf8(&line[..line.len().min(48)]).ok()?.split(' ');
    let (start, end) = words.next()?.split_once('-')?;
    let number = |text| usize::from_str_radix(text, 16).ok();
    (number(start)?..number(end)?).contains(&address).then_some(())?;
    Some(words.next()?.ends_with('s'))
}

/// True for a descriptor whose calls wait (O_NONBLOCK is not set).
pub fn blocks(fd: i32) -> bool {
    rustix::fs::fcntl_getfl(descriptor(fd)).is_ok_and(|flags| !flags.contains(OFlags::NONBLOCK))
}

/// True when a call that takes something in from there would have to wait for it.
pub fn would_wait_for_input(fd: i32) -> bool {
    blocks(fd) && !has_input_within(fd, 0)
}

/// True when something can be taken in from there by then, in nanoseconds, or a call would fail.
pub fn has_input_within(fd: i32, nanoseconds: u64) -> bool {
    let mut ask = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    let time = [nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000];
    let arguments = [&raw mut ask as usize, 1, &raw const time as usize, 0, 0, 0];
    // SAFETY: reads and writes one pollfd, and a timespec: two words.
    unsafe { syscall(libc::SYS_ppoll, arguments) > 0 }
}

/// Fills `into` from a small file of the proc filesystem; the bytes read.
pub fn read_file<'a>(path: &CStr, into: &'a mut [u8]) -> &'a [u8] {
    let mut length = 0;
    aside(|| {
        let Ok(file) = Opened::new(path, OFlags::RDONLY | OFlags::CLOEXEC) else { return };
        while length < into.len() {
            match rustix::io::read(&file, &mut into[length..]) {
                Ok(n) if n > 0 => length += n,
                _ => break,
            }
        }
    });
    &into[..length]
}

/// A page, all zero, that this process and its later children share; never given back.
pub fn shared_page() -> Option<*mut u8> {
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
    // SAFETY: a new mapping at an address that the kernel chooses.
    let page = unsafe { mmap_anonymous(core::ptr::null_mut(), 4096, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED) };
    page.ok().map(|p| p.cast()).inspect(|page: &*mut u8| crate::valgrind::leave_unchecked(page.addr(), 4096))
}

/// Sleeps for less than a second, or until a signal.
pub fn sleep(nanoseconds: u64) {
    let time = [0, nanoseconds];
    // SAFETY: reads one timespec: two words.
    unsafe { syscall(libc::SYS_nanosleep, [&raw const time as usize, 0, 0, 0, 0, 0]) };
}

/// Anonymous memory of our own, all zero, given back when dropped.
pub struct Pages {
    start: *mut u8,
    length: usize,
}

impl Pages {
    /// Maps `length` bytes, touched only as they are used.
    pub fn map(length: usize) -> Option<Pages> {
        use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address that the kernel chooses.
        let start =
            unsafe { mmap_anonymous(core::ptr::null_mut(), length, protection, MapFlags::PRIVATE | MapFlags::NORESERVE).ok()? };
        crate::valgrind::leave_unchecked(start.addr(), length);
        Some(Pages { start: start.cast(), length })
    }

    /// Maps `length` bytes whose first `guard` cannot be touched; those from `wiped` on are empty in a forked child.
    pub fn map_guarded(length: usize, guard: usize, wiped: usize) -> Option<Pages> {
        use rustix::mm::{Advice, MprotectFlags};
        let pages = Self::map(length)?;
        // SAFETY: the mapping is ours and new.
        unsafe {
            rustix::mm::mprotect(pages.start.cast(), guard, MprotectFlags::empty()).ok()?;
            rustix::mm::madvise(pages.start.add(wiped).cast(), length - wiped, Advice::LinuxWipeOnFork).ok()?;
        }
        Some(pages)
    }

    /// Where it starts.
    pub fn start(&self) -> *mut u8 {
        self.start
    }

    /// Bytes.
    pub fn length(&self) -> usize {
        self.length
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, whole, and nothing borrows from it any more.
        let _ = unsafe { rustix::mm::munmap(self.start.cast(), self.length) };
    }
}

/// Calls `each` for the entries of a directory of the proc filesystem, the dots left out.
pub fn each_entry(path: &CStr, mut each: impl FnMut(&CStr)) {
    each_entry_with(path, |_, name| each(name));
}

/// The same; `each` is also given the number of the descriptor that the directory is read through, -1 in a reader (see [`crate::aside`]),
/// in which it runs.
pub fn each_entry_with(path: &CStr, mut each: impl FnMut(i32, &CStr)) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    aside(|| {
        let Ok(directory) = Opened::new(path, flags) else { return };
        let number = if crate::aside::is_apart() { -1 } else { directory.0 };
        each_entry_of(&directory, usize::MAX, |name| each(number, name));
    });
}

/// The same for an open directory, of which at most so many entries are looked at; true when these were all.
pub fn each_entry_of(directory: &Opened, most: usize, mut each: impl FnMut(&CStr)) -> bool {
    let mut buffer = [MaybeUninit::<u8>::uninit(); 4096];
    let mut entries = rustix::fs::RawDir::new(directory, &mut buffer);
    let mut count = 0;
    while let Some(Ok(entry)) = entries.next() {
        if count == most {
            return false;
        }
        count += 1;
        if !entry.file_name().to_bytes().starts_with(b".") {
            each(entry.file_name());
        }
    }
    true
}

/// True while the kernel knows a thread of this process by this id.
pub fn thread_exists(tid: u32) -> bool {
    // SAFETY: takes integers; signal 0 is only a question.
    unsafe { syscall(libc::SYS_tgkill, [process_id() as usize, tid as usize, 0, 0, 0, 0]) != -(libc::ESRCH as isize) }
}

/// True while there is a process of this id, if only a zombie.
pub fn process_exists(pid: u32) -> bool {
    // SAFETY: takes integers; signal 0 is only a question.
    unsafe { syscall(libc::SYS_kill, [pid as usize, 0, 0, 0, 0, 0]) != -(libc::ESRCH as isize) }
}

/// True for a thread that is no zombie: one that ended while the process goes on is listed too (proc(5), the third word of stat).
pub fn runs(tid: u32) -> bool {
    let mut path = crate::fixed::Text::<48>::new();
    let _ = core::fmt::Write::write_fmt(&mut path, format_args!("/proc/self/task/{tid}/stat"));
    let mut bytes = [0u8; 128];
    let stat = path.as_cstr().map(|p| read_file(p, &mut bytes)).unwrap_or_default();
    let after_name = stat.iter().rposition(|&b| b == b')').map_or(&[][..], |at| &stat[at..]);
    after_name.get(2).is_some_and(|state| !b"ZX".contains(state))
}

/// How often a thread that sleeps now has run before (its context switches, proc(5)); None for one that does not sleep.
pub fn sleeps_since(tid: u32) -> Option<u64> {
    let path = crate::fixed::Text::<48>::of(format_args!("/proc/self/task/{tid}/status"));
    let mut bytes = [0u8; 3072];
    let text = core::str::from_utf8(read_file(path.as_cstr()?, &mut bytes)).ok()?;
    let field = |name: &str| text.lines().find_map(|line| Some(line.strip_prefix(name)?.trim()));
    let switches = |name| field(name)?.parse::<u64>().ok();
    field("State:")?.starts_with('S').then_some(())?;
    Some(switches("voluntary_ctxt_switches:")? + switches("nonvoluntary_ctxt_switches:")?)
}

/// The address that a thread waits for in futex(2), by /proc/self/task/TID/syscall (proc(5)); None for one that does not.
pub fn futex_of(tid: u32) -> Option<usize> {
    let path = crate::fixed::Text::<48>::of(format_args!("/proc/self/task/{tid}/syscall"));
    let mut bytes = [0u8; 256];
    let text = core::str::from_utf8(read_file(path.as_cstr()?, &mut bytes)).ok()?;
    let mut words = text.split_ascii_whitespace();
    (words.next()?.parse() == Ok(libc::SYS_futex)).then_some(())?;
    usize::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()
}

/// Where a sleeping thread's stack ends: the last but one word of /proc/self/task/TID/syscall (proc(5)).
pub fn stack_pointer(tid: u32) -> Option<usize> {
    let path = crate::fixed::Text::<48>::of(format_args!("/proc/self/task/{tid}/syscall"));
    let mut bytes = [0u8; 256];
    let text = core::str::from_utf8(read_file(path.as_cstr()?, &mut bytes)).ok()?;
    let word = text.trim_end().rsplit(' ').nth(1)?;
    usize::from_str_radix(word.strip_prefix("0x")?, 16).ok()
}

/// Makes this process one whose threads [`membarrier`] orders; false where the kernel has none (membarrier(2)).
pub fn register_membarrier() -> bool {
    const REGISTER_PRIVATE_EXPEDITED: usize = 1 << 4;
    // SAFETY: takes integers.
    unsafe { syscall(libc::SYS_membarrier, [REGISTER_PRIVATE_EXPEDITED, 0, 0, 0, 0, 0]) == 0 }
}

/// A full memory barrier on every thread of this process that runs (MEMBARRIER_CMD_PRIVATE_EXPEDITED).
pub fn membarrier() -> bool {
    const PRIVATE_EXPEDITED: usize = 1 << 3;
    // SAFETY: takes integers.
    let barrier = || unsafe { syscall(libc::SYS_membarrier, [PRIVATE_EXPEDITED, 0, 0, 0, 0, 0]) == 0 };
    barrier() || register_membarrier() && barrier()
}

/// Sleeps while `word` has this value: until it is woken, a signal comes, or so many nanoseconds went by (futex(2)).
pub fn wait_for_change(word: &AtomicU32, value: u32, nanoseconds: u64) {
    let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    let time = [nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000];
    let arguments = [word.as_ptr() as usize, operation as usize, value as usize, &raw const time as usize, 0, 0];
    // SAFETY: reads one word and one timespec: two words.
    unsafe { syscall(libc::SYS_futex, arguments) };
}

/// Wakes all who sleep in [`wait_for_change`].
pub fn wake_all(word: &AtomicU32) {
    let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the address only names those who wait.
    unsafe { syscall(libc::SYS_futex, [word.as_ptr() as usize, operation as usize, i32::MAX as usize, 0, 0, 0]) };
}

/// True when a timer of the kernel's (by its own id) is armed.
pub fn timer_armed(id: usize) -> bool {
    let mut value = [0usize; 4];
    // SAFETY: writes one itimerspec: four words.
    unsafe { syscall(libc::SYS_timer_gettime, [id, &raw mut value as usize, 0, 0, 0, 0]) };
    value[2] != 0 || value[3] != 0
}

/// The newest child of this thread (/proc/self/task/TID/children, proc(5)); None where the kernel does not say.
pub fn newest_child() -> Option<u32> {
    let mut bytes = [0u8; 4096];
    let path = path_of_thread(format_args!("children"));
    let text = core::str::from_utf8(read_file(path.as_cstr()?, &mut bytes)).ok()?;
    text.split_ascii_whitespace().last()?.parse().ok()
}

/// False where the kernel does not list children (CONFIG_PROC_CHILDREN).
pub fn tells_children() -> bool {
    rustix::fs::stat(c"/proc/thread-self/children").is_ok()
}

/// Threads of this process, by the link count of its task directory, our own readers left out.
pub fn kernel_threads() -> u32 {
    let tasks = || rustix::fs::stat(c"/proc/self/task").ok().map(|stat| stat.st_nlink.saturating_sub(2) as u32);
    crate::aside::count_without_readers(tasks, crate::aside::Readers::now).map_or(0, |threads| threads.max(1))
}

/// The directory of this thread in the proc filesystem, whoever reads it: `/proc/PID/task/TID/NAME`.
pub fn path_of_thread(name: core::fmt::Arguments<'_>) -> crate::fixed::Text<80> {
    let mut bytes = [0u8; 40];
    let read = rustix::fs::readlinkat_raw(rustix::fs::CWD, c"/proc/thread-self", &mut bytes[..]).unwrap_or(0);
    let thread = core::str::from_utf8(&bytes[..read]).unwrap_or_default();
    crate::fixed::Text::of(format_args!("/proc/{thread}/{name}"))
}

/// The name of this thread (PR_GET_NAME).
pub fn own_thread_name() -> crate::fixed::Text<16> {
    let mut bytes = [0u8; 16];
    // SAFETY: writes 16 bytes.
    unsafe { syscall(libc::SYS_prctl, [libc::PR_GET_NAME as usize, bytes.as_mut_ptr() as usize, 0, 0, 0, 0]) };
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    crate::fixed::Text::from_bytes(&bytes[..end])
}
