//! The states of findings that this child has reported: each is written once, and a finding with a final state is not moot in the end.
use forkguard_core::fixed::Text;
use forkguard_report::event::{FindingKind, State};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::*};

/// Findings whose states are reported; further ones keep the state that the fork gave them.
const CAPACITY: usize = 128;
/// How often a finding that was taken back may hit again.
const RETURNS: u8 = 3;

/// A finding by its kind and the rest of its id.
#[derive(Clone, Copy)]
pub(crate) struct Name {
    pub(crate) kind: FindingKind,
    pub(crate) what: Text<64>,
}

/// One finding.
pub(crate) struct Reported {
    /// A state, plus one; 0: not ready.
    state: AtomicU8,
    returns: AtomicU8,
    name: UnsafeCell<Name>,
}
// SAFETY: the name is written once, by the thread that reserved the place, before `state` says so.
unsafe impl Sync for Reported {}

const UNNAMED: Name = Name { kind: FindingKind::ThreadLost, what: Text::new() };
static FINDINGS: [Reported; CAPACITY] =
    [const { Reported { state: AtomicU8::new(0), returns: AtomicU8::new(0), name: UnsafeCell::new(UNNAMED) } }; CAPACITY];
#[unsafe(link_section = "forkguard_words")]
static COUNT: AtomicUsize = AtomicUsize::new(0);

impl Reported {
    /// Its name.
    pub(crate) fn name(&self) -> &Name {
        // SAFETY: see `Sync`; only places that are ready are handed out.
        unsafe { &*self.name.get() }
    }

    /// True when this is its state.
    pub(crate) fn is(&self, state: State) -> bool {
        self.state.load(Relaxed) == state as u8 + 1
    }

    /// Gives it a new state; false when that is its state already, or it may not hit once more.
    pub(crate) fn advance(&self, state: State) -> bool {
        if self.is(state) || state == State::Hit && self.returns.fetch_add(1, Relaxed) >= RETURNS {
            return false;
        }
        self.state.swap(state as u8 + 1, Relaxed) != state as u8 + 1
    }
}

/// True while no state was reported.
pub(crate) fn is_empty() -> bool {
    COUNT.load(Relaxed) == 0
}

/// The state that was reported of this finding.
pub(crate) fn find(kind: FindingKind, what: &str) -> Option<&'static Reported> {
    let ready = |reported: &&Reported| reported.state.load(Acquire) != 0;
    let places = &FINDINGS[..COUNT.load(Acquire).min(CAPACITY)];
    places.iter().filter(ready).find(|reported| reported.name().kind == kind && reported.name().what.as_str() == what)
}

/// Gives a finding a new state; None when that need not be reported, or there is no room.
pub(crate) fn advance(kind: FindingKind, what: &str, state: State) -> Option<&'static Reported> {
    if let Some(reported) = find(kind, what) {
        return reported.advance(state).then_some(reported);
    }
    let reported = FINDINGS.get(COUNT.fetch_add(1, AcqRel))?;
    let mut text = Text::new();
    text.append(what);
    // SAFETY: this thread reserved the place.
    unsafe { *reported.name.get() = Name { kind, what: text } };
    reported.returns.store(0, Relaxed);
    reported.state.store(state as u8 + 1, Release);
    Some(reported)
}

/// In a forked child.
pub(crate) fn reset_in_child() {
    if COUNT.load(Relaxed) != 0 {
        COUNT.store(0, Relaxed);
        FINDINGS.iter().for_each(|reported| reported.state.store(0, Relaxed));
    }
}
