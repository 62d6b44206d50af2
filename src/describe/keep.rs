//! FORKGUARD_KEEP and `forkguard_keep_descriptor`: descriptors that are meant for the children. No guard touches them, and that the children
//! have them, or use them, is no finding.
use super::descriptors;
use crate::options;
use forkguard_core::fixed::Text;
use forkguard_core::registry;
use forkguard_core::registry::descriptors::{FdKind, Record, mark, role};
use forkguard_report::pattern;

/// True for such a descriptor.
pub(crate) fn is_kept(fd: i32, record: &Record) -> bool {
    record.marks & mark::KEPT != 0 || is_named(fd, record)
}

/// The same, of what is recorded under a number.
pub(crate) fn keeps(fd: i32) -> bool {
    registry::descriptors::record(fd).is_some_and(|record| is_kept(fd, &record))
}

/// True for one that a pattern of FORKGUARD_KEEP matches.
fn is_named(fd: i32, record: &Record) -> bool {
    let patterns = options::get().keep.as_str();
    if patterns.is_empty() {
        return false;
    }
    let connected = record.kind == FdKind::Socket && record.role & role::CONNECTED != 0;
    let peer = connected.then(|| descriptors::peer_name(fd, record)).flatten();
    let port = connected.then(|| descriptors::loopback_port(record)).flatten();
    let number = Text::<24>::of(format_args!("fd:{}", registry::descriptors::number_at_fork(fd)));
    let local = port.map(|port| Text::<24>::of(format_args!("localhost:{port}")));
    let names = [Some(number.as_str()), peer.as_ref().map(Text::as_str), local.as_ref().map(Text::as_str)];
    let mut patterns = patterns.split(',').map(str::trim);
    patterns.any(|pattern| names.iter().flatten().any(|name| pattern::matches(pattern.as_bytes(), name.as_bytes())))
}
