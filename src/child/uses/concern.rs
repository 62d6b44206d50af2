//! Why the use of an inherited descriptor may matter.
use crate::describe::{descriptors, keep};
use forkguard_core::fixed::Text;
use forkguard_core::kernel;
use forkguard_core::registry;
use forkguard_core::registry::descriptors::{FdKind, Record, mark, role};
use forkguard_report::event::FindingKind;

/// What a call does with a descriptor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Reads at the descriptor's own position.
    Input,
    /// Writes there.
    Output,
    /// Says that no more is to come.
    Shutdown,
    /// Moves the position.
    Seek,
    /// Reads or writes at a position that the call gives.
    At,
    /// Locks a part of a file.
    Lock,
    /// Changes or waits on what an epoll instance watches, arms or disarms a timer, or changes the signals of a signalfd.
    Watch,
}

/// Why the use of an inherited descriptor may matter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Concern {
    /// Its bytes belong to two processes.
    Connection,
    /// A client's socket for datagrams: what comes back goes to whoever reads first.
    Datagrams,
    /// Its other end is the leader's, too: what a signal handler writes wakes the leader.
    SelfPipe,
    /// Leader and child change what it watches.
    Epoll,
    /// Who reads an event takes it from the other.
    Events,
    /// Who arms a timer of timerfd_create, or disarms it, does so for both.
    Timer,
    /// Who changes the signals of a signalfd does so for both.
    Signals,
    /// A file that SQLite may have opened, or that is read by position.
    File,
    /// The leader's client: a child that uses it serves it.
    Accepted,
    /// A guard put a dead connection in its place: its client is about to find that out.
    Severed,
}

impl Concern {
    /// That of a recorded descriptor.
    pub(super) fn of(fd: i32, record: &Record) -> Option<Concern> {
        match record.kind {
            _ if record.marks & mark::SEVERED != 0 => Some(Concern::Severed),
            _ if keep::is_kept(fd, record) => None,
            // Put under a number of its own choice, such as standard output, it is there to be used.
            FdKind::Socket if record.role & role::PLACED != 0 => None,
            FdKind::Socket if is_netlink(record) => Some(Concern::Datagrams),
            FdKind::Socket if record.role & role::CONNECTED != 0 => Some(Concern::Connection),
            FdKind::Socket if record.role & role::ACCEPTED != 0 => Some(Concern::Accepted),
            FdKind::Socket if record.role & role::PAIR != 0 => Some(Concern::SelfPipe),
            FdKind::Socket if is_clients(record) => Some(Concern::Datagrams),
            FdKind::Pipe => Some(Concern::SelfPipe),
            FdKind::Epoll => Some(Concern::Epoll),
            FdKind::Inotify => Some(Concern::Events),
            FdKind::Timerfd => Some(Concern::Timer),
            FdKind::Signalfd => Some(Concern::Signals),
            FdKind::File => Some(Concern::File),
            _ => None,
        }
    }

    /// That of a number, if the descriptor is recorded.
    pub(super) fn of_number(fd: i32) -> Option<Concern> {
        Concern::of(fd, &registry::descriptors::record(fd)?)
    }

    /// True when such a use is one that matters.
    pub(super) fn is_met_by(self, usage: Use) -> bool {
        match self {
            Concern::Connection | Concern::Severed | Concern::Accepted => {
                matches!(usage, Use::Input | Use::Output | Use::Shutdown)
            }
            Concern::Datagrams => matches!(usage, Use::Input | Use::Output),
            Concern::SelfPipe => usage == Use::Output,
            Concern::Epoll | Concern::Timer | Concern::Signals => usage == Use::Watch,
            Concern::Events => usage == Use::Input,
            Concern::File => usage != Use::Watch,
        }
    }

    /// The kind of the hazard that the fork's report names; None where it names none, or not for certain.
    pub(super) fn hazard(self, fd: i32) -> Option<FindingKind> {
        match self {
            Concern::Connection if descriptors::is_stream(fd) => Some(FindingKind::ConnectionInherited),
            Concern::Epoll | Concern::Events | Concern::Timer | Concern::Signals => Some(FindingKind::EpollInherited),
            _ => None,
        }
    }

    /// True when a settled child's use of this descriptor may be worth a report.
    pub(super) fn may_hit(self, fd: i32) -> bool {
        match self {
            Concern::Connection => descriptors::is_stream(fd),
            Concern::Datagrams => is_netlink_socket(fd) || kernel::is_datagram_socket(fd),
            Concern::SelfPipe => registry::descriptors::twin(fd).is_some(),
            Concern::Epoll | Concern::Events | Concern::Timer | Concern::Signals | Concern::Severed | Concern::Accepted => true,
            Concern::File => descriptors::is_positioned(fd),
        }
    }
}

/// True for a socket of the internet's that was neither connected nor given an address.
fn is_clients(record: &Record) -> bool {
    let is_internet = [libc::AF_INET, libc::AF_INET6].contains(&i32::from(record.family));
    is_internet && record.role & role::LISTENING == 0 && record.marks & mark::BOUND == 0
}

/// True for a socket by which the kernel is asked.
fn is_netlink(record: &Record) -> bool {
    i32::from(record.family) == libc::AF_NETLINK
}

/// The same of a number.
pub(super) fn is_netlink_socket(fd: i32) -> bool {
    registry::descriptors::record(fd).is_some_and(|record| is_netlink(&record))
}

/// The descriptor in the ids of findings: its number at the fork.
pub(super) fn descriptor_id(fd: i32) -> Text<64> {
    Text::of(format_args!("{}", registry::descriptors::number_at_fork(fd)))
}
