//! What a child does with inherited descriptors: the first use of each that matters is said before it happens; what is no news of a child
//! that may be about to exec is said once it has settled.
use super::Ending;
use super::hit::report_hit;
use crate::describe::keep;
use crate::describe::{self, descriptors};
use crate::entry::WaitLength;
use crate::entry::{self, Arena, Registers, Scratch, record_with_scratch};
use crate::findings::{Hazard, Hit};
use crate::findings::{connection_inherited, epoll_inherited, file_offset_shared, sqlite_inherited};
use crate::guards;
use crate::ledger::{self, Output};
use crate::sites::{self, Start};
use forkguard_core::descriptor::{self, Kind as Made, Record, role};
use forkguard_core::fixed::Text;
use forkguard_core::flags;
use forkguard_core::fork as core_fork;
use forkguard_core::fork::shared_page;
use forkguard_core::{gate, raw, signal, tls};
use forkguard_report::event::{FindingState, Kind, Role, Severity, Site, State};
use std::borrow::Cow::Borrowed;
use std::fmt::Display;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// What a call does with a descriptor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Takes in, by the descriptor's own position.
    Input,
    /// Gives out, likewise.
    Output,
    /// Moves the position.
    Seek,
    /// Reads or writes at a place of the call's own.
    At,
    /// Locks a part of a file.
    Lock,
    /// Changes or waits on what an epoll instance watches.
    Watch,
}

/// Inherited descriptors of a settled child whose use is still to be looked at.
#[unsafe(link_section = "forkguard_words")]
static LEFT: AtomicU32 = AtomicU32::new(0);

/// Turns in the lives of hazards that can wait until the child settles: most children that close what they inherited are about to exec.
const LATER: [(Kind, State, &str); 4] = [
    (Kind::ConnectionInherited, State::Resolved, UNUSED),
    (Kind::EpollInherited, State::Resolved, UNUSED),
    (Kind::SqliteInherited, State::Resolved, UNUSED),
    (Kind::FileOffsetShared, State::Hit, "the child moves the position that it shares"),
];
const UNUSED: &str = "the child closed it unused";
/// Those that wait: the number of the descriptor, and above it the place in [`LATER`] plus one.
static WAITING: [AtomicU32; 64] = [const { AtomicU32::new(0) }; 64];
#[unsafe(link_section = "forkguard_words")]
static WAITING_COUNT: AtomicU32 = AtomicU32::new(0);

/// In a forked child: with a snapshot it has a birth to speak of.
pub(super) fn begin(seen: bool) {
    flags::WATCH_USES.store(u8::from(seen), Relaxed);
    // Each page that a child writes to is one that the kernel copies.
    if WAITING_COUNT.load(Relaxed) != 0 {
        waiting().for_each(drop);
    }
    if GIVEN_TIME.load(Relaxed) {
        GIVEN_TIME.store(false, Relaxed);
        PUT_OFF_COUNT.store(0, Relaxed);
    }
}

/// A turn that waits until the child has settled, or is said now.
fn later(kind: Kind, fd: i32) {
    let number = descriptor::number_at_fork(fd);
    let Some(index) = LATER.iter().position(|(of, ..)| *of == kind) else { return };
    let free = || WAITING.get(WAITING_COUNT.fetch_add(1, Relaxed) as usize);
    match if super::flags::is_settling() { free() } else { None } {
        Some(place) => place.store((index as u32 + 1) << 24 | number as u32, Relaxed),
        None => _ = record_with_scratch(|scratch| turn(scratch, index, number)),
    }
}

fn turn(scratch: &Scratch, index: usize, number: i32) {
    let (kind, state, because) = LATER[index];
    ledger::report_state(scratch, kind, format_args!("{number}"), state, None, because);
}

/// Takes those that wait.
fn waiting() -> impl Iterator<Item = (usize, i32)> {
    let words = WAITING.iter().take(WAITING_COUNT.swap(0, Relaxed) as usize).map(|place| place.swap(0, Relaxed));
    words.filter(|&word| word != 0).map(|word| ((word >> 24) as usize - 1, (word & 0xff_ffff) as i32))
}

/// Why the use of an inherited descriptor may matter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Concern {
    /// Its bytes belong to two processes.
    Connection,
    /// Its other end is the leader's, too: what a signal handler writes wakes the leader.
    SelfPipe,
    /// Leader and child change what it watches.
    Epoll,
    /// A file that SQLite may have opened, or that is read by position.
    File,
}

impl Concern {
    fn of(fd: i32, record: &Record) -> Option<Concern> {
        match record.kind {
            _ if keep::is_kept(fd, record) => None,
            // Put under a number of its own choice, such as standard output, it is there to be used.
            Made::Socket if record.role & role::PLACED != 0 => None,
            Made::Socket if record.role & role::CONNECTED != 0 => Some(Concern::Connection),
            Made::Socket if record.role & role::PAIR != 0 => Some(Concern::SelfPipe),
            Made::Pipe => Some(Concern::SelfPipe),
            Made::Epoll => Some(Concern::Epoll),
            Made::File => Some(Concern::File),
            _ => None,
        }
    }

    fn is_of(self, usage: Use) -> bool {
        match self {
            Concern::Connection => matches!(usage, Use::Input | Use::Output),
            Concern::SelfPipe => usage == Use::Output,
            Concern::Epoll => usage == Use::Watch,
            Concern::File => usage != Use::Watch,
        }
    }
}

/// Where a call is made.
#[derive(Clone, Copy)]
struct Call {
    start: Start,
    caller: usize,
}

/// Before a call that uses a descriptor.
#[inline(always)]
pub(crate) fn before(registers: &Registers, fd: i32, usage: Use) {
    if descriptor::is_unseen(fd) {
        let call = Call { start: registers.start(), caller: registers.caller };
        first(call, fd, usage);
    }
}

/// The same in a hook that wraps.
#[inline(always)]
pub(crate) fn before_called(caller: usize, fd: i32, usage: Use) {
    if flags::WATCH_USES.load(Relaxed) != 0 && descriptor::is_unseen(fd) {
        first(Call { start: Start::here(), caller }, fd, usage);
    }
}

#[cold]
fn first(call: Call, fd: i32, usage: Use) {
    let Some(record) = descriptor::record(fd) else { return };
    let Some(concern) = Concern::of(fd, &record).filter(|c| c.is_of(usage)) else { return };
    if !gate::awake() || tls::inside() != 0 || gate::is_guest() || !core_fork::owned() {
        return;
    }
    match concern {
        Concern::Connection | Concern::Epoll => shared(call, fd, concern),
        Concern::SelfPipe => self_pipe(call, fd),
        Concern::File => file(fd, &record, usage),
    }
}

/// What stands for it in the ids of findings.
fn number(fd: i32) -> Text<64> {
    Text::of(format_args!("{}", descriptor::number_at_fork(fd)))
}

/// How certain it is that a process above this one has it open, too; None when it has not. (A handler may use it on a small stack: paths need
/// room.)
fn certainty(fd: i32) -> Option<Severity> {
    let number = descriptor::number_at_fork(fd);
    // By the thread that forked, too: of a leader whose main thread has ended only its other threads show what is open.
    let leaders = || core_fork::ancestors().flat_map(|s| [s.facts().leader, s.facts().thread]);
    let certainty = |leader| match descriptors::is_shared_with(leader, number, fd) {
        Some(shared) => shared.then_some(Severity::Error),
        None => Some(Severity::Warning),
    };
    record_with_scratch(|_| leaders().filter_map(certainty).max()).flatten()
}

/// A leader that made a connection for its child closes its own copy as soon as it goes on after the fork. A young child gives it that
/// time, once.
const YOUNG_NS: u64 = 200_000_000;
const HANDING_OVER_NS: u64 = 10_000_000;
#[unsafe(link_section = "forkguard_words")]
static GIVEN_TIME: AtomicBool = AtomicBool::new(false);

/// True for a child whose leader is to be given time, the first time that it is asked.
fn gives_time() -> bool {
    let young = core_fork::birth().is_some_and(|birth| raw::monotonic() - birth.facts().entered <= YOUNG_NS);
    young && !GIVEN_TIME.swap(true, Relaxed)
}

/// How certain it is, when a leader that hands it over has had the time to.
fn certainty_in_time(fd: i32) -> Option<Severity> {
    const STEP_NS: u64 = 500_000;
    let mut found = certainty(fd)?;
    let fork = core_fork::birth()?.facts();
    if !gives_time() {
        return Some(found);
    }
    if fork.full {
        shared_page::await_leader(fork.leader, fork.sequence);
    }
    let start = raw::monotonic();
    while raw::monotonic() - start < HANDING_OVER_NS {
        raw::sleep(STEP_NS);
        found = certainty(fd)?;
    }
    Some(found)
}

/// Uses that are judged when their leader has had the time to hand over: an epoll call, or one on a connection that does not block, is not
/// held up for that.
static PUT_OFF: [PutOff; 8] = [const { PutOff { fd: AtomicI32::new(0), site: AtomicUsize::new(0) } }; 8];
#[unsafe(link_section = "forkguard_words")]
static PUT_OFF_COUNT: AtomicU32 = AtomicU32::new(0);
/// When they are judged: nanoseconds of the monotonic clock.
#[unsafe(link_section = "forkguard_words")]
static DUE: AtomicU64 = AtomicU64::new(0);

struct PutOff {
    fd: AtomicI32,
    site: AtomicUsize,
}

/// Puts a use off, if there is reason and room.
fn put_off(fd: i32, concern: Concern, site: usize) -> bool {
    let at_once = concern == Concern::Epoll || !raw::blocks(fd);
    let first = || gives_time().then(|| DUE.store(raw::monotonic() + HANDING_OVER_NS, Relaxed)).is_some();
    if !at_once || PUT_OFF_COUNT.load(Relaxed) == 0 && !first() {
        return false;
    }
    let Some(place) = PUT_OFF.get(PUT_OFF_COUNT.load(Relaxed) as usize) else { return false };
    place.fd.store(fd, Relaxed);
    place.site.store(site, Relaxed);
    PUT_OFF_COUNT.fetch_add(1, Relaxed);
    flags::WATCH_USES.store(1, Relaxed);
    flags::watch_waits();
    true
}

/// Judges them before a wait of that length: before a long one also when the leader has to be given time first, unless there is something to
/// be had at once.
pub(crate) fn judge(length: WaitLength) {
    let put_off = PUT_OFF_COUNT.load(Relaxed) as usize;
    if put_off == 0 || !gate::awake() || !core_fork::owned() {
        return;
    }
    let left = DUE.load(Relaxed).saturating_sub(raw::monotonic());
    let fd = PUT_OFF[0].fd.load(Relaxed);
    if left > 0 && (length != WaitLength::Long || record_with_scratch(|_| raw::has_input_within(fd, left)) != Some(false)) {
        return;
    }
    judge_all();
}

/// One of them may be about to be closed.
fn judge_before_close(closed: impl Fn(i32) -> bool) {
    let put_off = PUT_OFF_COUNT.load(Relaxed) as usize;
    if PUT_OFF.iter().take(put_off).any(|place| closed(place.fd.load(Relaxed))) {
        judge_in_time();
    }
}

/// Judges them when their leader has had its time: before a call that has no limit of time, and after which nobody could tell (close, exec,
/// exit).
pub(super) fn judge_in_time() {
    if PUT_OFF_COUNT.load(Relaxed) == 0 || !gate::awake() || gate::is_guest() || !core_fork::owned() {
        return;
    }
    raw::sleep(DUE.load(Relaxed).saturating_sub(raw::monotonic()));
    judge_all();
}

fn judge_all() {
    let put_off = PUT_OFF_COUNT.swap(0, Relaxed) as usize;
    for place in &PUT_OFF[..put_off.min(PUT_OFF.len())] {
        let fd = place.fd.load(Relaxed);
        let concern = descriptor::record(fd).and_then(|record| Concern::of(fd, &record));
        if let (Some(concern), Some(severity)) = (concern, certainty(fd)) {
            say_shared(fd, concern, severity, place.site.load(Relaxed));
        }
    }
    if !super::flags::is_settling() {
        count();
    }
}

/// The first use of a connection or an epoll instance.
fn shared(call: Call, fd: i32, concern: Concern) {
    seen(fd);
    if hazard(concern, fd).is_none()
        || ledger::find(kind_of_use(concern), number(fd).as_str()).is_some()
        || certainty(fd).is_none()
    {
        return;
    }
    let site = entry::record(|_| sites::capture_from(call.start, call.caller)).unwrap_or(call.caller);
    if put_off(fd, concern, site) {
        return;
    }
    if let Some(severity) = certainty_in_time(fd) {
        say_shared(fd, concern, severity, site);
    }
}

fn kind_of_use(concern: Concern) -> Kind {
    if concern == Concern::Epoll { Kind::EpollSharedUse } else { Kind::ConnectionSharedUse }
}

fn say_shared(fd: i32, concern: Concern, severity: Severity, site: usize) {
    let (kind, what) = (kind_of_use(concern), number(fd));
    let Some(hazard) = hazard(concern, fd) else { return };
    record_with_scratch(|scratch| {
        report_hit(scratch, severity, Output::Stderr, kind, |arena| {
            let descriptor = descriptors::describe(arena, fd)?;
            let subject = match concern {
                Concern::Epoll => epoll_inherited::subject(arena, &descriptor)?,
                _ => connection_inherited::subject(arena, &descriptor)?,
            };
            let what = arena.text(what.as_str());
            let hazard = Some(Hazard { fork: core_fork::birth()?.facts(), kind: hazard, what });
            let sites = arena.join([descriptor.site.as_slice(), used(arena, site).as_slice()]);
            Some(Hit { kind, what, subject, sites, hazard })
        });
    });
}

fn used<'a>(arena: &'a Arena, word: usize) -> Option<Site<'a>> {
    describe::site(arena, Role::Used, raw::thread_id(), word)
}

/// The first write into a pipe or a pair of sockets. A signal handler that was set before the fork and writes into one of which this
/// process has both ends wants to wake itself: it wakes its leader.
fn self_pipe(call: Call, fd: i32) {
    seen(fd);
    let Some(twin) = descriptor::twin(fd) else { return };
    let Some(number) = entry::record(|_| sites::handled_signal(call.start)).flatten() else { return };
    let action = raw::signal_action(number);
    let Some(set) = action.and_then(|a| signal::setter(number, a.handler)).filter(|s| s.inherited) else { return };
    let Some(severity) = certainty(fd) else { return };
    if guards::detach(fd, twin) {
        return;
    }
    let word = entry::record(|_| sites::capture_from(call.start, call.caller)).unwrap_or(call.caller);
    record_with_scratch(|scratch| {
        report_hit(scratch, severity, Output::Stderr, Kind::ConnectionSharedUse, |arena| {
            let descriptor = descriptors::describe(arena, fd)?;
            let name = describe::signal_name(arena, number);
            let set = describe::site(arena, Role::Set, set.thread, set.site);
            Some(Hit {
                kind: Kind::ConnectionSharedUse,
                what: arena.format(format_args!("{fd}")),
                subject: arena.format(format_args!("the self-pipe of the handler of {name}, descriptor {fd}")),
                sites: arena.join([descriptor.site.as_slice(), set.as_slice(), used(arena, word).as_slice()]),
                hazard: None,
            })
        });
    });
}

/// True for a file that SQLite's own code opened: what needs no look at the file.
fn may_be_database(record: &Record) -> bool {
    record.role & role::NO_DATABASE == 0
        && sites::native::library(sites::look(record.site).0).is_some_and(|path| path.as_str().contains("sqlite"))
}

fn is_database(scratch: &Scratch, fd: i32) -> bool {
    descriptors::describe(&scratch.arena(), fd).is_some_and(|d| sqlite_inherited::is_database(&d))
}

fn has_position(scratch: &Scratch, fd: i32) -> bool {
    descriptors::describe(&scratch.arena(), fd).is_some_and(|d| file_offset_shared::has_position(&d))
}

/// The first use of a file that SQLite may have opened, or that is read or written by position.
fn file(fd: i32, record: &Record, usage: Use) {
    let by_position = matches!(usage, Use::Input | Use::Output | Use::Seek);
    let unknown = record.role & role::NO_DATABASE == 0;
    if !unknown && !by_position {
        return;
    }
    let may_be_database = unknown && entry::record(|_| may_be_database(record)) == Some(true);
    let database = may_be_database && record_with_scratch(|scratch| is_database(scratch, fd)) == Some(true);
    if !database {
        descriptor::add_role(fd, role::NO_DATABASE);
        if !by_position {
            return;
        }
    }
    seen(fd);
    if !database {
        guards::before_first_use(fd);
    }
    if !database && (!descriptors::is_positioned(fd) || !descriptor::is_inherited(fd)) || certainty(fd).is_none() {
        return;
    }
    if database {
        let (kind, what) = (Kind::SqliteInherited, number(fd));
        let because = "the child uses it";
        record_with_scratch(|scratch| {
            ledger::report_state(scratch, kind, format_args!("{}", what.as_str()), State::Hit, Some(Severity::Warning), because)
        });
    } else if record_with_scratch(|scratch| has_position(scratch, fd)) == Some(true) {
        later(Kind::FileOffsetShared, fd);
    }
}

/// The hazard that the fork's report names; None where it names none, or not for certain.
fn hazard(concern: Concern, fd: i32) -> Option<Kind> {
    match concern {
        Concern::Connection if descriptors::is_stream(fd) => Some(Kind::ConnectionInherited),
        Concern::Epoll => Some(Kind::EpollInherited),
        _ => None,
    }
}

/// A child closes a number.
#[inline(always)]
pub(crate) fn closing(fd: i32) {
    if flags::WATCH_USES.load(Relaxed) != 0 && descriptor::is_unseen(fd) {
        closes_unused(fd);
    }
    if PUT_OFF_COUNT.load(Relaxed) != 0 {
        judge_before_close(|put_off| put_off == fd);
    }
}

/// The same for all numbers from first to last.
pub(crate) fn closing_range(first: u32, last: u32) {
    if PUT_OFF_COUNT.load(Relaxed) != 0 {
        judge_before_close(|put_off| (first..=last).contains(&(put_off as u32)));
    }
    if flags::WATCH_USES.load(Relaxed) != 0 && !gate::is_guest() {
        descriptor::unseen().filter(|&fd| (first..=last).contains(&(fd as u32))).for_each(closes_unused);
    }
}

#[cold]
fn closes_unused(fd: i32) {
    let Some(record) = descriptor::record(fd) else { return };
    let Some(concern) = Concern::of(fd, &record) else { return };
    if !gate::awake() || tls::inside() != 0 || gate::is_guest() || !core_fork::owned() {
        return;
    }
    let database = concern == Concern::File
        && entry::record(|_| may_be_database(&record)) == Some(true)
        && record_with_scratch(|scratch| is_database(scratch, fd)) == Some(true);
    let kind = if database { Some(Kind::SqliteInherited) } else { entry::record(|_| hazard(concern, fd)).flatten() };
    let Some(kind) = kind else { return seen(fd) };
    if descriptor::has_copy(fd) {
        return;
    }
    seen(fd);
    if ledger::find(kind, number(fd).as_str()).is_none() {
        later(kind, fd);
    }
}

fn state<'a>(arena: &'a Arena, id: &str, kind: Kind, what: impl Display, state: State, because: &'a str) -> FindingState<'a> {
    let id = Borrowed(arena.format(format_args!("{id}:{}:{what}", kind.name())));
    FindingState { id, state, severity: None, because: Borrowed(because) }
}

/// The child is gone before it settled: the turns that have waited for that.
pub(super) fn unsaid(scratch: &Scratch, id: &str) {
    let arena = scratch.arena();
    ledger::write_states(scratch, id, |each| {
        for (index, number) in waiting() {
            let (kind, turn, because) = LATER[index];
            each(state(&arena, id, kind, number, turn, because));
        }
        ledger::resolved_by_actions(|kind, what, because| each(state(&arena, id, kind, what, State::Resolved, because)));
    });
}

/// The child is gone: what it shares and did not touch came to this end.
pub(super) fn untouched(scratch: &Scratch, id: &str, ending: Ending) {
    let arena = scratch.arena();
    let hazard = |fd| hazard(Concern::of(fd, &descriptor::record(fd)?)?, fd);
    ledger::write_states(scratch, id, |each| {
        for fd in descriptor::unseen().filter(|&fd| descriptor::number_at_fork(fd) == fd) {
            // Of what goes by two numbers the other one may have been used.
            if let Some(kind) = hazard(fd).filter(|&kind| ledger::find(kind, number(fd).as_str()).is_none()) {
                each(state(&arena, id, kind, fd, ending.state, ending.because));
            }
        }
    });
}

/// The child settles: what has waited for that is said, and what is left to look at is counted.
pub(super) fn settled(scratch: &Scratch) {
    waiting().for_each(|(index, number)| turn(scratch, index, number));
    for fd in descriptor::unseen() {
        let matters = match descriptor::record(fd).and_then(|record| Concern::of(fd, &record)) {
            Some(Concern::Connection) => descriptors::is_stream(fd),
            Some(Concern::SelfPipe) => descriptor::twin(fd).is_some(),
            Some(Concern::Epoll) => true,
            Some(Concern::File) => descriptors::is_positioned(fd),
            None => false,
        };
        if !matters {
            descriptor::see(fd);
        }
    }
    count();
}

fn count() {
    LEFT.store(descriptor::unseen().count() as u32, Relaxed);
    flags::WATCH_USES.store(u8::from(LEFT.load(Relaxed) != 0 || PUT_OFF_COUNT.load(Relaxed) != 0), Relaxed);
}

/// The use of this one need not be looked at again.
fn seen(fd: i32) {
    if descriptor::see(fd) && !super::flags::is_settling() && LEFT.fetch_sub(1, Relaxed) <= 1 {
        // Copies may have been counted twice.
        count();
    }
}
