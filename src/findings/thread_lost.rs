//! thread-lost: a thread that the child does not have.
use crate::describe::NOT_BEGUN;
use crate::entry::Arena;
use crate::findings::context::of_hit;
use crate::findings::evidence::Evidence;
use crate::findings::hit::Hit;
use crate::findings::libraries::{restarts_threads, starter};
use crate::findings::unneeded_threads::Unneeded;
use forkguard_report::catalogue::{EXPLAIN_FUNCTIONS_THREAD, OR_OPTION};
use forkguard_report::event::{Finding, FindingKind, Frame, Role, Severity, Site, State, Text, Thread};
use std::borrow::Cow::Borrowed;

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    for (index, thread) in evidence.lost_threads().enumerate() {
        let arena = evidence.arena;
        let unneeded = Unneeded::of(evidence, thread);
        let restarts = starter(thread).is_some_and(restarts_threads);
        // A thread that ended right after the fork was about to end: nothing waits for it.
        let is_missed = unneeded.is_none() && !restarts && !thread.ended && !evidence.runs_function;
        let severity = if is_missed { Severity::Warning } else { Severity::Info };
        // The child, which may name it when it ends, does not know the number that it has by now.
        let what = match thread.starting {
            true => arena.format(format_args!("{NOT_BEGUN}{index}")),
            false => arena.format(format_args!("{}", thread.tid)),
        };
        let subject = subject(evidence, thread, unneeded.as_ref());
        let mut finding = evidence.finding(
            FindingKind::ThreadLost,
            severity,
            format_args!("{what}"),
            format_args!("{subject}"),
            sites(arena, thread),
        );
        if !may_be_started_again(evidence, thread) {
            finding.cure = without_option(arena, &finding);
        }
        match unneeded {
            Some(unneeded) => {
                unneeded.explanation().into_iter().for_each(|explanation| finding.explain = Borrowed(explanation));
                unneeded.cure().into_iter().for_each(|cure| finding.cure = Borrowed(cure));
            }
            None if evidence.runs_function => finding.explain = Borrowed(EXPLAIN_FUNCTIONS_THREAD),
            None => {}
        }
        found(finding);
    }
}

/// False for a thread that the guard leaves (src/guards/threads): one that held a lock, or was in the middle of what cannot begin anew, and all of a child
/// whose library makes its threads; and for one whose library's connection child and leader share: both would use it.
fn may_be_started_again(evidence: &Evidence<'_>, thread: &Thread<'_>) -> bool {
    let holds_lock = evidence.locks.iter().any(|lock| lock.holder == thread.tid && !lock.signal);
    !evidence.makes_threads && !holds_lock && !has_begun(thread) && !shares_connection(evidence, thread)
}

/// True for a Python thread that imports a module, or runs an event loop or a scheduler of APScheduler's (`BEGUN` in src/guards/threads/restart.py).
fn has_begun(thread: &Thread<'_>) -> bool {
    let frames = thread.stood.iter().flat_map(|site| site.frames.iter()).chain(&thread.start);
    let is_of = |frame: &Frame<'_>, file| frame.file.as_deref().is_some_and(|path| path.ends_with(file));
    frames.filter(|frame| frame.language == "python").any(|frame| match frame.function.as_deref() {
        Some("<module>") => true,
        // CPython 3.11 and newer name the class, too.
        Some("run_forever" | "BaseEventLoop.run_forever") => is_of(frame, "asyncio/base_events.py"),
        Some("_main_loop" | "BlockingScheduler._main_loop") => is_of(frame, "apscheduler/schedulers/blocking.py"),
        _ => false,
    })
}

/// True for a thread that runs an installed package's code where that package has made a connection before the fork.
fn shares_connection(evidence: &Evidence<'_>, thread: &Thread<'_>) -> bool {
    let Some(package) = thread.start.as_ref().and_then(Frame::package) else { return false };
    let by_package = |site: &Site<'_>| site.frames.iter().any(|frame| frame.package() == Some(package));
    let mut connected = evidence.inherited.iter().filter(|d| d.socket.as_ref().is_some_and(|socket| socket.peer.is_some()));
    connected.any(|descriptor| descriptor.site.as_ref().is_some_and(by_package))
}

fn subject<'a>(evidence: &Evidence<'a>, thread: &Thread<'a>, unneeded: Option<&Unneeded<'a>>) -> &'a str {
    let (arena, name) = (evidence.arena, &thread.name);
    let unseen = if thread.recorded { "" } else { ", started past every hook" };
    let ended = if thread.ended { ", which was about to end" } else { "" };
    let unneeded = unneeded.map_or("", |unneeded| unneeded.text(arena, &evidence.nameless));
    let is_named = !evidence.nameless.is(name) || thread.class.is_some() || thread.tid == evidence.leader;
    let named = if is_named { arena.format(format_args!("thread \"{name}\"")) } else { "an unnamed thread" };
    match thread.tid {
        0 => arena.format(format_args!("{named} (had not begun to run{unneeded})")),
        tid => arena.format(format_args!("{named} (tid {tid}{unseen}{ended}{unneeded})")),
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
