//! thread-lost: a thread that the child does not have.
use crate::describe::NOT_BEGUN;
use crate::entry::Arena;
use crate::findings::context::of_hit;
use crate::findings::evidence::Evidence;
use crate::findings::hit::Hit;
use crate::findings::libraries::{restarts_threads, starter};
use crate::findings::librarys_threads::is_idle_since_load;
use forkguard_report::catalogue::{
    CURE_LEADERS_THREAD, CURE_LIBRARYS_THREAD, CURE_RUNTIMES_THREAD, EXPLAIN_FUNCTIONS_THREAD, EXPLAIN_LEADERS_THREAD, OR_OPTION,
};
use forkguard_report::event::{Finding, FindingKind, Role, Severity, Site, State, Text, Thread};
use std::borrow::Cow::Borrowed;

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    for (index, thread) in evidence.lost_threads().enumerate() {
        let restarts = starter(thread).is_some_and(restarts_threads);
        let is_leaders = evidence.works_for_leader(thread);
        // Threads of one runtime run the same function, whichever of them forks.
        let is_runtimes = is_leaders && evidence.is_of_forking_runtime(thread);
        // A thread that ended right after the fork was about to end: nothing waits for it.
        let is_idle = !is_leaders && !thread.fork_safe && is_idle_since_load(thread);
        let is_missed = !restarts && !thread.ended && !thread.fork_safe && !is_leaders && !is_idle && !evidence.runs_function;
        let severity = if is_missed { Severity::Warning } else { Severity::Info };
        let ended = if thread.ended { ", which was about to end" } else { "" };
        let missed = match (thread.fork_safe, is_leaders) {
            (true, _) => ", which children do without",
            _ if is_runtimes => ", of a runtime that the program runs on",
            (_, true) if thread.tid == evidence.leader => ", the main thread of the process that forked",
            (_, true) => ", which works for the process that forked",
            _ if is_idle => ", which a library started for itself as it was loaded",
            _ => "",
        };
        let unseen = if thread.recorded { "" } else { ", started past every hook" };
        let name = &thread.name;
        let arena = evidence.arena;
        // The child, which may name it when it ends, does not know the number that it has by now.
        let what = match thread.starting {
            true => arena.format(format_args!("{NOT_BEGUN}{index}")),
            false => arena.format(format_args!("{}", thread.tid)),
        };
        let is_named = !evidence.nameless.is(name) || thread.class.is_some() || thread.tid == evidence.leader;
        let named = if is_named { arena.format(format_args!("thread \"{name}\"")) } else { "an unnamed thread" };
        let subject = match thread.tid {
            0 => arena.format(format_args!("{named} (had not begun to run{missed})")),
            tid => arena.format(format_args!("{named} (tid {tid}{unseen}{ended}{missed})")),
        };
        let mut finding = evidence.finding(
            FindingKind::ThreadLost,
            severity,
            format_args!("{what}"),
            format_args!("{subject}"),
            sites(arena, thread),
        );
        // A thread that held a lock is not started again (guards/threads/restart.rs).
        if evidence.locks.iter().any(|lock| lock.holder == thread.tid && !lock.signal) {
            finding.cure = without_option(arena, &finding);
        }
        if is_runtimes {
            finding.cure = Borrowed(CURE_RUNTIMES_THREAD);
        } else if is_leaders {
            finding.explain = Borrowed(EXPLAIN_LEADERS_THREAD);
            finding.cure = Borrowed(CURE_LEADERS_THREAD);
        } else if is_idle {
            finding.cure = Borrowed(CURE_LIBRARYS_THREAD);
        } else if evidence.runs_function {
            finding.explain = Borrowed(EXPLAIN_FUNCTIONS_THREAD);
        }
        found(finding);
    }
}

/// Where it was started, what it runs and where it stood.
fn sites<'a>(arena: &'a Arena, thread: &Thread<'a>) -> &'a [Site<'a>] {
    let frames = |frame| Borrowed(arena.one(frame));
    let code = thread.start.clone().map(|frame| Site { role: Role::Code, thread: Some(thread.tid), frames: frames(frame) });
    arena.join([thread.site.as_slice(), code.as_slice(), thread.stood.as_slice()])
}

fn without_option<'a>(arena: &'a Arena, finding: &Finding<'a>) -> Text<'a> {
    let text = arena.text(&finding.cure);
    Borrowed(text.split_once(OR_OPTION).map_or(text, |(cure, _)| cure))
}

/// The finding of a thread that took its name after the fork `fork_id`, once more. `what`: what stands for it in the finding's id.
pub(crate) fn of_named_thread<'a>(arena: &'a Arena, fork_id: &'a str, what: &'a str, thread: &Thread<'a>) -> Finding<'a> {
    let subject = arena.format(format_args!("thread \"{}\" (tid {})", thread.name, thread.tid));
    let hit = Hit { kind: FindingKind::ThreadLost, what, subject, sites: sites(arena, thread), hazard: None };
    let mut finding = Finding { state: State::Open, ..of_hit(arena, fork_id, Severity::Warning, &hit) };
    if thread.holds != 0 {
        finding.cure = without_option(arena, &finding);
    }
    finding
}

/// The finding of a lost thread under the name that it took since.
pub(crate) fn renamed<'a>(arena: &'a Arena, finding: &Finding<'a>, name: &str) -> Finding<'a> {
    let subject = &*finding.subject;
    let rest = subject.rsplit_once("\" (").or_else(|| subject.split_once(" (")).map_or("", |(_, rest)| rest);
    Finding { subject: Borrowed(arena.format(format_args!("thread \"{name}\" ({rest}"))), ..finding.clone() }
}
