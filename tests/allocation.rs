//! The library calls no allocator: not while a fork is under way, in a lock hook or a signal handler, nor anywhere else once the program is.
//! `plugins/no_allocation.c` is the judge; all of `c-tests/hooks` and `c-tests/traps` run with it, too.
mod common;

use common::fixture::{Fixture, Output, no_allocation, plugin, run};
use common::{Report, guarded, library, scratch};
use std::path::Path;
use std::process::Command;

/// Runs `special/no_allocation.c` with the judge in front of `library`.
fn judged(name: &str, library: &Path, arguments: &[&str], options: &[(&str, &str)]) -> (Output, Report) {
    let program = Fixture::new("special/no_allocation.c").build().expect("builds");
    let directory = scratch(&format!("allocation/{name}"));
    let mut command = Command::new(program);
    guarded(command.args(arguments), &directory.join("report")).envs(options.iter().copied());
    command.env("LD_PRELOAD", format!("{}:{}", no_allocation().display(), library.display()));
    let run = run(&mut command, &directory).expect("ends");
    (run, Report::read(&directory.join("report")))
}

#[test]
fn forks_locks_and_handlers_allocate_nothing() {
    let worst = ("FORKGUARD_SUMMARY", "always");
    for (name, option) in
        [("guard", ("FORKGUARD", "guard")), ("observe", ("FORKGUARD", "observe")), ("cure", ("FORKGUARD_PROFILE", "cure"))]
    {
        let (run, report) = judged(name, library(), &[], &[option, worst]);
        assert!(run.status.success(), "{name}: {}: {}", run.status, run.stderr);
        assert!(!run.stderr.contains("no_allocation: "), "{name}: {}", run.stderr);
        // It did what it is for.
        for kind in ["thread-lost", "lock-orphaned", "connection-inherited"] {
            assert!(report.findings(kind).count() >= 2, "{name}: {kind}");
        }
        assert!(name == "cure" || report.findings("connection-shared-use").count() >= 1, "{name}");
    }
}

/// What the judge is worth: allocations where there must be none, in each place that it watches.
#[test]
fn an_allocation_is_seen() {
    let stand_in = plugin("libforkguard_stand_in");
    let cases = [
        (library(), "in-fork", "malloc where it is forbidden"),
        (library(), "in-handler", "malloc where it is forbidden"),
        (&stand_in, "none", "called by libforkguard.so+"),
    ];
    for (library, mistake, message) in cases {
        let (run, _) = judged(mistake, library, &[mistake], &[]);
        assert!(!run.status.success() && run.stderr.contains(message), "{mistake}: {}: {}", run.status, run.stderr);
    }
}
