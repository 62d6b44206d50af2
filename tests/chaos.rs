//! Programs that fork wherever a program may, under what a machine may do to them, act as without the library: the short part of
//! `scripts/chaos`.
mod common;

use common::fixture::{Output, plugin, run_within};
use common::{library, scratch};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

fn chaos(name: &str, library: &Path, options: &[&str]) -> Output {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/chaos"));
    command.args(["--short", "--library"]).arg(library).args(options);
    run_within(Duration::from_secs(600), &mut command, &scratch(&format!("chaos/{name}"))).expect("ends")
}

#[test]
fn programs_act_as_without_the_library() {
    let run = chaos("short", library(), &[]);
    eprint!("{}", run.stdout);
    assert!(run.status.success(), "{}{}", run.stdout, run.stderr);
}

#[test]
fn a_library_that_ends_children_is_seen() {
    let run = chaos("mistake", &plugin("libforkguard_stand_in"), &["--only", "nothing"]);
    assert!(!run.status.success() && run.stdout.contains("DIFFERS: nothing"), "{}{}", run.stdout, run.stderr);
}
