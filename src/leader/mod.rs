//! A leader's look at its children, from outside, when it is idle itself: the waits that cross no symbol of theirs (Go, inlined futexes).
//!
//! A child that lost threads at its fork, has one thread, and stands in the same futex wait, private to its process and without a time
//! limit, in two looks a second apart without having run in between: only a lost thread could have woken it. What the child's own hooks
//! look at, they judge themselves, and say so in its fate (`crates/core/src/fork/shared_page.rs`).
mod outside;

use crate::entry::Arena;
use crate::entry::Scratch;
use crate::findings::Hit;
use crate::ledger;
use crate::options::{self, Summary};
use crate::{describe, emit, findings};
use forkguard_core::fixed::Fixed;
use forkguard_core::fork::shared_page;
use forkguard_core::fork::{Inner, ThreadRecord};
use forkguard_core::{generation, raw};
use forkguard_loader::path_of;
use forkguard_report::event::{Event, FindingState, Kind, Role, Severity, Site, State};
use outside::{Seen, Wait};
use std::borrow::Cow::Borrowed;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU32, AtomicU64, Ordering::*};

/// Not zero while a look has something to look at.
#[unsafe(link_section = "forkguard_words")]
static CHILDREN_LEFT: AtomicU8 = AtomicU8::new(0);
/// When the next look is due, in nanoseconds of the monotonic clock.
#[unsafe(link_section = "forkguard_words")]
static NEXT_LOOK: AtomicU64 = AtomicU64::new(0);
const INTERVAL_NS: u64 = 1_000_000_000;
#[unsafe(link_section = "forkguard_words")]
static LOOKING: AtomicBool = AtomicBool::new(false);

/// Children that are looked at; of further ones nothing is seen from outside.
const CHILDREN: usize = 64;
/// Lost threads that a finding names.
const NAMED: usize = 4;

/// A place for a child.
struct Place {
    /// FREE, TAKEN or WATCHED and above it the generation of the process whose child it is.
    state: AtomicU32,
    pid: AtomicU32,
    child: UnsafeCell<Child>,
}
// SAFETY: TAKEN gives the content to the thread that forked, WATCHED to the one that LOOKS.
unsafe impl Sync for Place {}

const FREE: u32 = 0;
const TAKEN: u32 = 1;
const WATCHED: u32 = 2;
const GENERATION: u32 = 2;

struct Child {
    pid: u32,
    /// The fork that made it.
    sequence: u64,
    /// That fork's report is in full: its findings have a life.
    full: bool,
    /// Nanoseconds since boot at its fork.
    born: u64,
    lost: Fixed<ThreadRecord, NAMED>,
    /// All threads that it lost.
    count: u32,
    /// Those of them that no hook saw start.
    unseen: u32,
    /// Where it waited at the last look.
    waits: Option<Wait>,
    /// That it waits there in vain was said; how often it was seen elsewhere since.
    said: Option<u32>,
}

static PLACES: [Place; CHILDREN] = [const {
    Place {
        state: AtomicU32::new(FREE),
        pid: AtomicU32::new(0),
        child: UnsafeCell::new(Child {
            pid: 0,
            sequence: 0,
            full: false,
            born: 0,
            lost: Fixed::new(),
            count: 0,
            unseen: 0,
            waits: None,
            said: None,
        }),
    }
}; CHILDREN];

fn word(state: u32) -> u32 {
    state | generation::current() << GENERATION
}

/// In a leader, after a fork whose child lost threads.
pub(crate) fn remember(inner: &Inner, pid: u32) {
    let recorded = inner.threads.as_slice().len() as u32 + inner.threads.missed();
    let count = recorded.max(inner.kernel_threads).saturating_sub(1);
    if !inner.prepared || count == 0 || !emit::wanted() && options::get().summary == Summary::Never {
        return;
    }
    // What an earlier process noted is as good as free.
    let free = |state: u32| state >> GENERATION != generation::current() || state == word(FREE);
    let take = |place: &&Place| {
        let state = place.state.load(Relaxed);
        free(state) && place.state.compare_exchange(state, word(TAKEN), Acquire, Relaxed).is_ok()
    };
    let Some(place) = PLACES.iter().find(take) else { return };
    // SAFETY: see `Place`.
    let child = unsafe { &mut *place.child.get() };
    child.lost.clear();
    inner.threads.as_slice().iter().filter(|t| t.tid != inner.thread).for_each(|t| child.lost.push(*t));
    (child.pid, child.sequence, child.full) = (pid, inner.sequence, inner.full);
    (child.count, child.unseen) = (count, inner.kernel_threads.saturating_sub(recorded));
    (child.waits, child.said) = (None, None);
    child.born = raw::since_boot();
    place.pid.store(pid, Relaxed);
    place.state.store(word(WATCHED), Release);
    CHILDREN_LEFT.store(1, SeqCst);
    forkguard_core::flags::watch_waits();
}

/// True while there are children to look at.
pub(crate) fn watches() -> bool {
    CHILDREN_LEFT.load(SeqCst) != 0
}

/// True while this child is one of them.
pub(crate) fn watches_child(pid: u32) -> bool {
    PLACES.iter().any(|place| place.state.load(Acquire) == word(WATCHED) && place.pid.load(Relaxed) == pid)
}

/// Nanoseconds until the next look is due: a second at most, and never none.
pub(crate) fn due_in() -> u64 {
    if !watches() {
        return INTERVAL_NS;
    }
    NEXT_LOOK.load(Relaxed).saturating_sub(raw::monotonic()).clamp(INTERVAL_NS / 10, INTERVAL_NS)
}

/// There are no more looks.
pub(crate) fn forget_children() {
    CHILDREN_LEFT.store(0, SeqCst);
}

/// The descriptor of the child that a thread waits for in waitpid; negative: none.
#[unsafe(link_section = "forkguard_words")]
pub(crate) static WAITED_FOR: AtomicI32 = AtomicI32::new(-1);

/// In a forked child, which has none yet.
pub(crate) fn reset_in_child() {
    let fd = WAITED_FOR.load(Relaxed);
    if fd >= 0 {
        WAITED_FOR.store(-1, Relaxed);
        raw::close(fd);
    }
    // What is not written need not be copied.
    if CHILDREN_LEFT.load(Relaxed) != 0 || LOOKING.load(Relaxed) {
        CHILDREN_LEFT.store(0, Relaxed);
        LOOKING.store(false, Relaxed);
    }
}

/// True when a look is due.
pub(crate) fn is_due() -> bool {
    watches() && raw::monotonic() >= NEXT_LOOK.load(Relaxed)
}

/// Looks at all children.
pub(crate) fn look(scratch: &Scratch) {
    if LOOKING.swap(true, Acquire) {
        return;
    }
    NEXT_LOOK.store(raw::monotonic() + INTERVAL_NS, Relaxed);
    // Before the places are read: a child that is remembered meanwhile sets it again.
    CHILDREN_LEFT.store(0, SeqCst);
    for place in PLACES.iter().filter(|place| place.state.load(Acquire) == word(WATCHED)) {
        // SAFETY: see `Place`.
        match look_at(scratch, unsafe { &mut *place.child.get() }) {
            true => CHILDREN_LEFT.store(1, SeqCst),
            false => place.state.store(word(FREE), Release),
        }
    }
    // Another thread that came to wait meanwhile found nothing to look at.
    if watches() {
        forkguard_core::flags::watch_waits();
    }
    LOOKING.store(false, Release);
}

/// Looks at one child; false when that need not be done again.
fn look_at(scratch: &Scratch, child: &mut Child) -> bool {
    let seen = match outside::see(child, child.said.is_some()) {
        Seen::Gone => return false,
        Seen::Nothing => return true,
        Seen::Elsewhere => None,
        Seen::Waits(wait) => Some(wait),
    };
    let same = seen.filter(|_| seen == child.waits);
    match (child.said, same) {
        (Some(_), Some(_)) => child.said = Some(0),
        // A child that dies is elsewhere for a moment, too.
        (Some(0), None) => child.said = Some(1),
        (Some(_), None) => {
            say_resolved(scratch, child);
            return false;
        }
        (None, Some(wait)) if shared_page::needs_inspection(child.sequence) => {
            say(scratch, child, &wait);
            child.said = Some(0);
        }
        (None, _) => child.waits = seen,
    }
    true
}

impl Child {
    fn id<'a>(&self, arena: &'a Arena) -> &'a str {
        arena.text(describe::fork_id(raw::process_id(), self.sequence).as_str())
    }

    /// The finding that its fork wrote of the runtime whose thread it lost, when it waits in that runtime's code.
    fn hazard<'a>(
        &self,
        arena: &'a Arena,
        id: &str,
        library: Option<&str>,
        lost: &[forkguard_report::event::Thread<'a>],
    ) -> Option<&'a str> {
        let base = |path: &str| arena.text(path.rsplit('/').next().unwrap_or(path));
        let library = base(library?);
        let runtime = lost.iter().find_map(|t| findings::runtime_library(t)).filter(|runtime| *runtime == library)?;
        self.full.then(|| arena.format(format_args!("{id}:{}:{runtime}", Kind::RuntimeUnsafe.name())))
    }
}

fn say(scratch: &Scratch, child: &Child, waits: &Wait) {
    let arena = &scratch.arena();
    let id = child.id(arena);
    let lost = describe::lost_threads(arena, child.lost.as_slice());
    let stands = outside::stands(child.pid, waits);
    let library = stands[0].and_then(path_of);
    let place = describe::native_site(arena, Role::Waits, child.pid, stands.into_iter().flatten());
    let mut sites = arena.list::<Site<'_>>(NAMED + 2);
    place.into_iter().for_each(|site| sites.push(site));
    let mut names = "";
    for thread in lost {
        let gap = if names.is_empty() { "" } else { ", " };
        names = arena.format(format_args!("{names}{gap}\"{}\"", thread.name));
        thread.site.iter().for_each(|site| sites.push(site.clone()));
    }
    if child.unseen > 0 {
        let gap = if names.is_empty() { "" } else { ", " };
        names = arena.format(format_args!("{names}{gap}{} started past every hook", child.unseen));
        findings::go_site(arena).into_iter().for_each(|site| sites.push(site));
    }
    let more = if child.count - child.unseen.min(child.count) > NAMED as u32 { ", …" } else { "" };
    let hit = Hit {
        kind: Kind::JoinLostThread,
        what: arena.format(format_args!("{:#x}", waits.address)),
        subject: arena.format(format_args!(
            "its only thread waits for a futex at {:#x} that only lost threads could wake; lost at the fork: {} thread{} ({names}{more})",
            waits.address,
            child.count,
            if child.count == 1 { "" } else { "s" },
        )),
        sites: sites.done(),
        hazard: None,
    };
    let mut finding = findings::of_hit(arena, id, Severity::Error, &hit);
    finding.child = Some(child.pid);
    let hazard = child.hazard(arena, id, library.as_ref().map(|path| path.as_str()), lost);
    let hit = hazard.map(|id| state(id, State::Hit, Kind::JoinLostThread.name()));
    ledger::write_events(scratch, Some(id), [Some(Event::Finding(finding.clone())), hit]);
    if options::get().summary != Summary::Never {
        ledger::print_hit(arena, child.pid, raw::process_id(), &finding);
    }
}

fn state<'a>(id: &'a str, state: State, because: &'a str) -> Event<'a> {
    Event::FindingState(FindingState { id: Borrowed(id), state, severity: None, because: Borrowed(because) })
}

fn say_resolved(scratch: &Scratch, child: &Child) {
    let Some(waits) = child.waits else { return };
    let arena = &scratch.arena();
    let id = child.id(arena);
    let because = "the child went on after all";
    let finding = arena.format(format_args!("{id}:{}:{:#x}", Kind::JoinLostThread.name(), waits.address));
    let lost = describe::lost_threads(arena, child.lost.as_slice());
    let library = path_of(waits.counter);
    let hazard = child.hazard(arena, id, library.as_ref().map(|path| path.as_str()), lost);
    let events = [Some(state(finding, State::Resolved, because)), hazard.map(|id| state(id, State::Resolved, because))];
    ledger::write_events(scratch, Some(id), events);
}
