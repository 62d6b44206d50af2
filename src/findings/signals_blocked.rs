//! signals-blocked: the child starts with signals blocked that servers are steered by, and waits with them blocked.
use crate::findings::evidence::Evidence;
use forkguard_report::event::{Finding, FindingKind, Severity};

const STEERING: [&str; 7] = ["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGCHLD", "SIGUSR1", "SIGUSR2"];

/// What stands for it in a finding's id: there is one mask.
pub(crate) const MASK: &str = "mask";

/// Those of them in a mask.
pub(crate) fn steering(mask: u64) -> u64 {
    use libc::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    let all =
        [SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD, SIGUSR1, SIGUSR2].iter().fold(0, |bits, signal| bits | 1 << (signal - 1));
    mask & all
}

/// True when a mask blocks one of them.
pub(crate) fn steers(mask: u64) -> bool {
    steering(mask) != 0
}

/// What a child that waits in `call` attends to although it blocks it: calls that wait for signals, or with a mask of their own;
/// and who waits for its own children (a shell) holds off what would end that wait.
pub(crate) fn attended(call: &str) -> u64 {
    match call {
        "sigwait" | "sigwaitinfo" | "sigtimedwait" | "sigsuspend" | "ppoll" | "__ppoll_chk" | "pselect" | "epoll_pwait"
        | "epoll_pwait2" | "wait" | "waitpid" | "waitid" | "wait3" | "wait4" => !0,
        _ => 0,
    }
}

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    let mut names = "";
    for name in evidence.blocked.iter().filter(|n| STEERING.contains(&&***n)) {
        let gap = if names.is_empty() { "" } else { ", " };
        names = evidence.arena.format(format_args!("{names}{gap}{name}"));
    }
    if !names.is_empty() {
        found(evidence.finding(
            FindingKind::SignalsBlocked,
            // Who forks may block them for that moment only: a shell, Perl and Ruby do.
            if evidence.in_child { Severity::Warning } else { Severity::Info },
            format_args!("{MASK}"),
            format_args!("{names} blocked by the forking thread"),
            evidence.blocked_at,
        ));
    }
}
