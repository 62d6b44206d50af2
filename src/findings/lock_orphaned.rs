//! lock-orphaned: a lock that a lost thread holds, or one of the forking thread that knows its owner by a thread id of the leader.
use crate::describe::{Nameless, libc_locks};
use crate::entry::Arena;
use crate::findings::evidence::Evidence;
use forkguard_report::catalogue::{EXPLAIN_OWN_LOCK, EXPLAIN_SHARED_LOCK, OWN_HOLDER};
use forkguard_report::event::{Finding, FindingKind, Frame, Lock, LockKind, Severity, Site, Thread};
use std::borrow::Cow::Borrowed;

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    for lock in evidence.locks {
        // What a child does without, it does not call either.
        let is_leaders = !lock.own && evidence.lost_threads().any(|t| t.tid == lock.holder && evidence.works_for_leader(t));
        let is_expected = lock.signal || is_leaders || is_held_briefly(lock) || is_of_own_reader(evidence, lock);
        let severity = if is_expected { Severity::Info } else { Severity::Warning };
        let (subject, sites) = parts(evidence.arena, lock, holder(lock, evidence.threads), &evidence.nameless);
        let what = what(evidence.arena, lock);
        let the = if lock.kind == LockKind::Libc { "the " } else { "" };
        let mut finding =
            evidence.finding(FindingKind::LockOrphaned, severity, format_args!("{what}"), format_args!("{the}{subject}"), sites);
        if lock.shared {
            finding.explain = Borrowed(EXPLAIN_SHARED_LOCK);
        } else if lock.own {
            finding.explain = Borrowed(EXPLAIN_OWN_LOCK);
        }
        found(finding);
    }
}

/// True for a thread inside a function of the C library that hardly ever holds its lock.
fn is_held_briefly(lock: &Lock<'_>) -> bool {
    lock.kind == LockKind::Libc && lock.name.as_deref().is_some_and(libc_locks::is_brief)
}

/// True for the only lock of a lost Python thread that waits for input by a socket's file: that file's, which as a rule no other thread reads. A child
/// that does is told so when it waits.
fn is_of_own_reader<'a>(evidence: &Evidence<'a>, lock: &Lock<'a>) -> bool {
    let is_only = evidence.locks.iter().filter(|other| other.holder == lock.holder && !other.signal).count() == 1;
    let stood = holder(lock, evidence.threads).and_then(|thread| thread.stood.as_ref());
    let reads = |frame: &Frame<'_>| {
        let is_of_file = matches!(frame.function.as_deref(), Some("readinto" | "SocketIO.readinto"));
        is_of_file && frame.language == "python" && frame.file.as_deref().is_some_and(|file| file.ends_with("/socket.py"))
    };
    is_only && lock.kind == LockKind::Semaphore && stood.is_some_and(|stood| stood.frames.iter().any(reads))
}

/// What stands for a lock in the id of its finding.
pub(crate) fn what<'a>(arena: &'a Arena, lock: &Lock<'_>) -> &'a str {
    arena.format(format_args!("{}-{}", taken_at(lock), lock.holder))
}

fn taken_at<'l>(lock: &'l Lock<'_>) -> &'l str {
    lock.address.as_deref().or(lock.name.as_deref()).unwrap_or("?")
}

/// The thread that holds it.
pub(crate) fn holder<'t, 'a>(lock: &Lock<'a>, threads: &'t [Thread<'a>]) -> Option<&'t Thread<'a>> {
    threads.iter().find(|thread| thread.tid == lock.holder)
}

/// The lock in words, and where it was taken and where its holder stood.
pub(crate) fn parts<'a>(
    arena: &'a Arena,
    lock: &Lock<'a>,
    holder: Option<&Thread<'a>>,
    nameless: &Nameless,
) -> (&'a str, &'a [Site<'a>]) {
    let stood = holder.and_then(|thread| thread.stood.clone());
    let name = match lock.own {
        true => OWN_HOLDER,
        false => nameless.thread(arena, &lock.holder_name, lock.holder),
    };
    let what = taken_at(lock);
    let subject = match (lock.kind, lock.name.as_deref()) {
        (LockKind::Libc, _) => arena.format(format_args!("C library's lock inside {what}(), held by {name}")),
        (kind, Some(function)) => arena.format(format_args!("{} {function} at {what}, held by {name}", kind.name())),
        (kind, None) => arena.format(format_args!("{} at {what}, held by {name}", kind.name())),
    };
    (subject, arena.join([lock.site.as_slice(), stood.as_slice()]))
}
