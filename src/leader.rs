//! A leader's look at its children, from outside, when it is idle itself: the waits that cross no symbol of theirs (Go, inlined futexes).
//!
//! A child that lost threads at its fork, has one thread, and stands in the same futex wait, private to its process and without a time
//! limit, in two looks a second apart without having run in between: only a lost thread could have woken it. What the child's own hooks
//! look at, they judge themselves, and say so in its fate (`child/fate.rs`).
use crate::arena::Arena;
use crate::child::bite::{self, Bite};
use crate::child::fate;
use crate::hooks::AtLength;
use crate::options::{self, Summary};
use crate::sites::native;
use crate::{describe, emit, findings};
use forkguard_core::fixed::{Fixed, Text};
use forkguard_core::fork::{Inner, ThreadRecord};
use forkguard_core::{generation, raw};
use forkguard_report::event::{Event, FindingState, Kind, Role, Severity, Site, State};
use std::borrow::Cow::Borrowed;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::*};

/// Not zero while a look has something to look at.
static CHILDREN_LEFT: AtomicU8 = AtomicU8::new(0);
/// When the next look is due, in nanoseconds of the monotonic clock.
static NEXT_LOOK: AtomicU64 = AtomicU64::new(0);
const INTERVAL_NS: u64 = 1_000_000_000;
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

/// A wait for a futex.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Wait {
    address: usize,
    /// Where the program waits.
    counter: usize,
    /// How often it had given up the processor by itself.
    switches: u64,
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
    crate::hooks::watch_waits();
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
    NEXT_LOOK.load(Relaxed).saturating_sub(raw::monotonic()).clamp(INTERVAL_NS / 10, INTERVAL_NS)
}

/// In a forked child, which has none yet.
pub(crate) fn reset_in_child() {
    CHILDREN_LEFT.store(0, Relaxed);
    LOOKING.store(false, Relaxed);
}

/// True when a look is due.
pub(crate) fn is_due() -> bool {
    watches() && raw::monotonic() >= NEXT_LOOK.load(Relaxed)
}

/// Looks at all children.
pub(crate) fn look(at: &AtLength) {
    if LOOKING.swap(true, Acquire) {
        return;
    }
    NEXT_LOOK.store(raw::monotonic() + INTERVAL_NS, Relaxed);
    // Before the places are read: a child that is remembered meanwhile sets it again.
    CHILDREN_LEFT.store(0, SeqCst);
    for place in PLACES.iter().filter(|place| place.state.load(Acquire) == word(WATCHED)) {
        // SAFETY: see `Place`.
        match look_at(at, unsafe { &mut *place.child.get() }) {
            true => CHILDREN_LEFT.store(1, SeqCst),
            false => place.state.store(word(FREE), Release),
        }
    }
    LOOKING.store(false, Release);
}

/// Looks at one child; false when that need not be done again.
fn look_at(at: &AtLength, child: &mut Child) -> bool {
    let Some(life) = Life::of(child) else { return false };
    if life == Life::Ended {
        return true;
    }
    let waits = wait_of(child.pid);
    let same = waits.is_some() && waits == child.waits;
    child.waits = if child.said.is_some() { child.waits } else { waits };
    match child.said {
        Some(_) if same => child.said = Some(0),
        // A child that dies is elsewhere for a moment, too.
        Some(0) => child.said = Some(1),
        Some(_) => {
            say_resolved(at, child);
            return false;
        }
        None if same && !fate::needs_no_look(child.sequence) => {
            say(at, child, waits);
            child.said = Some(0);
        }
        None => {}
    }
    true
}

#[derive(PartialEq, Eq)]
enum Life {
    Lives,
    /// Its leader has yet to wait for it.
    Ended,
}

impl Life {
    /// None for a process that is gone, or is not the one that was forked: another one by the same number, or another program.
    fn of(child: &Child) -> Option<Life> {
        const TICK_NS: u64 = 10_000_000;
        const START: usize = 21;
        const STACK: usize = 27;
        let mut bytes = [0u8; 1024];
        let stat = read(&mut bytes, child.pid, "stat");
        // Words of stat from the third on, which follows the name in parentheses.
        let words = || stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default().split_ascii_whitespace();
        let number = |index: usize| words().nth(index - 2).and_then(|word| word.parse::<u64>().ok());
        let mut own = [0u8; 1024];
        let own = raw::read_file(c"/proc/self/stat", &mut own);
        let own = std::str::from_utf8(own).ok()?.rsplit_once(')')?.1.split_ascii_whitespace().nth(STACK - 2)?.parse().ok();
        let ours = number(3) == Some(u64::from(raw::process_id()));
        let then = number(START)?.saturating_mul(TICK_NS).abs_diff(child.born) < 2_000_000_000;
        // An exec gives a process a new stack.
        let same_program = number(STACK) == own;
        (ours && then && same_program).then(|| match words().next() {
            Some("Z" | "X") => Life::Ended,
            _ => Life::Lives,
        })
    }
}

/// A small file of another process, as text.
fn read<'b>(bytes: &'b mut [u8], pid: u32, file: &str) -> &'b str {
    let path = Text::<48>::of(format_args!("/proc/{pid}/{file}"));
    let read = path.as_cstr().map(|path| raw::read_file(path, bytes)).unwrap_or_default();
    std::str::from_utf8(read).unwrap_or_default()
}

/// The wait for a futex that only its own process could end, if the process has one thread and stands in one.
fn wait_of(pid: u32) -> Option<Wait> {
    let mut bytes = [0u8; 256];
    // The number of the call, its six arguments, stack pointer and program counter.
    let mut words = read(&mut bytes, pid, "syscall").split_ascii_whitespace();
    if words.next()?.parse() != Ok(libc::SYS_futex) {
        return None;
    }
    let mut hex = || usize::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok();
    let [address, operation, _, timeout, _, _, _, counter] = [hex()?, hex()?, hex()?, hex()?, hex()?, hex()?, hex()?, hex()?];
    let operation = operation as i32;
    let waits = matches!(operation & libc::FUTEX_CMD_MASK, libc::FUTEX_WAIT | libc::FUTEX_WAIT_BITSET);
    if !waits || operation & libc::FUTEX_PRIVATE_FLAG == 0 || timeout != 0 {
        return None;
    }
    let mut bytes = [0u8; 4096];
    let status = read(&mut bytes, pid, "status");
    let value = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    let switches = value("voluntary_ctxt_switches:")?;
    (value("Threads:")? == 1).then_some(Wait { address, counter, switches })
}

/// The library that holds the code at `counter`, when the child has the same code there as this process.
fn library_at(pid: u32, counter: usize) -> Option<Text<200>> {
    let (mut ours, mut theirs) = ([0u8; 32], [0u8; 32]);
    let around = counter - counter.min(16);
    let same = raw::read_memory(around, &mut ours) && raw::read_memory_of(pid, around, &mut theirs) && ours == theirs;
    if same { native::library_of(counter).map(|(_, path)| path) } else { None }
}

impl Child {
    fn id<'a>(&self, arena: &'a Arena) -> &'a str {
        arena.text(emit::fork_id(raw::process_id(), self.sequence).as_str())
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
        let runtime = lost.iter().find_map(|t| findings::runtime_unsafe::library_of(t)).filter(|runtime| *runtime == library)?;
        self.full.then(|| arena.format(format_args!("{id}:{}:{runtime}", Kind::RuntimeUnsafe.name())))
    }
}

fn say(at: &AtLength, child: &Child, waits: Option<Wait>) {
    let Some(waits) = waits else { return };
    let arena = &at.arena();
    let id = child.id(arena);
    let lost = describe::lost_threads(arena, child.lost.as_slice());
    let library = library_at(child.pid, waits.counter);
    let place = library.and_then(|_| describe::site(arena, Role::Waits, child.pid, waits.counter));
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
        findings::go_library(arena).into_iter().for_each(|site| sites.push(site));
    }
    let more = if child.count - child.unseen.min(child.count) > NAMED as u32 { ", …" } else { "" };
    let bite = Bite {
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
    let mut finding = findings::bite(arena, id, Severity::Error, &bite);
    finding.child = Some(child.pid);
    let hazard = child.hazard(arena, id, library.as_ref().map(|path| path.as_str()), lost);
    let hit = hazard.map(|id| state(id, State::Hit, Kind::JoinLostThread.name()));
    emit::of_child(at, Some(id), [Some(Event::Finding(finding.clone())), hit]);
    if options::get().summary != Summary::Never {
        bite::print(arena, child.pid, raw::process_id(), &finding);
    }
}

fn state<'a>(id: &'a str, state: State, because: &'a str) -> Event<'a> {
    Event::FindingState(FindingState { id: Borrowed(id), state, severity: None, because: Borrowed(because) })
}

fn say_resolved(at: &AtLength, child: &Child) {
    let Some(waits) = child.waits else { return };
    let arena = &at.arena();
    let id = child.id(arena);
    let because = "the child went on after all";
    let finding = arena.format(format_args!("{id}:{}:{:#x}", Kind::JoinLostThread.name(), waits.address));
    let lost = describe::lost_threads(arena, child.lost.as_slice());
    let library = native::library_of(waits.counter);
    let hazard = child.hazard(arena, id, library.as_ref().map(|(_, path)| path.as_str()), lost);
    let events = [Some(state(finding, State::Resolved, because)), hazard.map(|id| state(id, State::Resolved, because))];
    emit::of_child(at, Some(id), events);
}
