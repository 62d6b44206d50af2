//! Children that a signal does not end which their leader sends to end them, because they have a handler for it that the application set before
//! the fork, or ignore it as the application did there: Python's `signal.signal` at import, and then a pool's or server's SIGTERM.
//!
//! That it is sent is only noted. That it did not help is reported when the leader sends SIGKILL, or waits for the child since a while; or for any
//! child, where all were sent such a signal.
use crate::describe::{self, setting_of_application};
use crate::entry::{Arena, Scratch, errno, record_with_scratch};
use crate::findings::{self, Hit};
use crate::ledger;
use crate::options::{self, Summary};
use forkguard_core::fork::Snapshot;
use forkguard_core::kernel;
use forkguard_core::kernel::other_process::{self, each_child, each_thread};
use forkguard_core::registry::signals::SignalSetting;
use forkguard_core::registry::{generation, signals};
use forkguard_core::{gate, tls};
use forkguard_report::event::{Event, Finding, FindingKind, FindingState, Role, Severity, State};
use std::borrow::Cow::Borrowed;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::*};

/// The signals by which processes are asked to end.
const ENDING: [i32; 3] = [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT];
/// A child that ends later than that is not slow.
const PATIENCE_NS: u64 = 1_000_000_000;
/// The same where the leader only waits for it: that wait may go on.
const LONG_PATIENCE_NS: u64 = 5_000_000_000;

/// What a child has from its leader for a signal: a handler, or that it is ignored.
struct Inherited {
    /// 0: none of the application's.
    site: AtomicUsize,
    ignored: AtomicBool,
    thread: AtomicU32,
    version: AtomicU64,
}

impl Inherited {
    const fn none() -> Inherited {
        Inherited {
            site: AtomicUsize::new(0),
            ignored: AtomicBool::new(false),
            thread: AtomicU32::new(0),
            version: AtomicU64::new(0),
        }
    }

    fn kind(&self) -> FindingKind {
        if self.ignored.load(Relaxed) { FindingKind::SignalsBlocked } else { FindingKind::HandlerInherited }
    }
}

/// A child that was forked so.
struct Child {
    pid: AtomicU32,
    /// The generation of its leader, and `FULL` when the fork was reported in full.
    leader: AtomicU32,
    sequence: AtomicU64,
    inherited: [Inherited; ENDING.len()],
    /// The signal that was sent, by its index plus one, and `REPORTED`; 0: none.
    sent: AtomicU32,
    sent_at: AtomicU64,
}

/// What stands for it in a finding's id.
const NOT_ENDED: &str = "not-ended";
const FULL: u32 = 1 << 31;
const REPORTED: u32 = 1 << 31;

/// The last of them.
pub(super) const CHILDREN: usize = 64;
static SLOTS: [Child; CHILDREN] = [const {
    Child {
        pid: AtomicU32::new(0),
        leader: AtomicU32::new(0),
        sequence: AtomicU64::new(0),
        inherited: [const { Inherited::none() }; ENDING.len()],
        sent: AtomicU32::new(0),
        sent_at: AtomicU64::new(0),
    }
}; CHILDREN];

/// In a leader after a fork.
pub(super) fn remember(fork: &Snapshot, pid: u32) {
    let set = ENDING.map(kept_from_ending);
    if !fork.prepared || set.iter().all(Option::is_none) {
        return;
    }
    let slot = &SLOTS[fork.sequence as usize % CHILDREN];
    slot.pid.store(0, Relaxed);
    for ((signal, inherited), set) in ENDING.iter().zip(&slot.inherited).zip(set) {
        inherited.site.store(set.map_or(0, |set| set.site), Relaxed);
        inherited.ignored.store(set.is_some_and(|set| set.handler == libc::SIG_IGN), Relaxed);
        inherited.thread.store(set.map_or(0, |set| set.thread), Relaxed);
        inherited.version.store(signals::version(*signal).map_or(0, |(_, version)| version), Relaxed);
    }
    slot.sequence.store(fork.sequence, Relaxed);
    slot.leader.store(generation::current() | if fork.full { FULL } else { 0 }, Relaxed);
    slot.sent.store(0, Relaxed);
    slot.pid.store(pid, Release);
}

/// What the application has set for a signal, so that it does not end who gets it. A pool ignores SIGINT while it forks, for its workers' sake.
fn kept_from_ending(signal: i32) -> Option<SignalSetting> {
    setting_of_application(signal).filter(|set| set.handler != libc::SIG_IGN || signal != libc::SIGINT)
}

/// A child was sent one of them.
static ANY_SENT: AtomicBool = AtomicBool::new(false);

fn own_children() -> impl Iterator<Item = &'static Child> {
    SLOTS.iter().filter(|child| child.leader.load(Relaxed) & !FULL == generation::current())
}

fn find(pid: u32) -> Option<&'static Child> {
    own_children().find(|child| child.pid.load(Acquire) == pid)
}

/// Since the signal was sent.
fn age(child: &Child) -> u64 {
    kernel::monotonic() - child.sent_at.load(Relaxed)
}

/// The leader is about to send a signal to that process.
pub(super) fn before_signal(pid: u32, signal: i32) {
    let Some(child) = find(pid) else { return };
    if signal == libc::SIGKILL {
        report_if_older_than(child, PATIENCE_NS);
        // What ends it now is no reason to take that back.
        child.sent.store(0, Relaxed);
    } else if let Some(index) = ENDING.iter().position(|ending| *ending == signal)
        && child.sent.load(Relaxed) == 0
        && lives_through(child, index)
    {
        child.sent_at.store(kernel::monotonic(), Relaxed);
        child.sent.store(index as u32 + 1, Relaxed);
        ANY_SENT.store(true, Relaxed);
    }
}

/// True for a child that was sent such a signal; -1: for any.
pub(crate) fn was_asked(pid: i32) -> bool {
    let is_asked = |child: &Child| (pid == -1 || child.pid.load(Relaxed) == pid as u32) && child.sent.load(Relaxed) != 0;
    ANY_SENT.load(Relaxed) && own_children().any(is_asked)
}

/// All children of this process, where each was sent such a signal, and of one it is not known yet what it does about it; else none.
pub(super) fn children_asked(room: &mut [u32; CHILDREN]) -> &[u32] {
    let (mut count, mut are_asked, mut is_one_awaited) = (0, true, false);
    let mut add = |pid| {
        let child = find(pid).filter(|child| child.sent.load(Relaxed) != 0 && count < CHILDREN);
        are_asked &= child.is_some();
        is_one_awaited |= child.is_some_and(|child| child.sent.load(Relaxed) < REPORTED && age(child) < LONG_PATIENCE_NS);
        if child.is_some() {
            room[count] = pid;
            count += 1;
        }
    };
    let mut are_listed = true;
    let own_threads = each_thread(kernel::process_id(), |thread| are_listed &= each_child(thread, &mut add));
    if own_threads && are_listed && are_asked && is_one_awaited { &room[..count] } else { &[] }
}

/// The leader waits for that child.
pub(super) fn while_waiting(pid: u32) {
    if let Some(child) = find(pid) {
        report_if_older_than(child, LONG_PATIENCE_NS);
    }
}

/// A child has ended, and was waited for.
pub(crate) fn ended(pid: i32) {
    if pid > 0 && was_asked(pid) && gate::awake() && tls::inside() == 0 && !gate::is_guest() {
        errno::preserve(|| find(pid as u32).into_iter().for_each(forget));
    }
}

fn forget(child: &Child) {
    let sent = child.sent.swap(0, Relaxed);
    if sent & REPORTED != 0 {
        record_with_scratch(|scratch| {
            let arena = &scratch.arena();
            let [fork, finding, _] = ids(arena, child, (sent & !REPORTED) as usize - 1);
            let state = new_state(finding, State::Resolved, "the child ended after all");
            ledger::write_events(scratch, Some(fork), [Some(state)]);
        });
    }
}

/// True when the child has a handler for it or ignores it, as its leader did, and has changed nothing of that since its fork.
fn lives_through(child: &Child, index: usize) -> bool {
    let (pid, signal, inherited) = (child.pid.load(Relaxed), ENDING[index], &child.inherited[index]);
    let is_unchanged = || {
        let (address, _) = signals::version(signal)?;
        let mut version = [0; 8];
        let is_read = kernel::read_memory_of(pid, address, &mut version);
        Some(is_read && u64::from_ne_bytes(version) == inherited.version.load(Relaxed))
    };
    inherited.site.load(Relaxed) != 0 && is_unchanged() == Some(true) && other_process::lives_through(pid, signal)
}

/// Reports once that a signal, sent so long ago, has not ended the child.
fn report_if_older_than(child: &'static Child, nanoseconds: u64) {
    let age = age(child);
    let sent = child.sent.load(Relaxed);
    let is_due = (1..REPORTED).contains(&sent) && age >= nanoseconds && lives_through(child, sent as usize - 1);
    if is_due && child.sent.compare_exchange(sent, sent | REPORTED, Relaxed, Relaxed).is_ok() {
        record_with_scratch(|scratch| report(scratch, child, sent as usize - 1, age));
    }
}

fn report(scratch: &Scratch, child: &'static Child, index: usize, age: u64) {
    let (arena, inherited, pid) = (&scratch.arena(), &child.inherited[index], child.pid.load(Relaxed));
    let [fork, _, hazard] = ids(arena, child, index);
    let ignored = inherited.ignored.load(Relaxed);
    let because = if ignored { "it was ignored" } else { "its handler was set" };
    let hit = Hit {
        kind: inherited.kind(),
        what: NOT_ENDED,
        subject: arena.format(format_args!(
            "{}, sent to end it, has not done so in {}.{} s: {because} before the fork",
            signals::name(ENDING[index]),
            age / 1_000_000_000,
            age / 100_000_000 % 10
        )),
        sites: arena
            .join([describe::site(arena, Role::Set, inherited.thread.load(Relaxed), inherited.site.load(Relaxed)).as_slice()]),
        hazard: None,
    };
    let finding = Finding { child: Some(pid), ..findings::of_hit(arena, fork, Severity::Warning, &hit) };
    // At the fork, handlers are found, and nothing that is ignored.
    let is_known = !ignored && child.leader.load(Relaxed) & FULL != 0;
    let hazard = is_known.then(|| new_state(hazard, State::Hit, "sent to end the child, which lives on"));
    ledger::write_events(scratch, Some(fork), [hazard, Some(Event::Finding(finding.clone()))]);
    if options::get().summary != Summary::Never && !finding.suppressed {
        ledger::print_hit(arena, pid, kernel::process_id(), &finding);
    }
}

fn new_state<'a>(id: &'a str, state: State, because: &'a str) -> Event<'a> {
    Event::FindingState(FindingState { id: Borrowed(id), state, severity: None, because: Borrowed(because) })
}

/// Ids: of the child's fork, of the finding that a signal has not ended it, and of the one of that signal's handler.
fn ids<'a>(arena: &'a Arena, child: &Child, index: usize) -> [&'a str; 3] {
    let kind = child.inherited[index].kind().name();
    let fork = arena.text(describe::fork_id(kernel::process_id(), child.sequence.load(Relaxed)).as_str());
    let finding = arena.format(format_args!("{fork}:{kind}:{NOT_ENDED}"));
    [fork, finding, arena.format(format_args!("{fork}:{kind}:{}", signals::name(ENDING[index])))]
}
