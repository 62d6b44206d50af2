//! Events out: built in an arena, written as JSON Lines, each group of lines with one write(2). Nothing here allocates.
pub(crate) mod file;

use crate::arena::Arena;
use crate::describe;
use crate::findings::{self, Evidence};
use crate::options::{self, Mode};
use forkguard_core::fixed::Text;
use forkguard_core::fork::Inner;
use forkguard_core::raw::{self, Pages, descriptor};
use forkguard_report::event::*;
use std::borrow::Cow::Borrowed;
use std::fmt::Write;
use std::io::Write as _;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// Room for the lists and texts of one fork, and for its lines. Only what is used is ever touched.
const ARENA: usize = 8 << 20;
const LINES: usize = 8 << 20;

/// Full reports: at most this many at once, then one an interval. A fork storm gets one short event a fork.
const BURST: u64 = 64;
const INTERVAL_NS: u64 = 50_000_000;
static NEXT_FULL: AtomicU64 = AtomicU64::new(0);
static NEXT_SPAWN: AtomicU64 = AtomicU64::new(0);
/// Spawns since the last `fork` event that were not reported singly, and all of them.
static SPAWNS: AtomicU32 = AtomicU32::new(0);
static ALL_SPAWNS: AtomicU64 = AtomicU64::new(0);

/// Takes a token of a bucket that fills by one an interval.
fn token(bucket: &AtomicU64) -> bool {
    let now = raw::monotonic();
    let next = bucket.load(Relaxed).max(now);
    let free = next - now <= BURST * INTERVAL_NS;
    if free {
        bucket.store(next + INTERVAL_NS, Relaxed);
    }
    free
}

/// Lines of JSON in memory of their own.
pub(crate) struct Lines {
    pages: Pages,
    length: usize,
    events: u32,
}

impl Lines {
    pub(crate) fn new() -> Option<Lines> {
        Some(Lines { pages: Pages::map(LINES)?, length: 0, events: 0 })
    }

    /// Adds an event; one that does not fit is left out and counted as lost.
    pub(crate) fn add<'a>(&mut self, fork: Option<&'a str>, event: Event<'a>) {
        let line = Line {
            schema: SCHEMA,
            time: (raw::wall_clock() / 1000) as f64 / 1e6,
            pid: raw::process_id(),
            ppid: raw::parent_id(),
            fork: fork.map(Borrowed),
            event,
        };
        // SAFETY: the pages are ours alone.
        let all = unsafe { std::slice::from_raw_parts_mut(self.pages.start(), self.pages.length()) };
        let mut rest = &mut all[self.length..];
        let room = rest.len();
        if serde_json::to_writer(&mut rest, &line).is_ok() && rest.write_all(b"\n").is_ok() {
            self.length += room - rest.len();
            self.events += 1;
        }
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the first `length` bytes were written.
        unsafe { std::slice::from_raw_parts(self.pages.start(), self.length) }
    }

    /// Writes them.
    pub(crate) fn write(&self) {
        file::append(self.bytes(), self.events, |events, because| {
            let mut lines = Lines::new()?;
            let mut reason = Text::<96>::new();
            let _ = write!(reason, "{because}");
            lines.add(None, Event::Lost(Lost { events: u64::from(events), because: Borrowed(reason.as_str()) }));
            Some(lines.pages)
        });
    }
}

/// `LEADER.SEQUENCE`.
pub(crate) fn fork_id(leader: u32, sequence: u64) -> Text<32> {
    let mut id = Text::new();
    let _ = write!(id, "{leader}.{sequence}");
    id
}

/// True when a report is wanted at all.
fn wanted() -> bool {
    !matches!(options::get().report, options::Report::None)
}

/// True when `ready` has something to do.
pub(crate) fn unready() -> bool {
    wanted() && (file::own_descriptor() < 0 || file::borrowed()) && !file::given_up()
}

/// Before a fork: this process's file must be open, the child will write into it.
pub(crate) fn ready() {
    if unready()
        && let Some(arena) = Arena::new(ARENA)
    {
        begin(&arena);
    }
}

/// This process begins to report: opens its file and writes its `process` event, once.
fn begin(arena: &Arena) {
    if !file::borrowed() && file::own_descriptor() >= 0 {
        return;
    }
    file::open_own();
    crate::child::share();
    crate::hooks::reports();
    if file::own_descriptor() >= 0 && !file::borrowed() {
        let mode = if options::get().mode == Mode::Guard { "guard" } else { "observe" };
        if let Some(mut lines) = Lines::new() {
            lines.add(crate::child::birth().as_ref().map(Text::as_str), Event::Process(describe::process(arena, mode)));
            lines.write();
        }
    }
}

/// Reports a fork in the leader, after it.
pub(crate) fn fork(inner: &mut Inner, child: Option<u32>, failed: Option<i32>) {
    if !wanted() {
        return;
    }
    let start = raw::monotonic();
    let fork_us = (start - inner.entered) as f64 / 1000.0;
    let (Some(arena), Some(mut head), Some(mut tail)) = (Arena::new(ARENA), Lines::new(), Lines::new()) else { return };
    begin(&arena);
    let id = fork_id(inner.leader, inner.sequence);
    let full = inner.prepared && failed.is_none() && token(&NEXT_FULL);
    if full {
        crate::sites::stand(inner);
    }
    let mut event = if full { describe::fork(&arena, inner, inner.blocked) } else { describe::counts(&arena, inner) };
    event.child = child;
    event.failed = failed;
    event.counts.spawns = SPAWNS.swap(0, Relaxed);
    event.cost_us.fork = fork_us;
    event.truncated.sites = crate::sites::skipped();
    if full {
        let evidence = Evidence::of(&event, &arena, id.as_str());
        event.truncated.findings = findings::all(&evidence, |finding| tail.add(Some(id.as_str()), Event::Finding(finding)));
    }
    event.cost_us.report = (raw::monotonic() - start) as f64 / 1000.0;
    head.add(Some(id.as_str()), Event::Fork(event));
    head.join(&tail);
    head.write();
}

impl Lines {
    /// Puts the other lines behind these.
    fn join(&mut self, other: &Lines) {
        let bytes = other.bytes();
        if self.length + bytes.len() <= self.pages.length() {
            // SAFETY: there is room, and the two do not overlap.
            unsafe { self.pages.start().add(self.length).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
            self.length += bytes.len();
            self.events += other.events;
        }
    }
}

/// Reports a process made by a way that runs no atfork handlers: singly while they are few, then by count.
pub(crate) fn spawn(kind: ForkKind, caller: usize, child: Option<u32>) {
    ALL_SPAWNS.fetch_add(1, Relaxed);
    if !wanted() {
        return;
    }
    if !token(&NEXT_SPAWN) {
        SPAWNS.fetch_add(1, Relaxed);
        return;
    }
    let (Some(arena), Some(mut lines)) = (Arena::new(ARENA), Lines::new()) else { return };
    begin(&arena);
    let id = fork_id(raw::process_id(), forkguard_core::fork::next_sequence());
    let mut event = describe::spawn(&arena, kind, crate::sites::capture(caller));
    event.child = child;
    lines.add(Some(id.as_str()), Event::Fork(event));
    lines.write();
}

/// Writes one event of a forked child.
pub(crate) fn of_child<'a>(fork: Option<&'a str>, event: Event<'a>) {
    if wanted()
        && let Some(mut lines) = Lines::new()
    {
        lines.add(fork, event);
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
    SPAWNS.store(0, Relaxed);
    ALL_SPAWNS.store(0, Relaxed);
    NEXT_FULL.store(0, Relaxed);
    NEXT_SPAWN.store(0, Relaxed);
}

/// One line on the host's stderr.
pub(crate) fn say(arguments: std::fmt::Arguments<'_>) {
    let mut line = Text::<1600>::new();
    let _ = writeln!(line, "forkguard: {arguments}");
    print(line.as_str());
}

/// True while descriptor 2 is what a program writes its errors to: the one it began with, or one that was put there on purpose. A
/// file that only happened to get that number is the host's data.
fn has_stderr() -> bool {
    use forkguard_core::descriptor::{Kind, record, role};
    record(2).is_some_and(|r| r.kind == Kind::Start || r.role & role::PLACED != 0)
}

/// Writes text to the host's stderr in one go.
pub(crate) fn print(text: &str) {
    if !has_stderr() {
        return;
    }
    let _ = file::quietly(|| rustix::io::write(descriptor(2), text.as_bytes()));
}

/// A fault of our own: said once; the hooks pass everything through from now on.
pub(crate) fn fault(panic: &std::panic::PanicHookInfo<'_>) {
    say(format_args!(
        "a fault of its own, please report it; forkguard is off in process {} from here on: {panic}",
        raw::process_id()
    ));
}
