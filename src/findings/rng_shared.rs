//! rng-shared: a generator whose state every child copies. That it was seeded before the fork shows only for the C library's;
//! the others are known by being loaded.
use crate::findings::evidence::Evidence;
use crate::findings::libraries::{base, generator, loaded_site};
use forkguard_report::event::{Finding, FindingKind, Severity};

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    if let Some(site) = &evidence.random {
        let subject = format_args!("the C library's random(), used before the fork");
        found(evidence.finding(
            FindingKind::RngShared,
            Severity::Info,
            format_args!("libc"),
            subject,
            evidence.arena.join([std::slice::from_ref(site)]),
        ));
    }
    for library in evidence.generators {
        found(loaded(evidence, generator(library).unwrap_or_default(), library));
    }
    if base(evidence.executable).starts_with("php") {
        found(loaded(evidence, "PHP's mt_rand", evidence.executable));
    }
}

fn loaded<'a>(evidence: &Evidence<'a>, generator: &str, path: &'a str) -> Finding<'a> {
    evidence.finding(
        FindingKind::RngShared,
        Severity::Info,
        format_args!("{}", base(path)),
        format_args!("{generator}, if it was seeded before the fork"),
        evidence.arena.join([&[loaded_site(evidence.arena, path)]]),
    )
}
