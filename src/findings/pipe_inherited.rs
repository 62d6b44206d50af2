//! pipe-inherited: an end of a pipe or of a pair of sockets that a process has from a fork and that is not meant for it. Where processes wait
//! for each other in a circle, one of them for an end that nobody needs any more, the end of file (or EPIPE) never comes.
use crate::describe;
use crate::describe::pipes::{Holder, Wait, Waiting};
use crate::entry::Arena;
use crate::findings::hit::Hit;
use forkguard_core::fork::birth;
use forkguard_core::kernel;
use forkguard_report::catalogue::FULL_PIPE;
use forkguard_report::event::{FindingKind, Role, Site};

/// Of a circle of processes the one whose wait would be over if those that only inherited the awaited end had closed it. `harmless`: signals
/// whose handlers end no wait.
pub(crate) fn held_up<'a>(circle: &'a [Waiting<'a>], harmless: u64) -> Option<&'a Waiting<'a>> {
    let alarm = 1 << (libc::SIGALRM - 1);
    let rings = |waiting: &Waiting<'_>| caught(waiting) & !harmless & alarm != 0;
    if circle.iter().any(rings) {
        return None;
    }
    let by_itself = |waiting: &&Waiting<'_>| holds_it_itself(waiting);
    let mut held_up = circle.iter().filter(|waiting| is_held_up(waiting, harmless));
    held_up.clone().find(by_itself).or_else(|| held_up.next())
}

/// Of a circle that this process closes by its wait for a child the process that writes into a full pipe of this one's, which nobody else reads. Its
/// handlers may read in between: only those that end it are harmless, as are `harmless`.
pub(crate) fn unread<'a>(circle: &'a [Waiting<'a>], harmless: u64) -> Option<&'a Waiting<'a>> {
    let ending =
        [libc::SIGINT, libc::SIGTERM, libc::SIGQUIT, libc::SIGHUP].iter().fold(0, |mask, signal| mask | 1 << (signal - 1));
    let own = circle.first().filter(|own| matches!(own.wait, Wait::Child(_)) && caught(own) & !(harmless | ending) == 0)?;
    let is_read_here = |writer: &&Waiting<'_>| {
        let is_own = writer.end.is_some_and(|end| end.generations == 0);
        let is_awaited = own.wait == Wait::Child(None) || own.wait == Wait::Child(Some(writer.process));
        matches!(writer.wait, Wait::Output(_))
            && is_own
            && is_awaited
            && writer.holders.iter().any(|holder| holder.process == own.process)
    };
    circle.iter().find(is_read_here)
}

fn holds_it_itself(waiting: &Waiting<'_>) -> bool {
    waiting.holders.iter().any(|holder| holder.process == waiting.process)
}

fn is_held_up(waiting: &Waiting<'_>, harmless: u64) -> bool {
    let Some(end) = waiting.end else { return false };
    let maker = match end.generations {
        0 => Some(kernel::process_id()),
        1 => birth().map(|fork| fork.leader),
        _ => None,
    };
    let Some(maker) = maker else { return false };
    match waiting.process == maker {
        // A handler may write to the other end: a self-pipe.
        _ if holds_it_itself(waiting) => {
            let needed = |holder: &Holder| holder.process == maker && maker != waiting.process;
            caught(waiting) & !harmless == 0 && !waiting.holders.iter().any(needed)
        }
        // Its only heir may have the end so that the maker sees the heir's end.
        true => end.inheritors > 1 && (processes(waiting.holders) as u64) < end.inheritors,
        false => !waiting.holders.iter().any(|holder| holder.process == maker),
    }
}

fn processes(holders: &[Holder]) -> usize {
    let is_first = |(index, holder): (usize, &Holder)| holders[..index].iter().all(|other| other.process != holder.process);
    holders.iter().enumerate().filter(|&(index, holder)| is_first((index, holder))).count()
}

/// The signals that a process catches, a bit each.
fn caught(waiting: &Waiting<'_>) -> u64 {
    let own = || (1..=64).filter(|&number| kernel::signal_action(number).is_some_and(|action| action.handler > libc::SIG_IGN));
    match waiting.sleeper {
        Some(sleeper) => sleeper.caught,
        None => own().fold(0, |mask, number| mask | 1 << (number - 1)),
    }
}

/// What stands for it in the id of its finding.
pub(crate) fn what(arena: &Arena, process: u32, fd: i32) -> &str {
    arena.format(format_args!("{process}-{fd}"))
}

/// The hit of a process that is held up, or whose output this one does not read (`is_unread`). `site`: where this process waits.
pub(crate) fn hit<'a>(arena: &'a Arena, waiting: &Waiting<'a>, is_unread: bool, site: Option<Site<'a>>) -> Hit<'a> {
    let opened = waiting.end.and_then(|end| describe::site(arena, Role::Opened, end.thread, end.site));
    let forked = birth().filter(|_| waiting.end.is_some_and(|end| end.generations == 1));
    let forked = forked.and_then(|fork| describe::site(arena, Role::Fork, fork.thread, fork.site));
    let forked = forked.filter(|site| site.application_frames().next().is_some());
    let (fd, verb, other, never) = match waiting.wait {
        Wait::Output(fd) => (fd, "writes to", "read", "it gets no EPIPE"),
        Wait::Input(fd) => (fd, "reads from", "write", "the end of file never comes"),
        Wait::Child(_) => (-1, "waits for", "other", "it does not end"),
    };
    let mut holders = "";
    for (index, holder) in waiting.holders.iter().enumerate() {
        let gap = if index == 0 { "" } else { ", " };
        holders = match holder.process == waiting.process {
            true => arena.format(format_args!("{holders}{gap}itself (descriptor {})", holder.fd)),
            false => arena.format(format_args!("{holders}{gap}process {} (descriptor {})", holder.process, holder.fd)),
        };
    }
    let waits = if holds_it_itself(waiting) && waiting.holders.len() == 1 { "" } else { ", which waits, too" };
    let own = match waiting.process == kernel::process_id() || site.is_none() {
        true => "",
        false => arena.format(format_args!(", and process {} waits with them", kernel::process_id())),
    };
    let process = waiting.process;
    let subject = match is_unread {
        true => arena.format(format_args!(
            "process {process} writes to descriptor {fd}, a full pipe that nobody reads: process {}, which would,{FULL_PIPE}",
            kernel::process_id()
        )),
        false => arena.format(format_args!(
            "process {process} {verb} descriptor {fd}, a pipe whose {other} end is open only in {holders}{waits}: {never}{own}"
        )),
    };
    Hit {
        kind: FindingKind::PipeInherited,
        what: what(arena, process, fd),
        subject,
        sites: arena.join([opened.as_slice(), forked.as_slice(), site.as_slice()]),
        hazard: None,
    }
}
