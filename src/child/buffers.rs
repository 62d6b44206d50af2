//! Output that waited in the C library's streams at the fork: a child that writes its copy writes what its leader writes, too.
use super::hit::report_hit;
use crate::describe;
use crate::entry::{Registers, record, record_with_scratch};
use crate::findings::{Hazard, Hit};
use crate::guards;
use crate::ledger::Output;
use crate::sites::{self, SiteId, Start};
use forkguard_core::fixed::Text;
use forkguard_core::fork::{
    self as core_fork, BufferRecord, Copied, ForkCall, Snapshot, are_copies_left, forget_copy, is_copy_left, shared_page,
};
use forkguard_core::registry::descriptors;
use forkguard_core::{gate, kernel, tls};
use forkguard_report::event::{FindingKind, Role, Severity};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Where exit(3) was called.
#[unsafe(link_section = "forkguard_words")]
static EXIT_SITE: AtomicUsize = AtomicUsize::new(0);

/// The C library's copies that may still wait: of one stream, or of all (0).
fn left(stream: usize) -> impl Iterator<Item = (usize, &'static Snapshot, &'static BufferRecord)> {
    all_left().filter(move |(.., buffer)| !buffer.is_languages() && (stream == 0 || buffer.stream == stream))
}

/// All copies that may still wait. None where hooks do not record.
fn all_left() -> impl Iterator<Item = (usize, &'static Snapshot, &'static BufferRecord)> {
    let records = are_copies_left() && gate::awake() && tls::inside() == 0 && !gate::is_guest() && gate::owns_registries();
    let fork = if records { core_fork::birth() } else { None };
    let buffers =
        fork.into_iter().flat_map(|fork| fork.buffers().iter().enumerate().map(move |(index, buffer)| (index, fork, buffer)));
    buffers.filter(|(index, ..)| is_copy_left(*index))
}

/// True while the leader's output may still wait for this descriptor.
pub(super) fn waits_for(fd: i32) -> bool {
    all_left().any(|(.., buffer)| buffer.output.fd == fd)
}

/// A call is about to write what waits in a stream, or in all of them (0).
#[inline(always)]
pub(crate) fn before_flush(start: impl FnOnce() -> Start, caller: usize, stream: usize) {
    if are_copies_left() {
        flush(start(), caller, stream);
    }
}

#[cold]
fn flush(start: Start, caller: usize, stream: usize) {
    if left(stream).next().is_some() {
        let used = record(|_| sites::capture_from(start, caller)).unwrap_or(caller);
        left(stream).for_each(|(index, fork, buffer)| _ = meet(index, fork, buffer, used, 0));
    }
}

/// write(2) or writev(2) is called: the first to a descriptor shows whether it is what waited in a language's buffer. How many bytes count as written if
/// that is dropped: the language writes what follows them next.
#[inline(always)]
pub(crate) fn before_write(registers: &Registers, address: usize, length: usize) -> Option<usize> {
    if are_copies_left() { write(registers, address, length) } else { None }
}

#[cold]
fn write(registers: &Registers, address: usize, length: usize) -> Option<usize> {
    let fd = registers.argument[0];
    let mut dropped = None;
    for (index, fork, buffer) in all_left().filter(|(.., buffer)| buffer.is_languages() && buffer.output.fd == fd as i32) {
        if !buffer.begins(address, length) {
            forget_copy(index);
        } else if meet(index, fork, buffer, record(|_| registers.capture()).unwrap_or(registers.caller), length) {
            dropped = Some(buffer.output.length);
        }
    }
    dropped
}

/// The program drops what waits in a stream.
pub(crate) fn dropped(stream: usize) {
    left(stream).for_each(|(index, ..)| _ = forget_copy(index));
}

/// exit(3) is called: it writes what waits when the program's handlers have run.
pub(crate) fn before_exit(registers: &Registers) {
    if are_copies_left() {
        EXIT_SITE.store(record(|_| registers.capture()).unwrap_or(0), Relaxed);
    }
}

/// The handlers have run, and the C library is about to write what waits; or the process ends without that.
pub(crate) fn at_end() {
    left(0).for_each(|(index, fork, buffer)| _ = meet(index, fork, buffer, EXIT_SITE.load(Relaxed), 0));
}

/// The process ends without writing what waits.
pub(crate) fn at_end_unwritten() {
    let written = left(0).filter(|(.., buffer)| buffer.copied() == Copied::Gone);
    written.for_each(|(index, fork, buffer)| _ = meet(index, fork, buffer, 0, 0));
}

/// The copy is about to be written, or was written when the buffer was full. True when it was dropped; of a language's, with `length` bytes
/// in the write that begins with it.
fn meet(index: usize, fork: &'static Snapshot, buffer: &'static BufferRecord, used: SiteId, length: usize) -> bool {
    let goes_there = buffer.copied() != Copied::Closed && descriptors::is_inherited(buffer.output.fd);
    if !forget_copy(index) || !goes_there || !does_leader_write(fork) {
        return false;
    }
    let name = Text::<96>::of(format_args!("{}", name_of(fork, buffer).as_str()));
    let dropped = guards::drop_copy(buffer, name.as_str(), length);
    if !dropped {
        record_with_scratch(|scratch| {
            report_hit(scratch, Severity::Error, Output::Stderr, FindingKind::BufferDuplicated, |arena| {
                let described = describe::buffer(arena, fork, buffer);
                let used = describe::site(arena, Role::Used, kernel::thread_id(), used);
                let fd = arena.format(format_args!("{}", buffer.output.fd));
                Some(Hit {
                    kind: FindingKind::BufferDuplicated,
                    what: arena.format(format_args!("{fd}-written")),
                    subject: described.subject,
                    sites: arena.join([described.sites, used.as_slice()]),
                    hazard: Some(Hazard { fork, kind: FindingKind::BufferDuplicated, what: fd }),
                })
            })
        });
    }
    dropped
}

fn name_of(fork: &'static Snapshot, buffer: &'static BufferRecord) -> Text<96> {
    let name = record_with_scratch(|scratch| {
        let arena = scratch.arena();
        Text::of(format_args!("{}", describe::buffer(&arena, fork, buffer).subject))
    });
    name.unwrap_or_default()
}

/// False where the leader ends, or has ended, without writing what waited: as a daemon's does. A leader that has just forked gets a moment to
/// do so.
fn does_leader_write(fork: &Snapshot) -> bool {
    const MOMENT_NS: u64 = 10_000_000;
    const POLL_NS: u64 = 500_000;
    if fork.call == ForkCall::Daemon {
        return false;
    }
    while kernel::parent_id() == fork.leader {
        if kernel::monotonic() - fork.entered > MOMENT_NS {
            return true;
        }
        kernel::sleep(POLL_NS);
    }
    shared_page::has_leader_exited()
}
