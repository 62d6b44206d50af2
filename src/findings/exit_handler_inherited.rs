//! exit-handler-inherited: an exit handler that the application registered before the fork, so that each child that ends by exit runs it, too.
use crate::findings::evidence::Evidence;
use forkguard_report::event::{Finding, FindingKind, Severity};

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    for handler in evidence.exit_handlers {
        found(evidence.finding(
            FindingKind::ExitHandlerInherited,
            Severity::Info,
            format_args!("{}", handler.index),
            format_args!("{}", handler.name),
            handler.sites,
        ));
    }
}
