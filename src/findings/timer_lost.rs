//! timer-lost: an armed timer that the child does not have.
use super::*;

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    for (index, timer) in evidence.timers.iter().enumerate() {
        let subject = match timer.signal.as_deref() {
            Some(signal) => text!(evidence, "{} on the {} clock, sending {signal}", timer.call, timer.clock),
            None => text!(evidence, "{} on the {} clock", timer.call, timer.clock),
        };
        found(evidence.finding(
            Kind::TimerLost,
            Severity::Warning,
            format_args!("{}", what(timer, index).as_str()),
            format_args!("{subject}"),
            evidence.sites([timer.site.as_slice()]),
        ));
    }
}

/// What stands for it in its finding's id: the clock, and its place among those that were armed.
pub(crate) fn what(timer: &Timer<'_>, index: usize) -> forkguard_core::fixed::Text<64> {
    forkguard_core::fixed::Text::of(format_args!("{}-{index}", timer.clock))
}
