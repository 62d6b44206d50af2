//! A forked child's life: born in the atfork handler, settled at its first wait for work, ended by exec or exit. What bites it in
//! between is written at once.
mod awaited;
mod hit;
pub(crate) mod leaks;
pub(crate) mod regions;
pub(crate) mod restarts;
pub(crate) mod timers;
pub(crate) mod uses;
pub(crate) mod waits;

use crate::describe::own_fork_id;
use crate::emit;
use crate::entry::Arena;
use crate::entry::WaitLength;
use crate::entry::{Scratch, record, record_with_scratch};
use crate::findings::Hazard;
use crate::findings::{self, Evidence, handler_dropped, signals_blocked};
use crate::guards::{self, fixups};
use crate::ledger;
use crate::options::{self, Summary};
use forkguard_core::atfork::{self, Phase};
use forkguard_core::fixed::Text;
use forkguard_core::flags;
use forkguard_core::fork::shared_page;
use forkguard_core::fork::{self as core_fork, Inner};
use forkguard_core::raw;
use forkguard_report::event::{Child, Cure, Event, Exec, Exit, Finding, FindingCounts, FindingState, Kind, Severity, State};
use forkguard_report::summary::Head;
use std::borrow::Cow::Borrowed;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU64, Ordering::Relaxed};

/// Nanoseconds of the monotonic clock at its fork.
#[unsafe(link_section = "forkguard_words")]
static BORN: AtomicU64 = AtomicU64::new(0);
/// The status given to exit(3).
#[unsafe(link_section = "forkguard_words")]
static STATUS: AtomicI32 = AtomicI32::new(0);
/// A child's life begins: in the first child handler.
#[unsafe(link_section = ".text.forkguard_child")]
pub(crate) fn begin(fork: &'static Inner) {
    regions::watch();
    BORN.store(fork.entered, Relaxed);
    flags::SETTLING.store(1, Relaxed);
    uses::begin(true);
    flags::watch_waits();
}

/// In every forked child, before anything of its own begins.
#[unsafe(link_section = ".text.forkguard_child")]
pub(crate) fn reset() {
    flags::SETTLING.store(0, Relaxed);
    OWED.store(std::ptr::null_mut(), Relaxed);
    uses::begin(false);
    flags::FORKED_CHILD.store(1, Relaxed);
    flags::report_end();
}

/// True for a child that has not settled and has made no process, of a fork that is not reported in full: when it execs or ends now, its
/// report says so by saying nothing of it.
pub(crate) fn goes_unsaid() -> bool {
    let in_full = |inner: &Inner| inner.full && inner.like == 0;
    flags::is_settling()
        && core_fork::birth().is_some_and(|birth| !in_full(birth.facts()))
        && core_fork::owned()
        && core_fork::made() == 0
        && ledger::spawns::made() == 0
}

/// The wait at which this child would have settled, if its leader had written by then.
#[unsafe(link_section = "forkguard_words")]
static OWED: AtomicPtr<&'static str> = AtomicPtr::new(std::ptr::null_mut());
/// The signals that it had reset by then: those that it resets later it may reset for its end.
#[unsafe(link_section = "forkguard_words")]
static RESET_THEN: AtomicU64 = AtomicU64::new(0);

/// It settles before a wait of this length, or as soon as it may: its leader may have to be waited for, in no time that the host counts.
pub(crate) fn settles(call: &'static &'static str, length: WaitLength) {
    let written = || {
        !emit::wanted()
            || core_fork::birth()
                .is_none_or(|birth| shared_page::leader_has_reported(birth.facts().leader, birth.facts().sequence))
    };
    if length == WaitLength::Long || settles_by_time() || written() {
        record_with_scratch(|scratch| settled(call, scratch));
    } else if owed().is_none() && fixups_are_done() {
        record(|_| RESET_THEN.store(handler_dropped::resets(), Relaxed));
        OWED.store(std::ptr::from_ref(call).cast_mut(), Relaxed);
    }
}

fn owed() -> Option<&'static str> {
    // SAFETY: null or a reference to a static text.
    unsafe { OWED.load(Relaxed).as_ref() }.copied()
}

/// The child execs or ends: what was put off is done.
#[unsafe(link_section = ".text.forkguard_child")]
pub(crate) fn catch_up() {
    if let Some(call) = owed().filter(|_| flags::is_settling() && fixups_are_done()) {
        record_with_scratch(|scratch| settle(call, scratch));
    }
    uses::judge_in_time();
}

/// The child settles: `call` is what it is about to wait in. What a fixup waits for is not its work yet.
pub(crate) fn settled(call: &'static str, scratch: &Scratch) {
    if fixups_are_done() {
        settle(call, scratch);
    }
}

fn fixups_are_done() -> bool {
    fixups::running().is_none() || settles_by_time()
}

fn settle(call: &'static str, scratch: &Scratch) {
    // A process that this one made past every hook has its memory, but is not it.
    if core_fork::owned()
        && !guards::threads::python::is_starting()
        && flags::SETTLING.swap(0, Relaxed) != 0
        && let Some(snapshot) = core_fork::birth()
    {
        let (call, resets) = owed().map_or((call, !0), |call| (call, RESET_THEN.load(Relaxed)));
        report(scratch, snapshot.facts(), call, resets);
        ledger::report_resolved_by_actions(scratch);
        uses::settled(scratch);
    }
}

/// This child, which has not settled, is about to block exactly these signals. Who unblocks one of those that its leader blocked has a
/// mask of its own, and what it blocks is its own affair (PostgreSQL's backends unblock them in two steps, with a read between).
pub(crate) fn masks(mask: u64) {
    let loosened = |inner: &&Inner| signals_blocked::steers(inner.blocked & !mask);
    if let Some(inner) = core_fork::birth().map(|birth| birth.facts()).filter(loosened) {
        record_with_scratch(|scratch| unblocked(scratch, inner, mask));
    }
}

fn unblocked(scratch: &Scratch, inner: &Inner, blocked: u64) {
    if signals_blocked::steers(inner.blocked & !blocked) {
        let because = "the child unblocked them, or waits for them";
        ledger::report_state(
            scratch,
            Kind::SignalsBlocked,
            format_args!("{}", signals_blocked::MASK),
            State::Resolved,
            None,
            because,
        );
    }
}

/// True for a child that has lived for a second without a call that shows it settled.
pub(crate) fn settles_by_time() -> bool {
    flags::SETTLING.load(Relaxed) != 0 && raw::monotonic() - BORN.load(Relaxed) > 1_000_000_000
}

/// Findings that are listed in a summary.
const LISTED: usize = 64;

fn report(scratch: &Scratch, inner: &'static Inner, call: &'static str, resets: u64) {
    let Some(id) = own_fork_id() else { return };
    // It has had its chance to unblock signals.
    let blocked = inner.blocked & scratch.blocked & !signals_blocked::attended(call);
    unblocked(scratch, inner, blocked);
    let arena = scratch.arena();
    let dealt_with = ledger::find(Kind::SignalsBlocked, signals_blocked::MASK).is_some_and(|said| said.is(State::Resolved));
    let event = crate::describe::fork(&arena, inner, if dealt_with { 0 } else { blocked });
    let evidence = Evidence::of(&event, inner, &arena, id.as_str());
    let mut list = arena.list::<Finding<'_>>(LISTED);
    let mut counts = FindingCounts::default();
    let mut cured = 0;
    findings::all(&evidence, |finding| {
        if ledger::is_resolved_by_action(&finding) {
            cured += 1;
            return;
        }
        match finding.severity {
            Severity::Error => counts.error += 1,
            Severity::Warning => counts.warning += 1,
            Severity::Info => counts.info += 1,
        }
        list.push(finding);
    });
    let mut turns = arena.list(LISTED);
    let mut handled = |what: &str, because| {
        let hazard = Hazard { fork: inner, kind: Kind::HandlerInherited, what };
        ledger::resolved(&arena, &hazard, because).into_iter().for_each(|turn| turns.push(turn));
    };
    // The first that is said counts.
    guards::handlers_dealt_with(&mut handled);
    findings::handler_inherited::renewed(|what| handled(what, "the child set a handler of its own"));
    handler_dropped::each(&arena, inner, resets, |hit| {
        // What a guard had reset before was not the server's deed.
        if guards::has_reset(hit.what) || ledger::advance(hit.kind, hit.what, State::Hit).is_none() {
            return;
        }
        let finding = findings::of_hit(&arena, id.as_str(), Severity::Warning, &hit);
        counts.warning += 1;
        list.push(finding.clone());
        turns.push(Event::Finding(finding));
        ledger::hit_hazard(&arena, &hit).into_iter().for_each(|event| turns.push(event));
    });
    if !turns.as_slice().is_empty() {
        shared_page::await_leader(inner.leader, inner.sequence);
    }
    let mut times = arena.list(atfork::CAPACITY);
    atfork::all().for_each(|r| times.push(r.spent_us(Phase::Child)));
    let (cures, cures_unlisted) = ledger::listed_actions(&arena);
    let child = Child {
        settled: Borrowed(call),
        age: (raw::monotonic() - inner.entered) as f64 / 1e9,
        child_us: core_fork::child_ns() as f64 / 1000.0,
        atfork_us: Borrowed(times.done()),
        memory: crate::describe::own_memory(),
        findings: counts,
        cured,
        stood: Borrowed(crate::describe::stood(&arena, inner)),
        cures: Borrowed(cures),
        cures_unlisted,
    };
    ledger::write_events(
        scratch,
        Some(id.as_str()),
        [Event::Child(child)].into_iter().chain(turns.done().iter().cloned()).map(Some),
    );
    print(&arena, inner.leader, &evidence, list.done(), cures);
}

fn print(arena: &Arena, leader: u32, evidence: &Evidence<'_>, findings: &[Finding<'_>], cures: &[Cure<'_>]) {
    let wanted = match options::get().summary {
        Summary::Never => false,
        Summary::Always => true,
        Summary::Auto => findings.iter().any(findings::worth_a_line),
    };
    if wanted {
        let report = emit::file::path();
        let report = (!report.is_empty()).then_some(report);
        let head = Head { child: raw::process_id(), leader, server: evidence.server(), report, cures };
        let same = shared_page::is_printed_again(findings::fingerprint(findings));
        emit::print(findings::summary(arena, &head, findings, same));
    }
}

/// What exec was given.
pub(crate) enum Program {
    /// A path, relative to a directory's descriptor.
    Path(i32, usize),
    /// A name to look up in PATH.
    Name(usize),
    /// An open file.
    Descriptor(i32),
}

/// A forked child is about to exec. A file that cannot be executed is no event: a search through PATH tries many, and a text without
/// `#!` is no program (of what execvp is given a shell makes one).
pub(crate) fn exec(
    scratch: &Scratch,
    call: &'static str,
    program: Program,
    site: impl FnOnce() -> usize,
    hand_over: impl FnOnce(),
) {
    if !emit::wanted() && !guards::sockets::may_hand_over() {
        return;
    }
    let Some(text) = executable(&program) else { return };
    hand_over();
    // Of a child that no handler of fork saw there is nothing to tell.
    let Some(id) = own_fork_id() else { return };
    let is_program = |directory: i32| text.as_cstr().is_some_and(|path| raw::is_program(directory, path));
    if !emit::wanted() || matches!(program, Program::Path(directory, _) if !is_program(directory)) {
        return;
    }
    let path = match program {
        Program::Descriptor(fd) => Text::of(format_args!("/proc/self/fd/{fd}")),
        _ => text,
    };
    if let Some(path) = path.as_cstr() {
        leaks::by_exec(scratch, path, site);
    }
    if goes_unsaid() {
        return;
    }
    let event = Event::Exec(Exec { program: Borrowed(text.as_str()), call: Borrowed(call) });
    ledger::write_events(scratch, Some(id.as_str()), [Some(event)]);
    moot(scratch, id.as_str(), "the child execs");
}

/// True for a forked child whose exec there is nothing to do about.
pub(crate) fn execs_unsaid() -> bool {
    goes_unsaid() && !guards::sockets::may_hand_over() && !leaks::may_leak()
}

/// What is executed, by name; None for what cannot be.
fn executable(program: &Program) -> Option<Text<1024>> {
    match *program {
        Program::Path(directory, address) => {
            Some(read_path(address)).filter(|path| path.as_cstr().is_some_and(|p| raw::executable(directory, p)))
        }
        Program::Name(address) => found(read_path(address)),
        Program::Descriptor(fd) => Some(Text::of(format_args!("descriptor {fd}"))),
    }
}

/// What a child's end makes of the hazards that it never touched, and why.
#[derive(Clone, Copy)]
struct Ending {
    state: State,
    because: &'static str,
}

/// It lived and worked: the next one may well touch them.
const UNTOUCHED: Ending = Ending { state: State::Untouched, because: "the child ended without touching it" };

/// What this child inherited broken will not bite it any more.
fn moot(scratch: &Scratch, id: &str, because: &'static str) {
    // A leader that has not written yet says so itself.
    let Some(inner) = core_fork::birth().map(|birth| birth.facts()) else { return };
    if shared_page::mark_gone(inner.sequence) && inner.full {
        let ending = Ending { state: State::Moot, because };
        last_words(scratch, id, ending, |_| true);
        if flags::is_settling() {
            uses::unsaid(scratch, id);
            uses::untouched(scratch, id, ending);
        }
    }
}

/// It has lived without its threads; locks and connections that it never touched did no harm.
fn untouched(scratch: &Scratch, id: &str) {
    if core_fork::birth().is_some_and(|birth| birth.facts().full) {
        last_words(scratch, id, UNTOUCHED, |finding| finding.kind == Kind::LockOrphaned);
        uses::untouched(scratch, id, UNTOUCHED);
    }
}

/// Says for every such finding of this child's fork that had no last word: it was dealt with, or what its end makes of it.
fn last_words(scratch: &Scratch, id: &str, ending: Ending, about: impl Fn(&Finding<'_>) -> bool) {
    let Some(inner) = core_fork::birth().map(|b| b.facts()).filter(|inner| inner.full) else { return };
    shared_page::await_leader(inner.leader, inner.sequence);
    let arena = scratch.arena();
    let losses = crate::describe::losses(&arena, inner);
    let evidence = Evidence::of(&losses, inner, &arena, id);
    ledger::write_states(scratch, id, |each| {
        findings::fleeting(&evidence, |finding| {
            let what = finding.id.splitn(3, ':').nth(2).unwrap_or_default();
            // A thread that was being started has another number in the leader by now.
            let unnumbered = finding.kind == Kind::ThreadLost && what.starts_with("new-");
            if !about(&finding) || unnumbered || ledger::find(finding.kind, what).is_some() {
                return;
            }
            let orphan = finding.kind == Kind::LockOrphaned;
            let (state, because) = match orphan && waits::is_dealt_with(inner, what) {
                _ if orphan && waits::is_repaired(inner, what) => (State::Resolved, guards::REPAIRED),
                true => (State::Resolved, "the child released it or made it anew"),
                false => (ending.state, ending.because),
            };
            // A hazard that did no harm in this run is worth knowing, no more.
            let severity = (state == State::Untouched && finding.severity > Severity::Info).then_some(Severity::Info);
            each(FindingState { id: finding.id, state, severity, because: Borrowed(because) });
        });
    });
}

/// Where exec's search through PATH ends; None when it finds nothing.
fn found(name: Text<1024>) -> Option<Text<1024>> {
    if name.as_str().contains('/') {
        return raw::executable(libc::AT_FDCWD, name.as_cstr()?).then_some(name);
    }
    options::variable(c"PATH").unwrap_or("/bin:/usr/bin").split(':').find_map(|directory| {
        let mut path = Text::new();
        let directory = if directory.is_empty() { "." } else { directory };
        std::fmt::Write::write_fmt(&mut path, format_args!("{directory}/{}", name.as_str())).ok()?;
        raw::executable(libc::AT_FDCWD, path.as_cstr()?).then_some(path)
    })
}

/// A C string of the host's, read so that a bad address stays the host's own fault.
fn read_path(address: usize) -> Text<1024> {
    let mut bytes = [0u8; 1000];
    let mut length = 0;
    while length < bytes.len() {
        // Never past the end of a page: the string may end just before memory that is not mapped.
        let step = (64 - (address + length) % 64).min(bytes.len() - length);
        let chunk = &mut bytes[length..length + step];
        if !raw::read_memory(address + length, chunk) {
            chunk.fill(0);
        }
        let ended = chunk.contains(&0);
        length += step;
        if ended {
            break;
        }
    }
    Text::from_bytes(&bytes)
}

/// exit(3) is called: the end comes after its handlers.
pub(crate) fn exiting(status: i32) {
    STATUS.store(status, Relaxed);
}

/// This process ends.
pub(crate) fn exit(scratch: &Scratch, call: &'static str, status: i32) {
    // A process that shares this one's memory, or a fork that no hook saw, has no end of ours to tell.
    if !core_fork::owned() {
        return;
    }
    let event = Exit { status, call: Borrowed(call), forks: core_fork::made(), spawns: ledger::spawns::made() };
    let id = own_fork_id();
    ledger::write_events(scratch, id.as_ref().map(Text::as_str), [Some(Event::Exit(event))]);
    // What a child that forked does not use, its own child may.
    let Some(id) = id.filter(|_| core_fork::made() == 0) else { return };
    match flags::is_settling() {
        true => moot(scratch, id.as_str(), "the child ended at once"),
        false => untouched(scratch, id.as_str()),
    }
}

/// This process ends through exit(3) or by returning from main.
pub(crate) fn ended(scratch: &Scratch) {
    exit(scratch, "exit", STATUS.load(Relaxed));
}
