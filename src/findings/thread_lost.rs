//! thread-lost: a thread that the child does not have.
use super::*;

/// Libraries that start their threads again in a child by themselves.
const RESTARTERS: &[&str] = &["libjemalloc"];

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    for (index, thread) in evidence.lost_threads().enumerate() {
        let code = thread.start.clone().map(|frame| Site {
            role: Role::Code,
            thread: Some(thread.tid),
            frames: Borrowed(evidence.arena.one(frame)),
        });
        let restarts = started_by(thread).is_some_and(|library| RESTARTERS.iter().any(|r| library.starts_with(r)));
        // Who ended right after the fork was about to: nothing waits for him.
        let severity = if restarts || thread.ended || thread.fork_safe { Severity::Info } else { Severity::Warning };
        let ended = if thread.ended { ", which was about to end" } else { "" };
        let missed = if thread.fork_safe { ", which children do without" } else { "" };
        let unseen = if thread.recorded { "" } else { ", started past every hook" };
        let (what, subject) = match thread.tid {
            0 => (text!(evidence, "new-{index}"), text!(evidence, "thread \"{}\" (had not begun to run{missed})", thread.name)),
            tid => (text!(evidence, "{tid}"), text!(evidence, "thread \"{}\" (tid {tid}{unseen}{ended}{missed})", thread.name)),
        };
        found(evidence.finding(
            Kind::ThreadLost,
            severity,
            format_args!("{what}"),
            format_args!("{subject}"),
            evidence.sites([thread.site.as_slice(), code.as_slice(), thread.stood.as_slice()]),
        ));
    }
}

/// The library whose code started a thread.
pub(super) fn started_by<'t>(thread: &'t Thread<'_>) -> Option<&'t str> {
    let frame = thread.site.as_ref().and_then(|s| s.frames.first()).or(thread.start.as_ref())?;
    frame.module.as_deref().map(base)
}
