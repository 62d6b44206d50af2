//! A forked child's life: born in the atfork handler, settled at its first wait for work, ended by exec or exit.
use crate::arena::Arena;
use crate::emit;
use crate::findings::{self, Evidence, signals_blocked};
use crate::hooks::{AtLength, IN_CHILD, REPORTS};
use crate::options::{self, Summary};
use forkguard_core::atfork::{self, Phase};
use forkguard_core::fixed::Text;
use forkguard_core::fork::{self as core_fork, Snapshot};
use forkguard_core::{gate, raw};
use forkguard_report::event::{Child, Event, Exec, Exit, Finding, FindingCounts, FindingState, Severity, State};
use forkguard_report::summary::Head;
use std::borrow::Cow::Borrowed;
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU8, AtomicU64, Ordering::Relaxed};

/// Not zero from a child's birth until it settles.
pub(crate) static SETTLING: AtomicU8 = AtomicU8::new(0);
/// The fork that made this process, until it settles.
static BIRTH: AtomicPtr<Snapshot> = AtomicPtr::new(ptr::null_mut());
/// The status given to exit(3).
static STATUS: AtomicI32 = AtomicI32::new(0);
/// One word that a leader shares with its children: the fingerprint of the findings that were printed last. A further worker with
/// the same ones says so in one line.
static PRINTED: AtomicPtr<AtomicU64> = AtomicPtr::new(ptr::null_mut());

struct BirthId(UnsafeCell<Option<Text<32>>>);
// SAFETY: written in the child handler, while the process has one thread.
unsafe impl Sync for BirthId {}
static BIRTH_ID: BirthId = BirthId(UnsafeCell::new(None));

/// `LEADER.SEQUENCE` of the fork that made this process.
pub(crate) fn birth() -> Option<Text<32>> {
    // SAFETY: see `BirthId`.
    unsafe { *BIRTH_ID.0.get() }
}

/// In the first child handler.
pub(crate) fn born(snapshot: &'static Snapshot) {
    let inner = snapshot.inner();
    begin_life(Some(emit::fork_id(inner.leader, inner.sequence)));
    crate::sites::stand_in_child(inner);
    BIRTH.store(ptr::from_ref(snapshot).cast_mut(), Relaxed);
    SETTLING.store(1, Relaxed);
}

/// In a child that no atfork handler saw.
pub(crate) fn born_unseen() {
    if gate::awake() {
        core_fork::child_unseen();
        begin_life(None);
    }
}

fn begin_life(id: Option<Text<32>>) {
    emit::reset_in_child();
    crate::sites::reset_in_child();
    // SAFETY: see `BirthId`.
    unsafe { *BIRTH_ID.0.get() = id };
    SETTLING.store(0, Relaxed);
    IN_CHILD.store(1, Relaxed);
    REPORTS.store(1, Relaxed);
}

/// The child settles: `call` is what it is about to wait in.
pub(crate) fn settled(call: &'static str, at: &AtLength) {
    let snapshot = BIRTH.swap(ptr::null_mut(), Relaxed);
    SETTLING.store(0, Relaxed);
    // SAFETY: null or the reference that `born` stored.
    if let Some(snapshot) = unsafe { snapshot.as_ref() } {
        report(snapshot, call, at.blocked);
        core_fork::release(snapshot);
    }
}

/// True for a child that has lived for a second without a call that shows it settled.
pub(crate) fn settles_by_time() -> bool {
    // SAFETY: null or the reference that `born` stored.
    let age = unsafe { BIRTH.load(Relaxed).as_ref() }.map(|s| raw::monotonic() - s.inner().entered);
    age.is_some_and(|ns| ns > 1_000_000_000)
}

/// Findings that are listed in a summary.
const LISTED: usize = 64;

fn report(snapshot: &'static Snapshot, call: &'static str, blocked: u64) {
    let inner = snapshot.inner();
    let (Some(arena), Some(id)) = (Arena::new(8 << 20), birth()) else { return };
    // It has had its chance to unblock signals.
    let blocked = inner.blocked & blocked & !signals_blocked::attended(call);
    if signals_blocked::steers(inner.blocked) && !signals_blocked::steers(blocked) {
        let state = FindingState {
            id: Borrowed(signals_blocked::id(&arena, id.as_str())),
            state: State::Resolved,
            severity: None,
            because: Borrowed("the child unblocked them, or waits for them"),
        };
        emit::of_child(Some(id.as_str()), Event::FindingState(state));
    }
    let event = crate::describe::fork(&arena, inner, blocked);
    let evidence = Evidence::of(&event, &arena, id.as_str());
    let mut list = arena.list::<Finding<'_>>(LISTED);
    let mut counts = FindingCounts::default();
    findings::all(&evidence, |finding| {
        match finding.severity {
            Severity::Error => counts.error += 1,
            Severity::Warning => counts.warning += 1,
            Severity::Info => counts.info += 1,
        }
        list.push(finding);
    });
    let mut times = arena.list(atfork::CAPACITY);
    atfork::all().for_each(|r| times.push(r.spent_us(Phase::Child)));
    let child = Child {
        settled: Borrowed(call),
        age: (raw::monotonic() - inner.entered) as f64 / 1e9,
        child_us: inner.child_ns as f64 / 1000.0,
        atfork_us: Borrowed(times.done()),
        memory: crate::describe::own_memory(),
        findings: counts,
        stood: Borrowed(crate::describe::stood(&arena, inner)),
    };
    emit::of_child(Some(id.as_str()), Event::Child(child));
    print(&arena, inner.leader, &evidence, list.done());
}

fn print(arena: &Arena, leader: u32, evidence: &Evidence<'_>, findings: &[Finding<'_>]) {
    let wanted = match options::get().summary {
        Summary::Never => false,
        Summary::Always => true,
        Summary::Auto => findings.iter().any(findings::worth_a_line),
    };
    if wanted {
        let report = emit::file::path();
        let head =
            Head { child: raw::process_id(), leader, server: evidence.server(), report: (!report.is_empty()).then_some(report) };
        let same = printed_before(findings::fingerprint(findings));
        emit::print(findings::summary(arena, &head, findings, same));
    }
}

/// In a leader, before its first fork: makes the word that it shares with its children.
pub(crate) fn share() {
    if let Some(word) = raw::shared_word() {
        PRINTED.store(word, Relaxed);
    }
}

/// Notes what is printed now; true when it is what another child of this leader printed before.
fn printed_before(fingerprint: u64) -> bool {
    // SAFETY: null or a word that is mapped for good.
    unsafe { PRINTED.load(Relaxed).as_ref() }.is_some_and(|word| word.swap(fingerprint, Relaxed) == fingerprint)
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

/// A forked child is about to exec. A file that cannot be executed is no event: a search through PATH tries many.
pub(crate) fn exec(call: &'static str, program: Program) {
    let Some(id) = birth() else { return };
    let text = match program {
        Program::Path(directory, address) => {
            let path = read_path(address);
            if !path.as_cstr().is_some_and(|p| raw::executable(directory, p)) {
                return;
            }
            path
        }
        Program::Name(address) => read_path(address),
        Program::Descriptor(fd) => {
            let mut text = Text::new();
            let _ = std::fmt::Write::write_fmt(&mut text, format_args!("descriptor {fd}"));
            text
        }
    };
    emit::of_child(Some(id.as_str()), Event::Exec(Exec { program: Borrowed(text.as_str()), call: Borrowed(call) }));
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
pub(crate) fn exit(call: &'static str, status: i32) {
    let event = Exit { status, call: Borrowed(call), forks: core_fork::made() - emit::spawns(), spawns: emit::spawns() };
    let id = birth();
    emit::of_child(id.as_ref().map(Text::as_str), Event::Exit(event));
}

/// This process ends through exit(3) or by returning from main.
pub(crate) fn ended() {
    exit("exit", STATUS.load(Relaxed));
}
