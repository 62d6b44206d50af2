//! Writes to files of the leader's that the child has closed with all other descriptors, as daemons do (closefrom, close_range, a loop of close). A log
//! that was opened before does not know: its lines go nowhere, or into what has the number now.
use super::super::buffers;
use super::super::hit::report_hit;
use super::shared::{Call, used_site};
use crate::describe::{self, descriptors};
use crate::entry::{Arena, Registers, record, record_with_scratch};
use crate::findings::Hit;
use crate::ledger::Output;
use crate::sites::{self, Start};
use forkguard_core::registry::descriptors as table;
use forkguard_core::registry::descriptors::Swept;
use forkguard_core::{flags, gate, glibc, kernel, tls};
use forkguard_report::event::{FindingKind, Role, Severity};
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering::Relaxed};

/// So many numbers in a row are all descriptors.
const MANY: u32 = 16;

/// A stream of the C library's, or a buffer of Python's, that writes to a descriptor which was closed so.
struct Writer {
    object: AtomicUsize,
    fd: AtomicI32,
}

static WRITERS: [Writer; 16] = [const { Writer { object: AtomicUsize::new(0), fd: AtomicI32::new(-1) } }; 16];
#[unsafe(link_section = "forkguard_words")]
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A row of numbers that are closed one by one: the first, how far the next lies, how many there were, and a bit for each of the first
/// that was a file of the leader's.
struct Row {
    first: AtomicI32,
    step: AtomicI32,
    length: AtomicU32,
    files: AtomicU32,
}

#[unsafe(link_section = "forkguard_words")]
static ROW: Row = Row { first: AtomicI32::new(0), step: AtomicI32::new(0), length: AtomicU32::new(0), files: AtomicU32::new(0) };

/// A number is closed. Who closes one that was closed with all others knows that it has it.
#[inline(always)]
pub(crate) fn sweeping(fd: i32) {
    if flags::is_forked_child() && is_usable() {
        record(|_| next_of_row(fd));
    }
}

fn next_of_row(fd: i32) {
    table::forget_swept(fd);
    let (first, length) = (ROW.first.load(Relaxed), ROW.length.load(Relaxed));
    let step = if length < 2 { fd.wrapping_sub(first) } else { ROW.step.load(Relaxed) };
    let goes_on = length != 0 && step.abs() == 1 && i64::from(fd) == i64::from(first) + i64::from(step) * i64::from(length);
    if !goes_on {
        ROW.first.store(fd, Relaxed);
        ROW.length.store(1, Relaxed);
        return ROW.files.store(u32::from(is_written(fd)), Relaxed);
    }
    ROW.step.store(step, Relaxed);
    ROW.length.store(length + 1, Relaxed);
    let is_file = is_written(fd);
    match length + 1 {
        ..MANY => _ = ROW.files.fetch_or(u32::from(is_file) << length, Relaxed),
        MANY => {
            let files = ROW.files.load(Relaxed);
            let earlier = (0..length).filter(|index| files & 1 << index != 0).map(|index| first + step * index as i32);
            earlier.filter(|&fd| table::record(fd).is_none()).chain(is_file.then_some(fd)).for_each(sweep);
        }
        _ if is_file => sweep(fd),
        _ => {}
    }
}

/// All numbers from first to last are closed.
pub(crate) fn sweeping_range(first: u32, last: u32) {
    if flags::is_forked_child() && last.saturating_sub(first) >= MANY && is_usable() {
        record(|_| table::leaders_files(first, last).filter(|&fd| is_written(fd)).for_each(sweep));
    }
}

/// True for a file of the leader's that is open for writing.
fn is_written(fd: i32) -> bool {
    table::is_leaders_file(fd) && kernel::is_writable(fd)
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
        written(Call { start: registers.start(), caller: registers.caller }, fd, is_old);
    }
}

/// Before what waits in a stream of the C library is written.
pub(crate) fn before_flush(caller: usize, stream: usize, fd: i32) {
    if flags::watches_swept() && table::is_swept(fd) {
        written(Call { start: Start::here(), caller }, fd, |_| writers(fd).any(|writer| writer == stream));
    }
}

/// `is_old`: whether what writes is what wrote there before the number was closed.
#[cold]
fn written(call: Call, fd: i32, is_old: impl Fn(Swept) -> bool) {
    let Some(swept) = table::swept(fd).filter(|_| is_usable()) else { return };
    let is_lost = || !swept.reopened && !kernel::is_open(fd);
    let is_met = record(|_| is_lost() || is_old(swept)) == Some(true);
    // What the leader had written before the fork is the leader's to write; and nothing is lost that is said as a process ends.
    if !is_met || buffers::waits_for(fd) || call.is_at_end() {
        return;
    }
    table::forget_swept(fd);
    report(call, fd, swept);
}

fn report(call: Call, fd: i32, swept: Swept) {
    let site = call.capture();
    record_with_scratch(|scratch| {
        report_hit(scratch, Severity::Error, Output::Stderr, FindingKind::ClosedDescriptorUsed, |arena| {
            let opened = describe::site(arena, Role::Opened, swept.thread, swept.site);
            Some(Hit {
                kind: FindingKind::ClosedDescriptorUsed,
                what: arena.format(format_args!("{fd}")),
                subject: subject(arena, fd),
                sites: arena.join([opened.as_slice(), used_site(arena, site).as_slice()]),
                hazard: None,
            })
        });
    });
}

fn subject(arena: &Arena, fd: i32) -> &str {
    let now = descriptors::describe(arena, fd);
    let name = now.as_ref().and_then(|now| now.path.as_deref());
    let now = match (kernel::is_open(fd), name) {
        (false, _) => arena.format(format_args!("descriptor {fd} is closed: what is written there is lost; it")),
        (true, Some(name)) => arena.format(format_args!("descriptor {fd} is {name} now: what is written there")),
        (true, None) => arena.format(format_args!("descriptor {fd} is another file now: what is written there")),
    };
    arena.format(format_args!("{now} is meant for the file that was closed with all others"))
}
