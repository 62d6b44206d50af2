//! What a guard does about a fork: one guard a file. Nothing here acts in `observe` mode.
//!
//! A guard that acts before the fork is called from [`before_fork`], one that acts in the child from [`in_child`] (in our child handler,
//! the first of all) or from [`at_end_of_fork`] (after every other library's). What it does is noted with [`did`]: the child's report
//! lists it. Code here runs where `hooks/mod.rs` says hooks run: it allocates nothing, takes no lock, and asks the kernel directly.
mod epoll;
mod files;
pub(crate) mod fixups;
pub(crate) mod keep;
mod locks;
mod openmp;
mod safe_point;
mod self_pipe;
mod signals;
pub(crate) mod signals_keep;
pub(crate) mod sockets;
pub(crate) mod threads;
mod timers;

pub(crate) use files::before_first_use;
pub(crate) use locks::REPAIRED;
pub(crate) use openmp::runs_regions_alone;
pub(crate) use safe_point::{look_again, wait_before_fork};
pub(crate) use self_pipe::detach;

use crate::child::{self, bite};
use crate::emit;
use crate::entry::Arena;
use crate::entry::scratch::on_scratch_stack;
use crate::entry::{Scratch, record_with_scratch};
use crate::options;
use forkguard_core::fixed::Text;
use forkguard_core::fork::{Inner, Snapshot};
use forkguard_core::{descriptor, gate, raw};
use forkguard_report::event::{Cure, Event, Finding, Guard, Kind, State};
use std::borrow::Cow::Borrowed;
use std::cell::UnsafeCell;
use std::fmt::Arguments;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The option, not yet given, that would deal with what such a finding is about.
pub(crate) fn unused(kind: Kind) -> Option<&'static str> {
    use options::{Locks, OpenMp, Shared, Threads, Timers};
    let given = options::get();
    let (is_given, option) = match kind {
        Kind::ThreadLost => (matches!(given.threads, Threads::Named(_)), "FORKGUARD_THREADS=revive:NAME (Python's threads)"),
        Kind::LockOrphaned | Kind::LockDeadlock => {
            (given.safe_point != 0 || given.locks == Locks::Reset, "FORKGUARD_SAFE_POINT=100 or FORKGUARD_LOCKS=reset")
        }
        Kind::ConnectionInherited | Kind::ConnectionSharedUse => (given.sockets.severs(), "FORKGUARD_SOCKETS=sever"),
        Kind::EpollInherited | Kind::EpollSharedUse => (given.epoll == Shared::Own, "FORKGUARD_EPOLL=own (epoll instances)"),
        Kind::FileOffsetShared => (given.files == Shared::Own, "FORKGUARD_FILES=own (files that are only read)"),
        Kind::TimerLost => (given.timers == Timers::Rearm, "FORKGUARD_TIMERS=rearm (profiling timers)"),
        Kind::RuntimeUnsafe => (given.openmp != OpenMp::Keep, "FORKGUARD_OPENMP=pause (libgomp)"),
        Kind::HandlerDropped => (given.signals_keep != 0, "FORKGUARD_SIGNALS_KEEP=NAME"),
        _ => return None,
    };
    (!is_given).then_some(option)
}

/// In the constructor.
pub(crate) fn prepare() {
    if options::guards() {
        safe_point::prepare();
    }
}

/// In the forking thread, before any prepare handler.
pub(crate) fn before_fork() {
    if options::guards() {
        fixups::before_fork();
        openmp::before_fork();
        timers::before_fork();
    }
}

/// In the leader's first handler after the fork.
pub(crate) fn forked() {
    if options::guards() {
        safe_point::forked();
    }
}

/// In the leader's forking thread, when fork has returned there; not inside a hook's bookkeeping.
pub(crate) fn after_fork() {
    if options::guards() {
        safe_point::after_fork();
    }
}

/// In the first child handler, when the child's own life has begun.
pub(crate) fn in_child(fork: &'static Inner) {
    reset_in_child();
    if !options::guards() {
        return;
    }
    signals::reset_in_child();
    signals_keep::reset_in_child();
    fixups::reset_in_child(fork);
    // The host's stack may be that of a signal handler, or of a thread with the least there is.
    if has_work() && on_scratch_stack(|_| act(fork)).is_none() && gate::awake() {
        act(fork);
    }
}

/// False in most children, which then touch no page more.
fn has_work() -> bool {
    options::get().asks_for_guards() || signals::may_act() || descriptor::connected().next().is_some()
}

#[inline(never)]
fn act(fork: &'static Inner) {
    safe_point::in_child(fork);
    locks::in_child(fork);
    signals::in_child();
    sockets::in_child(fork);
    epoll::in_child();
    files::in_child();
    timers::in_child(fork);
    openmp::in_child(fork);
    threads::in_child();
}

/// In the child, when every other library's child handler has run.
pub(crate) fn at_end_of_fork(fork: Option<&'static Snapshot>) {
    if options::guards() {
        threads::at_end_of_fork();
        fixups::at_end_of_fork(fork);
    }
}

/// In a forked child, when exit(3) has run the program's handlers.
pub(crate) fn at_exit() {
    if options::guards() {
        files::at_exit();
    }
}

/// True for a signal, by name, that a guard reset in this child.
pub(crate) fn has_reset(signal: &str) -> bool {
    signals::has_reset(signal)
}

/// Calls `each` with the names of the signals whose inherited handler a guard dealt with in this child, and how.
pub(crate) fn handlers_dealt_with(mut each: impl FnMut(&str, &'static str)) {
    signals::each_reset(|signal| each(signal, "forkguard reset it to its default"));
    signals_keep::each_put_back(|signal| each(signal, signals_keep::BECAUSE));
}

/// One deed of a guard.
struct Done {
    guard: Guard,
    action: &'static str,
    subject: Text<96>,
    ns: u64,
    failed: i32,
    /// The finding of the fork that it ended, and why, in words.
    ended: Option<(Kind, Text<64>, &'static str)>,
}

impl Done {
    fn describe<'a>(&self, subject: &'a str) -> Cure<'a> {
        Cure {
            guard: self.guard,
            action: Borrowed(self.action),
            subject: Borrowed(subject),
            us: self.ns as f64 / 1000.0,
            failed: (self.failed != 0).then_some(self.failed),
        }
    }

    fn turn(&self, scratch: &Scratch) {
        if let Some((kind, what, because)) = &self.ended {
            bite::turn(scratch, *kind, format_args!("{}", what.as_str()), State::Resolved, None, because);
        }
    }
}

/// Deeds that a child's report lists.
const LISTED: usize = 64;

struct Kept(UnsafeCell<[Option<Done>; LISTED]>);
// SAFETY: a place is written once, by the thread that drew its number from `COUNT`, and read when the child settles: guards act before that.
unsafe impl Sync for Kept {}

static KEPT: Kept = Kept(UnsafeCell::new([const { None }; LISTED]));
#[unsafe(link_section = "forkguard_words")]
static COUNT: AtomicU32 = AtomicU32::new(0);

fn reset_in_child() {
    if COUNT.load(Relaxed) != 0 {
        COUNT.store(0, Relaxed);
    }
}

/// Notes what a guard did in this child since `start` (nanoseconds of the monotonic clock), or its errno.
fn did(guard: Guard, action: &'static str, subject: Arguments<'_>, start: u64, result: Result<(), i32>) {
    note_deed(guard, action, subject, start, result, None);
}

/// The same for a deed that ends the life of this fork's finding `kind:what`, if it succeeded: the report says so `because` of it when the
/// child settles.
fn cured(
    guard: Guard,
    action: &'static str,
    subject: Arguments<'_>,
    start: u64,
    result: Result<(), i32>,
    (kind, what, because): (Kind, Arguments<'_>, &'static str),
) {
    let ended = result.is_ok().then(|| (kind, Text::of(what), because));
    note_deed(guard, action, subject, start, result, ended);
}

fn note_deed(
    guard: Guard,
    action: &'static str,
    subject: Arguments<'_>,
    start: u64,
    result: Result<(), i32>,
    ended: Option<(Kind, Text<64>, &'static str)>,
) {
    let ns = raw::monotonic_of_kernel().saturating_sub(start);
    let done = Done { guard, action, subject: Text::of(subject), ns, failed: result.err().unwrap_or(0), ended };
    if !child::is_unsettled() {
        record_with_scratch(|scratch| {
            let birth = child::birth();
            let event = Event::Guarded(done.describe(done.subject.as_str()));
            emit::of_child(scratch, birth.as_ref().map(Text::as_str), [Some(event)]);
            done.turn(scratch);
        });
        return;
    }
    let index = COUNT.fetch_add(1, Relaxed) as usize;
    if index < LISTED {
        // SAFETY: see `Kept`.
        unsafe { (*KEPT.0.get())[index] = Some(done) };
    }
}

fn kept() -> impl Iterator<Item = &'static Done> {
    // SAFETY: see `Kept`.
    let kept = unsafe { &*KEPT.0.get() };
    kept.iter().take(COUNT.load(Relaxed) as usize).flatten()
}

/// What guards did until the child settled, and how much more.
pub(crate) fn listed<'a>(arena: &'a Arena) -> (&'a [Cure<'a>], u32) {
    let mut list = arena.list(LISTED);
    kept().for_each(|done| list.push(done.describe(arena.text(done.subject.as_str()))));
    (list.done(), COUNT.load(Relaxed).saturating_sub(LISTED as u32))
}

/// True for a finding of this child's fork that a guard has ended.
pub(crate) fn has_ended(finding: &Finding<'_>) -> bool {
    let what = finding.id.splitn(3, ':').nth(2).unwrap_or_default();
    kept().filter_map(|done| done.ended.as_ref()).any(|(kind, ended, _)| *kind == finding.kind && ended.as_str() == what)
}

/// The child is gone before it settled: gives the findings that guards have ended, and why.
pub(crate) fn ended(mut each: impl FnMut(Kind, &str, &'static str)) {
    kept().filter_map(|done| done.ended.as_ref()).for_each(|(kind, what, because)| each(*kind, what.as_str(), because));
}

/// The child settles: the findings that guards have ended are said to be.
pub(crate) fn settled(scratch: &Scratch) {
    kept().for_each(|done| done.turn(scratch));
}
