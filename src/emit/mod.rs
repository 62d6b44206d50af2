//! Events out: built in an arena, written as JSON Lines, each group of lines with one write(2). Nothing here allocates.
mod directory;
pub(crate) mod file;
mod likes;
mod place;
mod stderr;

pub(crate) use place::begin;
pub(crate) use stderr::{print, say};

use crate::child::{fate, leaks};
use crate::describe;
use crate::entry::Arena;
use crate::entry::Scratch;
use crate::findings::{self, Evidence};
use crate::options::{self, Mode};
use forkguard_core::fixed::Text;
use forkguard_core::fork::Inner;
use forkguard_core::{gate, likeness, raw};
use forkguard_report::event::*;
use std::borrow::Cow::Borrowed;
use std::fmt::Write;
use std::io::Write as _;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// Full reports: at most this many at once, then one an interval. A fork storm gets one short event a fork.
const BURST: u64 = 64;
const INTERVAL_NS: u64 = 50_000_000;
#[unsafe(link_section = "forkguard_words")]
static NEXT_FULL: AtomicU64 = AtomicU64::new(0);
#[unsafe(link_section = "forkguard_words")]
static NEXT_SPAWN: AtomicU64 = AtomicU64::new(0);
/// Spawns since the last `fork` event that were not reported singly, and all of them.
#[unsafe(link_section = "forkguard_words")]
static SPAWNS: AtomicU32 = AtomicU32::new(0);
#[unsafe(link_section = "forkguard_words")]
static ALL_SPAWNS: AtomicU64 = AtomicU64::new(0);

/// Takes a token of a bucket that fills by one an interval.
fn token(bucket: &AtomicU64) -> bool {
    let now = raw::monotonic();
    let fuller = |next: u64| (next.max(now) - now <= BURST * INTERVAL_NS).then_some(next.max(now) + INTERVAL_NS);
    bucket.fetch_update(Relaxed, Relaxed, fuller).is_ok()
}

/// Lines of JSON, built in borrowed memory.
struct Lines<'m> {
    memory: &'m mut [u8],
    length: usize,
    events: u32,
    /// Nothing but what the process says of itself and of counts.
    counts: bool,
}

impl<'m> Lines<'m> {
    fn over(memory: &'m mut [u8]) -> Self {
        Lines { memory, length: 0, events: 0, counts: true }
    }

    /// Two of them in the memory for lines: what comes first is often known last.
    fn pair(scratch: &'m Scratch) -> (Self, Self) {
        let (start, size) = scratch.lines();
        // SAFETY: the workspace is this thread's alone, and each piece of work takes its lines once.
        let (first, second) = unsafe { std::slice::from_raw_parts_mut(start, size) }.split_at_mut(size / 2);
        (Lines::over(first), Lines::over(second))
    }

    /// Adds an event; one that does not fit is left out and counted as lost.
    fn add<'a>(&mut self, fork: Option<&'a str>, event: Event<'a>) {
        if !self.fits(fork, event) {
            file::lose(1, file::Because::Size);
        }
    }

    /// Adds a fork; one that does not fit loses its sites first, then its lists.
    fn add_fork<'a>(&mut self, arena: &'a Arena, id: &'a str, mut fork: Fork<'a>) {
        for shorten in [describe::without_sites, describe::without_lists] {
            if self.fits(Some(id), Event::Fork(fork.clone())) {
                return;
            }
            shorten(arena, &mut fork);
        }
        self.add(Some(id), Event::Fork(fork));
    }

    /// Adds an event if there is room.
    fn fits<'a>(&mut self, fork: Option<&'a str>, event: Event<'a>) -> bool {
        self.counts &= matches!(event, Event::Process(_) | Event::Exit(_) | Event::Lost(_));
        let line = Line {
            schema: SCHEMA,
            time: (raw::wall_clock() / 1000) as f64 / 1e6,
            pid: raw::process_id(),
            ppid: raw::parent_id(),
            fork: fork.map(Borrowed),
            event,
        };
        let mut rest = &mut self.memory[self.length..];
        let room = rest.len();
        let fits = serde_json::to_writer(&mut rest, &line).is_ok() && rest.write_all(b"\n").is_ok();
        if fits {
            self.length += room - rest.len();
            self.events += 1;
        }
        fits
    }

    fn clear(&mut self) {
        self.length = 0;
        self.events = 0;
        self.counts = true;
    }

    fn bytes(&self) -> &[u8] {
        &self.memory[..self.length]
    }

    /// Takes the other lines behind these, as far as there is room; else both are written one after the other.
    fn join(&mut self, other: &Lines<'_>) {
        if other.length > self.memory.len() - self.length {
            self.write();
            self.clear();
        }
        if other.length <= self.memory.len() - self.length {
            self.memory[self.length..self.length + other.length].copy_from_slice(other.bytes());
            self.length += other.length;
            self.events += other.events;
            self.counts &= other.counts;
        }
    }

    /// Writes them, and before them that others were lost; true when they are written.
    fn write(&self) -> bool {
        if self.length == 0 {
            return false;
        }
        let group = file::Group { lines: self.bytes(), events: self.events, counts: self.counts };
        file::append(&group, |events, because, write| {
            let mut reason = Text::<96>::new();
            let _ = write!(reason, "{because}");
            let mut memory = [0u8; 512];
            let mut lines = Lines::over(&mut memory);
            lines.add(None, Event::Lost(Lost { events: u64::from(events), because: Borrowed(reason.as_str()) }));
            write(lines.bytes())
        })
    }
}

/// `LEADER.SEQUENCE`.
pub(crate) fn fork_id(leader: u32, sequence: u64) -> Text<32> {
    let mut id = Text::new();
    let _ = write!(id, "{leader}.{sequence}");
    id
}

/// True when a report is written at all.
pub(crate) fn wanted() -> bool {
    !matches!(options::get().report, options::Report::None) && !file::given_up()
}

/// True when `ready` has something to do.
pub(crate) fn unready() -> bool {
    gate::awake() && (!fate::shares() || wanted() && (!file::exists() || file::borrowed()))
}

/// Before a fork: this process must have its file and its `process` event written, for the child to write behind it.
pub(crate) fn ready(scratch: &Scratch) {
    if !fate::shares() {
        fate::share();
    }
    if !wanted() || file::exists() && !file::borrowed() {
        return;
    }
    let made = file::make_own();
    // Another thread that forks for the first time is making it: the child must have it.
    raw::wait_until(|| file::exists() && !file::borrowed() || file::given_up());
    forkguard_core::flags::report_end();
    if made && file::exists() {
        process(scratch, None);
    }
}

/// Writes what this process is, and what forkguard cannot do in it.
fn process(scratch: &Scratch, limit: Option<&'static str>) {
    let mode = if options::get().mode == Mode::Guard { "guard" } else { "observe" };
    let arena = scratch.arena();
    let (mut lines, _) = Lines::pair(scratch);
    lines.add(crate::child::birth().as_ref().map(Text::as_str), Event::Process(describe::process(&arena, mode, limit)));
    lines.write();
}

/// The last that is written in this process, and why; a forked child says it in its leader's file.
pub(crate) fn leave(scratch: &Scratch, because: &'static str) {
    if wanted() && (file::exists() || file::make_own()) {
        process(scratch, Some(because));
    }
    file::give_up();
}

/// Before this process changes its user or root: what it could not open afterwards is open before.
pub(crate) fn keep(scratch: &Scratch) {
    ready(scratch);
    if wanted() && file::exists() {
        file::keep();
    }
}

/// True when [`keep`] has something to do.
pub(crate) fn unkept() -> bool {
    unready() || gate::awake() && wanted() && file::own_descriptor() < 0
}

/// In prepare, when the snapshot is taken: whether this fork is like an earlier one, is reported in full, or by its counts only.
pub(crate) fn decide(inner: &mut Inner) {
    if wanted() && !file::is_cut_short() {
        inner.likeness = likeness::of(inner);
        inner.like = likes::like(inner.likeness);
        inner.full = inner.like != 0 || token(&NEXT_FULL);
    }
}

/// Reports a fork in the leader, after it.
pub(crate) fn fork(scratch: &Scratch, inner: &mut Inner, child: Option<u32>, failed: Option<i32>) {
    let start = raw::monotonic();
    let arena = scratch.arena();
    let id = fork_id(inner.leader, inner.sequence);
    let earlier = fork_id(inner.leader, inner.like);
    let made = inner.prepared && failed.is_none();
    let mut event = match made && inner.full {
        true if inner.like != 0 => describe::like(&arena, inner, earlier.as_str(), likes::is_same_site(inner)),
        true => {
            crate::sites::stand(inner);
            describe::fork(&arena, inner, inner.blocked)
        }
        false => describe::counts(&arena, inner, !made),
    };
    event.child = child;
    event.failed = failed;
    event.counts.spawns = SPAWNS.swap(0, Relaxed);
    event.cost_us.fork = (start - inner.entered) as f64 / 1000.0;
    match event.detail {
        Detail::Full => in_full(scratch, &arena, id.as_str(), inner, event, start),
        _ => {
            let (mut lines, _) = Lines::pair(scratch);
            event.cost_us.report = (raw::monotonic() - start) as f64 / 1000.0;
            lines.add(Some(id.as_str()), Event::Fork(event));
            lines.write();
            fate::written(inner.sequence);
        }
    }
}

/// With its findings.
fn in_full<'a>(scratch: &Scratch, arena: &'a Arena, id: &'a str, inner: &Inner, mut event: Fork<'a>, start: u64) {
    let (mut head, mut tail) = Lines::pair(scratch);
    let mut ids = arena.list(findings::WRITTEN as usize);
    let gone = fate::is_gone(inner.sequence);
    let evidence = Evidence::of(&event, inner, arena, id);
    event.truncated.sites = crate::sites::skipped();
    event.truncated.findings = findings::all(&evidence, |mut finding| {
        ids.push(finding.id.clone());
        if gone {
            finding.state = State::Moot;
        }
        tail.add(Some(id), Event::Finding(finding));
    });
    event.cost_us.report = (raw::monotonic() - start) as f64 / 1000.0;
    head.add_fork(arena, id, event);
    head.join(&tail);
    if head.write() {
        likes::remember(inner);
    }
    // The child was gone before its findings were written, and left it to us to say so.
    if fate::written(inner.sequence) && !gone {
        head.clear();
        for finding in ids.as_slice() {
            let because = Borrowed("the child was gone at once");
            let moot = FindingState { id: finding.clone(), state: State::Moot, severity: None, because };
            head.add(Some(id), Event::FindingState(moot));
        }
        head.write();
    }
}

/// Writes the states that `each` of a forked child's findings has come to.
pub(crate) fn states<'a>(scratch: &Scratch, fork: &'a str, all: impl FnOnce(&mut dyn FnMut(FindingState<'a>))) {
    let (mut lines, _) = Lines::pair(scratch);
    all(&mut |state| lines.add(Some(fork), Event::FindingState(state)));
    lines.write();
}

/// True when a process made by a way that runs no atfork handlers is to be reported singly: while they are few. Counts it.
pub(crate) fn spawns_singly() -> bool {
    ALL_SPAWNS.fetch_add(1, Relaxed);
    let singly = wanted() && token(&NEXT_SPAWN);
    if !singly {
        SPAWNS.fetch_add(1, Relaxed);
    }
    singly
}

/// Reports such a process.
pub(crate) fn spawn(scratch: &Scratch, kind: ForkKind, caller: usize, child: Option<u32>) {
    ready(scratch);
    let arena = scratch.arena();
    let (mut lines, _) = Lines::pair(scratch);
    let id = fork_id(raw::process_id(), forkguard_core::fork::next_sequence());
    let word = crate::sites::capture(caller);
    let mut event = describe::spawn(&arena, kind, word);
    event.child = child;
    lines.add(Some(id.as_str()), Event::Fork(event));
    // What these start gets all that is left open: there are no file actions.
    if matches!(kind, ForkKind::System | ForkKind::Popen) {
        let used = describe::site(&arena, Role::Used, raw::thread_id(), word);
        leaks::by_shell(&arena, used.as_ref(), |bite| {
            let finding = findings::bite(&arena, id.as_str(), Severity::Warning, &bite);
            lines.add(Some(id.as_str()), Event::Finding(Finding { child, ..finding }));
        });
    }
    lines.write();
}

/// Writes events of a forked child.
pub(crate) fn of_child<'a>(scratch: &Scratch, fork: Option<&'a str>, events: impl IntoIterator<Item = Option<Event<'a>>>) {
    if wanted() {
        let (mut lines, _) = Lines::pair(scratch);
        events.into_iter().flatten().for_each(|event| lines.add(fork, event));
        lines.write();
    }
}

/// Processes that this one made by ways that run no atfork handlers.
pub(crate) fn spawns() -> u64 {
    ALL_SPAWNS.load(Relaxed)
}

/// In a forked child: starts anew.
pub(crate) fn reset_in_child() {
    file::reset_in_child();
    likes::reset_in_child();
    SPAWNS.store(0, Relaxed);
    ALL_SPAWNS.store(0, Relaxed);
    NEXT_FULL.store(0, Relaxed);
    NEXT_SPAWN.store(0, Relaxed);
}

/// A fault of our own: said once; the hooks pass everything through from now on.
pub(crate) fn fault(panic: &std::panic::PanicHookInfo<'_>) {
    say(format_args!(
        "a fault of its own, please report it; forkguard is off in process {} from here on: {panic}",
        raw::process_id()
    ));
}
