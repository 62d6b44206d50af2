//! How much a report holds: it is bounded whatever forks.
mod common;

use common::fixture::{Fixture, run};
use common::server::repository;
use common::{Report, guarded, scratch};
use serde_json::Value;
use std::process::Command;

/// The lines that `command` makes, as they are written: length and content.
fn lines(name: &str, mut command: Command) -> Vec<(usize, Value)> {
    let directory = scratch(&format!("reports-{name}"));
    let report = directory.join("report");
    let run = run(guarded(&mut command, &report), &directory).expect("runs");
    assert!(run.status.success(), "{}: {}", run.status, run.stderr);
    let entries = Report::as_written(&report).entries;
    assert!(!entries.is_empty(), "a report");
    entries.into_iter().map(|entry| (entry.text.len(), entry.json)).collect()
}

/// The lines of a program of ours.
fn lines_of(name: &str, program: &str, arguments: &[&str]) -> Vec<(usize, Value)> {
    let mut command = Command::new(Fixture::new(program).build().expect("builds"));
    command.args(arguments);
    lines(name, command)
}

fn forks(lines: &[(usize, Value)]) -> Vec<&(usize, Value)> {
    lines.iter().filter(|(_, line)| line["event"] == "fork").collect()
}

#[test]
fn a_fork_like_an_earlier_one_is_one_short_line() {
    let lines = lines_of("alike", "special/forks_alike.c", &["16", "100", "200"]);
    let forks = forks(&lines);
    assert_eq!(forks.len(), 200);
    assert_eq!(forks[0].1["detail"], "full");
    for (length, fork) in &forks[1..] {
        assert_eq!((&fork["detail"], &fork["like"]), (&"like".into(), &forks[0].1["fork"]));
        assert!(*length <= 256, "{length} bytes: {fork}");
    }
    let of_further = lines
        .iter()
        .filter(|(_, line)| line["event"] != "fork" && line["fork"].is_string() && line["fork"] != forks[0].1["fork"]);
    assert_eq!(of_further.count(), 0, "neither findings nor ends of short-lived children are repeated");
}

#[test]
fn a_fork_of_a_storm_is_one_short_line() {
    let lines = lines_of("storm", "special/forks_alike.c", &["1", "0", "300", "new"]);
    let forks = forks(&lines);
    let short: Vec<_> = forks.iter().filter(|(_, fork)| fork["detail"] == "counts").collect();
    assert!(forks.len() == 300 && short.len() > 100, "{} of {} by their counts", short.len(), forks.len());
    assert!(short.iter().all(|(length, _)| *length <= 320), "{short:?}");
}

#[test]
fn short_children_of_a_shell_write_nothing() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "i=0; while [ $i -lt 50 ]; do echo a | cat >/dev/null; i=$((i+1)); done"]);
    let lines = lines("shell", shell);
    let leader = &lines[0].1["pid"];
    let forks = forks(&lines);
    assert_eq!(forks.len(), 100);
    let (alike, others): (Vec<&&(usize, Value)>, Vec<_>) = forks.iter().partition(|(_, fork)| fork["detail"] == "like");
    assert!(alike.len() >= 96, "{} differ", others.len());
    let foreign = lines.iter().filter(|(_, line)| line["pid"] != *leader).count();
    assert!(foreign <= 3 * others.len(), "{foreign} lines of children");
}

#[test]
fn an_event_that_is_too_large_loses_its_sites() {
    let mut python = Command::new("/usr/bin/python3");
    python.arg(repository("tests/apps/scripts/deep_sockets.py"));
    let lines = lines("large", python);
    assert!(lines.iter().all(|(_, line)| line["event"] != "lost"));
    let forks = forks(&lines);
    let [(length, fork)] = forks.as_slice() else { panic!("{} forks", forks.len()) };
    let descriptors = fork["descriptors"].as_array().expect("descriptors");
    assert!(*length < 1 << 20 && descriptors.len() > 300, "{length} bytes, {} descriptors", descriptors.len());
    assert!(descriptors.iter().all(|descriptor| descriptor["site"].is_null()));
    assert!(fork["truncated"]["sites"].as_u64() >= Some(1));
}
