//! connection-inherited: a socket that the leader connect()ed. Accepted and listening ones are meant to be inherited; datagram
//! sockets carry whole messages and no state.
use super::*;

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    for descriptor in evidence.inherited() {
        let Some(socket) = descriptor.socket.as_ref().filter(|s| s.role == SocketRole::Connected) else { continue };
        if !matches!(&*socket.kind, "stream" | "seqpacket") {
            continue;
        }
        let protocol = if socket.family.starts_with("inet") { "TCP" } else { &socket.family };
        let peer = socket.peer.as_deref().unwrap_or("an unnamed peer");
        let subject = match socket.service.as_deref() {
            Some(service) => text!(evidence, "{protocol} {peer} ({service}), descriptor {}", descriptor.fd),
            None => text!(evidence, "{protocol} {peer}, descriptor {}", descriptor.fd),
        };
        found(evidence.finding(
            Kind::ConnectionInherited,
            Severity::Info,
            format_args!("{}", descriptor.fd),
            format_args!("{subject}"),
            evidence.sites([descriptor.site.as_slice()]),
        ));
    }
}
