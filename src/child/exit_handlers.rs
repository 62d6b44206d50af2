//! Exit handlers that this child has from its leader: one that runs here and takes away what was there before the fork takes it from the leader.
use super::hit::report_hit;
use crate::describe;
use crate::entry::{Arena, Registers, record, record_with_scratch};
use crate::findings::sqlite_inherited::is_sqlite;
use crate::findings::{Hazard, Hit};
use crate::guards;
use crate::ledger::Output;
use crate::sites::{self, SiteId, runs_exit_function};
use forkguard_core::fixed::Text;
use forkguard_core::fork::{self as core_fork, Snapshot};
use forkguard_core::registry::exit_handlers::{self, ExitHandler};
use forkguard_core::registry::made;
use forkguard_core::{flags, gate, kernel};
use forkguard_loader::path_of;
use forkguard_report::event::{FindingKind, Role, Severity};
use libc::AT_FDCWD;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The place of the handler that runs, plus one; 0 none.
#[unsafe(link_section = "forkguard_words")]
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// A child's life begins: when an interpreter runs its functions, and destroys its objects, is not told, so that every removal is an event where
/// there is one.
#[unsafe(link_section = ".text.forkguard_child")]
pub(super) fn begin() {
    flags::WATCH_REMOVALS.store(u8::from(exit_handlers::has_interpreter()), Relaxed);
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

/// What removes a file of the leader's at the child's end.
enum Remover {
    Handler(&'static ExitHandler),
    /// An object that the interpreter destroys.
    Destructor,
}

/// A file is about to be removed or renamed, as `removes` says: `path` is the host's, below `directory`. True when it is the leader's, and a guard
/// keeps it from an exit handler or a destructor.
pub(crate) fn keeps_from_removal(registers: &Registers, removes: &str, directory: i32, path: usize) -> bool {
    let text = kernel::read_text::<256>(path);
    // Most removals of most children, which have no such handler.
    if !made::may_be_inherited(text.as_str().as_bytes()) && !may_handlers_run() {
        return false;
    }
    // A daemon that goes on in its leader's place cleans up for it.
    let Some(fork) = core_fork::birth().filter(|fork| kernel::parent_id() == fork.leader) else { return false };
    let is_leaders = is_made_by_leader(directory, text.as_str()) && kernel::is_file(directory, path);
    if !(is_leaders || may_handlers_run() && is_older(fork, directory, path)) {
        return false;
    }
    // SQLite rolls back: what is wrong with that is said of the database.
    if path_of(registers.caller).is_some_and(|module| is_sqlite(module.as_str())) {
        return false;
    }
    let site = record(|_| registers.capture()).unwrap_or(registers.caller);
    let Some(remover) = remover(registers, site, is_leaders) else { return false };
    let keeps = guards::keeps_leaders_files();
    match (keeps, remover) {
        (true, Remover::Handler(handler)) => guards::log_kept_file(handler.index(), path),
        (true, Remover::Destructor) => guards::log_kept_from_destructor(path),
        (false, remover) => report(fork, remover, site, removes, (directory, path)),
    }
    keeps
}

/// True while a handler of the leader's runs, or an interpreter may run one.
fn may_handlers_run() -> bool {
    let is_inherited = |handler: &ExitHandler| handler.is_interpreted() && handler.is_inherited();
    RUNNING.load(Relaxed) != 0 || exit_handlers::all().any(is_inherited)
}

/// A destructor may be that of an object which the child made: it counts where the file is known to be the leader's.
fn remover(registers: &Registers, site: SiteId, is_leaders: bool) -> Option<Remover> {
    let destroys = || is_leaders && record(|_| sites::is_ending(registers.start())).unwrap_or(false);
    running(site).map(Remover::Handler).or_else(|| destroys().then_some(Remover::Destructor))
}

fn report(fork: &'static Snapshot, remover: Remover, site: SiteId, removes: &str, (directory, path): (i32, usize)) {
    record_with_scratch(|scratch| {
        report_hit(scratch, Severity::Warning, Output::Stderr, FindingKind::ExitHandlerInherited, |arena| {
            let kind = FindingKind::ExitHandlerInherited;
            let path = full_path(arena, directory, path);
            let made = made_at(path).and_then(|site| describe::site(arena, Role::Created, 0, site));
            let used = describe::site(arena, Role::Used, kernel::thread_id(), site);
            let (name, what, sites, hazard) = match remover {
                Remover::Handler(handler) => {
                    let described = describe::exit_handler(arena, handler);
                    let index = arena.format(format_args!("{}", described.index));
                    (described.name, index, described.sites, Some(Hazard { fork, kind, what: index }))
                }
                Remover::Destructor => (describe::destructor(arena, site), "destructor", [].as_slice(), None),
            };
            Some(Hit {
                kind,
                what: arena.format(format_args!("{what}-run")),
                subject: arena.format(format_args!("{name} {removes} {path}")),
                sites: arena.join([sites, made.as_slice(), used.as_slice()]),
                hazard,
            })
        })
    });
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
        .find_map(|path| made::site(path.as_bytes()).or_else(|| made::site(other_name(path).as_str().as_bytes())))
}

/// The handler that runs: the one that said so, or an interpreter's from which `site` was reached.
fn running(site: SiteId) -> Option<&'static ExitHandler> {
    let place = RUNNING.load(Relaxed);
    exit_handlers::all().find(|handler| match place {
        0 => handler.is_interpreted() && handler.is_inherited() && runs_exit_function(handler.address(), handler.site(), site),
        _ => handler.index() + 1 == place,
    })
}

/// True for what a process made from which this one was forked since.
fn is_made_by_leader(directory: i32, path: &str) -> bool {
    let is_inherited =
        |path: &str| made::is_inherited(path.as_bytes()) || made::is_inherited(other_name(path).as_str().as_bytes());
    if directory == AT_FDCWD || path.starts_with('/') {
        return is_inherited(path);
    }
    let below = kernel::open_directory::<256>(directory);
    !below.is_empty() && is_inherited(Text::<512>::of(format_args!("{}/{path}", below.as_str())).as_str())
}

/// The path by its other name: below the working directory, or from the root.
fn other_name(path: &str) -> Text<512> {
    let working = kernel::working_directory::<256>();
    let below = path.strip_prefix(working.as_str()).and_then(|rest| rest.strip_prefix('/'));
    match below.filter(|_| !working.is_empty()) {
        Some(below) => Text::of(format_args!("{below}")),
        None => Text::of(format_args!("{}/{path}", working.as_str())),
    }
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
