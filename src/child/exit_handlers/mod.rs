//! Exit handlers that this child has from its leader: one that runs here and takes away what was there before the fork takes it from the leader.
mod taken;

pub(crate) use taken::Taken;

use super::hit::report_hit;
use crate::describe;
use crate::entry::{Registers, record, record_with_scratch};
use crate::findings::sqlite_inherited::is_sqlite;
use crate::findings::{Hazard, Hit};
use crate::guards;
use crate::ledger::Output;
use crate::sites::{self, SiteId, runs_exit_function};
use forkguard_core::fork::{self as core_fork, Snapshot};
use forkguard_core::registry::exit_handlers::{self, ExitHandler};
use forkguard_core::{flags, gate, kernel};
use forkguard_loader::path_of;
use forkguard_report::event::{FindingKind, Role, Severity};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The place of the handler that runs, plus one; 0 none.
#[unsafe(link_section = "forkguard_words")]
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// A child's life begins: when an interpreter runs its functions, and destroys its objects, is not told, so that every removal is an event where
/// there is one.
#[unsafe(link_section = ".text.forkguard_child")]
pub(super) fn begin() {
    watch(exit_handlers::has_interpreter());
}

/// Whether what handlers may take is watched. (That signals are sent is watched for others, too.)
fn watch(watches: bool) {
    flags::WATCH_TAKING.store(u8::from(watches), Relaxed);
    if watches {
        flags::WATCH_SENT_SIGNALS.store(1, Relaxed);
    }
}

/// A handler begins; what [`ended`] is to be given.
pub(crate) fn begins(handler: &ExitHandler) -> usize {
    let is_watched =
        gate::awake() && flags::is_forked_child() && handler.is_inherited() && !gate::is_guest() && gate::owns_registries();
    if !is_watched {
        return RUNNING.load(Relaxed);
    }
    watch(true);
    RUNNING.swap(handler.index() + 1, Relaxed)
}

/// It has ended; `before` was running when it began.
pub(crate) fn ended(before: usize) {
    if RUNNING.load(Relaxed) != before {
        RUNNING.store(before, Relaxed);
    }
    if before == 0 && flags::WATCH_TAKING.load(Relaxed) != 0 {
        begin();
    }
}

/// What takes something of the leader's at the child's end.
enum Taker {
    Handler(&'static ExitHandler),
    /// An object that the interpreter destroys, or a function of a library's that it runs at its end.
    Destructor,
    /// The end of a `with` block that the leader entered before the fork: the child leaves it as well, by sys.exit or an exception.
    Block,
}

/// The host is about to take something away as `verb` says. True when it is the leader's, and a guard keeps it from an exit handler or a
/// destructor.
pub(crate) fn keeps(registers: &Registers, verb: &str, taken: Taken) -> bool {
    // Most calls of most children, which have no such handler.
    if !taken.may_be_leaders() && !may_handlers_run() {
        return false;
    }
    // A daemon that goes on in its leader's place cleans up for it.
    let Some(fork) = core_fork::birth().filter(|fork| kernel::parent_id() == fork.leader) else { return false };
    let is_leaders = taken.is_leaders();
    if !(is_leaders || may_handlers_run() && taken.is_older(fork)) {
        return false;
    }
    // SQLite rolls back: what is wrong with that is said of the database.
    if path_of(registers.caller).is_some_and(|module| is_sqlite(module.as_str())) {
        return false;
    }
    let site = record(|_| registers.capture()).unwrap_or(registers.caller);
    let Some(taker) = taker(registers, site, Some(taken).filter(|_| is_leaders)) else { return false };
    let keeps = guards::keeps_leaders_files();
    match (keeps, taker) {
        (true, Taker::Handler(handler)) => guards::log_kept_from_handler(handler.index(), taken.text().as_str()),
        (true, Taker::Destructor | Taker::Block) => guards::log_kept_from_destructor(taken.text().as_str()),
        (false, taker) => report(fork, taker, site, verb, taken),
    }
    keeps
}

/// True while a handler of the leader's runs, or an interpreter may run one.
fn may_handlers_run() -> bool {
    let is_inherited = |handler: &ExitHandler| handler.is_interpreted() && handler.is_inherited();
    RUNNING.load(Relaxed) != 0 || exit_handlers::all().any(is_inherited)
}

/// A destructor may be that of an object which the child made, and a block one that it entered: they count where what they take is known to be
/// the leader's (`leaders`).
fn taker(registers: &Registers, site: SiteId, leaders: Option<Taken>) -> Option<Taker> {
    if let Some(handler) = running(site) {
        return Some(Taker::Handler(handler));
    }
    let taken = leaders?;
    if record(|_| sites::is_ending(registers.start())).unwrap_or(false) {
        return Some(Taker::Destructor);
    }
    let block = taken.made_by_leader_at().and_then(|made| describe::left_block(made, site));
    block.is_some().then_some(Taker::Block)
}

fn report(fork: &'static Snapshot, taker: Taker, site: SiteId, verb: &str, taken: Taken) {
    record_with_scratch(|scratch| {
        report_hit(scratch, Severity::Warning, Output::Stderr, FindingKind::ExitHandlerInherited, |arena| {
            let kind = FindingKind::ExitHandlerInherited;
            let object = taken.name(arena);
            let made_at = taken.made_at(object);
            let made = made_at.and_then(|site| describe::site(arena, Role::Created, 0, site));
            let used = describe::site(arena, Role::Used, kernel::thread_id(), site);
            let (name, what, sites, hazard) = match taker {
                Taker::Handler(handler) => {
                    let described = describe::exit_handler(arena, handler);
                    let index = arena.format(format_args!("{}", described.index));
                    (described.name, index, described.sites, Some(Hazard { fork, kind, what: index }))
                }
                Taker::Destructor if taken.is_process() => (describe::end_function(arena, site), "end", [].as_slice(), None),
                Taker::Destructor => (describe::destructor(arena, site), "destructor", [].as_slice(), None),
                Taker::Block => (describe::blocks_end(arena, made_at?, site), "block", [].as_slice(), None),
            };
            Some(Hit {
                kind,
                what: arena.format(format_args!("{what}-run")),
                subject: arena.format(format_args!("{name} {verb} {object}")),
                sites: arena.join([sites, made.as_slice(), used.as_slice()]),
                hazard,
            })
        });
    });
}

/// The handler that runs: the one that said so, or an interpreter's from which `site` was reached.
fn running(site: SiteId) -> Option<&'static ExitHandler> {
    let place = RUNNING.load(Relaxed);
    exit_handlers::all().find(|handler| match place {
        0 => handler.is_interpreted() && handler.is_inherited() && runs_exit_function(handler.address(), handler.site(), site),
        _ => handler.index() + 1 == place,
    })
}
