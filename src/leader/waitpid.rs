//! A leader's wait for one child, which may last as long as the leader: its children are inspected meanwhile.
//!
//! Until the child has ended, the wait is one for its descriptor (pidfd), a second at a time. It ends as waitpid would have ended:
//! - The stops of a child that this process traces end the wait too, and no descriptor shows them: they are asked for between the slices of
//!   time, and such a child gets the real call from then on.
//! - The host's signals are let in by ppoll and nowhere between its calls, so no handler runs unnoticed. Whether one ends the wait (EINTR) or
//!   not is a matter of SA_RESTART: where the handlers that may run differ in it, the real call is all there is.
//! - Where SIGCHLD has a handler too: it would run before the child is waited for, not after.
//! - It waits in the C library's ppoll, a cancellation point too; and in the main thread only, which nobody cancels.
//! - The child is waited for by the real function, before the signals that came with its end are let in.
use super::children;
use crate::entry::scratch::BLOCKED;
use crate::entry::{errno, record_with_scratch};
use forkguard_core::fixed::Text;
use forkguard_core::{gate, kernel, tls};
use libc::{c_int, nfds_t, pid_t, pollfd, sigset_t, timespec};
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering::Relaxed};

real_function!(ppoll);

/// The result of a wait for a descriptor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Polled {
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
fn poll(fd: i32, nanoseconds: u64, blocked: u64) -> Polled {
    type Ppoll = unsafe extern "C-unwind" fn(*mut pollfd, nfds_t, *const timespec, *const sigset_t) -> c_int;
    let mut ask = pollfd { fd, events: libc::POLLIN, revents: 0 };
    let time = timespec { tv_sec: (nanoseconds / 1_000_000_000) as i64, tv_nsec: (nanoseconds % 1_000_000_000) as i64 };
    // The kernel's mask and what glibc has behind it.
    let mut mask = [0u64; size_of::<sigset_t>() / 8];
    mask[0] = blocked;
    // SAFETY: the C library's own function; all that is pointed to is alive during the call.
    let count = unsafe {
        let real = std::mem::transmute::<*mut libc::c_void, Ppoll>(REAL.address());
        real(&mut ask, 1, &time, mask.as_ptr().cast())
    };
    match count {
        0 => Polled::TimedOut,
        -1 if errno::get() == libc::EINTR => Polled::Interrupted,
        1 if ask.revents & libc::POLLIN != 0 => Polled::Ready,
        _ => Polled::Failed,
    }
}

/// The result of a wait for a child, before the real call.
pub(crate) enum Waited {
    /// Not waited, or not to the end: the real call waits.
    CallReal,
    /// The child has ended, and the real call returns at once; this mask of blocked signals is to be restored after it.
    ChildEnded(u64),
    /// A handler ended the wait.
    Interrupted,
}

/// The lowest number of the child's descriptor: the host's own numbers stay as they would be.
const LOWEST_DESCRIPTOR: i32 = 300;
/// The descriptor of the child that a thread waits for; negative: none.
#[unsafe(link_section = "forkguard_words")]
static WAITED_FOR: AtomicI32 = AtomicI32::new(-1);
/// The child whose stops this process waits for; 0 none.
#[unsafe(link_section = "forkguard_words")]
static TRACED: AtomicU32 = AtomicU32::new(0);
/// The first slice of time: the later a stop comes, the longer may it go unnoticed.
const FIRST_SLICE_NS: u64 = 5_000_000;
const LAST_SLICE_NS: u64 = 1_000_000_000;

/// True when all handlers that may run in this thread let a call go on (SA_RESTART), false when none does; None when some do, or when SIGCHLD
/// is not at its default.
fn all_restart(blocked: u64) -> Option<bool> {
    let child = kernel::signal_action(libc::SIGCHLD)?;
    if child.handler != libc::SIG_DFL || child.flags & libc::SA_NOCLDWAIT as u64 != 0 {
        return None;
    }
    let caught = (1..=64).filter(|signal| blocked & 1 << (signal - 1) == 0).filter_map(kernel::signal_action);
    let mut restart = caught.filter(|action| action.handler > libc::SIG_IGN).map(|a| a.flags & libc::SA_RESTART as u64 != 0);
    let first = restart.next().unwrap_or(true);
    restart.all(|other| other == first).then_some(first)
}

/// In a forked child: closes the descriptor of its leader's child.
pub(super) fn reset_in_child() {
    let fd = WAITED_FOR.load(Relaxed);
    if fd >= 0 {
        WAITED_FOR.store(-1, Relaxed);
        kernel::close(fd);
    }
}

/// Waits until that child has ended, and inspects the children meanwhile.
pub(crate) fn wait_for_child(pid: pid_t) -> Waited {
    let usable = gate::awake() && tls::inside() == 0 && !gate::is_guest() && pid > 0;
    let usable = usable && kernel::thread_id() == kernel::process_id();
    if !usable || !children::is_child(pid as u32) || TRACED.load(Relaxed) == pid as u32 {
        return Waited::CallReal;
    }
    let blocked = kernel::blocked_signals();
    let Some(restart) = all_restart(blocked) else { return Waited::CallReal };
    // Children are inspected during one wait at a time.
    if WAITED_FOR.load(Relaxed) >= 0 {
        return Waited::CallReal;
    }
    let Some(fd) = kernel::open_pidfd(pid as u32, LOWEST_DESCRIPTOR) else { return Waited::CallReal };
    if WAITED_FOR.compare_exchange(-1, fd, Relaxed, Relaxed).is_err() {
        kernel::close(fd);
        return Waited::CallReal;
    }
    kernel::set_blocked_signals(blocked | BLOCKED);
    let mut slice = FIRST_SLICE_NS;
    let polled = loop {
        match poll(fd, slice.min(children::inspection_due_in()), blocked) {
            Polled::TimedOut => {}
            ended => break ended,
        }
        if kernel::may_be_waited_for(pid as u32) {
            TRACED.store(pid as u32, Relaxed);
            break Polled::Ready;
        }
        if children::is_inspection_due() {
            record_with_scratch(children::inspect_children);
        }
        slice = (slice * 2).min(LAST_SLICE_NS);
    };
    WAITED_FOR.store(-1, Relaxed);
    if is_descriptor_of(fd, pid) {
        kernel::close(fd);
    }
    if polled == Polled::Ready && kernel::may_be_waited_for(pid as u32) {
        return Waited::ChildEnded(blocked);
    }
    kernel::set_blocked_signals(blocked);
    if restart || polled != Polled::Interrupted { Waited::CallReal } else { Waited::Interrupted }
}

/// True unless the host closed the descriptor and has another one by its number. (The kernel shows -1 for a process that was waited for.)
fn is_descriptor_of(fd: i32, pid: pid_t) -> bool {
    let path = Text::<48>::of(format_args!("/proc/self/fdinfo/{fd}"));
    let wanted = Text::<24>::of(format_args!("\nPid:\t{pid}\n"));
    let mut bytes = [0u8; 256];
    let read = path.as_cstr().map(|path| kernel::read_file(path, &mut bytes)).unwrap_or_default();
    let names = |text: &str| text.contains(wanted.as_str()) || text.contains("\nPid:\t-1\n");
    std::str::from_utf8(read).is_ok_and(names)
}
