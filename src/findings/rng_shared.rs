//! rng-shared: a generator whose state every child copies. That it was seeded before the fork shows only for the C library's;
//! the others are known by being loaded.
use crate::findings::evidence::Evidence;
use crate::findings::libraries::{base, generator, loaded_site};
use forkguard_report::event::{Finding, FindingKind, Frame, Severity, Site};
use forkguard_report::text::is_runtime;

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
    for (index, site) in evidence.seeds.iter().enumerate() {
        if let Some(taker) = taker(site) {
            let subject = format_args!("a generator of {taker}, seeded before the fork");
            let sites = evidence.arena.join([std::slice::from_ref(site)]);
            found(evidence.finding(FindingKind::RngShared, Severity::Info, format_args!("{taker}-{index}"), subject, sites));
        }
    }
    for library in evidence.generators {
        found(loaded(evidence, generator(library).unwrap_or_default(), library));
    }
    if base(evidence.executable).starts_with("php") {
        found(loaded(evidence, "PHP's mt_rand", evidence.executable));
    }
}

/// Who took a seed: a library or program, or the interpreter whose code at hand did for itself. None for the language's own library, which seeds its
/// generators anew in a child.
fn taker<'s>(site: &'s Site<'_>) -> Option<&'s str> {
    let interpreted = site.frames.iter().find(|frame| frame.language != "native" && !is_constructor(frame));
    if let Some(frame) = interpreted {
        return frame.party().is_some().then_some(frame.language.as_ref());
    }
    let mut modules = site.frames.iter().filter_map(|frame| frame.module.as_deref());
    // An interpreter that runs no code yet takes the salt of its hashes.
    modules.find(|module| !base(module).starts_with("libstdc++")).filter(|module| !is_runtime(module)).map(base)
}

/// True for a line of Python's class `random.Random`.
fn is_constructor(frame: &Frame<'_>) -> bool {
    let is_its = frame.file.as_deref().is_some_and(|file| file.ends_with("/random.py"));
    is_its && matches!(frame.function.as_deref().map(|name| name.rsplit('.').next().unwrap_or(name)), Some("__init__" | "seed"))
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
