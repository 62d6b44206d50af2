//! Programs that this process executed and waits for, while they read a pipe to its end: one that forked children keep open without using it
//! (`subprocess.Popen(..., stdin=PIPE)` before a fork) never ends.
//!
//! The leader is asked by the way: when it waits for the program, asks whether it has ended, or reads what it writes. A program that was found in
//! the same read for a while, without having run, is looked at as a whole.
use super::held_up::report_held_up;
use super::outside::{is_child_of_own_program, is_executed_child};
use super::slices::{FIRST_SLICE_NS, LAST_SLICE_NS, Polled, poll_all};
use crate::describe::pipes::{Wait, left_open};
use crate::entry::held_signals::BLOCKED;
use crate::entry::{Registers, Scratch, errno, record, record_with_scratch};
use crate::findings::pipe_inherited;
use crate::sites::{self, Start};
use crate::{describe, ledger};
use forkguard_core::kernel::other_process::{each_child, each_descriptor, open_file};
use forkguard_core::registry::{descriptors, generation, pipes, threads};
use forkguard_core::{gate, kernel, tls};
use forkguard_report::event::{Event, FindingKind, FindingState, State};
use libc::{pid_t, pollfd};
use std::borrow::Cow::Borrowed;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering::Relaxed};

/// A program that reads for less than that may have to read again at once.
const PATIENCE_NS: u64 = 1_000_000_000;
/// Between looks.
const INTERVAL_NS: u64 = 200_000_000;
/// Descriptors of a poll that are looked at.
const POLLED: usize = 8;

#[unsafe(link_section = "forkguard_words")]
static NEXT_LOOK: AtomicU64 = AtomicU64::new(0);
/// The program that was found reading, how often it had given up the processor by then, and since when.
#[unsafe(link_section = "forkguard_words")]
static READER: AtomicU32 = AtomicU32::new(0);
#[unsafe(link_section = "forkguard_words")]
static SWITCHES: AtomicU64 = AtomicU64::new(0);
#[unsafe(link_section = "forkguard_words")]
static SINCE: AtomicU64 = AtomicU64::new(0);
/// The one that was reported (0: none), the descriptor that it reads, and the last fork by then.
#[unsafe(link_section = "forkguard_words")]
static REPORTED: AtomicU32 = AtomicU32::new(0);
#[unsafe(link_section = "forkguard_words")]
static READS: AtomicI32 = AtomicI32::new(-1);
#[unsafe(link_section = "forkguard_words")]
static SEQUENCE: AtomicU64 = AtomicU64::new(0);

/// In a forked child, which has executed no program.
pub(super) fn reset_in_child() {
    if READER.load(Relaxed) != 0 {
        READER.store(0, Relaxed);
        REPORTED.store(0, Relaxed);
    }
}

/// True once a program may be held up so.
pub(crate) fn may_be_held_up() -> bool {
    generation::last_sequence() != 0 && pipes::any_left_to_heirs()
}

/// After this process has asked whether that child has ended: it has not.
pub(crate) fn asked(start: Start, caller: usize, pid: pid_t) {
    if pid > 0 && gate::awake() && tls::inside() == 0 && !gate::is_guest() {
        errno::preserve(|| look(start, caller, pid as u32));
    }
}

/// While this process waits for that child.
pub(super) fn look(start: Start, caller: usize, pid: u32) {
    if is_due() {
        look_at(start, caller, pid);
    }
}

/// While this process waits for what others write to these pipes: at the program that writes there.
pub(super) fn look_at_writers(start: Start, caller: usize, fds: impl Iterator<Item = i32> + Clone) {
    if !is_due() {
        return;
    }
    let mut writer = None;
    each_child(kernel::process_id(), |child| {
        if writer.is_none() && Wait::of(child).is_some() && fds.clone().any(|fd| writes_to(child, fd)) {
            writer = Some(child);
        }
    });
    if let Some(writer) = writer {
        look_at(start, caller, writer);
    }
}

fn is_due() -> bool {
    let now = kernel::monotonic();
    let is_due = now >= NEXT_LOOK.load(Relaxed) && may_be_held_up();
    if is_due {
        NEXT_LOOK.store(now + INTERVAL_NS, Relaxed);
    }
    is_due
}

/// True when a process has the other end of this pipe open to write to it.
fn writes_to(process: u32, fd: i32) -> bool {
    let Some(end) = descriptors::pipe_end(fd).filter(|_| !descriptors::is_inherited(fd)) else { return false };
    let (number, mut writes) = (end.record().other, false);
    let is_other = |fd| open_file(process, fd).is_some_and(|file| file.number == number && file.writes);
    each_descriptor(process, |fd| writes |= is_other(fd));
    writes
}

fn look_at(start: Start, caller: usize, pid: u32) {
    let wait = Wait::of(pid).filter(|(wait, _)| matches!(wait, Wait::Input(_)) && REPORTED.load(Relaxed) != pid);
    let Some((wait, sleeper)) = wait else { return };
    let now = kernel::monotonic();
    let is_same = READER.swap(pid, Relaxed) == pid;
    if SWITCHES.swap(sleeper.switches, Relaxed) != sleeper.switches || !is_same {
        SINCE.store(now, Relaxed);
    }
    if now - SINCE.load(Relaxed) < PATIENCE_NS || !is_executed_child(pid) {
        return;
    }
    let site = record(|_| sites::capture_from(start, caller)).unwrap_or(caller);
    record_with_scratch(|scratch| {
        let arena = &scratch.arena();
        if let Some(held_up) = left_open(arena, pid, (wait, sleeper), is_child_of_own_program)
            && report_held_up(arena, scratch, &held_up, false, site)
        {
            READS.store(wait.descriptor().unwrap_or(-1), Relaxed);
            SEQUENCE.store(generation::last_sequence(), Relaxed);
            REPORTED.store(pid, Relaxed);
        }
    });
}

/// That child has ended, though it was reported.
pub(crate) fn ended(pid: pid_t) {
    if pid > 0 && REPORTED.load(Relaxed) == pid as u32 {
        REPORTED.store(0, Relaxed);
        errno::preserve(|| record_with_scratch(|scratch| report_ended(scratch, pid as u32)));
    }
}

fn report_ended(scratch: &Scratch, pid: u32) {
    let (arena, kind) = (scratch.arena(), FindingKind::PipeInherited);
    let what = pipe_inherited::what(&arena, pid, READS.load(Relaxed));
    if ledger::advance(kind, what, State::Resolved).is_some() {
        let id = describe::fork_id(kernel::process_id(), SEQUENCE.load(Relaxed));
        let state = FindingState {
            id: Borrowed(arena.format(format_args!("{}:{}:{what}", id.as_str(), kind.name()))),
            state: State::Resolved,
            severity: None,
            because: Borrowed("the process ended after all"),
        };
        ledger::write_events(scratch, Some(id.as_str()), [Some(Event::FindingState(state))]);
    }
}

/// Before a poll without a limit of time, in a process of one thread: waits in slices, and looks at the programs that write meanwhile. True when a
/// handler ran, which ends a poll.
pub(crate) fn polls(registers: &Registers) -> bool {
    let usable = || gate::awake() && tls::inside() == 0 && !gate::is_guest() && kernel::thread_id() == kernel::process_id();
    let count = registers.argument[1];
    if !(1..=POLLED).contains(&count) || !may_be_held_up() || threads::live() > 1 || !usable() {
        return false;
    }
    let asked = registers.argument[0] as *mut pollfd;
    let mut words = [0u64; POLLED];
    let is_read = words[..count]
        .iter_mut()
        .enumerate()
        .all(|(place, word)| kernel::read_value(registers.argument[0] + 8 * place).map(|read| *word = read).is_some());
    let fds = words.into_iter().take(count).map(|word| word as u32 as i32);
    if !is_read || !fds.clone().any(|fd| fd >= 0 && descriptors::is_pipe_end(fd)) {
        return false;
    }
    errno::preserve(|| {
        let blocked = kernel::block_signals(BLOCKED);
        let mut slice = FIRST_SLICE_NS;
        let polled = loop {
            match poll_all(asked, count, slice, blocked) {
                Polled::TimedOut => look_at_writers(registers.start(), registers.caller, fds.clone().filter(|&fd| fd >= 0)),
                ended => break ended,
            }
            slice = (slice * 2).min(LAST_SLICE_NS);
        };
        kernel::set_blocked_signals(blocked);
        polled == Polled::Interrupted
    })
}
