//! A leader's wait for one child, which may last as long as the leader: its children are inspected meanwhile. And one for any child, while all of
//! them were sent a signal to end them and had no time to.
//!
//! Until the child has ended, the wait is one for its descriptor (pidfd), a second at a time. It ends as waitpid would have ended:
//! - The stops of a child that this process traces end the wait too, and no descriptor shows them: they are asked for between the slices of
//!   time, and such a child gets the real call from then on.
//! - The host's signals are let in by ppoll and nowhere between its calls, so no handler runs unnoticed. Whether one ends the wait (EINTR) or
//!   not is a matter of SA_RESTART: where the handlers that may run differ in it, the real call is all there is.
//! - Where SIGCHLD has a handler too: it would run before the child is waited for, not after.
//! - It waits in the C library's ppoll, a cancellation point too; and in the main thread only, which nobody cancels.
//! - The child is waited for by the real function, before the signals that came with its end are let in.
use super::slices::{FIRST_SLICE_NS, LAST_SLICE_NS, Polled, all_restart, poll_all};
use super::{asked_to_end, children, held_readers, pipes};
use crate::describe::pipes::Wait;
use crate::entry::held_signals::BLOCKED;
use crate::entry::record_with_scratch;
use crate::sites::Start;
use forkguard_core::fixed::Text;
use forkguard_core::{gate, kernel, tls};
use libc::{pid_t, pollfd};
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
/// Children that are waited for at a time.
const WAITED: usize = asked_to_end::CHILDREN;
/// The descriptors of the children that a thread waits for; negative: none.
#[unsafe(link_section = "forkguard_words")]
static WAITED_FOR: [AtomicI32; WAITED] = [const { AtomicI32::new(-1) }; WAITED];
/// The end of a child that came meanwhile (prctl(2), PR_SET_CHILD_SUBREAPER) is not noticed for that long.
const SLICE_OF_ANY_NS: u64 = 100_000_000;
/// The child whose stops this process waits for; 0 none.
#[unsafe(link_section = "forkguard_words")]
static TRACED: AtomicU32 = AtomicU32::new(0);
/// In a forked child: closes the descriptors of its leader's children.
pub(super) fn reset_in_child() {
    for (word, fd) in WAITED_FOR.iter().map(|word| (word, word.load(Relaxed))).filter(|(_, fd)| *fd >= 0) {
        word.store(-1, Relaxed);
        kernel::close(fd);
    }
}

/// Waits until that child has ended (-1: any), and inspects the children meanwhile.
pub(crate) fn wait_for_child(pid: pid_t, caller: usize) -> Waited {
    let usable = gate::awake() && tls::inside() == 0 && !gate::is_guest();
    if !usable || kernel::thread_id() != kernel::process_id() {
        return Waited::CallReal;
    }
    match pid {
        -1 => wait_for_any(),
        1.. => wait_for(pid as u32, caller),
        _ => Waited::CallReal,
    }
}

fn wait_for(pid: u32, caller: usize) -> Waited {
    if !(children::is_child(pid) || pipes::shares_pipes() || asked_to_end::was_asked(pid as pid_t)) || TRACED.load(Relaxed) == pid
    {
        return Waited::CallReal;
    }
    let mut slice = FIRST_SLICE_NS;
    wait_in_slices(&[pid], |blocked| {
        let polled = poll_children(1, slice.min(children::inspection_due_in()), blocked);
        if polled != Polled::TimedOut {
            return Some(polled);
        }
        if kernel::may_be_waited_for(pid) {
            TRACED.store(pid, Relaxed);
            return Some(Polled::Ready);
        }
        inspect_if_due();
        asked_to_end::while_waiting(pid);
        pipes::look(Start::here(), caller, Wait::Child(Some(pid)));
        held_readers::look(Start::here(), caller, pid);
        slice = (slice * 2).min(LAST_SLICE_NS);
        None
    })
}

/// While all children were sent a signal to end them, and may still do so.
fn wait_for_any() -> Waited {
    let mut room = [0; WAITED];
    let waited_for = asked_to_end::children_asked(&mut room);
    if waited_for.is_empty() {
        return Waited::CallReal;
    }
    let mut slice = FIRST_SLICE_NS;
    wait_in_slices(waited_for, |blocked| {
        let polled = poll_children(waited_for.len(), slice, blocked);
        if polled != Polled::TimedOut || kernel::may_any_be_waited_for() {
            return Some(if polled == Polled::TimedOut { Polled::Ready } else { polled });
        }
        inspect_if_due();
        waited_for.iter().for_each(|&pid| asked_to_end::while_waiting(pid));
        slice = (slice * 2).min(SLICE_OF_ANY_NS);
        (asked_to_end::children_asked(&mut [0; WAITED]) != waited_for).then_some(Polled::Failed)
    })
}

fn inspect_if_due() {
    if children::is_inspection_due() {
        record_with_scratch(children::inspect_children);
    }
}

/// Waits for the end of these children by `slice`, which is given the mask of blocked signals, until that has a result.
fn wait_in_slices(waited_for: &[u32], mut slice: impl FnMut(u64) -> Option<Polled>) -> Waited {
    let blocked = kernel::blocked_signals();
    // A handler of SIGCHLD would run before the child is waited for.
    let child = kernel::signal_action(libc::SIGCHLD)
        .is_some_and(|action| action.handler == libc::SIG_DFL && action.flags & libc::SA_NOCLDWAIT as u64 == 0);
    let Some(restart) = all_restart(blocked).filter(|_| child) else { return Waited::CallReal };
    if !open_descriptors(waited_for) {
        return Waited::CallReal;
    }
    kernel::set_blocked_signals(blocked | BLOCKED);
    let polled = loop {
        if let Some(polled) = slice(blocked) {
            break polled;
        }
    };
    close_descriptors(waited_for);
    if polled == Polled::Ready && waited_for.iter().any(|&pid| kernel::may_be_waited_for(pid)) {
        return Waited::ChildEnded(blocked);
    }
    kernel::set_blocked_signals(blocked);
    if restart || polled != Polled::Interrupted { Waited::CallReal } else { Waited::Interrupted }
}

/// Opens a descriptor for each of them. False where that fails, or a wait is under way: children are inspected during one wait at a time.
fn open_descriptors(of_children: &[u32]) -> bool {
    let is_open = |(word, &pid): (&AtomicI32, &u32)| {
        let Some(fd) = kernel::open_pidfd(pid, LOWEST_DESCRIPTOR) else { return false };
        let is_noted = word.compare_exchange(-1, fd, Relaxed, Relaxed).is_ok();
        if !is_noted {
            kernel::close(fd);
        }
        is_noted
    };
    let is_busy = WAITED_FOR[0].load(Relaxed) >= 0;
    let opened = if is_busy { 0 } else { WAITED_FOR.iter().zip(of_children).take_while(|pair| is_open(*pair)).count() };
    if opened < of_children.len() {
        close_descriptors(&of_children[..opened]);
    }
    opened == of_children.len()
}

fn close_descriptors(of_children: &[u32]) {
    for (word, &pid) in WAITED_FOR.iter().zip(of_children) {
        let fd = word.swap(-1, Relaxed);
        if is_descriptor_of(fd, pid as pid_t) {
            kernel::close(fd);
        }
    }
}

/// Waits for the end of one of so many children.
fn poll_children(count: usize, nanoseconds: u64, blocked: u64) -> Polled {
    let mut asked: [pollfd; WAITED] =
        std::array::from_fn(|place| pollfd { fd: WAITED_FOR[place].load(Relaxed), events: libc::POLLIN, revents: 0 });
    match poll_all(asked.as_mut_ptr(), count, nanoseconds, blocked) {
        Polled::Ready if asked[..count].iter().all(|ask| ask.revents & libc::POLLIN == 0) => Polled::Failed,
        polled => polled,
    }
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
