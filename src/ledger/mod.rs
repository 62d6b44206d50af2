//! What this process has reported of findings, and what guards did in it.
mod actions;
mod budget;
mod hits;
mod printed;
mod report;
pub(crate) mod spawns;
mod states;

pub(crate) use actions::{
    is_resolved_by_action, listed_actions, log_action, log_resolving_action, report_resolved_by_actions, resolved_by_actions,
    subject_of,
};
pub(crate) use budget::Budget;
pub(crate) use hits::{
    Output, head, hit_hazard, print_hit, print_once_a_kind, report_hit, report_state, report_state_of, resolved,
};
pub(crate) use report::{
    begin_report, end_report, keep_report_open, needs_report, needs_report_kept_open, write_events, write_states,
};
pub(crate) use states::{Reported, advance, find, is_empty};

/// In a forked child: nothing yet.
pub(crate) fn reset_in_child() {
    states::reset_in_child();
    actions::reset_in_child();
    printed::reset_in_child();
    spawns::reset_in_child();
}
