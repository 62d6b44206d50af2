//! handler-inherited: a caught signal whose handler the program set.
use super::*;

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    for signal in evidence.signals.iter().filter(|s| s.disposition == Disposition::Handler) {
        let Some(setter) = &signal.site else { continue };
        let code = signal.handler.clone().map(|frame| Site {
            role: Role::Code,
            thread: None,
            frames: Borrowed(evidence.arena.one(frame)),
        });
        found(evidence.finding(
            Kind::HandlerInherited,
            Severity::Info,
            format_args!("{}", signal.signal),
            format_args!("{}", signal.signal),
            evidence.sites([&[setter.clone()][..], code.as_slice(), &signal.earlier]),
        ));
    }
}

/// Hands over the signals whose handler a child has set anew since the fork.
pub(crate) fn renewed(mut each: impl FnMut(&'static str)) {
    use forkguard_core::signal;
    for number in (1..32).filter(|n| !matches!(n, 9 | 19)) {
        let caught = |set: &signal::Set| set.handler > libc::SIG_IGN;
        let latest = signal::settings(number).next().filter(|set| !set.inherited && caught(set));
        let inherited = signal::settings(number).find(|set| set.inherited).filter(caught);
        let stands = |set: &signal::Set| raw::signal_action(number).is_some_and(|action| action.handler == set.handler);
        if inherited.is_some() && latest.as_ref().is_some_and(stands) {
            each(signal::name(number));
        }
    }
}
