//! Reports of waits that may never end.
use super::call::WaitReport;
use super::text::wait_site;
use crate::child::hit::report_hit;
use crate::describe;
use crate::entry::{Arena, Scratch, record, record_with_scratch};
use crate::findings::Hit;
use crate::ledger::{self, Output};
use crate::options::{self, Locks};
use crate::sites;
use forkguard_core::glibc::LockKind;
use forkguard_core::registry::atfork;
use forkguard_core::{flags, kernel};
use forkguard_report::event::{FindingKind, Role, Severity};

/// Runs work with the site of the waiting call.
pub(crate) fn with_site(caller: usize, work: impl FnOnce(&Scratch, usize) -> WaitReport) -> WaitReport {
    let site = record(|_| sites::capture(caller)).unwrap_or(caller);
    record_with_scratch(|scratch| work(scratch, site)).unwrap_or(WaitReport::Nothing)
}

/// The finding that was reported of a wait, to be taken back.
pub(crate) fn reported(kind: FindingKind, id: &str) -> WaitReport {
    ledger::find(kind, id).map_or(WaitReport::Nothing, |finding| WaitReport::Finding(finding, None))
}

/// Reports a wait without end at `site`, once, as the finding of that kind and id. `lock`: what FORKGUARD_LOCKS=abort ends the worker for.
pub(super) fn report_endless<'w>(
    scratch: &Scratch,
    site: usize,
    (kind, id): (FindingKind, &str),
    lock: Option<LockKind>,
    find: impl for<'a> FnOnce(&'a Arena) -> Option<Hit<'a>> + 'w,
) -> WaitReport {
    report_hit(scratch, Severity::Error, Output::Stderr, kind, find);
    report_stuck_handler(scratch, site);
    lock.into_iter().for_each(end_if_asked);
    reported(kind, id)
}

/// A wait without end inside another library's atfork handler keeps fork() itself from returning.
fn report_stuck_handler(scratch: &Scratch, site: usize) {
    let Some(handler) = atfork::running() else { return };
    report_hit(scratch, Severity::Error, Output::Stderr, FindingKind::AtforkStuck, |arena| {
        let registered = describe::site(arena, Role::Registered, 0, handler.site());
        let library = registered.as_ref().and_then(|site| site.frames.first()?.module.as_deref()).unwrap_or("unknown");
        let library = arena.text(library);
        Some(Hit {
            kind: FindingKind::AtforkStuck,
            what: arena.format(format_args!("{:#x}", handler.handler(atfork::Phase::Child))),
            subject: arena.format(format_args!("the child handler that {library} registered with pthread_atfork")),
            sites: arena.join([registered.as_slice(), wait_site(arena, site).as_slice()]),
            hazard: None,
        })
    });
}

/// FORKGUARD_LOCKS=abort: a worker that will never come back ends, so that its leader replaces it. Not for the C library's own locks: that a lost
/// thread was inside does not prove that it held one.
fn end_if_asked(kind: LockKind) {
    if options::get().locks == Locks::Abort && kind != LockKind::Libc && !flags::is_settling() {
        kernel::abort();
    }
}
