//! FORKGUARD_SOCKETS: the child's copies of the leader's client connections.
use super::*;
use crate::describe::descriptors;
use crate::options::Sockets;
use crate::sites;
use forkguard_core::descriptor::{self, Kind as Made, Record, mark, role};
use forkguard_core::fork::ForkCall;
use forkguard_core::own;
use forkguard_core::raw::Opened;
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::sync::atomic::AtomicBool;

/// See [`super::in_child`]. daemon(3) makes a process that goes on in its leader's place, with the connections that were made for it.
pub(super) fn in_child(fork: &'static Inner) {
    let wanted = options::get().sockets;
    if wanted == Sockets::Keep || fork.call == ForkCall::Daemon {
        return;
    }
    let mut dead = Dead::default();
    for (fd, record) in descriptor::connected().filter_map(client) {
        match wanted {
            Sockets::Sever if descriptors::is_stream(fd) => sever(fd, &mut dead),
            Sockets::Spare if descriptors::is_stream(fd) && !is_made_for_child(&record, fork) => sever(fd, &mut dead),
            _ => close_on_exec(fd),
        }
    }
}

/// A connection that this process's leader made, and nobody meant for this process.
fn client(fd: i32) -> Option<(i32, Record)> {
    const OTHERS: u8 = role::LISTENING | role::ACCEPTED | role::PLACED | role::KEPT_ON_EXEC;
    let made = |record: &Record| record.kind == Made::Socket && record.role & OTHERS == 0;
    let record = descriptor::record(fd).filter(|record| fd > 2 && made(record) && !crate::describe::keep::is_kept(fd, record))?;
    Some((fd, record))
}

/// The function that forks made it, in the same thread and since the fork before: for this child, and no other.
fn is_made_for_child(record: &Record, fork: &Inner) -> bool {
    let is_newest = record.thread == fork.thread && record.forks + 1 == fork.sequence;
    is_newest && fork.site != 0 && sites::is_called_in(record.site, fork.site)
}

/// Some child has a descriptor marked [`mark::CLOSES_ON_EXEC`].
static CLOSING: AtomicBool = AtomicBool::new(false);

fn close_on_exec(fd: i32) {
    if !raw::survives_exec(fd) {
        return;
    }
    let start = raw::monotonic_of_kernel();
    let Some(name) = descriptors::name_of_connection(fd) else { return };
    let result = raw::set_close_on_exec(fd, true);
    if result.is_ok() {
        descriptor::add_mark(fd, mark::CLOSES_ON_EXEC);
        CLOSING.store(true, Relaxed);
    }
    log_action(Guard::Sockets, "closed on exec", format_args!("{}", name.as_str()), start, result.map_err(Errno::raw_os_error));
}

/// True when a program that is started may need [`hand_over`].
pub(crate) fn may_hand_over() -> bool {
    CLOSING.load(Relaxed)
}

/// A program is about to be started that is given this number: a socket may be handed to it, on purpose (None: who can tell?).
pub(crate) fn hand_over(number: Option<i32>) {
    each_named(number, |fd| {
        if descriptor::remove_mark(fd, mark::CLOSES_ON_EXEC) && raw::set_close_on_exec(fd, false).is_ok() {
            descriptor::add_role(fd, role::KEPT_ON_EXEC);
        }
    });
}

/// The same for descriptors that are a vfork child's own, in a table that is its leader's.
pub(crate) fn lend(number: Option<i32>) {
    each_named(number, |fd| {
        if descriptor::record(fd).is_some_and(|record| record.marks & mark::CLOSES_ON_EXEC != 0) {
            let _ = raw::set_close_on_exec(fd, false);
        }
    });
}

fn each_named(number: Option<i32>, each: impl Fn(i32)) {
    match number {
        Some(fd) => each(fd),
        None => descriptor::connected().for_each(each),
    }
}

/// The dead connections that take the places of the others: one that blocks and one that does not, which is all that their numbers tell.
#[derive(Default)]
struct Dead([Option<Opened>; 2]);

impl Dead {
    fn like(&mut self, fd: i32) -> Result<&Opened, Errno> {
        let nonblocking = rustix::fs::fcntl_getfl(raw::descriptor(fd))?.contains(OFlags::NONBLOCK);
        let place = &mut self.0[usize::from(nonblocking)];
        match place {
            Some(dead) => Ok(dead),
            None => Ok(place.insert(raw::dead_connection(nonblocking)?)),
        }
    }
}

fn sever(fd: i32, dead: &mut Dead) {
    let start = raw::monotonic_of_kernel();
    let Some(name) = descriptors::name_of_connection(fd) else { return };
    let result = dead.like(fd).and_then(|dead| own::replace(fd, dead));
    if let Some(record) = descriptor::record(fd).filter(|_| result.is_ok()) {
        descriptor::open(fd, Made::Socket, role::PAIR, libc::AF_UNIX as u16, record.site, record.thread);
    }
    let end = (Kind::ConnectionInherited, format_args!("{fd}"), "forkguard severed the child's copy");
    log_resolving_action(
        Guard::Sockets,
        "severed",
        format_args!("{}", name.as_str()),
        start,
        result.map_err(Errno::raw_os_error),
        end,
    );
}
