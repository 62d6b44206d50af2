//! What is printed of connections that a guard severed in this child: once for a leader and its children, whatever else is printed.
use super::announced::is_new;
use crate::emit;
use crate::guards::sockets::SEVERED;
use forkguard_core::fixed::Text;
use forkguard_core::fork as core_fork;
use forkguard_core::kernel;
use forkguard_report::event::Cure;

/// The option that keeps a connection of this name.
pub(super) fn keep_option(name: &str) -> Text<128> {
    let peer = name.strip_prefix("TCP ").or_else(|| name.strip_prefix("unix "));
    let end = |peer: &str| peer.find(" (").or_else(|| peer.find(", descriptor "));
    match peer.and_then(|peer| peer.get(..end(peer)?)) {
        Some(peer) => Text::of(format_args!("FORKGUARD_KEEP={peer}")),
        None => Text::of(format_args!("FORKGUARD_KEEP=fd:{}", name.rsplit(' ').next().unwrap_or_default())),
    }
}

/// The child settles, and its summary does not list what guards did.
pub(super) fn print_all(cures: &[Cure<'_>]) {
    for cure in cures.iter().filter(|cure| cure.action == SEVERED && cure.failed.is_none()) {
        let keep = keep_option(&cure.subject);
        if is_new("severed", &cure.subject) {
            let (child, leader) = (kernel::process_id(), core_fork::birth().map_or(0, |fork| fork.leader));
            emit::print_line(format_args!(
                "process {child} (forked by {leader}): severed: {}; {} keeps it",
                cure.subject,
                keep.as_str()
            ));
        }
    }
}

/// The child uses one of them for the first time, at `place`.
pub(super) fn print_use(name: &str, place: &str, keep: &str) {
    if is_new("used", name) {
        emit::print_line(format_args!("process {} uses {name}{place}", kernel::process_id()));
        emit::print_line(format_args!(
            "  it is severed (FORKGUARD_SOCKETS): its client must connect anew; or run it with {keep}"
        ));
    }
}
