//! What is broken: one rule a file, pure functions over the [`Evidence`] of one fork. A rule: its file, a line in [`RULES`], a C
//! fixture, a section in `docs/findings.md`.
mod buffer_duplicated;
pub(crate) mod connection_inherited;
mod context;
pub(crate) mod epoll_inherited;
mod evidence;
mod exit_handler_inherited;
pub(crate) mod file_offset_shared;
pub(crate) mod handler_dropped;
mod handler_inherited;
mod hit;
mod leaders_threads;
mod libraries;
mod librarys_threads;
pub(crate) mod lock_file_shared;
pub(crate) mod lock_orphaned;
mod option_that_cures;
pub(crate) mod pipe_inherited;
mod rng_shared;
mod runtime_unsafe;
pub(crate) mod signals_blocked;
pub(crate) mod socket_inherited;
pub(crate) mod sqlite_inherited;
mod summary;
mod thread_lost;
pub(crate) mod timer_lost;
mod unneeded_threads;

pub(crate) use context::{of_hit, program};
pub(crate) use evidence::Evidence;
pub(crate) use hit::{Hazard, Hit};
pub(crate) use libraries::{go_site, runtime_library, runtime_name};
pub(crate) use option_that_cures::{NOT_OF_THE_PROCESS, SINCE_BEFORE_THE_FORK};
pub(crate) use summary::{alike_text, deserves_summary, hit_text, kinds, resolved_text, summary_text};
pub(crate) use thread_lost::{of_named_thread, renamed};

use forkguard_report::event::Finding;

/// A rule reads the evidence and passes each finding on.
type Rule = for<'a> fn(&Evidence<'a>, &mut dyn FnMut(Finding<'a>));

/// All rules, in the order of a report.
const RULES: [Rule; 14] = [
    thread_lost::rule,
    lock_orphaned::rule,
    connection_inherited::rule,
    socket_inherited::rule,
    epoll_inherited::rule,
    sqlite_inherited::rule,
    signals_blocked::rule,
    timer_lost::rule,
    runtime_unsafe::rule,
    handler_inherited::rule,
    file_offset_shared::rule,
    rng_shared::rule,
    buffer_duplicated::rule,
    exit_handler_inherited::rule,
];

/// The rules whose findings a child that execs or ends at once makes moot: those that may be warnings, and need nothing of the kernel's
/// tables, and of generators, which many a child that only executes a program would be told of.
const RULES_OF_GONE: [Rule; 6] =
    [thread_lost::rule, lock_orphaned::rule, signals_blocked::rule, timer_lost::rule, runtime_unsafe::rule, rng_shared::rule];

/// Findings of one fork that are written; further ones are counted.
pub(crate) const MAX_FINDINGS: u32 = 256;

/// Applies all rules; how many findings were left out.
pub(crate) fn apply_rules<'a>(evidence: &Evidence<'a>, mut each: impl FnMut(Finding<'a>)) -> u32 {
    let (mut written, mut left_out) = (0, 0);
    let mut sink = |finding: Finding<'a>| {
        // Where the arena ended there are no texts: such a finding is counted like one too many.
        if written < MAX_FINDINGS && !finding.id.is_empty() && !finding.subject.is_empty() {
            written += 1;
            each(finding);
        } else {
            left_out += 1;
        }
    };
    RULES.iter().for_each(|rule| rule(evidence, &mut sink));
    left_out
}

/// Applies [`RULES_OF_GONE`].
pub(crate) fn apply_rules_of_gone<'a>(evidence: &Evidence<'a>, mut each: impl FnMut(Finding<'a>)) {
    RULES_OF_GONE.iter().for_each(|rule| rule(evidence, &mut each));
}
