//! The actions of guards in this child. Those before it settles are listed in its `child` event, later ones are events of their own.
use crate::describe::own_fork_id;
use crate::entry::{Arena, Scratch, record_with_scratch};
use crate::ledger::hits::report_state;
use crate::ledger::report::write_events;
use forkguard_core::fixed::Text;
use forkguard_core::{flags, kernel};
use forkguard_report::event::{Cure, Event, Finding, FindingKind, Guard, State};
use std::borrow::Cow::Borrowed;
use std::cell::UnsafeCell;
use std::fmt::Arguments;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::*};

/// One action of a guard.
struct Action {
    guard: Guard,
    action: &'static str,
    subject: Text<160>,
    ns: u64,
    failed: i32,
    /// The finding of the fork that it ended, and why, in words.
    ended: Option<(FindingKind, Text<64>, &'static str)>,
}

impl Action {
    fn describe<'a>(&self, subject: &'a str) -> Cure<'a> {
        Cure {
            guard: self.guard,
            action: Borrowed(self.action),
            subject: Borrowed(subject),
            us: self.ns as f64 / 1000.0,
            failed: (self.failed != 0).then_some(self.failed),
        }
    }

    fn report_resolved(&self, scratch: &Scratch) {
        if let Some((kind, what, because)) = &self.ended {
            report_state(scratch, *kind, format_args!("{}", what.as_str()), State::Resolved, None, because);
        }
    }
}

/// Actions that a child's report lists.
const LISTED: usize = 64;

/// One of them.
struct Slot {
    is_written: AtomicBool,
    action: UnsafeCell<Option<Action>>,
}
// SAFETY: the thread that drew the slot's number from `COUNT` writes the action, once a process, and nobody reads it before `is_written`.
unsafe impl Sync for Slot {}

impl Slot {
    fn action(&'static self) -> Option<&'static Action> {
        // SAFETY: see `Sync`.
        self.is_written.load(Acquire).then(|| unsafe { &*self.action.get() })?.as_ref()
    }
}

static SLOTS: [Slot; LISTED] = [const { Slot { is_written: AtomicBool::new(false), action: UnsafeCell::new(None) } }; LISTED];
#[unsafe(link_section = "forkguard_words")]
static COUNT: AtomicU32 = AtomicU32::new(0);

fn slots_in_use() -> impl Iterator<Item = &'static Slot> {
    SLOTS.iter().take(COUNT.load(Relaxed) as usize)
}

pub(super) fn reset_in_child() {
    if COUNT.load(Relaxed) != 0 {
        slots_in_use().for_each(|slot| slot.is_written.store(false, Relaxed));
        COUNT.store(0, Relaxed);
    }
}

/// Logs what a guard did in this child since `start` (nanoseconds of the monotonic clock), or its errno.
pub(crate) fn log_action(guard: Guard, action: &'static str, subject: Arguments<'_>, start: u64, result: Result<(), i32>) {
    log(guard, action, subject, start, result, None);
}

/// The same for an action that resolves the finding `kind:what` of this fork, if it succeeded: reported with the reason `because` when the child
/// settles.
pub(crate) fn log_resolving_action(
    guard: Guard,
    action: &'static str,
    subject: Arguments<'_>,
    start: u64,
    result: Result<(), i32>,
    (kind, what, because): (FindingKind, Arguments<'_>, &'static str),
) {
    let ended = result.is_ok().then(|| (kind, Text::of(what), because));
    log(guard, action, subject, start, result, ended);
}

fn log(
    guard: Guard,
    action: &'static str,
    subject: Arguments<'_>,
    start: u64,
    result: Result<(), i32>,
    ended: Option<(FindingKind, Text<64>, &'static str)>,
) {
    let ns = kernel::monotonic_by_syscall().saturating_sub(start);
    let action = Action { guard, action, subject: Text::of(subject), ns, failed: result.err().unwrap_or(0), ended };
    if !flags::is_settling() {
        record_with_scratch(|scratch| {
            let birth = own_fork_id();
            let event = Event::Guarded(action.describe(action.subject.as_str()));
            write_events(scratch, birth.as_ref().map(Text::as_str), [Some(event)]);
            action.report_resolved(scratch);
        });
        return;
    }
    if let Some(slot) = SLOTS.get(COUNT.fetch_add(1, Relaxed) as usize) {
        // SAFETY: see `Slot`.
        unsafe { *slot.action.get() = Some(action) };
        slot.is_written.store(true, Release);
    }
}

fn actions() -> impl Iterator<Item = &'static Action> {
    slots_in_use().filter_map(Slot::action)
}

/// What guards did until the child settled, and how much more.
pub(crate) fn listed_actions<'a>(arena: &'a Arena) -> (&'a [Cure<'a>], u32) {
    let mut list = arena.list(LISTED);
    actions().for_each(|action| list.push(action.describe(arena.text(action.subject.as_str()))));
    (list.done(), COUNT.load(Relaxed).saturating_sub(LISTED as u32))
}

/// True for a finding of this child's fork that a guard has ended.
pub(crate) fn is_resolved_by_action(finding: &Finding<'_>) -> bool {
    let what = finding.what();
    actions().filter_map(|action| action.ended.as_ref()).any(|(kind, ended, _)| *kind == finding.kind && ended.as_str() == what)
}

/// What an action was about that ended this finding of this child's fork.
pub(crate) fn subject_of(kind: FindingKind, what: &str) -> Option<&'static str> {
    let ends = |action: &&Action| action.ended.as_ref().is_some_and(|(of, ended, _)| *of == kind && ended.as_str() == what);
    actions().find(ends).map(|action| action.subject.as_str())
}

/// The child is gone before it settled: gives the findings that guards have ended, and why.
pub(crate) fn resolved_by_actions(mut each: impl FnMut(FindingKind, &str, &'static str)) {
    actions().filter_map(|action| action.ended.as_ref()).for_each(|(kind, what, because)| each(*kind, what.as_str(), because));
}

/// The child settles: the findings that guards have ended are said to be.
pub(crate) fn report_resolved_by_actions(scratch: &Scratch) {
    actions().for_each(|action| action.report_resolved(scratch));
}
