//! runtime-unsafe: a runtime that does not survive a fork runs threads in the leader, or holds a device.
use crate::findings::evidence::Evidence;
use crate::findings::libraries::{base, loaded_site, runtime};
use forkguard_report::event::{Finding, FindingKind, Severity};

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    let known = |thread| runtime(thread, |library| evidence.go_starters.contains(&library));
    let mut seen = evidence.arena.list::<&str>(16);
    for thread in evidence.lost_threads() {
        let Some((library, name)) = known(thread) else { continue };
        if seen.as_slice().contains(&name) {
            continue;
        }
        seen.push(name);
        let count = evidence.lost_threads().filter(|t| known(t).is_some_and(|(_, other)| other == name)).count();
        found(evidence.finding(
            FindingKind::RuntimeUnsafe,
            Severity::Warning,
            format_args!("{library}"),
            format_args!("{name} ({library}), {count} lost thread{}", if count == 1 { "" } else { "s" }),
            evidence.arena.join([thread.site.as_slice()]),
        ));
    }
    if let Some(library) = evidence.go {
        let count = evidence.lost_threads().filter(|t| !t.recorded).count();
        found(evidence.finding(
            FindingKind::RuntimeUnsafe,
            Severity::Warning,
            format_args!("go"),
            format_args!("the Go runtime ({}), {count} threads started past every hook", base(library)),
            evidence.arena.join([&[loaded_site(evidence.arena, library)]]),
        ));
    }
    if let Some(device) = evidence.inherited.iter().find(|d| d.path.as_deref().is_some_and(|p| p.starts_with("/dev/nvidia"))) {
        found(evidence.finding(
            FindingKind::RuntimeUnsafe,
            Severity::Warning,
            format_args!("nvidia"),
            format_args!("a CUDA context ({}, descriptor {})", device.path.as_deref().unwrap_or("?"), device.fd),
            evidence.arena.join([device.site.as_slice()]),
        ));
    }
}
