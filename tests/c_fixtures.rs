//! Runs the C programs of `c-tests/` with and without the library.
mod common;

use common::fixture::{Fixture, each, same_in_every_mode};

/// Each hook's snippets in every context, in every mode, and with jemalloc in both orders.
#[test]
fn hooks_are_transparent() {
    each(Fixture::all("hooks"), |fixture| same_in_every_mode(fixture, &fixture.build_with_library()?));
}

/// Faults known from the field.
#[test]
fn traps_are_survived() {
    each(Fixture::all("traps"), |fixture| same_in_every_mode(fixture, &fixture.build()?));
}

/// What the comments of each fixture expect of the report.
#[test]
fn findings_are_as_expected() {
    each(Fixture::all("findings"), |fixture| fixture.check(&fixture.build()?));
}
