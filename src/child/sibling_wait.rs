//! A child that waits for a process which its leader started. Only the leader can: here the call fails at once, and who takes that for the end of the
//! process (Python's `Popen.wait`) goes on too early.
use super::hit::report_hit;
use crate::describe;
use crate::entry::{Arena, errno, record, record_with_scratch};
use crate::findings::Hit;
use crate::ledger::Output;
use crate::sites::{self, SiteId, Start};
use forkguard_core::kernel::other_process::{self, PARENT, STATE, stat};
use forkguard_core::registry::started;
use forkguard_core::{flags, fork as core_fork, gate, kernel, tls};
use forkguard_report::event::{FindingKind, Frame, Role, Severity, Site};
use libc::{c_int, pid_t};

/// Functions that close something, by their names: the process behind it is waited for by the way, and whoever closes its own copy may ignore the
/// outcome.
const CLOSES: [&str; 4] = ["close", "__exit__", "__aexit__", "__del__"];

/// Before a wait for the end of one process.
#[inline(always)]
pub(crate) fn before(start: impl FnOnce() -> Start, caller: usize, pid: pid_t, options: c_int) {
    if flags::is_forked_child() && pid > 0 && options & !(libc::WUNTRACED | libc::WCONTINUED) == 0 {
        look(start(), caller, pid as u32);
    }
}

#[cold]
fn look(start: Start, caller: usize, process: u32) {
    let usable = gate::awake() && tls::inside() == 0 && !gate::is_guest() && gate::owns_registries();
    if !usable || kernel::is_child(process) {
        return;
    }
    errno::preserve(|| {
        let is_leaders = record(|_| is_leaders(process)) == Some(true);
        // Exit handlers that a child has from its leader wait for the leader's processes, and fail without harm.
        if is_leaders && record(|_| sites::is_exiting(start)) == Some(false) {
            report(process, record(|_| sites::capture_from(start, caller)).unwrap_or(caller));
        }
    });
}

/// True for a living process whose parent this process was forked from, or one that such a process forked.
fn is_leaders(process: u32) -> bool {
    let mut bytes = [0; 1024];
    let word = stat(&mut bytes, process);
    let lives = !matches!(word(STATE), None | Some("Z" | "X"));
    let parent = word(PARENT).and_then(|parent| parent.parse::<u32>().ok());
    let is_above = |process| core_fork::ancestors().any(|fork| fork.leader == process);
    let is_of_gone = || started::site(process).is_some() && other_process::is_older(process, kernel::process_id());
    lives && !is_above(process) && (parent.is_some_and(is_above) || is_of_gone())
}

/// True for a wait that the application asks for, itself or by its language's own library: a package may know what to do where it fails (psutil then
/// asks again and again whether the process is there).
fn is_asked_for(waits: &Site<'_>) -> bool {
    let Some(application) = waits.application() else { return false };
    let mut inner = waits.frames.iter().take_while(|frame| !std::ptr::eq(*frame, application));
    if inner.any(|frame| frame.package().is_some()) {
        return false;
    }
    let is_direct = || waits.frames.first().is_some_and(|first| std::ptr::eq(first, application));
    (application.language == "python" || application.language == "native" && is_direct()) && !closes(waits)
}

/// True for a wait by which the application closes something.
pub(super) fn closes(waits: &Site<'_>) -> bool {
    let Some(application) = waits.application() else { return false };
    let is_inner = |frame: &&Frame<'_>| !std::ptr::eq(*frame, application);
    let closes = |name: &str| CLOSES.contains(&name.rsplit('.').next().unwrap_or(name));
    let inner = waits.frames.iter().take_while(is_inner).chain([application]);
    inner.filter_map(|frame| frame.function.as_deref()).any(closes)
}

fn report(process: u32, site: SiteId) {
    record_with_scratch(|scratch| {
        let arena = scratch.arena();
        let waits = describe::site(&arena, Role::Waits, kernel::thread_id(), site);
        if !waits.is_some_and(|waits| is_asked_for(&waits)) {
            return;
        }
        report_hit(scratch, Severity::Error, Output::Stderr, FindingKind::SiblingWaitedFor, |arena| {
            let started = started::site(process).and_then(|site| describe::site(arena, Role::Started, 0, site));
            let waits = describe::site(arena, Role::Waits, kernel::thread_id(), site);
            Some(Hit {
                kind: FindingKind::SiblingWaitedFor,
                what: arena.format(format_args!("{process}")),
                subject: subject(arena, process),
                sites: arena.join([started.as_slice(), waits.as_slice()]),
                hazard: None,
            })
        });
    });
}

fn subject(arena: &Arena, process: u32) -> &str {
    let mut name = [0; 32];
    let name = other_process::read(&mut name, process, "comm").trim_end();
    arena.format(format_args!("process {process} (\"{name}\") runs, but is no child of the process that waits for it"))
}
