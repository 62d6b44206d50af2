//! rng-shared: a generator whose state every child copies. That it was seeded before the fork shows only for the C library's;
//! the others are known by being loaded.
use super::*;

/// Parts of library paths, and the generator that lives there.
const GENERATORS: &[(&str, &str)] =
    &[("/numpy/random/mtrand.", "numpy's global generator (numpy.random)"), ("/libphp", "PHP's mt_rand")];

/// True for a library that this rule looks for.
pub(super) fn knows(path: &str) -> bool {
    GENERATORS.iter().any(|(part, _)| path.contains(part))
}

pub(super) fn rule<'a>(evidence: &Evidence<'a>, found: &mut dyn FnMut(Finding<'a>)) {
    if let Some(site) = &evidence.random {
        let subject = format_args!("the C library's random(), used before the fork");
        found(evidence.finding(
            Kind::RngShared,
            Severity::Info,
            format_args!("libc"),
            subject,
            evidence.sites([std::slice::from_ref(site)]),
        ));
    }
    for library in evidence.libraries {
        let generator = GENERATORS.iter().find(|(part, _)| library.contains(part)).map_or("", |(_, name)| name);
        found(loaded(evidence, generator, library));
    }
    if base(evidence.executable).starts_with("php") {
        found(loaded(evidence, "PHP's mt_rand", evidence.executable));
    }
}

fn loaded<'a>(evidence: &Evidence<'a>, generator: &str, path: &'a str) -> Finding<'a> {
    evidence.finding(
        Kind::RngShared,
        Severity::Info,
        format_args!("{}", base(path)),
        format_args!("{generator}, if it was seeded before the fork"),
        evidence.sites([&[loaded_at(evidence.arena, path)]]),
    )
}
