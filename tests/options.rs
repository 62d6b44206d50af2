//! The options, under a gunicorn that loses a thread at each fork and under one that loses nothing.
mod common;

use common::server::*;
use common::{Report, library, scratch, without_options};
use forkguard_report::text::is_plain;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

/// A gunicorn's life under the library with `options` alone: its directory, and what forkguard printed.
fn gunicorn_with(name: &str, application: &str, options: &[(&str, &str)]) -> (Run, Vec<String>) {
    let run = Run { directory: scratch(&format!("options-{name}")), guarded: true };
    fs::create_dir(run.directory.join("state")).expect("state directory");
    let port = free_port();
    let mut command = gunicorn(port, "tests/apps", application, &["--umask=0"]);
    without_options(&mut command).env("LD_PRELOAD", library()).env("XDG_STATE_HOME", run.directory.join("state"));
    let server = Server::start(with(command, options), &run.directory);
    serves(port);
    served_by(port, &server.workers(2, &BTreeSet::new()));
    assert!(server.stop(libc::SIGTERM).success());
    let printed = run.printed();
    (run, printed)
}

/// `command` with `options`, an empty value removing one.
fn with(mut command: std::process::Command, options: &[(&str, &str)]) -> std::process::Command {
    for (name, value) in options {
        if value.is_empty() {
            command.env_remove(name);
        } else {
            command.env(name, value);
        }
    }
    command
}

fn mode(path: &Path) -> u32 {
    path.metadata().expect("metadata").permissions().mode() & 0o7777
}

/// `directory` is private and holds a report of private files.
fn private(directory: &Path) {
    assert_eq!((mode(directory), directory.metadata().expect("metadata").uid()), (0o700, own_id()));
    for file in fs::read_dir(directory).expect("the report") {
        let file = file.expect("entry").path();
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    assert!(Report::read(directory).findings("thread-lost").count() >= 2, "a finding for each worker");
}

/// Nothing was written in the state directory, where the report goes by default.
fn no_report(run: &Run) {
    let left: Vec<_> = fs::read_dir(run.directory.join("state")).expect("state directory").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn by_default_a_summary_and_a_private_report_in_the_state_directory() {
    let (run, printed) = gunicorn_with("default", "threaded:app", &[]);
    let directory = run.directory.join("state/forkguard");
    private(&directory);
    let named = printed.iter().filter(|line| line.contains(directory.to_str().expect("UTF-8"))).count();
    assert_eq!(named, 1, "the report's path, once: {printed:#?}");
    assert!(printed.iter().any(|line| line.contains("thread-lost")), "{printed:#?}");
}

#[test]
fn off_passes_everything_through() {
    let (run, printed) = gunicorn_with("off", "threaded:app", &[("FORKGUARD", "off")]);
    assert_eq!(printed, Vec::<String>::new());
    no_report(&run);
}

#[test]
fn no_report_is_written_where_none_is_wanted() {
    let (run, printed) = gunicorn_with("none", "threaded:app", &[("FORKGUARD_REPORT", "none")]);
    no_report(&run);
    assert!(printed.iter().any(|line| line.contains("thread-lost")), "the summary stays: {printed:#?}");
}

#[test]
fn summary_never() {
    let (run, printed) = gunicorn_with("never", "threaded:app", &[("FORKGUARD_SUMMARY", "never")]);
    assert_eq!(printed, Vec::<String>::new());
    private(&run.directory.join("state/forkguard"));
}

#[test]
fn summary_always() {
    let (_, printed) = gunicorn_with("always", "clean:app", &[("FORKGUARD_SUMMARY", "always")]);
    assert_ne!(printed, Vec::<String>::new());
}

#[test]
fn a_bad_value_is_named_once_and_the_default_holds() {
    let (run, printed) = gunicorn_with("bad", "threaded:app", &[("FORKGUARD", "loud")]);
    let about: Vec<_> = printed.iter().filter(|line| line.contains("loud")).collect();
    assert_eq!(about.len(), 1, "{printed:#?}");
    for word in ["FORKGUARD", "guard", "observe", "off"] {
        assert!(about[0].contains(word), "{word}: {}", about[0]);
    }
    private(&run.directory.join("state/forkguard"));
}

#[test]
fn a_directory_that_others_may_write_to_is_refused_and_the_next_is_taken() {
    let open = scratch("options-open-directory");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).expect("permissions");
    let path = open.to_str().expect("UTF-8");
    let (run, printed) = gunicorn_with("refused", "threaded:app", &[("FORKGUARD_REPORT", path)]);
    let lines: Vec<_> = printed.iter().filter(|line| line.contains(path)).collect();
    assert_eq!(lines.len(), 1, "{printed:#?}");
    assert!(lines[0].contains("the sticky bit") && lines[0].contains("state/forkguard"), "{}", lines[0]);
    private(&run.directory.join("state/forkguard"));
    assert_eq!(fs::read_dir(&open).expect("directory").count(), 0, "nothing is written there");
}

#[test]
fn rules_silence_what_is_known() {
    let rules = scratch("options-known-findings").join("rules");
    let text = "# known\nthread-lost thread \"holder\" *\nno-such-kind *\nlock-orphaned */threaded.py:*\n";
    fs::write(&rules, text).expect("rules");
    let (run, printed) = gunicorn_with("rules", "threaded:app", &[("FORKGUARD_SUPPRESS", rules.to_str().expect("UTF-8"))]);
    assert_eq!(printed.len(), 1, "{printed:#?}");
    assert!(printed[0].contains("line 3 is no rule"), "{printed:#?}");
    let report = Report::read(&run.directory.join("state/forkguard"));
    for kind in ["thread-lost", "lock-orphaned"] {
        let silenced = |json: &serde_json::Value| json["suppressed"] == true && json["severity"] == "info";
        assert!(report.findings(kind).all(|finding| silenced(&finding.json)) && report.findings(kind).count() >= 2, "{kind}");
    }
}

/// Values that are allowed, of options of every form.
const VALUES: [(&str, &str); 16] = [
    ("FORKGUARD", "observe"),
    ("FORKGUARD_REPORT", "none"),
    ("FORKGUARD_REPORT_LIMIT", "64M"),
    ("FORKGUARD_SUMMARY", "always"),
    ("FORKGUARD_PROFILE", "cure"),
    ("FORKGUARD_SIGNALS", "TERM,USR1,RTMIN+3"),
    ("FORKGUARD_SIGNALS_KEEP", "USR2,HUP"),
    ("FORKGUARD_SOCKETS", "sever"),
    ("FORKGUARD_KEEP", "127.0.0.1:5432,*.s.PGSQL.*,[::1]:*,fd:7"),
    ("FORKGUARD_SAFE_POINT", "10000"),
    ("FORKGUARD_FIXUPS", "libcrypto.so.3:RAND_poll,libc.so.6:getpid"),
    ("FORKGUARD_THREADS", "revive:worker-*,queue"),
    ("FORKGUARD_MEMORY", "freeze,trim,ksm"),
    ("FORKGUARD_SUPPRESS", "/etc/hostname"),
    ("FORKGUARD_FOLLOW_EXEC", "1"),
    ("FORKGUARD_WORST", "orphan:10000"),
];

/// Changes of them, always the same ones: each run ends well, and all that is printed are lines fit for a terminal.
#[test]
fn options_may_have_any_value() {
    let corpus = VALUES.map(|(_, value)| value.as_bytes().to_vec());
    let mut changes = forkguard_fuzz::Changes::new(7);
    let mut refused = 0;
    for round in 0..300 {
        let mut command = Command::new("true");
        without_options(&mut command).env("LD_PRELOAD", library());
        for offset in 0..3 {
            let mut value = changes.of(&corpus);
            value.retain(|&byte| byte != 0);
            command.env(VALUES[(round + offset * 5) % VALUES.len()].0, OsString::from_vec(value));
        }
        let output = command.output().expect("runs");
        let printed = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(output.status.success() && output.stdout.is_empty(), "{command:?}: {}: {printed}", output.status);
        assert!(printed.lines().all(|line| line.starts_with("forkguard: ") && is_plain(line)), "{command:?}: {printed}");
        refused += printed.matches(": allowed is ").count();
    }
    assert!(refused > 100, "changes that are refused: {refused}");
}
