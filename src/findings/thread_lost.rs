//! thread-lost: a thread that the child does not have.
use crate::findings::evidence::Evidence;
use crate::findings::libraries::{restarts_threads, starter};
use forkguard_report::event::{Finding, FindingKind, Role, Severity, Site};
use std::borrow::Cow::Borrowed;

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    for (index, thread) in evidence.lost_threads().enumerate() {
        let code = thread.start.clone().map(|frame| Site {
            role: Role::Code,
            thread: Some(thread.tid),
            frames: Borrowed(evidence.arena.one(frame)),
        });
        let restarts = starter(thread).is_some_and(restarts_threads);
        // A thread that ended right after the fork was about to end: nothing waits for it.
        let severity = if restarts || thread.ended || thread.fork_safe { Severity::Info } else { Severity::Warning };
        let ended = if thread.ended { ", which was about to end" } else { "" };
        let missed = if thread.fork_safe { ", which children do without" } else { "" };
        let unseen = if thread.recorded { "" } else { ", started past every hook" };
        let name = &thread.name;
        let text = |text| evidence.arena.format(text);
        let (what, subject) = match thread.tid {
            0 => (text(format_args!("new-{index}")), text(format_args!("thread \"{name}\" (had not begun to run{missed})"))),
            tid => (text(format_args!("{tid}")), text(format_args!("thread \"{name}\" (tid {tid}{unseen}{ended}{missed})"))),
        };
        found(evidence.finding(
            FindingKind::ThreadLost,
            severity,
            format_args!("{what}"),
            format_args!("{subject}"),
            evidence.arena.join([thread.site.as_slice(), code.as_slice(), thread.stood.as_slice()]),
        ));
    }
}
