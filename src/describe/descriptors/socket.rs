//! Sockets as the kernel describes them.
use super::address::{address_text, inet, recorded_peer, same_address, written};
use crate::entry::Arena;
use forkguard_core::fixed::Text;
use forkguard_core::kernel;
use forkguard_core::registry::descriptors::{self, FdKind, Record, role};
use forkguard_report::catalogue::{service, service_of_path};
use forkguard_report::event::{Socket, SocketRole};
use rustix::net::{AddressFamily, SocketAddrAny, SocketType, sockopt};
use std::borrow::Cow::{self, Borrowed};
use std::fmt::Write;

/// True for a socket whose bytes belong together.
pub(crate) fn is_stream(fd: i32) -> bool {
    matches!(sockopt::socket_type(kernel::borrow(fd)), Ok(SocketType::STREAM | SocketType::SEQPACKET))
}

/// True for a socket of the internet's that has a port of its own.
pub(crate) fn has_port(fd: i32) -> bool {
    Endpoints::of(fd).local.as_ref().and_then(inet).is_some_and(|local| local.port() != 0)
}

/// The addresses of a socket's peer and its own, each empty for one without a name.
pub(crate) fn ends(fd: i32) -> [Text<112>; 2] {
    let ends = Endpoints::of(fd);
    [ends.peer, ends.local].map(|address| address.as_ref().map_or(Text::new(), written))
}

/// The name of a socket that the table says was connect()ed, without an arena; None when the kernel has
/// something else there by now.
pub(crate) fn name_of_connection(fd: i32) -> Option<Text<96>> {
    let record = descriptors::record(fd).filter(|r| r.kind == FdKind::Socket && r.role & role::CONNECTED != 0)?;
    let socket = kernel::borrow(fd);
    let family = Some(sockopt::socket_domain(socket).ok()?);
    let listens = sockopt::socket_acceptconn(socket).unwrap_or(false);
    let peer = rustix::net::getpeername(socket).ok().flatten();
    let endpoints = Endpoints { family, kind: None, listens, local: None, peer };
    let fits = !listens && endpoints.fits(&record);
    fits.then(|| endpoints.name(fd, &record))
}

/// A socket as the kernel describes it.
pub(super) struct Endpoints {
    family: Option<AddressFamily>,
    kind: Option<SocketType>,
    listens: bool,
    local: Option<SocketAddrAny>,
    peer: Option<SocketAddrAny>,
}

impl Endpoints {
    pub(super) fn of(fd: i32) -> Endpoints {
        let socket = kernel::borrow(fd);
        Endpoints {
            family: sockopt::socket_domain(socket).ok(),
            kind: sockopt::socket_type(socket).ok(),
            listens: sockopt::socket_acceptconn(socket).unwrap_or(false),
            local: rustix::net::getsockname(socket).ok(),
            peer: rustix::net::getpeername(socket).ok().flatten(),
        }
    }

    /// A peer that the kernel names must be the one that connect() was given.
    pub(super) fn fits(&self, record: &Record) -> bool {
        let same_family = record.family == 0 || self.family.is_none_or(|f| f.as_raw() == record.family);
        let recorded = (record.role & role::CONNECTED != 0).then(|| recorded_peer(record)).flatten();
        let same_peer = match (recorded, self.peer.as_ref().and_then(inet)) {
            (Some(recorded), Some(peer)) => recorded.port() == peer.port() && same_address(recorded.ip(), peer.ip()),
            _ => true,
        };
        same_family && same_peer
    }

    /// The report's type.
    pub(super) fn socket<'a>(&self, arena: &'a Arena, record: Option<Record>) -> Socket<'a> {
        let peer = self.peer.as_ref().map(|p| address_text(arena, p)).filter(|t| !t.is_empty());
        let recorded = record.filter(|r| r.role & role::CONNECTED != 0).and_then(|r| recorded_peer(&r));
        let inet_peer = self.peer.as_ref().and_then(inet).or(recorded);
        let peer = peer.or_else(|| recorded.map(|p| arena.format(format_args!("{p}"))));
        let service = match (inet_peer, peer) {
            (Some(address), _) => service(true, address.port()),
            (None, Some(path)) => service_of_path(path),
            (None, None) => None,
        };
        Socket {
            family: family(arena, self.family),
            kind: socket_type(arena, self.kind),
            role: self.role(record),
            local: self.local.as_ref().map(|l| address_text(arena, l)).filter(|t| !t.is_empty()).map(Borrowed),
            peer: peer.map(Borrowed),
            service: service.map(Borrowed),
        }
    }

    /// As in the findings, [`crate::findings::connection_inherited::subject`].
    fn name(&self, fd: i32, record: &Record) -> Text<96> {
        let peer = self.peer.as_ref().and_then(inet).or_else(|| recorded_peer(record));
        let unix = self.peer.as_ref().map(written).filter(|path| !path.is_empty());
        let mut name = Text::new();
        let _ = match (peer, unix) {
            (Some(peer), _) => write!(name, "TCP {peer}"),
            (None, Some(path)) => write!(name, "unix {}", path.as_str()),
            (None, None) => write!(name, "a connection"),
        };
        let service =
            peer.map_or_else(|| unix.as_ref().and_then(|path| service_of_path(path.as_str())), |p| service(true, p.port()));
        let _ = service.map(|service| write!(name, " ({service})"));
        let _ = write!(name, ", descriptor {fd}");
        name
    }

    fn role(&self, record: Option<Record>) -> SocketRole {
        let has = |bit| record.is_some_and(|r| r.role & bit != 0);
        match () {
            () if self.listens => SocketRole::Listening,
            () if has(role::CONNECTED) => SocketRole::Connected,
            () if has(role::ACCEPTED) => SocketRole::Accepted,
            () if has(role::PAIR) => SocketRole::Pair,
            () if self.peer.is_some() => SocketRole::Peer,
            () => SocketRole::Idle,
        }
    }
}

fn family(arena: &Arena, family: Option<AddressFamily>) -> Cow<'_, str> {
    match family {
        Some(AddressFamily::INET) => Borrowed("inet"),
        Some(AddressFamily::INET6) => Borrowed("inet6"),
        Some(AddressFamily::UNIX) => Borrowed("unix"),
        Some(AddressFamily::NETLINK) => Borrowed("netlink"),
        Some(AddressFamily::PACKET) => Borrowed("packet"),
        Some(other) => Borrowed(arena.format(format_args!("{}", other.as_raw()))),
        None => Borrowed("unknown"),
    }
}

fn socket_type(arena: &Arena, kind: Option<SocketType>) -> Cow<'_, str> {
    match kind {
        Some(SocketType::STREAM) => Borrowed("stream"),
        Some(SocketType::DGRAM) => Borrowed("datagram"),
        Some(SocketType::SEQPACKET) => Borrowed("seqpacket"),
        Some(SocketType::RAW) => Borrowed("raw"),
        Some(other) => Borrowed(arena.format(format_args!("{}", other.as_raw()))),
        None => Borrowed("unknown"),
    }
}
