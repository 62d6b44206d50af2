//! lock-orphaned: a lock that a lost thread holds, or one of the forking thread that knows its owner by a thread id of the leader.
use super::*;

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    for lock in evidence.locks {
        let stood = evidence.threads.iter().find(|t| t.tid == lock.holder).and_then(|t| t.stood.clone());
        let severity = if lock.signal { Severity::Info } else { Severity::Warning };
        let what = lock.address.as_deref().or(lock.name.as_deref()).unwrap_or("?");
        let holder = match lock.own {
            true => text!(evidence, "the forking thread itself"),
            false => text!(evidence, "thread \"{}\" (tid {})", lock.holder_name, lock.holder),
        };
        let subject = match (lock.kind, lock.name.as_deref()) {
            (LockKind::Libc, name) => text!(evidence, "the C library's lock inside {}(), held by {holder}", name.unwrap_or("?")),
            (kind, Some(name)) => text!(evidence, "{} {name} at {what}, held by {holder}", kind.name()),
            (kind, None) => text!(evidence, "{} at {what}, held by {holder}", kind.name()),
        };
        found(evidence.finding(
            Kind::LockOrphaned,
            severity,
            format_args!("{what}-{}", lock.holder),
            format_args!("{subject}"),
            evidence.sites([lock.site.as_slice(), stood.as_slice()]),
        ));
    }
}
