//! What this child has said about its findings: each is written once, and what has its last word is not moot in the end.
use forkguard_core::fixed::Text;
use forkguard_report::event::{Kind, State};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::*};

/// Findings that a child says something about; it is silent about further ones.
const CAPACITY: usize = 128;
/// How often one that was taken back may bite again.
const RETURNS: u8 = 3;

/// Which finding: its kind, and what stands for it in its id.
#[derive(Clone, Copy)]
pub(crate) struct Name {
    pub(crate) kind: Kind,
    pub(crate) what: Text<64>,
}

/// One finding.
pub(crate) struct Said {
    /// A state, plus one; 0: not ready.
    state: AtomicU8,
    returns: AtomicU8,
    /// Not zero once it stands on stderr: what is taken back later must be taken back there, too.
    pub(crate) aloud: AtomicU8,
    name: UnsafeCell<Name>,
}
// SAFETY: the name is written once, by the thread that reserved the place, before `state` says so.
unsafe impl Sync for Said {}

const UNNAMED: Name = Name { kind: Kind::ThreadLost, what: Text::new() };
static SAID: [Said; CAPACITY] = [const {
    Said { state: AtomicU8::new(0), returns: AtomicU8::new(0), aloud: AtomicU8::new(0), name: UnsafeCell::new(UNNAMED) }
}; CAPACITY];
#[unsafe(link_section = "forkguard_words")]
static COUNT: AtomicUsize = AtomicUsize::new(0);

impl Said {
    /// Its name.
    pub(crate) fn name(&self) -> &Name {
        // SAFETY: see `Sync`; only places that are ready are handed out.
        unsafe { &*self.name.get() }
    }

    /// True when its life stands there.
    pub(crate) fn is(&self, state: State) -> bool {
        self.state.load(Relaxed) == state as u8 + 1
    }

    /// Moves its life on; false when it stands there already, or may not bite once more.
    pub(crate) fn turn(&self, state: State) -> bool {
        if self.is(state) || state == State::Hit && self.returns.fetch_add(1, Relaxed) >= RETURNS {
            return false;
        }
        self.state.swap(state as u8 + 1, Relaxed) != state as u8 + 1
    }
}

/// True while nothing was said.
pub(crate) fn is_silent() -> bool {
    COUNT.load(Relaxed) == 0
}

/// What was said of this finding.
pub(crate) fn find(kind: Kind, what: &str) -> Option<&'static Said> {
    let ready = |said: &&Said| said.state.load(Acquire) != 0;
    let places = &SAID[..COUNT.load(Acquire).min(CAPACITY)];
    places.iter().filter(ready).find(|said| said.name().kind == kind && said.name().what.as_str() == what)
}

/// Notes that its life moved on to `state`; None when that needs no word, or there is no room.
pub(crate) fn say(kind: Kind, what: &str, state: State) -> Option<&'static Said> {
    if let Some(said) = find(kind, what) {
        return said.turn(state).then_some(said);
    }
    let said = SAID.get(COUNT.fetch_add(1, AcqRel))?;
    let mut text = Text::new();
    text.append(what);
    // SAFETY: this thread reserved the place.
    unsafe { *said.name.get() = Name { kind, what: text } };
    said.returns.store(0, Relaxed);
    said.aloud.store(0, Relaxed);
    said.state.store(state as u8 + 1, Release);
    Some(said)
}

/// In a forked child.
pub(crate) fn reset_in_child() {
    if COUNT.load(Relaxed) != 0 {
        COUNT.store(0, Relaxed);
        SAID.iter().for_each(|said| said.state.store(0, Relaxed));
    }
}
