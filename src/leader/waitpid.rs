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
use super::slices::{FIRST_SLICE_NS, LAST_SLICE_NS, Polled, all_restart, poll};
use super::{asked_to_end, children, held_readers, pipes};
use crate::describe::pipes::Wait;
use crate::entry::held_signals::BLOCKED;
use crate::entry::record_with_scratch;
use crate::sites::Start;
use forkguard_core::fixed::Text;
use forkguard_core::{gate, kernel, tls};
use libc::pid_t;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering::Relaxed};

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
/// In a forked child: closes the descriptor of its leader's child.
pub(super) fn reset_in_child() {
    let fd = WAITED_FOR.load(Relaxed);
    if fd >= 0 {
        WAITED_FOR.store(-1, Relaxed);
        kernel::close(fd);
    }
}

/// Waits until that child has ended, and inspects the children meanwhile.
pub(crate) fn wait_for_child(pid: pid_t, caller: usize) -> Waited {
    let usable = gate::awake() && tls::inside() == 0 && !gate::is_guest() && pid > 0;
    let usable = usable && kernel::thread_id() == kernel::process_id();
    if !usable
        || !(children::is_child(pid as u32) || pipes::shares_pipes() || asked_to_end::was_asked(pid))
        || TRACED.load(Relaxed) == pid as u32
    {
        return Waited::CallReal;
    }
    let blocked = kernel::blocked_signals();
    // A handler of SIGCHLD would run before the child is waited for.
    let child = kernel::signal_action(libc::SIGCHLD)
        .is_some_and(|action| action.handler == libc::SIG_DFL && action.flags & libc::SA_NOCLDWAIT as u64 == 0);
    let Some(restart) = all_restart(blocked).filter(|_| child) else { return Waited::CallReal };
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
        asked_to_end::while_waiting(pid as u32);
        pipes::look(Start::here(), caller, Wait::Child(Some(pid as u32)));
        held_readers::look(Start::here(), caller, pid as u32);
        slice = (slice * 2).min(LAST_SLICE_NS);
    };
    WAITED_FOR.store(-1, Relaxed);
    if is_descriptor_of(fd, pid) {
        kernel::close(fd);
    }
    if polled == Polled::Ready && kernel::may_be_waited_for(pid as u32) {
        asked_to_end::ended(pid as u32);
        return Waited::ChildEnded(blocked);
    }
    kernel::set_blocked_signals(blocked);
    if restart || polled != Polled::Interrupted { Waited::CallReal } else { Waited::Interrupted }
}

/// True unless the host closed the descriptor and has another one by its number. (The kernel shows -1 for a process that was waited for.)
fn is_descriptor_of(fd: i32, pid: pid_t) -> bool {
    if kernel::is_pidfd_of_ended(fd, pid as u32) {
        return true;
    }
    let path = Text::<48>::of(format_args!("/proc/self/fdinfo/{fd}"));
    let wanted = Text::<24>::of(format_args!("\nPid:\t{pid}\n"));
    let mut bytes = [0u8; 256];
    let read = path.as_cstr().map(|path| kernel::read_file(path, &mut bytes)).unwrap_or_default();
    let names = |text: &str| text.contains(wanted.as_str()) || text.contains("\nPid:\t-1\n");
    std::str::from_utf8(read).is_ok_and(names)
}
