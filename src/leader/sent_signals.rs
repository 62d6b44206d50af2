//! Signals that a leader sends to its children: what a child is about to be ended for is looked at before, for it may be gone afterwards.
use super::asked_to_end;
use super::last_words;
use crate::entry::errno;
use crate::entry::scratch::on_scratch_stack;
use crate::sites::Start;
use forkguard_core::fixed::Text;
use forkguard_core::fork::Snapshot;
use forkguard_core::{flags, gate, kernel, tls};
use std::sync::atomic::Ordering::Relaxed;

/// Whom a signal is sent to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Receiver {
    Process(u32),
    /// A process group; 0: this process's own.
    Group(i32),
    /// What a descriptor (pidfd) stands for.
    Descriptor(i32),
    /// All processes.
    Everybody,
}

impl Receiver {
    /// As kill(2) reads its first argument.
    pub(crate) fn of_number(number: i32) -> Receiver {
        match number {
            1.. => Receiver::Process(number as u32),
            -1 => Receiver::Everybody,
            _ => Receiver::Group(number.wrapping_neg()),
        }
    }

    /// The only process that it is.
    fn process(self) -> Option<u32> {
        match self {
            Receiver::Process(process) => Some(process),
            Receiver::Descriptor(fd) => process_of(fd),
            Receiver::Group(_) | Receiver::Everybody => None,
        }
    }
}

/// The process that a descriptor stands for (proc_pid_fdinfo(5)).
fn process_of(fd: i32) -> Option<u32> {
    let path = Text::<48>::of(format_args!("/proc/self/fdinfo/{fd}"));
    let mut bytes = [0u8; 256];
    let text = std::str::from_utf8(kernel::read_file(path.as_cstr()?, &mut bytes)).ok()?;
    text.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok())
}

/// In a leader, which has made a child.
pub(crate) fn remember(fork: &Snapshot, child: u32) {
    asked_to_end::remember(fork, child);
    if flags::WATCH_SENT_SIGNALS.load(Relaxed) == 0 {
        flags::WATCH_SENT_SIGNALS.store(1, Relaxed);
    }
}

/// In a forked child, which has no children yet. A word that is not written need not be copied.
pub(super) fn reset_in_child() {
    if flags::WATCH_SENT_SIGNALS.load(Relaxed) != 0 {
        flags::WATCH_SENT_SIGNALS.store(0, Relaxed);
    }
}

/// A signal is about to be sent by this process. Everything that a leader does about it begins in [`before_child`].
pub(crate) fn before(receiver: Receiver, signal: i32) {
    let usable = gate::awake() && tls::inside() == 0 && !gate::is_guest();
    if !usable || signal <= 0 {
        return;
    }
    let start = Start::here();
    // The host's stack may be a signal handler's.
    errno::preserve(|| on_scratch_stack(|_| before_other(receiver, signal, start)));
}

fn before_other(receiver: Receiver, signal: i32, start: Start) {
    if let Some(process) = receiver.process().filter(|&process| process != kernel::process_id()) {
        before_child(process, signal, start);
    }
}

/// A signal is about to be sent to a process that may be a child of this one.
fn before_child(process: u32, signal: i32, start: Start) {
    asked_to_end::before_signal(process, signal);
    last_words::report(process, signal, start);
}
