//! connection-inherited: a socket that the leader connect()ed. Accepted and listening ones are meant to be inherited; datagram
//! sockets carry whole messages and no state.
use crate::entry::Arena;
use crate::findings::evidence::Evidence;
use forkguard_report::event::{Descriptor, Finding, FindingKind, Severity, SocketRole};

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    for descriptor in evidence.inherited.iter() {
        let Some(subject) = subject(evidence.arena, descriptor) else { continue };
        found(evidence.finding(
            FindingKind::ConnectionInherited,
            Severity::Info,
            format_args!("{}", descriptor.fd),
            format_args!("{subject}"),
            evidence.arena.join([descriptor.site.as_slice()]),
        ));
    }
}

/// What a connection is, by name; None for what is none.
pub(crate) fn subject<'a>(arena: &'a Arena, descriptor: &Descriptor<'_>) -> Option<&'a str> {
    let socket = descriptor.socket.as_ref().filter(|s| s.role == SocketRole::Connected)?;
    if !matches!(&*socket.kind, "stream" | "seqpacket") {
        return None;
    }
    let protocol = if socket.family.starts_with("inet") { "TCP" } else { &socket.family };
    let peer = socket.peer.as_deref().unwrap_or("an unnamed peer");
    Some(match socket.service.as_deref() {
        Some(service) => arena.format(format_args!("{protocol} {peer} ({service}), descriptor {}", descriptor.fd)),
        None => arena.format(format_args!("{protocol} {peer}, descriptor {}", descriptor.fd)),
    })
}
