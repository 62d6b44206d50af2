//! Addresses of sockets.
use crate::entry::Arena;
use forkguard_core::fixed::Text;
use forkguard_core::kernel;
use forkguard_core::registry::descriptors::Record;
use rustix::net::{SocketAddrAny, SocketAddrUnix};
use std::net::{IpAddr, SocketAddr};

/// How a peer that connect() was given may be written: `127.0.0.1:5432`, a unix path, `@` and an abstract name. None without a name.
pub(crate) fn peer_name(fd: i32, record: &Record) -> Option<Text<112>> {
    match recorded_peer(record) {
        Some(peer) => Some(Text::of(format_args!("{}", SocketAddr::new(peer.ip().to_canonical(), peer.port())))),
        None if i32::from(record.family) == libc::AF_UNIX => {
            rustix::net::getpeername(kernel::borrow(fd)).ok().flatten().map(|peer| written(&peer))
        }
        None => None,
    }
}

/// True for a connection to this machine itself, whose port it gives.
pub(crate) fn loopback_port(record: &Record) -> Option<u16> {
    let is_own = |ip: IpAddr| ip.is_unspecified() || ip.to_canonical().is_loopback();
    recorded_peer(record).filter(|peer| is_own(peer.ip())).map(|peer| peer.port())
}

/// connect() to the wildcard address reaches the loopback one.
pub(super) fn same_address(recorded: IpAddr, peer: IpAddr) -> bool {
    recorded.is_unspecified() || recorded.to_canonical() == peer.to_canonical()
}

/// The internet address that connect() was given.
pub(super) fn recorded_peer(record: &Record) -> Option<SocketAddr> {
    match i32::from(record.family) {
        libc::AF_INET => {
            let [a, b, c, d, ..] = record.address;
            Some(SocketAddr::from(([a, b, c, d], record.port)))
        }
        libc::AF_INET6 => Some(SocketAddr::from((record.address, record.port))),
        _ => None,
    }
}

/// An internet address; None of another family.
pub(super) fn inet(address: &SocketAddrAny) -> Option<SocketAddr> {
    SocketAddr::try_from(address.clone()).ok()
}

/// As [`written`], in the arena.
pub(super) fn address_text<'a>(arena: &'a Arena, address: &SocketAddrAny) -> &'a str {
    arena.text(written(address).as_str())
}

/// An address as people write it; empty for one without a name.
pub(super) fn written(address: &SocketAddrAny) -> Text<112> {
    if let Some(inet) = inet(address) {
        return Text::of(format_args!("{inet}"));
    }
    let Ok(unix) = SocketAddrUnix::try_from(address.clone()) else { return Text::new() };
    if let Some(name) = unix.abstract_name() {
        return Text::of(format_args!("@{}", Text::<110>::from_bytes(name).as_str()));
    }
    unix.path_bytes().map_or(Text::new(), Text::from_bytes)
}
