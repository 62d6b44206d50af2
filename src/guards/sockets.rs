//! FORKGUARD_SOCKETS: the child's copies of the leader's client connections.
use crate::describe::{descriptors, keep};
use crate::ledger::{log_action, log_resolving_action};
use crate::options::{self, Sockets};
use crate::sites;
use forkguard_core::fork::{ForkCall, Snapshot};
use forkguard_core::kernel::{self, OwnedFd, unshare};
use forkguard_core::registry;
use forkguard_core::registry::descriptors::{FdKind, Record, mark, role};
use forkguard_report::event::{FindingKind, Guard};
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// See [`super::in_child`]. daemon(3) makes a process that goes on in its leader's place, with the connections that were made for it.
pub(super) fn in_child(fork: &'static Snapshot) {
    let wanted = options::get().sockets;
    if wanted == Sockets::Keep || fork.call == ForkCall::Daemon {
        return;
    }
    let mut dead = DeadConnections::default();
    for (fd, record) in registry::descriptors::connected().filter_map(leaders_connection) {
        match wanted {
            Sockets::Sever if descriptors::is_stream(fd) => sever(fd, &mut dead),
            Sockets::Spare if descriptors::is_stream(fd) && !is_made_for_child(&record, fork) => sever(fd, &mut dead),
            _ => close_on_exec(fd),
        }
    }
}

/// A connection that this process's leader made, and that nobody passed to this process on purpose.
fn leaders_connection(fd: i32) -> Option<(i32, Record)> {
    const OTHERS: u8 = role::LISTENING | role::ACCEPTED | role::PLACED | role::KEPT_ON_EXEC;
    let is_client = |record: &Record| record.kind == FdKind::Socket && record.role & OTHERS == 0;
    let record = registry::descriptors::record(fd).filter(|record| fd > 2 && is_client(record) && !keep::is_kept(fd, record))?;
    Some((fd, record))
}

/// True for a connection that the function that forks made, in the same thread and since the fork before: it is for this child alone.
pub(crate) fn is_made_for_child(record: &Record, fork: &Snapshot) -> bool {
    let is_newest = record.thread == fork.thread && record.forks + 1 == fork.sequence;
    is_newest && fork.site != 0 && sites::is_called_in(record.site, fork.site)
}

/// True once this process or a leader of its has marked a descriptor [`mark::CLOSES_ON_EXEC`].
static CLOSES_ON_EXEC: AtomicBool = AtomicBool::new(false);

fn close_on_exec(fd: i32) {
    if !kernel::survives_exec(fd) {
        return;
    }
    let start = kernel::monotonic_by_syscall();
    let Some(name) = descriptors::name_of_connection(fd) else { return };
    let result = mark_close_on_exec(fd).map_err(Errno::raw_os_error);
    log_action(Guard::Sockets, "closed on exec", format_args!("{}", name.as_str()), start, result);
}

/// Sets its close-on-exec flag, until a program is told of it: see [`keep_on_exec`].
pub(super) fn mark_close_on_exec(fd: i32) -> Result<(), Errno> {
    kernel::set_close_on_exec(fd, true)?;
    registry::descriptors::add_mark(fd, mark::CLOSES_ON_EXEC);
    CLOSES_ON_EXEC.store(true, Relaxed);
    Ok(())
}

/// True when a program that is started may need [`keep_on_exec`].
pub(crate) fn any_closes_on_exec() -> bool {
    CLOSES_ON_EXEC.load(Relaxed)
}

/// Before a program is started that is given this number (None: nobody can tell which): the socket may be passed to it on purpose.
pub(crate) fn keep_on_exec(number: Option<i32>) {
    for_each_fd(number, |fd| {
        if registry::descriptors::remove_mark(fd, mark::CLOSES_ON_EXEC) && kernel::set_close_on_exec(fd, false).is_ok() {
            registry::descriptors::add_role(fd, role::KEPT_ON_EXEC);
        }
    });
}

/// The same in a vfork child, whose descriptors are its own but whose records are its leader's.
pub(crate) fn keep_on_exec_of_vfork_child(number: Option<i32>) {
    for_each_fd(number, |fd| {
        if registry::descriptors::record(fd).is_some_and(|record| record.marks & mark::CLOSES_ON_EXEC != 0) {
            let _ = kernel::set_close_on_exec(fd, false);
        }
    });
}

fn for_each_fd(number: Option<i32>, each: impl Fn(i32)) {
    match number {
        Some(fd) => each(fd),
        None => registry::descriptors::recorded().for_each(|(fd, _)| each(fd)),
    }
}

/// What is logged of a connection that was severed.
pub(crate) const SEVERED: &str = "severed";

/// The dead connections that replace the leader's: one that blocks and one that does not, as O_NONBLOCK belongs to the description.
#[derive(Default)]
struct DeadConnections([Option<OwnedFd>; 2]);

impl DeadConnections {
    fn like(&mut self, fd: i32) -> Result<&OwnedFd, Errno> {
        let nonblocking = rustix::fs::fcntl_getfl(kernel::borrow(fd))?.contains(OFlags::NONBLOCK);
        let connection = &mut self.0[usize::from(nonblocking)];
        match connection {
            Some(dead) => Ok(dead),
            None => Ok(connection.insert(kernel::disconnected_socket(nonblocking)?)),
        }
    }
}

fn sever(fd: i32, dead: &mut DeadConnections) {
    let start = kernel::monotonic_by_syscall();
    let Some(name) = descriptors::name_of_connection(fd) else { return };
    let result = dead.like(fd).and_then(|dead| unshare::replace(fd, dead)).map_err(Errno::raw_os_error);
    if result.is_ok() {
        registry::descriptors::sever(fd, libc::AF_UNIX as u16);
    }
    let resolved = (FindingKind::ConnectionInherited, format_args!("{fd}"), "forkguard severed the child's copy");
    log_resolving_action(Guard::Sockets, SEVERED, format_args!("{}", name.as_str()), start, result, resolved);
}
