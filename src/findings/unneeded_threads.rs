//! Why a child does without a lost thread.
use crate::describe::Nameless;
use crate::entry::Arena;
use crate::findings::evidence::Evidence;
use crate::findings::librarys_threads::is_idle_since_load;
use forkguard_report::catalogue::{
    CURE_HELPERS_THREAD, CURE_LEADERS_THREAD, CURE_LIBRARYS_THREAD, CURE_RUNTIMES_THREAD, EXPLAIN_LEADERS_THREAD,
};
use forkguard_report::event::{Frame, Site, Thread};

/// The reason; of several the first.
pub(super) enum Unneeded<'a> {
    /// The program said so.
    Marked,
    /// Threads of one runtime run the same function, whichever of them forks.
    Runtimes,
    /// The main thread of a process whose other thread forks.
    Main,
    /// It works for the process that forks alone.
    Leaders,
    /// A library started it for itself as it was loaded, and it waits for its first work.
    Idle,
    /// A library's code in this lost thread started it: who starts that thread again has this one, too.
    Helper(&'a Thread<'a>),
}

impl<'a> Unneeded<'a> {
    pub(super) fn of(evidence: &Evidence<'a>, thread: &Thread<'_>) -> Option<Unneeded<'a>> {
        if thread.fork_safe {
            return Some(Unneeded::Marked);
        }
        if evidence.works_for_leader(thread) {
            return Some(match thread.tid == evidence.leader {
                _ if evidence.is_of_forking_runtime(thread) => Unneeded::Runtimes,
                true => Unneeded::Main,
                false => Unneeded::Leaders,
            });
        }
        if is_idle_since_load(thread) {
            return Some(Unneeded::Idle);
        }
        lost_starter(evidence, thread).map(Unneeded::Helper)
    }

    /// What the finding's subject says of it.
    pub(super) fn text(&self, arena: &'a Arena, nameless: &Nameless) -> &'a str {
        match self {
            Unneeded::Marked => ", which children do without",
            Unneeded::Runtimes => ", of a runtime that the program runs on",
            Unneeded::Main => ", the main thread of the process that forked",
            Unneeded::Leaders => ", which works for the process that forked",
            Unneeded::Idle => ", which a library started for itself as it was loaded",
            Unneeded::Helper(starter) => {
                arena.format(format_args!(", which {} started for itself", nameless.thread(arena, &starter.name, starter.tid)))
            }
        }
    }

    /// What takes the place of the kind's explanation.
    pub(super) fn explanation(&self) -> Option<&'static str> {
        matches!(self, Unneeded::Main | Unneeded::Leaders).then_some(EXPLAIN_LEADERS_THREAD)
    }

    /// What takes the place of the kind's cure.
    pub(super) fn cure(&self) -> Option<&'static str> {
        match self {
            Unneeded::Marked => None,
            Unneeded::Runtimes => Some(CURE_RUNTIMES_THREAD),
            Unneeded::Main | Unneeded::Leaders => Some(CURE_LEADERS_THREAD),
            Unneeded::Idle => Some(CURE_LIBRARYS_THREAD),
            Unneeded::Helper(_) => Some(CURE_HELPERS_THREAD),
        }
    }
}

/// The lost thread that started this one, unless a line of the application's did. The main thread starts none again.
fn lost_starter<'a>(evidence: &Evidence<'a>, thread: &Thread<'_>) -> Option<&'a Thread<'a>> {
    let is_librarys = |site: &Site<'_>| !site.frames.iter().any(Frame::is_application);
    let creator = thread.creator.filter(|_| thread.site.as_ref().is_some_and(is_librarys))?;
    evidence.lost_threads().find(|starter| starter.tid == creator && starter.tid != evidence.leader)
}
