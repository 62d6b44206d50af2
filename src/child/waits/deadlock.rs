//! The report of a wait for a lock whose holder is lost.
use super::call::WaitReport;
use super::report::{report_endless, with_site};
use super::text::{wait_site, waiter};
use crate::describe::{self, Nameless, lock_id};
use crate::findings::{Hazard, Hit, lock_orphaned};
use crate::ledger;
use forkguard_core::fork::{LockRecord, Snapshot};
use forkguard_report::event::FindingKind;

/// Reports that this thread waits for it without a limit.
pub(super) fn report_deadlock(fork: &'static Snapshot, lock: &'static LockRecord, caller: usize) -> WaitReport {
    with_site(caller, |scratch, site| {
        let (kind, id) = (FindingKind::LockDeadlock, lock_id(lock));
        let report = report_endless(scratch, site, (kind, id.as_str()), Some(lock.entry.kind), |arena| {
            let losses = describe::losses(arena, fork);
            let lock = losses.locks.iter().find(|l| lock_orphaned::what(arena, l) == id.as_str())?;
            let holder = lock_orphaned::holder(lock, &losses.threads);
            let (subject, sites) = lock_orphaned::parts(arena, lock, holder, &Nameless::now());
            let started = holder.filter(|_| !lock.own).and_then(|holder| holder.site.clone());
            let what = arena.text(id.as_str());
            Some(Hit {
                kind,
                what,
                subject: arena.format(format_args!("{} waits for the {subject}", waiter(arena))),
                sites: arena.join([sites, started.as_slice(), wait_site(arena, site).as_slice()]),
                hazard: Some(Hazard { fork, kind: FindingKind::LockOrphaned, what }),
            })
        });
        match report {
            WaitReport::Finding(finding, _) => WaitReport::Finding(finding, ledger::find(FindingKind::LockOrphaned, id.as_str())),
            report => report,
        }
    })
}
