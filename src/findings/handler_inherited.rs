//! handler-inherited: a caught signal whose handler the application set, be it that a server has set its own over it.
use crate::findings::evidence::Evidence;
use forkguard_report::event::{Finding, FindingKind, Role, Severity, Site};
use std::borrow::Cow::Borrowed;

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    for signal in evidence.handled_by_application() {
        let Some(setter) = &signal.site else { continue };
        let code = signal.handler.clone().map(|frame| Site {
            role: Role::Code,
            thread: None,
            frames: Borrowed(evidence.arena.one(frame)),
        });
        found(evidence.finding(
            FindingKind::HandlerInherited,
            Severity::Info,
            format_args!("{}", signal.signal),
            format_args!("{}", signal.signal),
            evidence.arena.join([&[setter.clone()][..], code.as_slice(), &signal.earlier]),
        ));
    }
}
