//! The page that a leader shares with its children: one word a fork, for what both must agree on.
//!
//! The leader reports what it found after the fork, and the child may be gone by then: exactly one of them must say that all findings of
//! the fork are moot. The child also counts there the waits that its hooks check, so that a leader that inspects it from outside leaves
//! them alone.
use crate::fixed::{AtomicName, Text};
use crate::kernel;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering::*, fence};

/// Forks that have a word: far more than can be under way at once.
const FORKS: usize = 363;
/// Kinds of findings that are printed whole, once each; those of a leader with more of them are counted.
const KINDS: usize = 64;
/// Threads of the leader that children are told of.
const THREADS: usize = 32;
/// Threads of the leader whose names children are told of.
const NAMES: usize = 16;

#[repr(C)]
struct SharedPage {
    /// The kinds of findings that were printed: children that have only such ones are alike.
    kinds: [AtomicU64; KINDS],
    /// The child that printed last, and above it how many like it have not been printed since.
    last_printed: AtomicU64,
    /// The end of the minute in which children that are alike are only counted, in nanoseconds.
    quiet_until: AtomicU64,
    /// The leader's threads that work for it alone: what shows that is known in the leader only.
    leaders_threads: [AtomicU32; THREADS],
    /// What was announced of the report, a bit each: once for a leader and its children.
    announced: AtomicU64,
    /// Not zero once the leader ends by exit(3), which writes what waits in its streams.
    exits: AtomicU64,
    /// The process whose wait by a pipe was reported last: it may see that itself, or its leader does.
    held_up: AtomicU64,
    /// The names that threads of the leader took after a fork.
    later_names: [LaterName; NAMES],
    /// A fork's sequence number, below it the number of waits that its child is in, and the flags `REPORTED`, `GONE`, `UNNAMED` and `WORKLESS`.
    forks: [AtomicU64; FORKS],
}

/// The name that a thread of the leader took after a fork.
#[repr(C)]
struct LaterName {
    /// The thread, below it the version of the name: odd while it is written.
    thread: AtomicU64,
    name: AtomicName,
}

const VERSION_BITS: u32 = 16;
const VERSIONS: u64 = (1 << VERSION_BITS) - 1;

/// The leader has reported the fork.
const REPORTED: u64 = 1;
/// The child has exec'd or ended.
const GONE: u64 = 2;
const ONE_WAIT: u64 = 4;
const MOST_WAITS: u64 = 255 * ONE_WAIT;
const SEQUENCE_SHIFT: u32 = 16;
/// The child has reported lost threads that had no name.
const UNNAMED: u64 = 1 << 14;
/// The child that is gone has done nothing but execute a program.
const WORKLESS: u64 = 1 << 15;

/// What leader and child tell each other of connections that the leader had accepted before the fork: bits of the fork's word.
pub mod accepted {
    /// The child uses one: that is what it was forked for.
    pub const SERVED: u64 = 1 << 10;
    /// The child has begun to wait for something.
    pub const WAITED: u64 = 1 << 11;
    /// The leader has answered on one after the fork, and has closed it.
    pub const CLOSED: u64 = 1 << 12;
    /// It is reported that the child holds one that nobody serves.
    pub const REPORTED: u64 = 1 << 13;
}

/// This process's page, as a leader.
#[unsafe(link_section = "forkguard_words")]
static OWN: AtomicPtr<SharedPage> = AtomicPtr::new(ptr::null_mut());
/// The process that made it.
#[unsafe(link_section = "forkguard_words")]
static OWNER: AtomicU32 = AtomicU32::new(0);
/// The page of the leader that forked this process.
#[unsafe(link_section = "forkguard_words")]
static LEADERS: AtomicPtr<SharedPage> = AtomicPtr::new(ptr::null_mut());
/// The sequence number of the fork that made this process.
#[unsafe(link_section = "forkguard_words")]
static OWN_SEQUENCE: AtomicU64 = AtomicU64::new(0);
/// Until when this process waits for its leader's report, in nanoseconds of the monotonic clock: a stopped leader delays its child once, whatever
/// threads of the child wait. 0 before the first wait.
#[unsafe(link_section = "forkguard_words")]
static WAITS_UNTIL: AtomicU64 = AtomicU64::new(0);
const POLL_NS: u64 = 200_000;
const MOST_NS: u64 = 100_000_000;

fn page(of: &AtomicPtr<SharedPage>) -> Option<&'static SharedPage> {
    // SAFETY: null or a page that is never unmapped and began as zeros.
    unsafe { of.load(Acquire).as_ref() }
}

fn word(page: &'static SharedPage, sequence: u64) -> &'static AtomicU64 {
    &page.forks[sequence as usize % FORKS]
}

/// In a leader before its first fork: makes the page. Of several threads that fork for the first time one makes it, the others wait.
pub fn create() {
    const { assert!(size_of::<SharedPage>() <= 4096) };
    static MAKER: AtomicU32 = AtomicU32::new(0);
    if MAKER.swap(kernel::process_id(), AcqRel) == kernel::process_id() {
        return kernel::wait_until(is_created);
    }
    // A refusal is remembered, too: forks then go without the page.
    OWN.store(kernel::map_shared_page().map_or(ptr::null_mut(), |page| page.cast()), Release);
    OWNER.store(kernel::process_id(), Release);
}

/// True when this process has made its page, or was refused one.
pub fn is_created() -> bool {
    OWNER.load(Acquire) == kernel::process_id()
}

/// True when the kernel refused the page.
pub fn is_refused() -> bool {
    is_created() && own_page().is_none()
}

/// The page of this process as a leader: until it is created, `OWN` is inherited and belongs to its own leader.
fn own_page() -> Option<&'static SharedPage> {
    page(&OWN).filter(|_| is_created())
}

/// In a leader before a fork: begins the fork's word.
pub fn begin_fork(sequence: u64) {
    if let Some(page) = own_page() {
        word(page, sequence).store(sequence << SEQUENCE_SHIFT, Release);
    }
}

/// In a forked child: the page inherited from its leader becomes the leader's.
pub fn init_child(sequence: u64) {
    LEADERS.store(OWN.load(Relaxed), Relaxed);
    OWN_SEQUENCE.store(sequence, Relaxed);
    WAITS_UNTIL.store(0, Relaxed);
}

/// In the leader: false for a child that is gone or whose own hooks check its present wait, and for one whose word a later fork has taken.
pub fn needs_inspection(sequence: u64) -> bool {
    own_page().is_some_and(|page| {
        let state = word(page, sequence).load(Acquire);
        state >> SEQUENCE_SHIFT == sequence && state & (GONE | MOST_WAITS) == 0
    })
}

/// In the child: a wait that a hook checks begins.
pub fn begin_wait() {
    update(OWN_SEQUENCE.load(Relaxed), |state| if state & MOST_WAITS == MOST_WAITS { state } else { state + ONE_WAIT });
}

/// In the child: such a wait ended.
pub fn end_wait() {
    update(OWN_SEQUENCE.load(Relaxed), |state| if state & MOST_WAITS == 0 { state } else { state - ONE_WAIT });
}

/// In the leader: true when the child is gone already.
pub fn is_child_gone(sequence: u64) -> bool {
    own_page().is_some_and(|page| word(page, sequence).load(Acquire) & GONE != 0)
}

/// In the leader: true when the child that is gone has done nothing but execute a program.
pub fn has_child_executed(sequence: u64) -> bool {
    own_page().is_some_and(|page| word(page, sequence).load(Acquire) & WORKLESS != 0)
}

/// In the leader, which has reported the fork: true when it must also report that all of its findings are moot.
pub fn mark_reported(sequence: u64) -> bool {
    own_page().is_some_and(|page| word(page, sequence).fetch_or(REPORTED, AcqRel) & GONE != 0)
}

/// In the child, which execs or ends now: true when the child must report itself that all its findings are moot. `executed`: it has done
/// nothing but execute a program.
pub fn mark_gone(sequence: u64, executed: bool) -> bool {
    let flags = if executed { GONE | WORKLESS } else { GONE };
    update(sequence, |state| state | flags).is_none_or(|before| before & REPORTED != 0)
}

/// Changes the word of this child's fork; its value before. None when the leader has forked so often since that a later fork has the word.
fn update(sequence: u64, change: impl Fn(u64) -> u64) -> Option<u64> {
    let word = word(page(&LEADERS)?, sequence);
    word.fetch_update(AcqRel, Acquire, |state| (state >> SEQUENCE_SHIFT == sequence).then(|| change(state))).ok()
}

/// In the child: sets a flag of [`accepted`]; the flags before.
pub fn set_flag_as_child(flag: u64) -> u64 {
    update(OWN_SEQUENCE.load(Relaxed), |state| state | flag).unwrap_or(accepted::WAITED | accepted::REPORTED)
}

/// The same in the leader; None for a child that is gone, or whose word a later fork has taken.
pub fn set_flag_as_leader(sequence: u64, flag: u64) -> Option<u64> {
    let is_its_own = |state: u64| state >> SEQUENCE_SHIFT == sequence && state & GONE == 0;
    let word = word(own_page()?, sequence);
    word.fetch_update(AcqRel, Acquire, |state| is_its_own(state).then_some(state | flag)).ok()
}

/// In the child, before it reports about its leader's findings: waits until the leader has reported them, up to a tenth of a second after the
/// first such wait of the child's life.
pub fn await_leader(leader: u32, sequence: u64) {
    while !is_reported(leader, sequence) {
        let now = kernel::monotonic();
        let until =
            WAITS_UNTIL.compare_exchange(0, now + MOST_NS, Relaxed, Relaxed).map_or_else(|until| until, |_| now + MOST_NS);
        if now >= until {
            return;
        }
        kernel::sleep(POLL_NS);
    }
}

/// In the child, which execs or ends now: lets `thread` of the leader, which still reports, return from fork first and go on until it waits, as it
/// mostly does without a report. Programs that set a handler for SIGCHLD only then would miss the end of their child.
pub fn let_leader_return(leader: u32, thread: u32, sequence: u64) {
    const MOST_ROUNDS: u32 = 50;
    if leader_has_reported(leader, sequence) {
        return;
    }
    await_leader(leader, sequence);
    for _ in 0..MOST_ROUNDS {
        kernel::sleep(POLL_NS);
        if kernel::other_process::state(thread) != Some(b'R') {
            break;
        }
    }
}

/// In the child: true when it need not wait for its leader's report any more.
pub fn leader_has_reported(leader: u32, sequence: u64) -> bool {
    is_reported(leader, sequence) || (1..kernel::monotonic()).contains(&WAITS_UNTIL.load(Relaxed))
}

fn is_reported(leader: u32, sequence: u64) -> bool {
    update(sequence, |state| state).is_none_or(|state| state & REPORTED != 0) || kernel::parent_id() != leader
}

/// In a leader that ends by exit(3).
pub fn mark_exit() {
    if let Some(page) = own_page() {
        page.exits.store(1, Release);
    }
}

/// In the child, whose leader has ended: true when that was by exit(3).
pub fn has_leader_exited() -> bool {
    page(&LEADERS).is_some_and(|page| page.exits.load(Acquire) != 0)
}

/// In the leader: this thread of its works for it alone.
pub fn note_leaders_thread(tid: u32) {
    let noted = |slot: &AtomicU32| slot.load(Relaxed) == tid || slot.compare_exchange(0, tid, Relaxed, Relaxed).is_ok();
    _ = own_page().is_some_and(|page| page.leaders_threads.iter().any(noted));
}

/// True for a thread that was noted so: in the child by its leader, in the leader itself at an earlier fork.
pub fn is_leaders_thread(tid: u32, in_child: bool) -> bool {
    let page = if in_child { page(&LEADERS) } else { own_page() };
    tid != 0 && page.is_some_and(|page| page.leaders_threads.iter().any(|slot| slot.load(Relaxed) == tid))
}

/// In the leader: this thread has a name by now.
pub fn note_later_name(thread: u64, name: &Text<16>) {
    let Some(page) = own_page() else { return };
    let is_of = |known: &&LaterName, thread: u64| known.thread.load(Relaxed) >> VERSION_BITS == thread;
    let names = &page.later_names;
    let known = names.iter().find(|known| is_of(known, thread)).or_else(|| names.iter().find(|known| is_of(known, 0)));
    let known = known.unwrap_or(&names[thread as usize % NAMES]);
    let seen = known.thread.load(Acquire);
    let version = |number: u64| thread << VERSION_BITS | number & VERSIONS;
    // Another thread writes it, or names this thread, too.
    if seen & 1 == 0 && known.thread.compare_exchange(seen, version(seen + 1), SeqCst, Relaxed).is_ok() {
        fence(Release);
        known.name.set(name.as_str().as_bytes());
        known.thread.store(version(seen + 2), SeqCst);
    }
}

/// In the child: the name that this thread of its leader took after the fork; empty when it is not known to have one.
pub fn later_name(thread: u64) -> Text<16> {
    let names = page(&LEADERS).map(|page| &page.later_names);
    let read = |known: &LaterName| {
        let seen = known.thread.load(Acquire);
        let name = known.name.get();
        fence(Acquire);
        let whole = seen & 1 == 0 && seen >> VERSION_BITS == thread && known.thread.load(SeqCst) == seen;
        whole.then_some(name)
    };
    names.and_then(|names| names.iter().find_map(read)).unwrap_or_default()
}

/// In the child, which has reported lost threads without a name: a name that [`later_name`] does not have after this is for the leader to report.
pub fn mark_unnamed() {
    update(OWN_SEQUENCE.load(Relaxed), |state| state | UNNAMED);
    fence(SeqCst);
}

/// In the leader, after [`note_later_name`]: true when the child of that fork has reported without it, and lives on.
pub fn is_unnamed(sequence: u64) -> bool {
    fence(SeqCst);
    own_page().is_some_and(|page| {
        let state = word(page, sequence).load(SeqCst);
        state >> SEQUENCE_SHIFT == sequence && state & (GONE | UNNAMED) == UNNAMED
    })
}

/// What is to be printed of a child.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Printing {
    /// All of it.
    Whole,
    /// That it is like the child that printed first, as so many more that nothing was printed of.
    Alike { first: u32, more: u32 },
    /// Nothing: it is counted.
    Nothing,
}

/// How long children that are alike are only counted after a line about them.
const QUIET_NS: u64 = 60_000_000_000;

/// What is to be printed of `child`, whose findings are of these `kinds` (numbers that are not zero): in itself or in its leader.
pub fn note_printed(leader: u32, child: u32, kinds: impl Iterator<Item = u64>) -> Printing {
    let of_leader = if leader == kernel::process_id() { &OWN } else { &LEADERS };
    let Some(page) = page(of_leader) else { return Printing::Whole };
    let (mut any, mut new) = (false, false);
    for kind in kinds {
        any = true;
        new |= page.is_new(kind);
    }
    if new || !any {
        page.last_printed.store(child.into(), Relaxed);
        page.quiet_until.store(0, Relaxed);
        return Printing::Whole;
    }
    let before = page.last_printed.fetch_add(1 << 32, Relaxed);
    let (now, quiet_until) = (kernel::monotonic(), page.quiet_until.load(Relaxed));
    let ends = quiet_until <= now && page.quiet_until.compare_exchange(quiet_until, now + QUIET_NS, Relaxed, Relaxed).is_ok();
    if !ends {
        return Printing::Nothing;
    }
    let counted = page.last_printed.fetch_and(u32::MAX.into(), Relaxed) >> 32;
    Printing::Alike { first: before as u32, more: (counted as u32).saturating_sub(1) }
}

impl SharedPage {
    /// Notes a kind; true when it was not known. Where there is no room left, all are.
    fn is_new(&self, kind: u64) -> bool {
        for known in &self.kinds {
            match known.compare_exchange(0, kind, Relaxed, Relaxed) {
                Ok(_) => return true,
                Err(other) if other == kind => return false,
                Err(_) => {}
            }
        }
        false
    }
}

/// Records that a process waits by a pipe in vain; true when this process, its leader or a sibling has reported that before.
pub fn is_held_up_again(process: u32) -> bool {
    let pages = [page(&LEADERS), own_page()];
    pages.into_iter().flatten().fold(false, |again, page| again | (page.held_up.swap(process.into(), Relaxed) == process.into()))
}

/// True for the first of this process, its leader and its siblings that announces this about the report; `announcement` is a bit.
pub fn announce_once(announcement: u64) -> bool {
    let pages = [page(&LEADERS), own_page()];
    let before = pages.into_iter().flatten().map(|page| page.announced.fetch_or(announcement, Relaxed));
    before.fold(0, |all, announced| all | announced) & announcement == 0
}
