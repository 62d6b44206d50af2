//! What a call waits for: work, which shows that a child has settled, or what it needs while it still boots (a database's answer, a program
//! that it runs, a pause of a thread that it has just started).
use crate::entry::WaitLength;
use crate::ledger::spawns;
use forkguard_core::registry::descriptors::{self, FdKind, role};
use forkguard_core::{fork as core_fork, kernel};

/// What a call waits for, by its arguments.
#[derive(Clone, Copy)]
pub(crate) enum Awaited {
    /// The time, and nothing else.
    Time,
    /// A signal.
    Signal,
    /// A process that this one made.
    Process,
    /// A message of a queue (System V).
    Message,
    /// A client's connection.
    Connection,
    /// Input.
    Descriptor(i32),
    /// One of poll's descriptors: the address of the list, and its length.
    Poll(usize, usize),
    /// One of select's descriptors: the number above the highest, and the address of the set to read from.
    Select(usize, usize),
    /// One of an epoll instance's.
    Epoll,
}

/// Descriptors of one call that are looked at.
const LOOKED_AT: usize = 64;

impl Awaited {
    /// True when what comes is work for this process.
    pub(super) fn is_work(self, length: WaitLength) -> bool {
        match self {
            Awaited::Message | Awaited::Connection => true,
            Awaited::Process => false,
            Awaited::Descriptor(fd) => brings_work(fd),
            Awaited::Epoll | Awaited::Signal => is_main_thread(),
            Awaited::Time | Awaited::Poll(_, 0) | Awaited::Select(0, _) | Awaited::Select(_, 0) => {
                length == WaitLength::Long && is_main_thread()
            }
            Awaited::Poll(list, count) => {
                let fd = |index| kernel::read_value::<[i32; 2]>(list + index * size_of::<libc::pollfd>()).map(|[fd, _]| fd);
                (0..count.min(LOOKED_AT)).filter_map(fd).any(brings_work)
            }
            Awaited::Select(end, set) => {
                let word = |index: usize| kernel::read_value::<usize>(set + index * size_of::<usize>()).unwrap_or(0);
                let bits = usize::BITS as usize;
                (0..end.min(libc::FD_SETSIZE))
                    .filter(|fd| word(fd / bits) & 1 << (fd % bits) != 0)
                    .any(|fd| brings_work(fd as i32))
            }
        }
    }
}

/// True for a descriptor by which processes talk, unlike a file.
pub(crate) fn is_channel(fd: i32) -> bool {
    use FdKind::{Eventfd, File, Inotify, Pipe, Signalfd, Socket};
    descriptors::record(fd).is_some_and(|r| match r.kind {
        Pipe | Socket | Eventfd | Signalfd | Inotify => true,
        File => kernel::is_pipe(fd),
        _ => false,
    })
}

/// A listening socket, a client's, a channel from before the fork. A pipe of the leader's on which another thread waits is how the leader's end is
/// noticed: the main thread may still boot. A channel that the child made itself leads to a program that it runs or to a thread that it started,
/// unless there is neither.
fn brings_work(fd: i32) -> bool {
    let Some(record) = descriptors::record(fd) else { return false };
    if record.role & (role::LISTENING | role::ACCEPTED) != 0 {
        return true;
    }
    match record.kind {
        FdKind::Signalfd | FdKind::Inotify | FdKind::Start => true,
        FdKind::File => kernel::is_pipe(fd),
        FdKind::Socket | FdKind::Pipe | FdKind::Eventfd if record.role & role::CONNECTED == 0 => {
            let is_inherited = record.role & role::FORKED != 0;
            let is_applications = || is_inherited || core_fork::made() == 0 && spawns::made() == 0;
            is_inherited && record.kind == FdKind::Socket || is_main_thread() && is_applications()
        }
        _ => false,
    }
}

fn is_main_thread() -> bool {
    kernel::thread_id() == kernel::process_id()
}
