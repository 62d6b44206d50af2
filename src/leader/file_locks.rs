//! Locks of flock(2) and F_OFD_SETLK that this process took and gave up by closing the file, while a process that it forked has a copy of the
//! descriptor: the file stays locked, and this process is refused its own lock. The kernel knows who took a lock of flock, by which copies of
//! it are found wherever they are.
use crate::describe::{self, descendants, descriptors};
use crate::emit;
use crate::entry::{self, Arena, Scratch, record_with_scratch};
use crate::findings::{self, Hit, lock_file_shared};
use crate::ledger;
use crate::options::{self, Summary};
use crate::sites;
use forkguard_core::fixed::Text;
use forkguard_core::kernel::other_process::{each_descriptor, each_process, has_lock_of, made_at, open_file};
use forkguard_core::kernel::{self, FileNumber};
use forkguard_core::registry::descriptors::{self as table, FileLockKind};
use forkguard_core::registry::generation;
use forkguard_core::{gate, tls};
use forkguard_report::event::{Event, Finding, FindingKind, FindingState, Role, Severity, State};
use std::borrow::Cow::Borrowed;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering::*};

/// A locked file that this process closed.
struct Closed {
    device: AtomicU64,
    /// 0: not ready.
    inode: AtomicU64,
    generation: AtomicU32,
    thread: AtomicU32,
    site: AtomicUsize,
    /// Nanoseconds since boot.
    at: AtomicU64,
}

/// The last of them.
const CLOSED: usize = 8;
static FILES: [Closed; CLOSED] = [const {
    Closed {
        device: AtomicU64::new(0),
        inode: AtomicU64::new(0),
        generation: AtomicU32::new(0),
        thread: AtomicU32::new(0),
        site: AtomicUsize::new(0),
        at: AtomicU64::new(0),
    }
}; CLOSED];
static NEXT: AtomicUsize = AtomicUsize::new(0);
/// How often it was looked who has a lock; a program may ask for one again and again.
static LOOKS: AtomicU8 = AtomicU8::new(0);
const MOST_LOOKS: u8 = 32;
/// Processes that are looked at.
const PROCESSES: usize = 128;
/// Who closes a file so soon after the fork has handed its lock over to the child.
const HANDING_OVER_NS: u64 = 100_000_000;

/// Before a number is closed.
#[inline]
pub(crate) fn closing(fd: i32) {
    if table::is_locked_before_fork(fd) {
        note_closing(fd);
    }
}

#[cold]
fn note_closing(fd: i32) {
    entry::record(|_| {
        let closes = !table::is_opening_under_other_number(fd);
        if let (true, Some(lock), Some(number)) = (closes, table::file_lock(fd), kernel::file_number(fd)) {
            let slot = &FILES[NEXT.fetch_add(1, Relaxed) % CLOSED];
            slot.inode.store(0, Relaxed);
            slot.device.store(number.device, Relaxed);
            slot.generation.store(generation::current(), Relaxed);
            slot.thread.store(lock.thread, Relaxed);
            slot.site.store(lock.site, Relaxed);
            slot.at.store(kernel::boottime(), Relaxed);
            slot.inode.store(number.inode, Release);
        }
    });
    report_kept(fd);
}

/// This process ends, and closes all.
pub(crate) fn at_end() {
    if generation::last_sequence() != 0 {
        table::recorded().map(|(fd, _)| fd).filter(|&fd| table::is_locked_before_fork(fd)).for_each(report_kept);
    }
}

/// Reports that a child of some age keeps the lock of a file that is about to be closed.
fn report_kept(fd: i32) {
    record_with_scratch(|scratch| {
        let arena = &scratch.arena();
        let (lock, number) = (table::file_lock(fd)?, kernel::file_number(fd)?);
        let holder = emit::wanted().then(|| child_with_lock(arena, number)).flatten()?;
        let is_handed_over = kernel::boottime().saturating_sub(made_at(holder)?) < HANDING_OVER_NS;
        let what = arena.format(format_args!("{}-kept", number.inode));
        ledger::advance(FindingKind::LockFileShared, what, State::Open).filter(|_| !is_handed_over)?;
        let file = descriptors::describe(arena, fd)?;
        let hit = Hit {
            kind: FindingKind::LockFileShared,
            what,
            subject: arena.format(format_args!(
                "{}: this process closes it, and it stays locked as long as its child {holder} has it open",
                lock_file_shared::subject(arena, &file, lock.kind),
            )),
            sites: arena.join([describe::site(arena, Role::Taken, lock.thread, lock.site).as_slice()]),
            hazard: None,
        };
        report(scratch, arena, (Severity::Info, State::Open), holder, &hit);
        Some(())
    });
}

fn report<'a>(scratch: &Scratch, arena: &'a Arena, (severity, state): (Severity, State), holder: u32, hit: &Hit<'a>) {
    let id = arena.text(describe::fork_id(kernel::process_id(), generation::last_sequence()).as_str());
    let finding = findings::of_hit(arena, id, severity, hit);
    let finding = Finding { child: Some(holder), state, ..finding };
    ledger::write_events(scratch, Some(id), [Some(Event::Finding(finding.clone()))]);
    if severity == Severity::Error && options::get().summary != Summary::Never && !finding.suppressed {
        ledger::print_hit(arena, holder, kernel::process_id(), &finding);
    }
}

/// Where a lock was taken through a descriptor that is closed by now, and when it was closed.
fn closed(number: FileNumber) -> Option<&'static Closed> {
    FILES.iter().find(|file| {
        file.inode.load(Acquire) == number.inode
            && file.device.load(Relaxed) == number.device
            && file.generation.load(Relaxed) == generation::current()
    })
}

/// True when a lock that this process asks for may be kept by a copy of its own: it closed the same file while that was locked.
pub(crate) fn may_be_kept(fd: i32) -> bool {
    NEXT.load(Relaxed) != 0 && kernel::file_number(fd).and_then(closed).is_some()
}

/// A lock was reported as kept: the rest of that finding's id.
pub(crate) type Reported = Text<32>;

/// The kernel refuses this process a lock, or would have it wait. Reports it if the lock is its own, and a process that it forked keeps it.
pub(crate) fn refused(fd: i32, kind: FileLockKind, caller: usize) -> Option<Reported> {
    let usable = gate::awake() && tls::inside() == 0 && !gate::is_guest() && gate::owns_registries();
    if !usable || generation::last_sequence() == 0 || LOOKS.fetch_add(1, Relaxed) >= MOST_LOOKS {
        LOOKS.fetch_min(MOST_LOOKS, Relaxed);
        return None;
    }
    let site = entry::record(|_| sites::capture(caller)).unwrap_or(caller);
    record_with_scratch(|scratch| look_and_report(scratch, fd, kind, site)).flatten()
}

fn look_and_report(scratch: &Scratch, fd: i32, kind: FileLockKind, site: usize) -> Option<Reported> {
    let arena = &scratch.arena();
    let number = kernel::file_number(fd)?;
    let closed = closed(number);
    let holder = holder(arena, number, closed.is_some())?;
    let what = Text::of(format_args!("{}-refused", number.inode));
    ledger::advance(FindingKind::LockFileShared, what.as_str(), State::Hit)?;
    let file = descriptors::describe(arena, fd)?;
    let taken = closed.and_then(|file| describe::site(arena, Role::Taken, file.thread.load(Relaxed), file.site.load(Relaxed)));
    let used = describe::site(arena, Role::Used, kernel::thread_id(), site);
    let hit = Hit {
        kind: FindingKind::LockFileShared,
        what: arena.text(what.as_str()),
        subject: arena.format(format_args!(
            "{} is refused: this process closed the file that it had locked, but its child {holder} has that open still",
            lock_file_shared::subject(arena, &file, kind),
        )),
        sites: arena.join([taken.as_slice(), used.as_slice()]),
        hazard: None,
    };
    let is_handed_over = closed
        .is_some_and(|file| made_at(holder).is_none_or(|made| file.at.load(Relaxed).saturating_sub(made) < HANDING_OVER_NS));
    let severity = if is_handed_over { Severity::Info } else { Severity::Error };
    report(scratch, arena, (severity, State::Hit), holder, &hit);
    Some(what)
}

/// A process that keeps a lock which this one took and gave up; None where this one has it still. `anywhere`: also one that does not descend
/// from it.
fn holder(arena: &Arena, number: FileNumber, anywhere: bool) -> Option<u32> {
    let own = kernel::process_id();
    if keeps(own, number) {
        return None;
    }
    let mut found = child_with_lock(arena, number);
    if anywhere && found.is_none() {
        each_process(|process| {
            if found.is_none() && process != own && keeps(process, number) {
                found = Some(process);
            }
        });
    }
    found
}

fn child_with_lock(arena: &Arena, number: FileNumber) -> Option<u32> {
    let all = descendants(arena, kernel::process_id(), PROCESSES)?;
    all.iter().copied().skip(1).find(|&process| keeps(process, number))
}

/// True for a process that has a lock on this file which this process took.
fn keeps(process: u32, number: FileNumber) -> bool {
    let is_it = |fd| open_file(process, fd).is_some_and(|file| file.number == number);
    let mut found = false;
    each_descriptor(process, |fd| {
        found = found || is_it(fd) && has_lock_of(process, fd, kernel::process_id());
    });
    found
}

/// The wait for such a lock is over: this process has it.
pub(crate) fn taken_after_all(what: &Reported) {
    record_with_scratch(|scratch| {
        let kind = FindingKind::LockFileShared;
        ledger::advance(kind, what.as_str(), State::Resolved)?;
        let arena = &scratch.arena();
        let fork = describe::fork_id(kernel::process_id(), generation::last_sequence());
        let id = Borrowed(arena.format(format_args!("{}:{}:{}", fork.as_str(), kind.name(), what.as_str())));
        let because = Borrowed("the child has closed it, or has ended");
        let event = Event::FindingState(FindingState { id, state: State::Resolved, severity: None, because });
        ledger::write_events(scratch, Some(fork.as_str()), [Some(event)]);
        Some(())
    });
}
