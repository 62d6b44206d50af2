//! Sockets: made, connected, accepted, listening.
use super::descriptor::{all_opened, created, opened};
use super::wait::ended_by_signal;
use crate::child::work::Awaited;
use crate::child::{settle, uses};
use crate::entry::{WaitLength, record};
use crate::guards::before_wait;
use crate::sites;
use forkguard_core::registry::descriptors::{self, FdKind, mark, role};
use forkguard_core::registry::threads;
use forkguard_core::{flags, kernel};
use libc::{c_char, c_int, sa_family_t, sockaddr, sockaddr_in, sockaddr_in6, socklen_t};
use std::sync::atomic::Ordering::Relaxed;

hook! {
    /// socket(2).
    fn socket(family: c_int, kind: c_int, protocol: c_int) -> c_int = libc::socket;
    |caller| {
        let fd = real(family, kind, protocol);
        opened(fd, FdKind::Socket, 0, family as u16, caller);
        fd
    }
}
hook! {
    /// socketpair(2).
    fn socketpair(family: c_int, kind: c_int, protocol: c_int, pair: *mut c_int) -> c_int = libc::socketpair;
    |caller| {
        let result = real(family, kind, protocol, pair);
        if result == 0 {
            // SAFETY: the real function filled both.
            let ends = unsafe { [*pair, *pair.add(1)] };
            all_opened(ends, FdKind::Socket, role::PAIR, family as u16, caller);
        }
        result
    }
}

fn accepted(fd: c_int, caller: usize) {
    opened(fd, FdKind::Socket, role::ACCEPTED, 0, caller);
}

/// A child that waits for a connection has settled. True when a signal came meanwhile that ends such a call.
#[inline(always)]
fn waits(call: &'static &'static str, fd: c_int) -> bool {
    before_wait();
    if !flags::is_settling() {
        return false;
    }
    let ended = ended_by_signal(false, || settle::settle_before_wait(call, Awaited::Connection, WaitLength::Long));
    let over = ended && kernel::would_wait_for_input(fd);
    if over {
        crate::entry::errno::set(libc::EINTR);
    }
    over
}

hook! {
    /// accept(2).
    fn accept(fd: c_int, address: *mut sockaddr, length: *mut socklen_t) -> c_int = libc::accept;
    |caller| {
        if waits(&"accept", fd) {
            return -1;
        }
        let fd = real(fd, address, length);
        accepted(fd, caller);
        fd
    }
}
hook! {
    /// accept4(2).
    fn accept4(fd: c_int, address: *mut sockaddr, length: *mut socklen_t, flags: c_int) -> c_int = libc::accept4;
    |caller| {
        if waits(&"accept4", fd) {
            return -1;
        }
        let fd = real(fd, address, length, flags);
        accepted(fd, caller);
        fd
    }
}
hook! {
    /// listen(2).
    fn listen(fd: c_int, backlog: c_int) -> c_int = libc::listen;
    |caller| {
        let result = real(fd, backlog);
        if result == 0 {
            record(|_| serves(fd, caller));
        }
        result
    }
}
hook! {
    /// bind(2): datagrams that are sent to a port of the program's choice are its work, as connections to a listening socket are.
    fn bind(fd: c_int, address: *const sockaddr, length: socklen_t) -> c_int = libc::bind;
    |caller| {
        let result = real(fd, address, length);
        if result == 0 && let Some(path) = path_of(address, length) {
            created(path, fd);
        }
        if result == 0 && kernel::is_datagram_socket(fd) {
            record(|_| match port_of(address, length) {
                0 => descriptors::add_mark(fd, mark::BOUND),
                _ => serves(fd, caller),
            });
        }
        result
    }
}

/// The file of a Unix address; None where it has none that ends with a NUL, as the kernel does not ask for.
fn path_of(address: *const sockaddr, length: socklen_t) -> Option<*const c_char> {
    const PATH: usize = size_of::<sa_family_t>();
    // SAFETY: the real function has read `length` bytes.
    unsafe {
        if length as usize <= PATH || c_int::from((*address).sa_family) != libc::AF_UNIX {
            return None;
        }
        let bytes = std::slice::from_raw_parts(address.cast::<u8>().add(PATH), length as usize - PATH);
        (bytes[0] != 0 && bytes.contains(&0)).then(|| bytes.as_ptr().cast())
    }
}

/// The port of an internet address in network order; 0 of any other address.
fn port_of(address: *const sockaddr, length: socklen_t) -> u16 {
    let is_internet = |family: sa_family_t| matches!(c_int::from(family), libc::AF_INET | libc::AF_INET6);
    // SAFETY: the real function has read `length` bytes; family and port lie at the same places in both structures.
    unsafe {
        match length as usize >= size_of::<sockaddr_in>() && is_internet((*address).sa_family) {
            true => (*address.cast::<sockaddr_in>()).sin_port,
            false => 0,
        }
    }
}

fn serves(fd: c_int, caller: usize) {
    if descriptors::record(fd).is_none() {
        descriptors::open(fd, FdKind::Socket, 0, 0, sites::capture(caller), 0);
    }
    descriptors::add_role(fd, role::LISTENING);
}

hook! {
    /// connect(2): also one that is only under way.
    fn connect(fd: c_int, address: *const sockaddr, length: socklen_t) -> c_int = libc::connect;
    |caller| {
        let result = real(fd, address, length);
        if result == 0 || matches!(crate::entry::errno::get(), libc::EINPROGRESS | libc::EINTR) {
            record(|_| connected(fd, address, length, caller));
            uses::has_connected(fd);
        }
        result
    }
}

fn connected(fd: c_int, address: *const sockaddr, length: socklen_t, caller: usize) {
    if (length as usize) < size_of::<sa_family_t>() {
        return;
    }
    // SAFETY: the real function read `length` bytes; each structure is read only when it fits and the family says so.
    let (family, port, bytes) = unsafe {
        let family = c_int::from((*address).sa_family);
        match family {
            libc::AF_UNSPEC => return descriptors::disconnect(fd),
            libc::AF_INET if length as usize >= size_of::<sockaddr_in>() => {
                let a = &*address.cast::<sockaddr_in>();
                let mut bytes = [0; 16];
                bytes[..4].copy_from_slice(&a.sin_addr.s_addr.to_ne_bytes());
                (family, u16::from_be(a.sin_port), bytes)
            }
            libc::AF_INET6 if length as usize >= size_of::<sockaddr_in6>() => {
                let a = &*address.cast::<sockaddr_in6>();
                (family, u16::from_be(a.sin6_port), a.sin6_addr.s6_addr)
            }
            _ => (family, 0, [0; 16]),
        }
    };
    descriptors::connect(
        fd,
        family as u16,
        port,
        bytes,
        sites::capture_connection(caller),
        threads::mine().map_or(0, |s| s.tid.load(Relaxed)),
    );
}
