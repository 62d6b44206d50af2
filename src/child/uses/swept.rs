//! Uses of what is the leader's and the child has closed with all other descriptors, as daemons do (closefrom, close_range, a loop of close). A log
//! that was opened before does not know: its lines go nowhere, or into what has the number now. Nor does an event loop, or who reads.
use super::super::buffers;
use super::super::hit::report_hit;
use super::shared::{Call, used_site};
use crate::describe::{self, descriptors};
use crate::entry::{Arena, Registers, record, record_with_scratch};
use crate::findings::{Hazard, Hit};
use crate::ledger::Output;
use crate::sites::{self, Start};
use forkguard_core::registry::descriptors as table;
use forkguard_core::registry::descriptors::{FdKind, Swept, lost};
use forkguard_core::{flags, fork as core_fork, gate, glibc, kernel, tls};
use forkguard_report::event::{FindingKind, Role, Severity};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// So many numbers in a row are all descriptors.
const MANY: u32 = 16;

/// So many numbers are left out where they are kept open: rows go on behind them.
const KEPT: u32 = 4;

/// A stream of the C library's, or a buffer of Python's, that writes to a descriptor which was closed so.
struct Writer {
    object: AtomicUsize,
    fd: AtomicI32,
}

static WRITERS: [Writer; 16] = [const { Writer { object: AtomicUsize::new(0), fd: AtomicI32::new(-1) } }; 16];
#[unsafe(link_section = "forkguard_words")]
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A row of numbers that are closed one by one, or few by few: the first, in which direction the next lie, the last one's place in it, how many
/// there were, and a bit for each of the first places whose number takes something from the child.
struct Row {
    first: AtomicI32,
    step: AtomicI32,
    last: AtomicU32,
    length: AtomicU32,
    losses: AtomicU64,
}

#[unsafe(link_section = "forkguard_words")]
static ROW: Row = Row {
    first: AtomicI32::new(0),
    step: AtomicI32::new(0),
    last: AtomicU32::new(0),
    length: AtomicU32::new(0),
    losses: AtomicU64::new(0),
};

/// True while an epoll instance of the leader's was so closed, and nobody has noticed.
#[unsafe(link_section = "forkguard_words")]
static EPOLL: AtomicBool = AtomicBool::new(false);

impl Row {
    fn begin(&self, fd: i32, losses: u64) {
        self.first.store(fd, Relaxed);
        self.last.store(0, Relaxed);
        self.length.store(1, Relaxed);
        self.losses.store(losses, Relaxed);
    }

    /// The direction and the place of a number with which it goes on.
    fn place(&self, fd: i32) -> Option<(i32, u32)> {
        let distance = fd.wrapping_sub(self.first.load(Relaxed));
        let step = if self.length.load(Relaxed) < 2 { distance.signum() } else { self.step.load(Relaxed) };
        let place = u32::try_from(i64::from(distance) * i64::from(step)).ok()?;
        let skipped = place.checked_sub(self.last.load(Relaxed) + 1)?;
        (self.length.load(Relaxed) != 0 && skipped <= KEPT).then_some((step, place))
    }

    /// Its numbers whose loss takes something from the child, and which are still free.
    fn lost(&self) -> impl Iterator<Item = i32> + use<> {
        let (first, step, losses) = (self.first.load(Relaxed), self.step.load(Relaxed), self.losses.load(Relaxed));
        let lost = (0..u64::BITS).filter(move |place| losses & 1 << place != 0).map(move |place| first + step * place as i32);
        lost.filter(|&fd| table::record(fd).is_none())
    }
}

/// A number is closed. Who closes one that was closed with all others knows that it has it.
#[inline(always)]
pub(crate) fn sweeping(fd: i32) {
    if flags::is_forked_child() && is_usable() {
        record(|_| next_of_row(fd));
    }
}

fn next_of_row(fd: i32) {
    table::forget_swept(fd);
    let lost = note_lost(fd);
    let Some((step, place)) = ROW.place(fd) else { return ROW.begin(fd, u64::from(lost)) };
    let length = ROW.length.load(Relaxed) + 1;
    ROW.step.store(step, Relaxed);
    ROW.last.store(place, Relaxed);
    ROW.length.store(length, Relaxed);
    if length <= MANY && lost {
        ROW.losses.fetch_or(1u64.unbounded_shl(place), Relaxed);
    }
    if length == MANY {
        ROW.lost().for_each(sweep);
    }
    if length >= MANY && lost {
        sweep(fd);
    }
}

/// All numbers from first to last are closed.
pub(crate) fn sweeping_range(first: u32, last: u32) {
    if !flags::is_forked_child() || first > last || !is_usable() {
        return;
    }
    record(|_| {
        if last - first < MANY {
            return (first as i32..=last as i32).for_each(next_of_row);
        }
        if ROW.place(first as i32).is_some() {
            ROW.lost().for_each(sweep);
        }
        ROW.length.store(0, Relaxed);
        table::recorded_within(first, last).filter(|&fd| note_lost(fd)).for_each(sweep);
    });
}

/// Notes what the loss of a number takes from the child; false: nothing.
fn note_lost(fd: i32) -> bool {
    let lost = table::lost_with(fd);
    table::note_lost(fd, lost);
    lost != 0
}

fn is_usable() -> bool {
    gate::awake() && tls::inside() == 0 && !gate::is_guest() && gate::owns_registries()
}

fn sweep(fd: i32) {
    table::sweep(fd);
    let earlier = WRITERS.iter().filter(|writer| writer.fd.load(Relaxed) == fd);
    earlier.for_each(|writer| writer.fd.store(-1, Relaxed));
    let is_streams = |(_, words): &(usize, glibc::StreamWords)| glibc::stream_descriptor(words) == fd;
    glibc::streams().filter(is_streams).for_each(|(stream, _)| add(stream, fd));
    sites::python::known_files(|buffer, of| {
        if of == fd {
            add(buffer, fd);
        }
    });
    flags::watch_swept();
    if table::swept(fd).is_some_and(|swept| swept.lost == lost::WATCH) {
        EPOLL.store(true, Relaxed);
        flags::watch_waits();
    }
}

/// True while waits for an epoll instance that was so closed are to be seen.
pub(crate) fn awaits_epoll() -> bool {
    EPOLL.load(Relaxed)
}

fn add(object: usize, fd: i32) {
    if let Some(writer) = WRITERS.get(COUNT.fetch_add(1, Relaxed) as usize) {
        writer.fd.store(fd, Relaxed);
        writer.object.store(object, Relaxed);
    }
}

/// The objects that wrote to this number when it was closed.
fn writers(fd: i32) -> impl Iterator<Item = usize> {
    let all = WRITERS.iter().take(COUNT.load(Relaxed) as usize).filter(move |writer| writer.fd.load(Relaxed) == fd);
    all.map(|writer| writer.object.load(Relaxed))
}

/// Before write(2) or writev(2) of bytes at an address.
#[inline(always)]
pub(crate) fn before_write(registers: &Registers, fd: i32, address: usize) {
    if flags::watches_swept() && table::is_swept(fd) {
        let is_old = |swept: Swept| swept.reopened && writers(fd).any(|buffer| sites::python::is_in_buffer(buffer, fd, address));
        used(Call { start: registers.start(), caller: registers.caller }, fd, lost::OUTPUT, is_old);
    }
}

/// Before what waits in a stream of the C library is written.
pub(crate) fn before_flush(caller: usize, stream: usize, fd: i32) {
    if flags::watches_swept() && table::is_swept(fd) {
        used(Call { start: Start::here(), caller }, fd, lost::OUTPUT, |_| writers(fd).any(|writer| writer == stream));
    }
}

/// Before a call that reads what has come.
#[inline(always)]
pub(crate) fn before_read(registers: &Registers, fd: i32) {
    if flags::watches_swept() && table::is_swept(fd) {
        used(Call { start: registers.start(), caller: registers.caller }, fd, lost::INPUT, |_| false);
    }
}

/// Before a call that adds to an epoll instance, or waits on it: under its number nothing else takes such a call.
#[inline(always)]
pub(crate) fn before_watch(registers: &Registers, fd: i32) {
    if flags::watches_swept() && table::is_swept(fd) {
        let is_other = |swept: Swept| swept.reopened && table::record(fd).is_some_and(|now| now.kind != FdKind::Epoll);
        used(Call { start: registers.start(), caller: registers.caller }, fd, lost::WATCH, is_other);
    }
}

/// `is_old`: whether what uses a number that something else has is what used it before that was closed.
#[cold]
fn used(call: Call, fd: i32, usage: u8, is_old: impl Fn(Swept) -> bool) {
    let Some(swept) = table::swept(fd).filter(|swept| swept.lost & usage != 0 && is_usable()) else { return };
    let is_lost = || !swept.reopened && !kernel::is_open(fd);
    let is_met = record(|_| is_lost() || is_old(swept)) == Some(true);
    // What the leader had written before the fork is the leader's to write; and nothing is lost that is said as a process ends.
    if !is_met || usage == lost::OUTPUT && buffers::waits_for(fd) || call.is_at_end() {
        return;
    }
    table::forget_swept(fd);
    if usage == lost::WATCH {
        EPOLL.store(false, Relaxed);
    }
    report(call, fd, usage, swept);
}

fn report(call: Call, fd: i32, usage: u8, swept: Swept) {
    let site = call.capture();
    record_with_scratch(|scratch| {
        report_hit(scratch, Severity::Error, Output::Stderr, FindingKind::ClosedDescriptorUsed, |arena| {
            let opened = describe::site(arena, Role::Opened, swept.thread, swept.site);
            let what = arena.format(format_args!("{fd}"));
            let is_epoll = usage == lost::WATCH;
            let hazard = |fork| Hazard { fork, kind: FindingKind::EpollInherited, what };
            Some(Hit {
                kind: FindingKind::ClosedDescriptorUsed,
                what,
                subject: subject(arena, fd, usage),
                sites: arena.join([opened.as_slice(), used_site(arena, site).as_slice()]),
                hazard: core_fork::birth().filter(|_| is_epoll).map(hazard),
            })
        });
    });
}

fn subject(arena: &Arena, fd: i32, usage: u8) -> &str {
    let now = descriptors::describe(arena, fd);
    let name = now.as_ref().and_then(|now| now.path.as_deref());
    let now = match (kernel::is_open(fd), name) {
        (false, _) => arena.format(format_args!("descriptor {fd} is closed")),
        (true, Some(name)) => arena.format(format_args!("descriptor {fd} is {name} now")),
        (true, None) => arena.format(format_args!("descriptor {fd} is another file now")),
    };
    match usage {
        lost::WATCH => arena.format(format_args!(
            "{now}: what is watched there is lost; it is meant for the epoll instance that was closed with all others"
        )),
        lost::INPUT => arena
            .format(format_args!("{now}: nothing can be read there; that is meant for the file that was closed with all others")),
        _ if kernel::is_open(fd) => {
            arena.format(format_args!("{now}: what is written there is meant for the file that was closed with all others"))
        }
        _ => arena.format(format_args!(
            "{now}: what is written there is lost; it is meant for the file that was closed with all others"
        )),
    }
}
