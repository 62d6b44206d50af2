//! Filters of system calls that a process came with (seccomp(2)): they cannot be read, so a child tries what they forbid.
use super::memory::map_shared_page;
use super::proc::read_file;
use super::signal::KernelAction;
use super::syscall::syscall;
use crate::fixed::Text;
use core::ffi::CStr;
use core::sync::atomic::{AtomicUsize, Ordering::*};

/// What a process knows of the filters that it came with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Filters {
    /// There are none.
    None,
    /// There are some, and processes are made under them.
    Tried,
    /// Nobody has made a process under them yet: that itself may be forbidden, and must not be tried.
    Untried,
}

/// By what the C library's start needs as well: files are opened and read.
pub fn filters() -> Filters {
    let Some(own) = Status::of(c"/proc/self/status") else { return Filters::Untried };
    if own.mode == 0 {
        return Filters::None;
    }
    let path = Text::<32>::of(format_args!("/proc/{}/status", own.parent));
    let parent = || path.as_cstr().and_then(Status::of);
    // A parent outside of this process's namespace began a container: whatever starts there makes processes. Another one has made this
    // process under its own filters; if they are as many, they are the same.
    let tried = own.parent == 0 || own.filters.is_some() && parent().is_some_and(|parent| parent.filters == own.filters);
    if tried { Filters::Tried } else { Filters::Untried }
}

/// What proc(5) says of a process.
struct Status {
    parent: u32,
    mode: u32,
    /// How many filters it has; None before Linux 5.9.
    filters: Option<u32>,
}

impl Status {
    fn of(path: &CStr) -> Option<Status> {
        let mut bytes = [0u8; 8192];
        let room = bytes.len();
        let read = read_file(path, &mut bytes);
        let text = core::str::from_utf8(read).ok().filter(|text| text.len() < room)?;
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name))?.trim().parse().ok();
        // A kernel without filters has no word for them.
        Some(Status { parent: field("PPid:")?, mode: field("Seccomp:").unwrap_or(0), filters: field("Seccomp_filters:") })
    }
}

/// What the filters forbid.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Forbidden {
    /// Nothing of what we call ends the process.
    Nothing,
    /// Something, but nothing that a report needs.
    Something,
    /// What a report needs, or it is not known.
    Reports,
}

/// A child makes each of our system calls once. None when there can be no child now.
///
/// It is no child that the host could see: it ends without a signal, and only who asks for such children may wait for it.
pub fn probe() -> Option<Forbidden> {
    let Some(page) = map_shared_page() else { return Some(Forbidden::Reports) };
    // SAFETY: the page is ours, zero, and large enough.
    let passed = unsafe { &*page.cast::<AtomicUsize>() };
    const FLAGS: usize = libc::CLONE_VFORK as usize;
    // SAFETY: a copy of this process that makes system calls and ends; this thread goes on after that.
    let child = unsafe { syscall(libc::SYS_clone, [FLAGS, 0, 0, 0, 0, 0]) };
    if child == 0 {
        run(passed);
    }
    let count = passed.load(Acquire);
    // One that cannot be waited for stays until this process ends.
    if child > 0 && count > 0 {
        reap(child as usize);
    }
    // SAFETY: the page is not used any more.
    unsafe { syscall(libc::SYS_munmap, [page as usize, 4096, 0, 0, 0, 0]) };
    (child > 0).then_some(match count {
        _ if count == REPORTING.len() + OTHERS.len() => Forbidden::Nothing,
        _ if count >= REPORTING.len() => Forbidden::Something,
        _ => Forbidden::Reports,
    })
}

fn reap(child: usize) {
    const ANY_KIND: usize = libc::__WALL as usize;
    // SAFETY: takes integers and null pointers.
    while unsafe { syscall(libc::SYS_wait4, [child, 0, ANY_KIND, 0, 0, 0]) } == -(libc::EINTR as isize) {}
}

/// In the child, where neither a handler of the host's nor a core file shows that it was there.
fn run(passed: &AtomicUsize) -> ! {
    let all_but_forced = !(1u64 << (libc::SIGSYS - 1));
    let default = KernelAction::default();
    // A core file of one byte is none, not even where a program collects them (core(5)).
    let no_core = [1u64; 2];
    // SAFETY: they read what they are given here, and change nothing but this process.
    unsafe {
        syscall(libc::SYS_rt_sigprocmask, [libc::SIG_SETMASK as usize, &raw const all_but_forced as usize, 0, 8, 0, 0]);
        syscall(libc::SYS_rt_sigaction, [libc::SIGSYS as usize, &raw const default as usize, 0, 8, 0, 0]);
        syscall(libc::SYS_prlimit64, [0, libc::RLIMIT_CORE as usize, &raw const no_core as usize, 0, 0, 0]);
    }
    for &number in REPORTING.iter().chain(OTHERS) {
        // SAFETY: no descriptor, address, process or option is all ones: they do nothing.
        unsafe { syscall(number, [usize::MAX; 6]) };
        passed.fetch_add(1, Release);
    }
    loop {
        // SAFETY: ends this process.
        unsafe { syscall(libc::SYS_exit_group, [0; 6]) };
    }
}

/// The system calls that this library makes for a report; first that by which the child is waited for.
const REPORTING: &[i64] = &[
    libc::SYS_wait4,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getppid,
    libc::SYS_geteuid,
    libc::SYS_openat,
    libc::SYS_read,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_statx,
    libc::SYS_newfstatat,
    libc::SYS_fstatfs,
    libc::SYS_lseek,
    libc::SYS_ftruncate,
    libc::SYS_fcntl,
    libc::SYS_getdents64,
    libc::SYS_readlinkat,
    libc::SYS_mkdir,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_rt_sigpending,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_nanosleep,
    libc::SYS_clock_gettime,
    libc::SYS_poll,
    libc::SYS_process_vm_readv,
    libc::SYS_membarrier,
    libc::SYS_tgkill,
    libc::SYS_prctl,
    libc::SYS_close_range,
];

/// All others. (kill sends no signal of that number, to nobody.)
const OTHERS: &[i64] = &[
    libc::SYS_process_vm_writev,
    libc::SYS_ppoll,
    libc::SYS_faccessat2,
    libc::SYS_getsid,
    libc::SYS_kill,
    libc::SYS_futex,
    libc::SYS_pidfd_open,
    libc::SYS_waitid,
    libc::SYS_kcmp,
    libc::SYS_getitimer,
    libc::SYS_setitimer,
    libc::SYS_timer_gettime,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_getsockopt,
    libc::SYS_socketpair,
    libc::SYS_pipe2,
    libc::SYS_dup3,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
];
