//! buffer-duplicated: output that waits in a stream's buffer at the fork, so that the child has a copy of it and both write it.
use crate::findings::evidence::Evidence;
use forkguard_report::event::{Finding, FindingKind, Severity};

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    for buffer in evidence.buffers {
        found(evidence.finding(
            FindingKind::BufferDuplicated,
            Severity::Info,
            format_args!("{}", buffer.fd),
            format_args!("{}", buffer.subject),
            buffer.sites,
        ));
    }
}
