//! Connections that this process accepted, forked with, answered on and closes: a child that lives on with a copy that it does not use keeps the
//! client from seeing the end. Whether it uses it, the child tells ([`shared_page::accepted`]).
use crate::describe::descriptors::{ends, has_open, is_stream, kernel_name};
use crate::entry::{self, record_with_scratch};
use crate::findings::{self, Hit, socket_inherited};
use crate::options::{self, Summary};
use crate::{describe, ledger};
use forkguard_core::fixed::Text;
use forkguard_core::fork::{Snapshot, shared_page};
use forkguard_core::registry::descriptors::{self, mark};
use forkguard_core::{flags, kernel};
use forkguard_report::event::{Event, FindingKind, Role, Severity};
use shared_page::accepted;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// A child that was forked while connections were open.
struct Child {
    sequence: AtomicU64,
    pid: AtomicU32,
    fork_site: AtomicUsize,
}

/// The last of them.
const CHILDREN: usize = 64;
static SLOTS: [Child; CHILDREN] =
    [const { Child { sequence: AtomicU64::new(0), pid: AtomicU32::new(0), fork_site: AtomicUsize::new(0) } }; CHILDREN];

/// In a leader after a fork.
pub(crate) fn remember(fork: &Snapshot, pid: u32) {
    if fork.prepared && descriptors::accepted().next().is_some() {
        let slot = &SLOTS[fork.sequence as usize % CHILDREN];
        slot.pid.store(pid, Relaxed);
        slot.fork_site.store(fork.site, Relaxed);
        slot.sequence.store(fork.sequence, Relaxed);
        flags::watch_accepted(true);
    }
}

/// A connection that is about to be closed.
pub(crate) struct Closing {
    fd: i32,
    /// What the kernel calls it in /proc/PID/fd.
    name: Text<64>,
    /// The forks before it was accepted.
    forks: u64,
    site: usize,
    thread: u32,
    /// The client's address, and its own.
    ends: [Text<112>; 2],
}

/// Before a number is closed: what [`closed`] has to know.
#[inline]
pub(crate) fn closing(fd: i32) -> Option<Closing> {
    if descriptors::is_accepted_before_fork(fd) { describe_closing(fd) } else { None }
}

#[cold]
fn describe_closing(fd: i32) -> Option<Closing> {
    watch_less(fd);
    const MARKS: u8 = mark::ANSWERED | mark::COPIED | mark::KEPT;
    let record = descriptors::record(fd).filter(|record| record.marks & MARKS == mark::ANSWERED)?;
    let describe = || {
        let name = (is_stream(fd) && !kernel::is_hung_up(fd)).then(|| kernel_name(fd)).flatten()?;
        Some(Closing { fd, name, forks: record.forks, site: record.site, thread: record.thread, ends: ends(fd) })
    };
    entry::record(|_| describe()).flatten()
}

/// Without another such connection nobody need know what this process sends.
fn watch_less(closing: i32) {
    let mut others = descriptors::accepted().filter(|&fd| fd != closing && descriptors::is_accepted_before_fork(fd));
    if others.next().is_none() {
        flags::watch_accepted(false);
    }
}

/// It is closed.
pub(crate) fn closed(closing: Option<Closing>) {
    let Some(closing) = closing else { return };
    let is_holder = |child: &&Child| child.sequence.load(Relaxed) > closing.forks;
    for child in SLOTS.iter().filter(is_holder) {
        let (sequence, pid) = (child.sequence.load(Relaxed), child.pid.load(Relaxed));
        let Some(state) = shared_page::set_flag_as_leader(sequence, accepted::CLOSED) else { continue };
        let is_idle = state & accepted::WAITED != 0 && state & (accepted::SERVED | accepted::REPORTED) == 0;
        if is_idle && has_open(pid, closing.fd, closing.name.as_str()) {
            let before = shared_page::set_flag_as_leader(sequence, accepted::REPORTED);
            if before.is_some_and(|state| state & (accepted::SERVED | accepted::REPORTED) == 0) {
                report(&closing, child);
            }
        }
    }
}

fn report(closing: &Closing, child: &Child) {
    let (sequence, pid) = (child.sequence.load(Relaxed), child.pid.load(Relaxed));
    record_with_scratch(|scratch| {
        let arena = &scratch.arena();
        let id = arena.text(describe::fork_id(kernel::process_id(), sequence).as_str());
        let opened = describe::site(arena, Role::Opened, closing.thread, closing.site);
        let forked = describe::site(arena, Role::Fork, kernel::thread_id(), child.fork_site.load(Relaxed));
        let named = |text: &Text<112>| (!text.is_empty()).then(|| arena.text(text.as_str()));
        let [peer, local] = closing.ends.each_ref().map(named);
        let hit = Hit {
            kind: FindingKind::SocketInherited,
            what: arena.format(format_args!("{}-held", closing.fd)),
            subject: socket_inherited::name(arena, peer, local, closing.fd),
            sites: arena.join([opened.as_slice(), forked.as_slice()]),
            hazard: None,
        };
        let mut finding = findings::of_hit(arena, id, Severity::Error, &hit);
        finding.child = Some(pid);
        ledger::write_events(scratch, Some(id), [Some(Event::Finding(finding.clone()))]);
        if options::get().summary != Summary::Never && !finding.suppressed {
            ledger::print_hit(arena, pid, kernel::process_id(), &finding);
        }
    });
}
