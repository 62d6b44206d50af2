//! What hooks on hot paths cost, in instructions: `bench/instructions` has the figures, which no change may leave far behind.
mod common;

use common::fixture::{Fixture, run_within};
use common::{guarded, scratch, without_options};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

/// Instructions by function of `special/instructions.c`, with all that it calls.
fn counted(name: &str, program: &Path, prepare: impl FnOnce(&mut Command)) -> BTreeMap<String, i64> {
    let directory = scratch(&format!("instructions/{name}"));
    let counts = directory.join("counts");
    let mut command = Command::new("valgrind");
    command.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", counts.display())).arg(program);
    prepare(&mut command);
    let run = run_within(Duration::from_secs(120), &mut command, &directory).expect("ends");
    assert!(run.status.success(), "{name}: {}: {}", run.status, run.stderr);
    let annotate = ["--auto=no", "--inclusive=yes", "--threshold=100", "--show-percs=no"];
    let printed = Command::new("callgrind_annotate").args(annotate).arg(counts).output().expect("callgrind_annotate runs");
    functions(&String::from_utf8(printed.stdout).expect("UTF-8"))
}

/// `1,519,830  …/instructions.c:beside_mutex [/…/program]`: what stands before and behind the colon.
fn functions(printed: &str) -> BTreeMap<String, i64> {
    let function = |line: &str| {
        let (count, rest) = line.trim_start().split_once(' ')?;
        let name = rest.split_once("instructions.c:")?.1.split_whitespace().next()?;
        let measured = name.starts_with("alone_") || name.starts_with("beside_");
        Some((name.to_owned(), count.replace(',', "").parse().ok()?)).filter(|_| measured)
    };
    printed.lines().filter_map(function).collect()
}

/// The figures that stand in `bench/instructions`.
fn figures() -> BTreeMap<String, i64> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/instructions")).expect("figures");
    let lines = text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_once(' ').expect("a name and a figure"));
    lines.map(|(name, figure)| (name.to_owned(), figure.parse().expect("a number"))).collect()
}

/// What stands above its figure by more than 5 %.
fn above(figures: &BTreeMap<String, i64>, cost: &BTreeMap<String, i64>) -> Vec<String> {
    let is_above = |(name, figure): &(&String, &i64)| cost[*name] * 100 > **figure * 105;
    figures.iter().filter(is_above).map(|(name, figure)| format!("{name}: {} instead of {figure}", cost[name])).collect()
}

#[test]
fn hot_paths_cost_what_they_did() {
    if env::var_os("CARGO_PROFILE_RELEASE_LTO").is_some() {
        eprintln!("skipped: the figures are of the release profile, with link-time optimisation");
        return;
    }
    let program = Fixture::new("special/instructions.c").build().expect("builds");
    let native = counted("native", &program, |command| _ = without_options(command));
    let guarded = counted("guarded", &program, |command| _ = guarded(command, Path::new("none")));
    let cost: BTreeMap<_, _> = guarded.iter().map(|(name, count)| (name.clone(), count - native[name])).collect();
    let figures = figures();
    assert!(cost.keys().eq(figures.keys()), "{cost:?}");
    cost.iter().for_each(|(name, count)| println!("{name} {count}"));
    assert!(cost.values().all(|count| *count > 0), "the library was not there");
    let above = above(&figures, &cost);
    assert!(above.is_empty(), "more instructions than bench/instructions has: {above:?}");
}

/// One more instruction in twenty is seen.
#[test]
fn what_costs_more_is_seen() {
    let figures = figures();
    let with = |more: i64| figures.iter().map(|(name, figure)| (name.clone(), figure * more / 100)).collect();
    assert_eq!(above(&figures, &with(100)), Vec::<String>::new());
    assert_eq!(above(&figures, &with(107)).len(), figures.len());
}
