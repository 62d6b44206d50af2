//! Who tells the end of a fork's findings: a word a fork that leader and child share. The leader writes what it found after the fork; a
//! child that is gone by then must not have said before it that all of it is moot. There the child also leaves word of the waits that its
//! hooks look at, for a leader that looks at it from outside.
use forkguard_core::fork::Inner;
use forkguard_core::raw;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering::*};

/// Forks whose words are kept: far more than can be under way at once.
const FORKS: usize = 510;

/// One page that a leader shares with its children.
#[repr(C)]
struct Shared {
    /// The fingerprint of the findings that were printed last. A further worker with the same ones says so in one line.
    printed: AtomicU64,
    /// What was said of the report, a bit each: once for a leader and its children.
    said: AtomicU64,
    /// The number of the fork and below it whether its leader has written and its child is gone, and in how many waits the child is.
    fates: [AtomicU64; FORKS],
}

const WRITTEN: u64 = 1;
const GONE: u64 = 2;
/// One wait, and the most that are counted.
const WAIT: u64 = 4;
const WAITS: u64 = 255 * WAIT;
const NUMBER: u32 = 10;

/// This process's page, as a leader.
#[unsafe(link_section = "forkguard_words")]
static OWN: AtomicPtr<Shared> = AtomicPtr::new(ptr::null_mut());
/// The process that made it.
#[unsafe(link_section = "forkguard_words")]
static OWNER: AtomicU32 = AtomicU32::new(0);
/// The page of the leader that forked this process.
#[unsafe(link_section = "forkguard_words")]
static LEADERS: AtomicPtr<Shared> = AtomicPtr::new(ptr::null_mut());
/// The number of the fork that made this process.
#[unsafe(link_section = "forkguard_words")]
static OF_OWN: AtomicU64 = AtomicU64::new(0);
/// How often this process may still look whether its leader has written. A leader that is stopped holds its child up once.
#[unsafe(link_section = "forkguard_words")]
static LOOKS: AtomicU32 = AtomicU32::new(0);
const LOOK_NS: u64 = 200_000;
const ALL_LOOKS: u32 = 500;

fn page(of: &AtomicPtr<Shared>) -> Option<&'static Shared> {
    // SAFETY: null or a page that is mapped for good, and that all zero fills.
    unsafe { of.load(Acquire).as_ref() }
}

fn word(page: &'static Shared, sequence: u64) -> &'static AtomicU64 {
    &page.fates[sequence as usize % FORKS]
}

/// In a leader, before its first fork. Of several threads that fork for the first time one makes the page.
pub(crate) fn share() {
    const { assert!(size_of::<Shared>() <= 4096) };
    static MAKER: AtomicU32 = AtomicU32::new(0);
    if MAKER.swap(raw::process_id(), AcqRel) == raw::process_id() {
        return raw::wait_until(shares);
    }
    // That it is refused is remembered, too: forks go without.
    OWN.store(raw::shared_page().map_or(ptr::null_mut(), |page| page.cast()), Release);
    OWNER.store(raw::process_id(), Release);
}

/// True when this process has made its page, or was refused one.
pub(crate) fn shares() -> bool {
    OWNER.load(Acquire) == raw::process_id()
}

/// True when it was refused.
pub(crate) fn is_refused() -> bool {
    shares() && own_page().is_none()
}

/// The page of this process as a leader; what it has from its own leader until then is not it.
fn own_page() -> Option<&'static Shared> {
    page(&OWN).filter(|_| shares())
}

/// In a leader, before it forks.
pub(crate) fn begin(sequence: u64) {
    if let Some(page) = own_page() {
        word(page, sequence).store(sequence << NUMBER, Release);
    }
}

/// In a forked child.
pub(crate) fn born(sequence: u64) {
    LEADERS.store(OWN.load(Relaxed), Relaxed);
    OF_OWN.store(sequence, Relaxed);
    LOOKS.store(ALL_LOOKS, Relaxed);
}

/// In the leader: true for a child that is gone, or whose hooks look at what it waits for now; and for one whose word is another's by now.
pub(crate) fn needs_no_look(sequence: u64) -> bool {
    own_page().is_none_or(|page| {
        let fate = word(page, sequence).load(Acquire);
        fate >> NUMBER != sequence || fate & (GONE | WAITS) != 0
    })
}

/// In the child: a wait that a hook looks at begins.
pub(crate) fn waits() {
    change(OF_OWN.load(Relaxed), |fate| if fate & WAITS == WAITS { fate } else { fate + WAIT });
}

/// It ended.
pub(crate) fn returns() {
    change(OF_OWN.load(Relaxed), |fate| if fate & WAITS == 0 { fate } else { fate - WAIT });
}

/// In the leader: true when the child is gone already.
pub(crate) fn is_gone(sequence: u64) -> bool {
    own_page().is_some_and(|page| word(page, sequence).load(Acquire) & GONE != 0)
}

/// In the leader, which has written what it found: true when it must say that all of that is moot.
pub(crate) fn written(sequence: u64) -> bool {
    own_page().is_some_and(|page| word(page, sequence).fetch_or(WRITTEN, AcqRel) & GONE != 0)
}

/// Adds to the fate of this child; what it was. None when its leader has forked so often since that the word is another fork's.
fn add(sequence: u64, flag: u64) -> Option<u64> {
    change(sequence, |fate| fate | flag)
}

fn change(sequence: u64, to: impl Fn(u64) -> u64) -> Option<u64> {
    let word = word(page(&LEADERS)?, sequence);
    word.fetch_update(AcqRel, Acquire, |fate| (fate >> NUMBER == sequence).then(|| to(fate))).ok()
}

/// In the child, which is gone in a moment: true when it must say itself that all its findings are moot.
pub(crate) fn gone(sequence: u64) -> bool {
    add(sequence, GONE).is_none_or(|before| before & WRITTEN != 0)
}

/// In the child, before it writes about what its leader found: waits a little for that to be written, a tenth of a second in all its life.
pub(crate) fn await_leader(leader: u32, sequence: u64) {
    while !is_written(leader, sequence) && LOOKS.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
        raw::sleep(LOOK_NS);
    }
}

fn is_written(leader: u32, sequence: u64) -> bool {
    add(sequence, 0).is_none_or(|fate| fate & WRITTEN != 0) || raw::parent_id() != leader
}

/// In the child: true when it need not wait for its leader any more.
pub(crate) fn has_written(fork: &Inner) -> bool {
    is_written(fork.leader, fork.sequence) || LOOKS.load(Relaxed) == 0
}

/// Notes what is printed now; true when it is what another child of this leader printed before.
pub(crate) fn printed_before(fingerprint: u64) -> bool {
    page(&LEADERS).is_some_and(|page| page.printed.swap(fingerprint, Relaxed) == fingerprint)
}

/// True for the first of this process, its leader and its siblings to say something about the report; `what` is a bit that stands for it.
pub(crate) fn is_first_to_say(what: u64) -> bool {
    let pages = [page(&LEADERS), own_page()];
    let said = pages.into_iter().flatten().map(|page| page.said.fetch_or(what, Relaxed)).fold(0, |all, said| all | said);
    said & what == 0
}
