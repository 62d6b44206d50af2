//! What all findings of one fork have in common, and how a finding is made of it.
use crate::describe;
use crate::entry::Arena;
use crate::findings::hit::Hit;
use crate::findings::option_that_cures::option_that_cures;
use crate::options::{self, Options};
use forkguard_core::kernel;
use forkguard_loader::program_path;
use forkguard_report::catalogue::{
    CHILD_HOOKS, COMPRESSED, CURE_COMPRESSED, CURE_FULL_PIPE, CURE_GOODBYE, CURE_OWN_LOCK, CURE_STATUS_LOST, CURE_UDP,
    CURE_UNSHARED, CURE_WAITS_ALONE, EXPLAIN_FULL_PIPE, EXPLAIN_STATUS_LOST, EXPLAIN_UDP, EXPLAIN_UNSHARED, EXPLAIN_WAITS_ALONE,
    FULL_PIPE, OR_OPTION, OWN_HOLDER, STATUS_LOST, is_goodbye, is_of_datagrams, is_unshared, waits_alone,
};
use forkguard_report::cure::Program;
use forkguard_report::event::{Finding, FindingKind, Severity, Site, State, Text};
use forkguard_report::suppress;
use std::borrow::Cow::Borrowed;

/// Gathered once, before the rules run.
pub(super) struct Context<'a> {
    arena: &'a Arena,
    fork_id: &'a str,
    child: Option<u32>,
    program: Program,
    options: &'static Options,
}

impl<'a> Context<'a> {
    pub(super) fn of(arena: &'a Arena, fork_id: &'a str, child: Option<u32>) -> Context<'a> {
        Context { arena, fork_id, child, program: program(arena), options: options::get() }
    }

    /// A finding with the catalogue's texts, as the rules of FORKGUARD_SUPPRESS let it appear. `what`: the last part of its id.
    pub(super) fn finding(
        &self,
        (kind, severity, state): (FindingKind, Severity, State),
        what: &str,
        subject: &'a str,
        sites: &'a [Site<'a>],
    ) -> Finding<'a> {
        let finding = Finding {
            id: Borrowed(self.arena.format(format_args!("{}:{}:{what}", self.fork_id, kind.name()))),
            kind,
            severity,
            state,
            child: self.child,
            subject: Borrowed(subject),
            at: Borrowed(application_lines(self.arena, sites)),
            sites: Borrowed(sites),
            explain: Borrowed(match kind {
                _ if is_unshared(kind, subject) => EXPLAIN_UNSHARED,
                _ if waits_alone(kind, subject) => EXPLAIN_WAITS_ALONE,
                FindingKind::PipeInherited if subject.ends_with(FULL_PIPE) => EXPLAIN_FULL_PIPE,
                FindingKind::ConnectionSharedUse if is_of_datagrams(subject) => EXPLAIN_UDP,
                FindingKind::SignalsBlocked if subject.contains(STATUS_LOST) => EXPLAIN_STATUS_LOST,
                _ => kind.explain(),
            }),
            cure: Borrowed(self.cure(kind, subject, sites)),
            suppressed: false,
        };
        match suppress::suppresses(self.options.suppress.as_str(), &finding) {
            true => Finding { severity: Severity::Info, suppressed: true, ..finding },
            false => finding,
        }
    }

    /// What the program can do about it, or an option of ours where it does that, too.
    fn cure(&self, kind: FindingKind, subject: &str, sites: &[Site<'_>]) -> &'a str {
        let is_own_lock = matches!(kind, FindingKind::LockOrphaned | FindingKind::LockDeadlock) && subject.contains(OWN_HOLDER);
        let cure = match kind {
            _ if is_own_lock => CURE_OWN_LOCK,
            _ if is_unshared(kind, subject) => CURE_UNSHARED,
            _ if waits_alone(kind, subject) => CURE_WAITS_ALONE,
            FindingKind::PipeInherited if subject.ends_with(FULL_PIPE) => CURE_FULL_PIPE,
            FindingKind::ConnectionSharedUse if is_of_datagrams(subject) => CURE_UDP,
            FindingKind::SignalsBlocked if subject.contains(STATUS_LOST) => CURE_STATUS_LOST,
            FindingKind::ConnectionSharedUse if is_goodbye(subject, self.program.server) => CURE_GOODBYE,
            FindingKind::BufferDuplicated if subject.contains(COMPRESSED) => CURE_COMPRESSED,
            _ => kind.cure(self.program.server),
        };
        let cure = match cure.split_once(CHILD_HOOKS) {
            Some((before, after)) => self.arena.format(format_args!("{before}{}{after}", self.program.child_hook())),
            None => cure,
        };
        match self.options.unused_guard(kind).and_then(|option| option_that_cures(self.arena, kind, option, subject, sites)) {
            Some(option) => self.arena.format(format_args!("{cure}{OR_OPTION}{option}.")),
            None => cure,
        }
    }
}

/// The program that this process runs.
pub(crate) fn program(arena: &Arena) -> Program {
    Program::recognise(arena.text(program_path().as_str()), describe::program_name().as_str())
}

/// The finding of a hit in this child, which the fork `fork_id` made.
pub(crate) fn of_hit<'a>(arena: &'a Arena, fork_id: &'a str, severity: Severity, hit: &Hit<'a>) -> Finding<'a> {
    let context = Context::of(arena, fork_id, Some(kernel::process_id()));
    context.finding((hit.kind, severity, State::Hit), hit.what, hit.subject, hit.sites)
}

/// The application's own lines of some sites, each once.
fn application_lines<'a>(arena: &'a Arena, sites: &'a [Site<'a>]) -> &'a [Text<'a>] {
    /// Of one site.
    const INNERMOST: usize = 4;
    let mut lines = arena.list::<Text<'a>>(sites.len() * INNERMOST);
    for frame in sites.iter().flat_map(|site| site.application_frames().take(INNERMOST)) {
        let line = arena.format(format_args!("{frame:#}"));
        if !lines.as_slice().iter().any(|l| l == line) {
            lines.push(Borrowed(line));
        }
    }
    lines.done()
}
