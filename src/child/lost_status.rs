//! A child whose leader ignores SIGCHLD, and which starts programs itself: the kernel keeps no status of theirs, and waits for them fail. Who takes that for
//! success, or for failure, is wrong.
use super::hit::report_hit;
use super::sibling_wait;
use crate::describe::{self, setting_of_application};
use crate::entry::{errno, record, record_with_scratch};
use crate::findings::Hit;
use crate::ledger::Output;
use crate::sites::{self, SiteId, Start};
use forkguard_core::registry::signals::SignalSetting;
use forkguard_core::registry::started;
use forkguard_core::{flags, gate, kernel, tls};
use forkguard_report::catalogue::STATUS_LOST;
use forkguard_report::event::{FindingKind, Role, Severity};
use libc::{c_int, pid_t};

/// What stands for it in a finding's id: it is told once.
const STATUS: &str = "status";

/// True before a wait for the status of one process that this child has started, which nobody will get.
#[inline(always)]
pub(crate) fn is_awaited(pid: pid_t, status: *const c_int, options: c_int) -> bool {
    flags::is_forked_child() && pid > 0 && !status.is_null() && options & libc::WNOHANG == 0 && is_lost(pid as u32)
}

#[cold]
fn is_lost(process: u32) -> bool {
    let usable = gate::awake() && tls::inside() == 0 && !gate::is_guest() && gate::owns_registries();
    usable && is_ignored() && errno::preserve(|| started::is_own(process) || kernel::is_child(process))
}

/// True while this process ignores SIGCHLD.
fn is_ignored() -> bool {
    kernel::signal_action(libc::SIGCHLD).is_some_and(|action| action.handler == libc::SIG_IGN)
}

/// After a wait that failed.
#[cold]
pub(crate) fn failed(start: Start, caller: usize, pid: pid_t) {
    if errno::get() != libc::ECHILD {
        return;
    }
    errno::preserve(|| {
        let set = record(|_| setting_of_application(libc::SIGCHLD)).flatten();
        let Some(set) = set.filter(|set| set.inherited && is_ignored()) else { return };
        if record(|_| sites::is_exiting(start)) == Some(false) {
            report(pid as u32, set, record(|_| sites::capture_from(start, caller)).unwrap_or(caller));
        }
    });
}

fn report(process: u32, set: SignalSetting, site: SiteId) {
    record_with_scratch(|scratch| {
        let arena = scratch.arena();
        let waits = describe::site(&arena, Role::Waits, kernel::thread_id(), site);
        if !waits.is_some_and(|waits| waits.application().is_some() && !sibling_wait::closes(&waits)) {
            return;
        }
        report_hit(scratch, Severity::Warning, Output::Stderr, FindingKind::SignalsBlocked, |arena| {
            let set = describe::site(arena, Role::Set, set.thread, set.site);
            let waits = describe::site(arena, Role::Waits, kernel::thread_id(), site);
            Some(Hit {
                kind: FindingKind::SignalsBlocked,
                what: STATUS,
                subject: arena.format(format_args!("SIGCHLD ignored since before the fork: {STATUS_LOST} {process} is lost")),
                sites: arena.join([set.as_slice(), waits.as_slice()]),
                hazard: None,
            })
        });
    });
}
