//! socket-inherited: a connection that the leader accepted. A child that is forked to serve it is right to have it.
use crate::entry::Arena;
use crate::findings::evidence::Evidence;
use forkguard_report::event::{Descriptor, Finding, FindingKind, Severity, SocketRole};

/// A busy server has thousands: some stand for all.
const LISTED: usize = 8;

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    let subjects = evidence.inherited.iter().filter_map(|descriptor| Some((descriptor, subject(evidence.arena, descriptor)?)));
    for (descriptor, subject) in subjects.take(LISTED) {
        found(evidence.finding(
            FindingKind::SocketInherited,
            Severity::Info,
            format_args!("{}", descriptor.fd),
            format_args!("{subject}"),
            evidence.arena.join([descriptor.site.as_slice()]),
        ));
    }
}

/// An accepted connection, by name; None for what is none.
pub(crate) fn subject<'a>(arena: &'a Arena, descriptor: &Descriptor<'_>) -> Option<&'a str> {
    let socket = descriptor.socket.as_ref().filter(|s| s.role == SocketRole::Accepted)?;
    let is_stream = matches!(&*socket.kind, "stream" | "seqpacket");
    is_stream.then(|| {
        name(
            arena,
            socket.peer.as_deref().map(|peer| arena.text(peer)),
            socket.local.as_deref().map(|local| arena.text(local)),
            descriptor.fd,
        )
    })
}

/// The same of one that may be closed by now.
pub(crate) fn name<'a>(arena: &'a Arena, peer: Option<&'a str>, local: Option<&'a str>, fd: i32) -> &'a str {
    let named = |address: Option<&'a str>| address.filter(|address| *address != "@");
    let (peer, local) = (named(peer).unwrap_or("a client"), named(local).unwrap_or("an unnamed address"));
    arena.format(format_args!("the connection of {peer} to {local}, descriptor {fd}"))
}
