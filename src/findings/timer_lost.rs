//! timer-lost: an armed timer that the child does not have.
use crate::findings::evidence::Evidence;
use forkguard_core::fixed::Text;
use forkguard_report::event::{Finding, FindingKind, Severity, Timer};

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    for (index, timer) in evidence.timers.iter().enumerate() {
        let (comma, signal) = timer.signal.as_deref().map_or(("", ""), |signal| (", sending ", signal));
        found(evidence.finding(
            FindingKind::TimerLost,
            Severity::Warning,
            format_args!("{}", what(timer, index).as_str()),
            format_args!("{} on the {} clock{comma}{signal}", timer.call, timer.clock),
            evidence.arena.join([timer.site.as_slice(), timer.created.as_slice()]),
        ));
    }
}

/// The last part of its finding's id: the clock, and its index among the armed timers.
pub(crate) fn what(timer: &Timer<'_>, index: usize) -> Text<64> {
    Text::of(format_args!("{}-{index}", timer.clock))
}
