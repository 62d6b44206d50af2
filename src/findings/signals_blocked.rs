//! signals-blocked: the child starts with signals blocked that servers are steered by.
use super::*;

const STEERING: [&str; 7] = ["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGCHLD", "SIGUSR1", "SIGUSR2"];

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    let mut names = "";
    for name in evidence.blocked.iter().filter(|n| STEERING.contains(&&***n)) {
        let gap = if names.is_empty() { "" } else { ", " };
        names = evidence.arena.format(format_args!("{names}{gap}{name}"));
    }
    if !names.is_empty() {
        found(evidence.finding(
            Kind::SignalsBlocked,
            Severity::Warning,
            format_args!("mask"),
            format_args!("{names} blocked by the forking thread"),
            &[],
        ));
    }
}
