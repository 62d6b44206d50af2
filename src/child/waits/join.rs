//! A join of a thread: glibc says at once that a lost thread ended, or crashes.
use super::alone::{self, Awaited};
use super::call::WaitReport;
use super::report::{reported, with_site};
use super::text::{wait_site, waiter};
use crate::child::hit::report_hit;
use crate::describe::{self, Nameless};
use crate::findings::{Hazard, Hit};
use crate::ledger::Output;
use forkguard_core::fixed::Text;
use forkguard_core::fork::{ThreadRecord, lost_threads};
use forkguard_core::registry::threads;
use forkguard_report::event::{FindingKind, Severity};
use std::sync::atomic::Ordering::Relaxed;

pub(super) fn check(handle: usize, caller: usize) -> WaitReport {
    if threads::by_handle(handle).is_some() {
        return alone::check(Awaited::ThreadEnd, handle, caller, || threads::by_handle(handle).is_some());
    }
    let is_joined = |t: &ThreadRecord| t.handle == handle && t.slot.handle.load(Relaxed) == handle;
    let Some((fork, lost)) = lost_threads().find(|(_, thread)| is_joined(thread)) else { return WaitReport::Nothing };
    with_site(caller, |scratch, site| {
        let (kind, id) = (FindingKind::JoinLostThread, Text::<64>::of(format_args!("{}", lost.tid)));
        report_hit(scratch, Severity::Error, Output::Report, kind, |arena| {
            let losses = describe::losses(arena, fork);
            let thread = losses.threads.iter().find(|t| t.tid == lost.tid)?;
            let lost = Nameless::now().thread(arena, &thread.name, thread.tid);
            let what = arena.text(id.as_str());
            Some(Hit {
                kind,
                what,
                subject: arena.format(format_args!("{} joins {lost}, which is lost", waiter(arena))),
                sites: arena.join([thread.site.as_slice(), wait_site(arena, site).as_slice()]),
                hazard: Some(Hazard { fork, kind: FindingKind::ThreadLost, what }),
            })
        });
        reported(kind, id.as_str())
    })
}
