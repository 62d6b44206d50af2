//! FORKGUARD_MEMORY=freeze: what interpreters do before a server's first fork, and that the program's own say counts.
mod common;

use common::fixture::run;
use common::{Report, guarded, scratch};
use std::path::Path;
use std::process::Command;

/// What a script of `tests/apps/memory` prints, and what guards did in its children.
fn forks_of(interpreter: &str, script: &str, arguments: &[&str]) -> (String, Vec<String>) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apps/memory").join(script);
    let directory = scratch(&format!("guards-memory-{script}-{}", arguments.join("-")));
    let report = directory.join("report");
    let mut command = Command::new(interpreter);
    guarded(command.arg(&file).args(arguments), &report);
    command.envs([("FORKGUARD_SUMMARY", "never"), ("FORKGUARD_MEMORY", "freeze")]);
    let run = run(&mut command, &directory).expect("runs");
    assert!(run.status.success() && run.stderr.is_empty(), "{}: {}", run.status, run.stderr);
    let cures = |child: &common::Entry| {
        child.json["cures"].as_array().expect("cures").iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    (run.stdout, Report::read(&report).events("child").flat_map(cures).collect())
}

#[test]
fn pythons_objects_are_frozen_once_before_the_first_fork_of_a_server() {
    for arguments in [&[][..], &["thread"]] {
        let (printed, cures) = forks_of("/usr/bin/python3", "freeze.py", arguments);
        assert!(printed.contains("no worker yet False\n"), "{printed}");
        assert_eq!(printed.matches("gc start 2\n").count(), 1, "{printed}");
        assert_eq!(printed.matches("finalized garbage\n").count(), 1, "{printed}");
        assert_eq!(printed.matches("frozen True kept True\n").count(), 2, "{printed}");
        assert_eq!(
            cures.iter().filter(|cure| cure.contains("objects of Python's") && cure.contains("frozen")).count(),
            2,
            "{cures:?}"
        );
    }
}

#[test]
fn a_python_program_that_freezes_is_left_alone() {
    let (printed, cures) = forks_of("/usr/bin/python3", "freeze.py", &["own"]);
    assert_eq!((printed.matches("gc start").count(), printed.matches("finalized").count()), (0, 0), "{printed}");
    assert!(!cures.is_empty() && cures.iter().all(|cure| cure.contains("does it by itself")), "{cures:?}");
}

#[test]
fn a_collector_that_python_has_switched_off_does_not_run() {
    let (printed, _) = forks_of("/usr/bin/python3", "freeze.py", &["disabled"]);
    assert_eq!((printed.matches("gc start").count(), printed.matches("frozen True kept True\n").count()), (0, 2), "{printed}");
}

#[test]
fn rubys_objects_are_made_old_once_before_its_first_fork() {
    let (printed, cures) = forks_of("ruby", "freeze.rb", &[]);
    assert!(printed.contains("runs before the first fork: 0\n") && printed.contains("raised\n"), "{printed}");
    assert_eq!((printed.matches("worker: 1, 50000").count(), printed.matches("finalized").count()), (2, 1), "{printed}");
    assert_eq!(cures.iter().filter(|cure| cure.contains("Ruby's objects")).count(), 2, "{cures:?}");
    let (printed, _) = forks_of("ruby", "freeze.rb", &["disabled"]);
    assert_eq!((printed.matches("worker: 0, 50000").count(), printed.matches("finalized").count()), (2, 0), "{printed}");
}

/// The real one is of Ruby 3.3, which may not be here.
#[test]
fn rubys_own_preparation_for_forks_is_used_where_it_exists() {
    let (printed, cures) = forks_of("ruby", "freeze.rb", &["warmup"]);
    assert_eq!((printed.matches("warmup\n").count(), printed.matches("finalized").count()), (1, 1), "{printed}");
    assert_eq!(cures.iter().filter(|cure| cure.contains("by Process.warmup")).count(), 2, "{cures:?}");
}
