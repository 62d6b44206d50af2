//! The first use of an inherited connection or epoll instance.
use super::super::hit::report_hit;
use super::certainty::{certainty, certainty_in_time};
use super::concern::{Concern, descriptor_id};
use super::replaced::is_same_peer;
use super::{deferred, watch};
use crate::describe::{self, descriptors};
use crate::entry::{Arena, WaitLength, record, record_with_scratch};
use crate::findings::{Hazard, Hit, connection_inherited, epoll_inherited};
use crate::guards::sockets::is_made_for_child;
use crate::ledger::{self, Output};
use crate::sites::{self, Start};
use forkguard_core::registry::descriptors::{FdKind, Record, mark};
use forkguard_core::{flags, fork as core_fork, gate, kernel, registry};
use forkguard_report::catalogue::AS_IT_ENDS;
use forkguard_report::event::{FindingKind, Role, Severity, Site};

/// Where a call is made.
#[derive(Clone, Copy)]
pub(super) struct Call {
    pub(super) start: Start,
    pub(super) caller: usize,
}

impl Call {
    /// The site of the call.
    pub(super) fn capture(self) -> usize {
        record(|_| sites::capture_from(self.start, self.caller)).unwrap_or(self.caller)
    }

    /// True for one that an exit handler or a destructor makes while its process ends.
    pub(super) fn is_at_end(self) -> bool {
        record(|_| sites::is_exiting(self.start)).unwrap_or(false)
    }
}

/// The site of the call, described.
pub(super) fn used_site<'a>(arena: &'a Arena, site: usize) -> Option<Site<'a>> {
    describe::site(arena, Role::Used, kernel::thread_id(), site)
}

/// Where the lost thread was started that opened it without a line of the application on its stack, as threads of pools do.
fn started<'a>(arena: &'a Arena, opened: Option<&Site<'_>>) -> Option<Site<'a>> {
    let thread = opened.filter(|site| site.application().is_none())?.thread?;
    let (_, lost) = core_fork::lost_threads().find(|(_, lost)| lost.tid == thread)?;
    describe::site(arena, Role::Started, thread, lost.site)
}

/// Reports the first use, before it happens or when it is known whether the leader hands the descriptor over.
pub(super) fn before_first_use(call: Call, fd: i32, concern: Concern) {
    watch::mark_used(fd);
    let reported = || ledger::find(hit_kind(concern), descriptor_id(fd).as_str()).is_some();
    if concern.hazard(fd).is_none() && concern != Concern::Datagrams || reported() || certainty(fd).is_none() {
        return;
    }
    let (site, at_end) = (call.capture(), call.is_at_end());
    let may_be_deferred = matches!(concern, Concern::Epoll | Concern::Timer | Concern::Signals) || !kernel::blocks(fd);
    if may_be_deferred && deferred::defer(fd, site, at_end) {
        return;
    }
    if let Some(severity) = certainty_in_time(fd) {
        report(fd, concern, severity, site, at_end);
    }
}

/// Reports deferred uses before a wait of that length: before a long one also while the leader still has to be given time, unless there is
/// input to be had at once.
pub(crate) fn report_deferred(length: WaitLength) {
    if !deferred::is_any() || !gate::awake() || !gate::owns_registries() {
        return;
    }
    let left = deferred::due_in();
    let has_input = |fd| record_with_scratch(|_| kernel::has_input_within(fd, left)) != Some(false);
    if left > 0 && (length != WaitLength::Long || deferred::descriptors().next().is_some_and(has_input)) {
        return;
    }
    report_all_deferred();
}

/// Reports deferred uses when their leader has had its time: before a call without a limit of time, after which nobody could tell any more
/// (close, exec, exit).
pub(crate) fn report_deferred_in_time() {
    if !deferred::is_any() || !gate::awake() || gate::is_guest() || !gate::owns_registries() {
        return;
    }
    kernel::sleep(deferred::due_in());
    report_all_deferred();
}

fn report_all_deferred() {
    for (fd, site, at_end) in deferred::take() {
        if let (Some(concern), Some(severity)) = (Concern::of_number(fd), certainty(fd)) {
            report(fd, concern, severity, site, at_end);
        }
    }
    if !flags::is_settling() {
        watch::count();
    }
}

fn hit_kind(concern: Concern) -> FindingKind {
    match concern {
        Concern::Epoll | Concern::Events | Concern::Timer | Concern::Signals => FindingKind::EpollSharedUse,
        _ => FindingKind::ConnectionSharedUse,
    }
}

/// A connection that the leader's function made right before it forked, beside one that it has to the same peer already, is for this child: though
/// the leader keeps its copy, it goes on with its own (pg_basebackup and its receiver of the log).
fn is_handed_over(fd: i32, concern: Concern) -> bool {
    let (Some(fork), Some(record)) = (core_fork::birth(), registry::descriptors::record(fd)) else { return false };
    let is_severed_from_peer = |of_other: &Record| {
        of_other.marks & mark::SEVERED != 0 && (of_other.port, of_other.address) == (record.port, record.address)
    };
    let is_leaders = |(other, of_other): &(i32, Record)| {
        registry::descriptors::is_inherited(*other)
            && !is_made_for_child(of_other, fork)
            && (is_severed_from_peer(of_other) || is_same_peer((*other, of_other), (fd, &record)))
    };
    let mut others = registry::descriptors::recorded().filter(|(_, record)| record.kind == FdKind::Socket);
    concern == Concern::Connection && is_made_for_child(&record, fork) && others.any(|other| is_leaders(&other))
}

fn report(fd: i32, concern: Concern, severity: Severity, site: usize, at_end: bool) {
    let (kind, id) = (hit_kind(concern), descriptor_id(fd));
    // A leader that does not read events itself may have made the instance for its child.
    let is_childs = concern == Concern::Events || is_handed_over(fd, concern);
    let (severity, output) = match is_childs {
        true => (Severity::Info, Output::Report),
        false => (severity, Output::Stderr),
    };
    record_with_scratch(|scratch| {
        report_hit(scratch, severity, output, kind, |arena| {
            let descriptor = descriptors::describe(arena, fd)?;
            let subject = match concern {
                Concern::Epoll | Concern::Events | Concern::Timer | Concern::Signals => {
                    epoll_inherited::subject(arena, &descriptor)?
                }
                Concern::Datagrams => connection_inherited::datagrams(arena, &descriptor)?,
                _ => connection_inherited::subject(arena, &descriptor)?,
            };
            let is_goodbye = at_end && concern == Concern::Connection;
            let subject = if is_goodbye { arena.format(format_args!("{subject}{AS_IT_ENDS}")) } else { subject };
            let what = arena.text(id.as_str());
            let fork = core_fork::birth()?;
            let hazard = concern.hazard(fd).map(|kind| Hazard { fork, kind, what });
            let (started, used) = (started(arena, descriptor.site.as_ref()), used_site(arena, site));
            let sites = arena.join([descriptor.site.as_slice(), started.as_slice(), used.as_slice()]);
            Some(Hit { kind, what, subject, sites, hazard })
        });
    });
}
