//! FORKGUARD_WORST: what hangs once in thousands of forks hangs at each; what is right does not.
mod common;

use common::fixture::{Fixture, Output, plugin, run};
use common::server::{repository, venv};
use common::{Report, guarded, library, scratch};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The value with which the locks are only learned.
const LIST: &str = "list";

/// Seconds until a child counts as hung.
#[derive(Clone, Copy)]
enum Patience {
    /// For one that hangs for certain.
    Hangs = 2,
    /// For one that is to end.
    Ends = 60,
}

/// A program under the library, with one of its cases: what became of it, and its report.
fn with_option(directory: &Path, value: &str, program: &Program, case: &str, patience: Patience) -> (Output, Report) {
    let report = directory.join(value);
    let mut command = program.command(case);
    command.env("PATIENCE", (patience as u32).to_string());
    if value == LIST {
        command.env("WORKS", "once");
    }
    guarded(&mut command, &report).env("FORKGUARD_WORST", value).env("FORKGUARD_SUMMARY", "never");
    let output = run(&mut command, directory).expect("runs");
    (output, Report::read(&report))
}

/// A program with cases, and its source.
enum Program {
    C,
    Python,
}

impl Program {
    fn command(&self, case: &str) -> Command {
        let mut command = match self {
            Program::C => Command::new(program_in_c()),
            Program::Python => venv("python"),
        };
        if let Program::Python = self {
            command.arg(repository("tests/apps/worst.py"));
        }
        command.arg(case);
        command
    }

    fn source(&self) -> &'static str {
        match self {
            Program::C => "c-tests/special/worst.c",
            Program::Python => "tests/apps/worst.py",
        }
    }

    /// `worst.c:30`: where the lock of a case is taken.
    fn line(&self, case: &str) -> String {
        let text = fs::read_to_string(repository(self.source())).expect("the source");
        let line = text.lines().position(|line| line.ends_with(&format!("LINE: {case}"))).expect("its line");
        format!("{}:{}", self.source().rsplit('/').next().expect("a name"), line + 1)
    }
}

/// Built once: its lines are read while it runs.
fn program_in_c() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| Fixture::new("special/worst.c").build().expect("builds"))
}

/// The locks that threads other than the first one take.
fn locks_of_others(report: &Report) -> BTreeSet<String> {
    let of_others = report.events("lock-taken").filter(|taken| taken.json["thread"] != taken.json["pid"]);
    of_others.map(|taken| taken.json["lock"].as_str().expect("an identity").to_owned()).collect()
}

/// Runs a case once to learn its locks, then once for each; gives what became of those runs.
fn runs_at_worst(program: &Program, case: &str, patience: Patience) -> Vec<(Output, Report)> {
    let directory = scratch(&format!("worst/{}-{case}", program.source().replace('/', "-")));
    let (output, report) = with_option(&directory, LIST, program, case, Patience::Ends);
    assert!(output.status.success(), "{case} hangs by itself: {}", output.stderr);
    let locks = locks_of_others(&report);
    locks.iter().map(|lock| with_option(&directory, lock, program, case, patience)).collect()
}

fn hangs(program: &Program, case: &str) {
    let line = program.line(case);
    let (output, report) = runs_at_worst(program, case, Patience::Hangs)
        .into_iter()
        .find(|(output, _)| output.status.code() == Some(1))
        .unwrap_or_else(|| panic!("{case} does not hang"));
    let moment = report.events("worst-moment").next().unwrap_or_else(|| panic!("{case}: no event"));
    assert!(moment.json["holder"].is_number(), "{case}: {}", moment.text);
    let found = report.findings("lock-deadlock").next();
    let found = found.unwrap_or_else(|| panic!("{case}: nothing found: {} {}", output.stdout, output.stderr));
    assert!(found.text.contains(&line), "{case} at {line}: {}", found.text);
}

fn goes_on(program: &Program, case: &str) {
    for (output, report) in runs_at_worst(program, case, Patience::Ends) {
        assert!(output.status.success(), "{case}: {} {}", output.status, output.stderr);
        let errors = report.last_states().into_iter().filter(|finding| finding["severity"] == "error");
        assert_eq!(errors.collect::<Vec<_>>(), Vec::<serde_json::Value>::new(), "{case}");
    }
}

#[test]
fn locks_of_c_programs_hang_each_time() {
    for case in ["mutex", "heap", "recursive", "rwlock", "c11", "spin", "semaphore"] {
        hangs(&Program::C, case);
    }
}

#[test]
fn locks_inside_the_c_library_hang_each_time() {
    for case in ["localtime", "setenv", "syslog", "gethostbyname", "random"] {
        hangs(&Program::C, case);
    }
}

#[test]
fn what_is_right_in_c_goes_on() {
    for case in ["taken-around-fork", "made-anew", "other-lock-in-child", "forker-only", "c-library"] {
        goes_on(&Program::C, case);
    }
}

#[test]
fn locks_of_python_hang_each_time() {
    for case in ["lock", "condition", "file"] {
        hangs(&Program::Python, case);
    }
}

#[test]
fn what_is_right_in_python_goes_on() {
    for case in ["taken-around-fork", "made-anew"] {
        goes_on(&Program::Python, case);
    }
}

/// A thread that was created and does not run yet is waited for, too.
#[test]
fn a_thread_that_is_about_to_start() {
    let directory = scratch("worst/starts-late");
    let (_, report) = with_option(&directory, LIST, &Program::C, "mutex", Patience::Ends);
    let lock = locks_of_others(&report).pop_first().expect("the mutex");
    let mut command = Program::C.command("mutex");
    let report = directory.join("late");
    guarded(&mut command, &report).env("FORKGUARD_WORST", lock).env("FORKS", "at-once");
    command.env("LD_PRELOAD", format!("{}:{}", library().display(), plugin("starts_late").display()));
    assert_eq!(run(&mut command, &directory).expect("runs").status.code(), Some(1), "it does not hang");
    let report = Report::read(&report);
    let moment = report.events("worst-moment").next().expect("the event");
    assert!(moment.json["holder"].is_number(), "{}", moment.text);
}

/// A fork that no other thread could make worse does not wait, and one for a lock that nobody takes waits no longer than it is told.
#[test]
fn a_fork_waits_for_nobody_in_vain_for_long() {
    let directory = scratch("worst/bounded");
    let (output, report) = with_option(&directory, "00112233445566aa:50", &Program::C, "other-lock-in-child", Patience::Ends);
    assert!(output.status.success(), "{}", output.stderr);
    let moment = report.events("worst-moment").next().expect("the event");
    assert!(moment.json["holder"].is_null(), "{}", moment.text);
    assert!(moment.json["waited_us"].as_f64().is_some_and(|us| us >= 50_000.0), "{}", moment.text);
}
