//! Exit handlers that this child has from its leader: one that runs here and takes away what was there before the fork takes it from the leader.
use super::hit::report_hit;
use crate::describe;
use crate::entry::{Arena, Registers, record, record_with_scratch};
use crate::findings::{Hazard, Hit};
use crate::ledger::Output;
use crate::sites::{SiteId, runs_exit_function};
use forkguard_core::fork::{self as core_fork, Snapshot};
use forkguard_core::registry::exit_handlers::{self, ExitHandler};
use forkguard_core::registry::made;
use forkguard_core::{flags, gate, kernel};
use forkguard_report::event::{FindingKind, Role, Severity};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The place of the handler that runs, plus one; 0 none.
#[unsafe(link_section = "forkguard_words")]
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// A child's life begins: when an interpreter runs its functions is not told, so that every removal is an event where it has some.
#[unsafe(link_section = ".text.forkguard_child")]
pub(super) fn begin() {
    flags::WATCH_REMOVALS.store(u8::from(has_interpreted()), Relaxed);
}

#[unsafe(link_section = ".text.forkguard_child")]
fn has_interpreted() -> bool {
    exit_handlers::all().any(|handler| handler.is_interpreted() && handler.is_inherited())
}

/// A handler begins; what [`ended`] is to be given.
pub(crate) fn begins(handler: &ExitHandler) -> usize {
    let is_watched =
        gate::awake() && flags::is_forked_child() && handler.is_inherited() && !gate::is_guest() && gate::owns_registries();
    if !is_watched {
        return RUNNING.load(Relaxed);
    }
    flags::WATCH_REMOVALS.store(1, Relaxed);
    RUNNING.swap(handler.index() + 1, Relaxed)
}

/// It has ended; `before` was running when it began.
pub(crate) fn ended(before: usize) {
    if RUNNING.load(Relaxed) != before {
        RUNNING.store(before, Relaxed);
    }
    if before == 0 && flags::WATCH_REMOVALS.load(Relaxed) != 0 {
        begin();
    }
}

/// A file is about to be removed or renamed, as `removes` says: `path` is the host's, below `directory`.
pub(crate) fn before_removal(registers: &Registers, removes: &str, directory: i32, path: usize) {
    if let Some(fork) = core_fork::birth().filter(|fork| is_leaders(fork, directory, path)) {
        let site = record(|_| registers.capture()).unwrap_or(registers.caller);
        let Some(handler) = running(site) else { return };
        record_with_scratch(|scratch| {
            report_hit(scratch, Severity::Warning, Output::Stderr, FindingKind::ExitHandlerInherited, |arena| {
                let described = describe::exit_handler(arena, handler);
                let used = describe::site(arena, Role::Used, kernel::thread_id(), site);
                let index = arena.format(format_args!("{}", described.index));
                let path = full_path(arena, directory, path);
                let made = made_at(path).and_then(|site| describe::site(arena, Role::Created, 0, site));
                Some(Hit {
                    kind: FindingKind::ExitHandlerInherited,
                    what: arena.format(format_args!("{index}-run")),
                    subject: arena.format(format_args!("{} {removes} {path}", described.name)),
                    sites: arena.join([described.sites, made.as_slice(), used.as_slice()]),
                    hazard: Some(Hazard { fork, kind: FindingKind::ExitHandlerInherited, what: index }),
                })
            })
        });
    }
}

/// The path of what is removed, below a directory's descriptor, too.
fn full_path(arena: &Arena, directory: i32, path: usize) -> &str {
    let path = kernel::read_text::<256>(path);
    let directory = if path.as_str().starts_with('/') { None } else { describe::descriptors::describe(arena, directory) };
    match directory.as_ref().and_then(|directory| directory.path.as_deref()) {
        Some(directory) => arena.format(format_args!("{directory}/{}", path.as_str())),
        None => arena.format(format_args!("{}", path.as_str())),
    }
}

/// Where the innermost directory of this path was made that is known, or the one that it is.
fn made_at(path: &str) -> Option<SiteId> {
    std::iter::successors(Some(path), |path| path.rsplit_once('/').map(|(parent, _)| parent))
        .find_map(|path| made::site(path.as_bytes()))
}

/// The handler that runs: the one that said so, or an interpreter's from which `site` was reached.
fn running(site: SiteId) -> Option<&'static ExitHandler> {
    let place = RUNNING.load(Relaxed);
    exit_handlers::all().find(|handler| match place {
        0 => handler.is_interpreted() && handler.is_inherited() && runs_exit_function(handler.address(), handler.site(), site),
        _ => handler.index() + 1 == place,
    })
}

/// True for a file that was there at the fork, while the leader lives on: a daemon that goes on in its leader's place cleans up for it.
fn is_leaders(fork: &Snapshot, directory: i32, path: usize) -> bool {
    let is_known = || made::is_inherited(kernel::read_text::<256>(path).as_str().as_bytes());
    kernel::parent_id() == fork.leader && (is_known() || is_older(fork, directory, path))
}

/// True for a file that was made before the fork, by its time of birth.
fn is_older(fork: &Snapshot, directory: i32, path: usize) -> bool {
    // In this order the fork seems earlier, not later, if this thread has to pause in between.
    let now = kernel::wall_clock();
    let forked_at = now.saturating_sub(kernel::monotonic().saturating_sub(fork.entered));
    // The clock of file systems is behind by a tick; the clocks above were read one after the other.
    const BETWEEN_NS: u64 = 1_000_000;
    let margin = kernel::tick() + BETWEEN_NS;
    kernel::born_at(directory, path).is_some_and(|born| born + margin < forked_at)
}
