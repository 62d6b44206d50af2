//! connection-inherited: a socket that the leader connect()ed. Accepted and listening ones are meant to be inherited; datagram
//! sockets carry whole messages and no state.
use crate::entry::Arena;
use crate::findings::evidence::Evidence;
use forkguard_report::catalogue::{NETLINK, UDP};
use forkguard_report::event::{Descriptor, Finding, FindingKind, Severity, Site, SocketRole};

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    for descriptor in evidence.inherited.iter() {
        let Some(subject) = subject(evidence.arena, descriptor) else { continue };
        found(evidence.finding(
            FindingKind::ConnectionInherited,
            Severity::Info,
            format_args!("{}", descriptor.fd),
            format_args!("{subject}"),
            evidence.arena.join([descriptor.site.as_slice(), started(evidence, descriptor).as_slice()]),
        ));
    }
}

/// Where the thread was started that connected without a line of the application on its stack, as threads of pools do.
fn started<'a>(evidence: &Evidence<'a>, descriptor: &Descriptor<'_>) -> Option<Site<'a>> {
    let thread = descriptor.site.as_ref().filter(|site| site.application().is_none())?.thread?;
    evidence.threads.iter().find(|it| it.tid == thread)?.site.clone()
}

/// What a client's socket for datagrams is, by name.
pub(crate) fn datagrams<'a>(arena: &'a Arena, descriptor: &Descriptor<'_>) -> Option<&'a str> {
    let socket = descriptor.socket.as_ref()?;
    let name = match &*socket.family {
        "netlink" => NETLINK,
        _ => arena.format(format_args!("{UDP}{}, ", socket.local.as_deref()?)),
    };
    Some(arena.format(format_args!("{name}descriptor {}, on which several processes send and read", descriptor.fd)))
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
