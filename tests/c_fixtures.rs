//! Runs the C programs of `c-tests/` with and without the library.
mod common;

use common::fixture::{Fixture, Output, each, run, run_within, same_in_every_mode};
use common::{Report, guarded, library, scratch, without_options};
use serde_json::Value;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, process};

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

/// What the comments of each fixture expect of the report: a folder a kind of finding.
#[test]
fn findings_are_as_expected() {
    each(Fixture::all("findings"), |fixture| fixture.check(&fixture.build()?));
}

/// The same for what guards do: a folder a guard.
#[test]
fn guards_are_as_expected() {
    each(Fixture::all("guards"), |fixture| fixture.check(&fixture.build()?));
}

/// The same for what is reported of processes, forks and programs that are executed, whatever they find.
#[test]
fn reports_are_as_expected() {
    each(Fixture::all("reports"), |fixture| fixture.check(&fixture.build()?));
}

/// Runs `special/forks.c` with these options, reporting to `report` below a directory of its own.
fn forks_with(name: &str, report: &Path, options: &[(&str, &str)]) -> Output {
    let program = Fixture::new("special/forks.c").build().expect("builds");
    let mut command = Command::new(program);
    guarded(&mut command, report).envs(options.iter().copied());
    let run = run(&mut command, &scratch(&format!("options/{name}/run"))).expect("runs");
    assert!(run.status.success(), "{name}: {}: {}", run.status, run.stderr);
    run
}

/// The lines on stderr that hold all of `parts`.
fn complaints<'a>(run: &'a Output, parts: &[&str]) -> Vec<&'a str> {
    run.stderr.lines().filter(|line| parts.iter().all(|part| line.contains(part))).collect()
}

#[test]
fn bad_options_are_reported_once_and_the_default_holds() {
    let cases: [(&str, &str, &[&str]); 8] = [
        ("FORKGUARD", "nonsense", &["guard", "observe", "off"]),
        ("FORKGUARD_SUMMARY", "nonsense", &["auto", "always", "json", "never"]),
        ("FORKGUARD_FOLLOW_EXEC", "7", &["0", "1"]),
        ("FORKGUARD_SIGNALS", "TERM,NOSUCH", &["auto", "none", "application", "a list of signals"]),
        ("FORKGUARD_SIGNALS", "KILL", &["KILL and STOP cannot be set"]),
        ("FORKGUARD_SIGNALS_KEEP", "USR3", &["a list of signals"]),
        ("FORKGUARD_SIGNALS_KEEP", "0", &["a list of signals"]),
        ("FORKGUARD_SUPPRESS", "/nonexistent/rules", &["a file of rules"]),
    ];
    for (option, value, allowed) in cases {
        let report = scratch(&format!("options/bad-{option}")).join("report");
        let run = forks_with(&format!("bad-{option}"), &report, &[(option, value)]);
        let setting = format!("{option}={value}");
        let parts = [&[setting.as_str()], allowed].concat();
        assert_eq!(complaints(&run, &parts).len(), 1, "{}", run.stderr);
        let report = Report::read(&report);
        assert_eq!(report.findings("thread-lost").count(), 1);
        assert_eq!(report.events("process").next().expect("process").json["mode"], "guard");
    }
}

#[test]
fn an_unknown_option_is_one_line_that_names_the_nearest() {
    let cases = [
        ("FORKGUARD_LOCK", "FORKGUARD_LOCKS"),
        ("FORKGUARD_SAFEPOINT", "FORKGUARD_SAFE_POINT"),
        ("FORKGUARD_REPORTS", "FORKGUARD_REPORT"),
    ];
    for (name, nearest) in cases {
        let report = scratch(&format!("options/unknown-{name}")).join("report");
        let run = forks_with(&format!("unknown-{name}"), &report, &[(name, "1"), ("FORKGUARD_SUMMARY", "never")]);
        assert_eq!(run.stderr, format!("forkguard: no option {name}; {nearest}?\n"));
    }
}

#[test]
fn what_options_say_is_fit_for_a_terminal() {
    let report = scratch("options/hostile").join("report");
    let options = [("FORKGUARD_SUMMARY", "\u{1b}[31m\nforkguard: \u{202e}all is well"), ("FORKGUARD_PROFILE\u{7f}", "")];
    let run = forks_with("hostile", &report, &[options[0], options[1], ("FORKGUARD_FIXUPS", "libc.so.6:\u{1b}[2J")]);
    assert!(run.stderr.contains("FORKGUARD_SUMMARY=\\u{1b}[31m\\nforkguard: \\u{202e}all is well: allowed is"), "{}", run.stderr);
    assert!(run.stderr.contains("no option FORKGUARD_PROFILE\\u{7f}; FORKGUARD_PROFILE?"), "{}", run.stderr);
    assert!(run.stderr.contains("has no function \\u{1b}[2J"), "{}", run.stderr);
    assert!(run.stderr.lines().all(forkguard_report::text::is_plain), "{}", run.stderr);
}

/// Its child waits for what the leader has to write before it writes of that itself: once, not for every finding.
#[test]
fn a_stopped_leader_holds_its_child_up_once() {
    let report = scratch("special/stopped_leader").join("report");
    let program = Fixture::new("special/stopped_leader.c").build().expect("builds");
    let mut command = Command::new(program);
    let run = run(guarded(&mut command, &report), &scratch("special/stopped_leader/run")).expect("runs");
    assert!(run.status.success(), "{}: {}", run.status, run.stderr);
}

#[test]
fn off_reports_nothing() {
    let directory = scratch("options/off");
    let run = forks_with("off", &directory.join("report"), &[("FORKGUARD", "off")]);
    assert_eq!(run.stderr, "");
    assert!(!directory.join("report").exists());
}

#[test]
fn observe_reports_its_mode() {
    let report = scratch("options/observe").join("report");
    forks_with("observe", &report, &[("FORKGUARD", "observe")]);
    let report = Report::read(&report);
    assert_eq!(report.events("process").next().expect("process").json["mode"], "observe");
    assert_eq!(report.findings("thread-lost").count(), 1);
}

#[test]
fn summaries_come_as_asked() {
    for (value, printed) in [("never", false), ("auto", true), ("always", true)] {
        let report = scratch(&format!("options/summary-{value}")).join("report");
        let run = forks_with(&format!("summary-{value}"), &report, &[("FORKGUARD_SUMMARY", value)]);
        assert_eq!(!complaints(&run, &["thread-lost", "worker"]).is_empty(), printed, "{value}: {}", run.stderr);
        assert_eq!(!complaints(&run, &["options/summary-"]).is_empty(), printed, "the report's path: {}", run.stderr);
    }
}

#[test]
fn a_summary_as_json_is_a_line_a_finding() {
    let report = scratch("options/summary-json").join("report");
    let run = forks_with("summary-json", &report, &[("FORKGUARD_SUMMARY", "json")]);
    let line: Value = serde_json::from_str(run.stderr.trim_end()).unwrap_or_else(|error| panic!("{error}: {}", run.stderr));
    let field = |name: &str| line[name].as_str().unwrap_or_default();
    assert_eq!(
        (field("source"), field("kind"), field("severity"), field("state")),
        ("forkguard", "thread-lost", "warning", "open")
    );
    assert!(field("text").contains("worker") && field("docs").ends_with("findings.md#thread-lost"), "{line}");
    assert!(field("site").contains("process.h:") && field("cure").starts_with("start \"worker\" (process.h:"), "{line}");
    let report = Report::read(&report);
    let finding = report.findings("thread-lost").next().expect("in the report");
    assert_eq!((&line["pid"], &line["leader"]), (&finding.json["child"], &finding.json["pid"]));
    assert!(Path::new(field("report")).exists(), "{line}");
}

#[test]
fn none_writes_no_report() {
    let directory = scratch("options/none");
    let run = forks_with("none", Path::new("none"), &[]);
    assert!(!complaints(&run, &["thread-lost", "worker"]).is_empty(), "{}", run.stderr);
    assert!(fs::read_dir(&directory).expect("directory").all(|entry| entry.expect("entry").file_name() == "run"));
}

#[test]
fn reports_are_private() {
    let report = scratch("options/private").join("report");
    forks_with("private", &report, &[]);
    assert_eq!(fs::metadata(&report).expect("directory").mode() & 0o7777, 0o700);
    for entry in fs::read_dir(&report).expect("directory") {
        assert_eq!(entry.expect("entry").metadata().expect("file").mode() & 0o7777, 0o600);
    }
}

#[test]
fn unsafe_report_directories_are_refused_for_the_next_place() {
    let base = scratch("options/unsafe");
    let make = |name: &str, mode: u32| {
        let path = base.join(name);
        fs::create_dir(&path).expect("directory");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("mode");
        path
    };
    let (open, sticky, target) = (make("open", 0o777), make("sticky", 0o1777), make("target", 0o700));
    symlink(&target, base.join("link")).expect("link");
    fs::write(base.join("file"), "text").expect("file");
    let state = make("state", 0o700);
    let options = [("FORKGUARD_SUMMARY", "never"), ("XDG_STATE_HOME", state.to_str().expect("UTF-8"))];
    for (name, path) in
        [("open", open.clone()), ("link", base.join("link")), ("parentless", base.join("no/such")), ("file", base.join("file"))]
    {
        let run = forks_with(&format!("unsafe-{name}"), &path, &options);
        assert_eq!(run.stderr.lines().count(), 1, "{name}: one line: {}", run.stderr);
        assert!(run.stderr.starts_with("forkguard: "), "{name}: {}", run.stderr);
        assert!(run.stderr.contains(path.to_str().expect("UTF-8")), "{name}: {}", run.stderr);
    }
    assert_eq!(Report::read(&state.join("forkguard")).findings("thread-lost").count(), 4, "the next place was taken");
    assert!(Report::read(&open).entries.is_empty() && Report::read(&target).entries.is_empty());
    assert_eq!(fs::read_to_string(base.join("file")).expect("file"), "text");

    forks_with("unsafe-sticky", &sticky, &[]);
    assert_eq!(Report::read(&sticky).findings("thread-lost").count(), 1);
}

/// A link that lies where the report's file would be is not followed.
#[test]
fn links_in_the_report_directory_are_not_followed() {
    let base = scratch("options/file-link");
    let report = base.join("report");
    forks_with("file-link", &report, &[]);
    let names: Vec<PathBuf> = fs::read_dir(&report).expect("directory").map(|entry| entry.expect("entry").path()).collect();
    assert_eq!(names.len(), 1, "one process that reports has one file: {names:?}");
    let name = names[0].file_name().expect("name").to_string_lossy().into_owned();
    let pid = Report::read(&report).entries[0].line.pid;
    let victim = base.join("victim");
    fs::write(&victim, "untouched").expect("victim");
    // Process ids are not ours to choose: a link waits at each of the next ones.
    for next in 1..2000 {
        symlink(&victim, report.join(name.replace(&pid.to_string(), &(pid + next).to_string()))).expect("link");
    }
    forks_with("file-link-again", &report, &[]);
    assert_eq!(fs::read_to_string(&victim).expect("victim"), "untouched");
}

/// A program with capabilities of its own must not do what its user's environment says.
#[test]
fn privileged_programs_take_no_options() {
    // Where an unprivileged user gets to.
    let place = env::temp_dir().join(format!("forkguard-secure-{}", process::id()));
    fs::create_dir(&place).expect("directory");
    fs::set_permissions(&place, Permissions::from_mode(0o777)).expect("mode");
    let ended = run_privileged(&place);
    let left: Vec<_> = fs::read_dir(&place).expect("place").map(|entry| entry.expect("entry").file_name()).collect();
    fs::remove_dir_all(&place).expect("removed");
    let Some(ended) = ended else {
        eprintln!("skipped: setcap is impossible here");
        return;
    };
    let run = ended.expect("runs");
    assert!(run.status.success(), "{}", run.stderr);
    assert_eq!(run.stdout, "secure: 1\n");
    assert!(!run.stderr.contains("FORKGUARD_SUMMARY"), "{}", run.stderr);
    assert_eq!(left.len(), 2, "nothing but program and library: {left:?}");
}

/// Runs `special/secure.c` in `place` with options that it must not heed; None where capabilities cannot be given.
fn run_privileged(place: &Path) -> Option<Result<Output, String>> {
    let program = place.join("secure");
    fs::copy(Fixture::new("special/secure.c").build_linked_to_library(place).expect("builds"), &program).expect("copy");
    fs::copy(library(), place.join("libforkguard.so")).expect("copy");
    let capable = Command::new("setcap").arg("cap_net_bind_service+ep").arg(&program).status();
    if !capable.is_ok_and(|status| status.success()) {
        return None;
    }
    let mut command = Command::new(&program);
    without_options(&mut command)
        .env("FORKGUARD_REPORT", place.join("report"))
        .env("FORKGUARD_SUMMARY", "nonsense")
        .env("XDG_STATE_HOME", place)
        .env("TMPDIR", place);
    // To root, capabilities of a file are nothing new: no AT_SECURE.
    if fs::metadata("/proc/self").expect("/proc").uid() == 0 {
        command.uid(65534).gid(65534);
    }
    Some(run(&mut command, &scratch("options/secure")))
}

/// The report's file reaches the process's limit of sizes for a while: events are lost, counted, and the program unharmed.
#[test]
fn a_refused_write_loses_events_and_says_so() {
    let fixture = Fixture::new("special/refused_writes.c");
    let directory = scratch("refused-writes");
    let result = fixture.build().and_then(|program| fixture.check_reporting_to(&directory.join("report"), &program, &directory));
    result.unwrap_or_else(|error| panic!("{error}"));
}

/// Threads that lock, make threads and open descriptors while the leader forks without pause; `scripts/stress` runs the long one.
#[test]
fn storm_of_forks() {
    let forks: usize = env::var("STORM_FORKS").map_or(100_000, |count| count.parse().expect("a number"));
    let program = Fixture::new("stress/storm.c").build().expect("builds");
    let directory = scratch("storm");
    let report = directory.join("report");
    let mut command = Command::new(program);
    guarded(&mut command, &report).env("STORM_FORKS", forks.to_string()).env("FORKGUARD_SUMMARY", "never");
    // A slow machine writes more whole reports: how many is a matter of time.
    command.env("FORKGUARD_REPORT_LIMIT", (1u64 << 30).to_string());
    // Only a hang takes so long.
    let run = run_within(std::time::Duration::from_secs(900), &mut command, &directory).expect("ends");
    assert!(run.status.success(), "{}: {}", run.status, run.stderr);
    eprint!("{}", run.stdout);
    let report = Report::as_written(&report);
    let reported = report.events("fork").filter(|entry| entry.json["kind"] == "fork" && entry.json["failed"].is_null()).count();
    assert_eq!(reported, forks);
    assert_eq!(report.events("lost").count(), 0);
}
