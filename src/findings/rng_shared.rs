//! rng-shared: a generator whose state every child copies. That it was seeded before the fork shows only for the C library's;
//! the others are known by being loaded.
use crate::findings::evidence::Evidence;
use crate::findings::libraries::{base, generator, loaded_site};
use forkguard_report::event::{Finding, FindingKind, Frame, Severity, Site};
use forkguard_report::text::{in_package, is_runtime};

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
    let interpreted = || site.frames.iter().filter(|frame| frame.language != "native");
    if interpreted().next().is_some() {
        // Python seeds the generator of its module anew after each fork: other ones are seeded where they are made.
        let is_made = interpreted().any(|frame| is_seeding(frame, "__init__"));
        let is_seeded_anew = !is_made && interpreted().any(|frame| is_seeding(frame, "seed"));
        let is_makers = |frame: &&Frame<'_>| !["__init__", "seed", "getrandbits"].iter().any(|name| is_seeding(frame, name));
        let maker = interpreted().find(is_makers).filter(|_| !is_seeded_anew)?;
        // What numpy makes as it is imported is its global generator, which is known by being loaded.
        let taker = extension(site).unwrap_or(maker.language.as_ref());
        return maker.party().filter(|party| *party != "numpy").map(|_| taker);
    }
    let mut modules = site.frames.iter().filter_map(|frame| frame.module.as_deref());
    // An interpreter that runs no code yet takes the salt of its hashes.
    modules.find(|module| !base(module).starts_with("libstdc++")).filter(|module| !is_runtime(module)).map(base)
}

/// The native code of an installed package that took a seed by itself.
fn extension<'s>(site: &'s Site<'_>) -> Option<&'s str> {
    let module = site.frames.first().filter(|frame| frame.language == "native")?.module.as_deref()?;
    in_package(module).map(base)
}

/// True for a line of such a function of Python's module `random`: of the classes `Random` and `SystemRandom`.
fn is_seeding(frame: &Frame<'_>, function: &str) -> bool {
    let is_its = frame.file.as_deref().is_some_and(|file| file.ends_with("/random.py"));
    is_its && frame.function.as_deref().map(|name| name.rsplit('.').next().unwrap_or(name)) == Some(function)
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
