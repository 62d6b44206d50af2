//! Connections that a process uses and its parent has, too.
use forkguard_process::{Thread, View};
use std::fs;
use std::path::Path;

/// Calls that take from a connection or give to it; their first argument is the descriptor.
const USES: [&str; 8] = ["read", "write", "recvfrom", "recvmsg", "recvmmsg", "sendto", "sendmsg", "sendmmsg"];

/// The descriptor that a thread waits on, if it is a socket that the parent has open, too: inherited, or passed on.
pub(super) fn shared(view: &View, thread: &Thread) -> Option<usize> {
    let call = thread.wait.call().filter(|call| call.name().is_some_and(|name| USES.contains(&name)))?;
    let [descriptor, ..] = call.arguments;
    let socket = fs::read_link(format!("/proc/{}/fd/{descriptor}", view.process.id)).ok().filter(|link| is_socket(link))?;
    let parents = fs::read_dir(format!("/proc/{}/fd", view.parent.as_ref()?.id)).ok()?;
    let mut parents = parents.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    parents.any(|other| other == socket).then_some(descriptor)
}

fn is_socket(link: &Path) -> bool {
    link.to_string_lossy().starts_with("socket:[")
}
