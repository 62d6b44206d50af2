//! A wait in slices of time, between which a leader looks at its children.
use crate::entry::errno;
use forkguard_core::kernel;
use libc::{c_int, nfds_t, pollfd, sigset_t, timespec};

/// The first slice of time: the later a stop comes, the longer may it go unnoticed.
pub(super) const FIRST_SLICE_NS: u64 = 5_000_000;
pub(super) const LAST_SLICE_NS: u64 = 1_000_000_000;

real_function!(ppoll);

/// The result of a wait for a descriptor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Polled {
    /// It is readable.
    Ready,
    /// The time was up.
    TimedOut,
    /// A signal's handler ran.
    Interrupted,
    /// There is no such descriptor any more.
    Failed,
}

/// Waits for a descriptor to become readable, so many nanoseconds at most, with this mask of blocked signals.
pub(super) fn poll(fd: i32, nanoseconds: u64, blocked: u64) -> Polled {
    let mut ask = pollfd { fd, events: libc::POLLIN, revents: 0 };
    match poll_all(&mut ask, 1, nanoseconds, blocked) {
        Polled::Ready if ask.revents & libc::POLLIN == 0 => Polled::Failed,
        polled => polled,
    }
}

/// The same for what a program asks poll(2) for: `Ready` when that would return.
pub(super) fn poll_all(asked: *mut pollfd, count: usize, nanoseconds: u64, blocked: u64) -> Polled {
    type Ppoll = unsafe extern "C-unwind" fn(*mut pollfd, nfds_t, *const timespec, *const sigset_t) -> c_int;
    let time = timespec { tv_sec: (nanoseconds / 1_000_000_000) as i64, tv_nsec: (nanoseconds % 1_000_000_000) as i64 };
    // The kernel's mask and what glibc has behind it.
    let mut mask = [0u64; size_of::<sigset_t>() / 8];
    mask[0] = blocked;
    // SAFETY: the C library's own function; all that is pointed to is alive during the call, the array as long as the caller says.
    let count = unsafe {
        let real = std::mem::transmute::<*mut libc::c_void, Ppoll>(REAL.address());
        real(asked, count as nfds_t, &time, mask.as_ptr().cast())
    };
    match count {
        0 => Polled::TimedOut,
        -1 if errno::get() == libc::EINTR => Polled::Interrupted,
        1.. => Polled::Ready,
        _ => Polled::Failed,
    }
}

/// glibc's own signals: of pthread_cancel, which older versions handle from the start, and of setuid(2) and the like in another thread, which
/// newer ones handle from the first thread on.
const OF_GLIBC: std::ops::RangeInclusive<i32> = 32..=33;

/// True when all handlers of the program's that may run in this thread, which nobody cancels, let a call go on (SA_RESTART), false when none does;
/// None when some do.
pub(super) fn all_restart(blocked: u64) -> Option<bool> {
    let may_run = |signal: &i32| !OF_GLIBC.contains(signal) && blocked & 1 << (signal - 1) == 0;
    let caught = (1..=64).filter(may_run).filter_map(kernel::signal_action);
    let mut restart = caught.filter(|action| action.handler > libc::SIG_IGN).map(|a| a.flags & libc::SA_RESTART as u64 != 0);
    let first = restart.next().unwrap_or(true);
    restart.all(|other| other == first).then_some(first)
}
