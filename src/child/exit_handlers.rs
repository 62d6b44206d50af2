//! Exit handlers that this child has from its leader: one that runs here and takes away what was there before the fork takes it from the leader.
use super::hit::report_hit;
use crate::describe;
use crate::entry::{Registers, record, record_with_scratch};
use crate::findings::{Hazard, Hit};
use crate::ledger::Output;
use crate::sites::python;
use forkguard_core::fork::{self as core_fork, Snapshot};
use forkguard_core::registry::exit_handlers::{self, ExitHandler};
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
    if let Some(handler) = running()
        && let Some(fork) = core_fork::birth().filter(|fork| is_leaders(fork, directory, path))
    {
        let site = record(|_| registers.capture()).unwrap_or(registers.caller);
        record_with_scratch(|scratch| {
            report_hit(scratch, Severity::Warning, Output::Stderr, FindingKind::ExitHandlerInherited, |arena| {
                let described = describe::exit_handler(arena, handler);
                let used = describe::site(arena, Role::Used, kernel::thread_id(), site);
                let index = arena.format(format_args!("{}", described.index));
                let path = kernel::read_text::<256>(path);
                Some(Hit {
                    kind: FindingKind::ExitHandlerInherited,
                    what: arena.format(format_args!("{index}-run")),
                    subject: arena.format(format_args!("{} {removes} {}", described.name, path.as_str())),
                    sites: arena.join([described.sites, used.as_slice()]),
                    hazard: Some(Hazard { fork, kind: FindingKind::ExitHandlerInherited, what: index }),
                })
            })
        });
    }
}

/// The handler that runs: the one that said so, or an interpreter's from which everything else on this thread's stack was called.
fn running() -> Option<&'static ExitHandler> {
    let place = RUNNING.load(Relaxed);
    if place != 0 {
        return exit_handlers::all().find(|handler| handler.index() + 1 == place);
    }
    let code = if has_interpreted() { python::outermost_code()? } else { return None };
    exit_handlers::all().find(|handler| handler.is_interpreted() && handler.is_inherited() && handler.address() == code)
}

/// True for a file that was there at the fork, while the leader lives on: a daemon that goes on in its leader's place cleans up for it.
fn is_leaders(fork: &Snapshot, directory: i32, path: usize) -> bool {
    /// The clock of file systems is behind by a tick of the kernel's.
    const TICKS_NS: u64 = 50_000_000;
    // In this order the fork seems earlier, not later, if this thread has to pause in between.
    let now = kernel::wall_clock();
    let forked_at = now.saturating_sub(kernel::monotonic().saturating_sub(fork.entered));
    kernel::parent_id() == fork.leader && kernel::born_at(directory, path).is_some_and(|born| born + TICKS_NS < forked_at)
}
