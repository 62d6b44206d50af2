//! Fixups under real servers: those of the Python module, and those of FORKGUARD_FIXUPS.
mod common;

use common::server::*;
use common::{Report, guarded, scratch, tool, without_options};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

const FIXUPS: [&str; 4] = ["fixups.first", "raises", "argument", "fixups.Callable"];

/// `server` with the module to be found.
fn with_module(mut server: Command) -> Command {
    server.env("PYTHONPATH", repository("python")).env("PYTHONDONTWRITEBYTECODE", "1");
    server
}

fn gunicorn_with_fixups(port: u16) -> Command {
    with_module(gunicorn(port, "tests/apps", "fixups:app", &[]))
}

fn uwsgi_with_fixups(port: u16, arguments: &[&str]) -> Command {
    with_module(uwsgi(port, "tests/apps", "fixups", arguments))
}

/// Starts a server: two workers must answer; an answer lists the fixups that ran in its worker, which must be all, once and in order.
fn workers(run: &Run, command: Command, port: u16, end: i32) -> BTreeSet<u32> {
    let server = run.start(command);
    serves(port);
    let workers = server.workers(2, &BTreeSet::new());
    served_by(port, &workers);
    server.stop(end);
    workers
}

/// What a process's fixups came to, in order.
fn progress(report: &Report, pid: u32) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_string();
    let of = report.events("fixup").filter(|entry| entry.line.pid == pid);
    of.map(|entry| (text(&entry.json["name"]), text(&entry.json["progress"]))).collect()
}

/// Each worker's fixups of the application, in order.
fn reports_fixups(report: &Report, workers: &BTreeSet<u32>) {
    let ended = |name: &str| if name == "raises" { "raised" } else { "done" };
    let both = |name: &str| [(name.to_string(), "begins".to_string()), (name.to_string(), ended(name).to_string())];
    let expected: Vec<_> = FIXUPS.into_iter().flat_map(both).collect();
    for &worker in workers {
        assert_eq!(progress(report, worker), expected, "worker {worker}");
    }
    let timed = |entry: &common::Entry| entry.json["us"].as_f64().is_some_and(|us| us > 0.0);
    assert!(report.events("fixup").filter(|entry| entry.json["progress"] == "done").all(timed));
    // Nobody misses a thread that children do without.
    assert!(report.findings("thread-lost").all(|entry| entry.json["severity"] == "info"));
}

fn stderr(run: &Run) -> String {
    fs::read_to_string(run.directory.join("stderr")).expect("stderr")
}

#[test]
fn gunicorn_runs_them_in_each_worker() {
    let run = Run::guarded("fixups-gunicorn");
    let port = free_port();
    let workers = workers(&run, gunicorn_with_fixups(port), port, libc::SIGTERM);
    reports_fixups(&run.report(), &workers);
    let output = stderr(&run);
    assert_eq!(output.matches("forkguard: exception in the fixup raises:").count(), 2, "{output}");
    assert_eq!(output.matches("SystemExit: as the test wants it").count(), 2, "{output}");
}

#[test]
fn uwsgi_runs_them_in_each_worker() {
    for (name, decorators, arguments) in [
        ("alone", "", &[][..]),
        ("decorators-before", "before", &[]),
        ("decorators-after", "after", &[]),
        ("with-hooks", "after", &["--py-call-osafterfork"]),
    ] {
        let run = Run::guarded(&format!("fixups-uwsgi-{name}"));
        let port = free_port();
        let mut command = uwsgi_with_fixups(port, arguments);
        command.env("DECORATORS", decorators);
        let workers = workers(&run, command, port, libc::SIGQUIT);
        reports_fixups(&run.report(), &workers);
    }
}

/// A fixup may fork: the child of the child goes on inside it.
#[test]
fn a_pool_runs_them_in_each_process() {
    let directory = scratch("fixups-pool");
    let mut command = venv("python");
    command.arg(repository("tests/apps/fixups_pool.py"));
    let mut command = with_module(command);
    let output = guarded(&mut command, &directory.join("report")).output().expect("runs");
    assert!(output.status.success(), "{output:?}");
    let output = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output, "forks in its child, counts\nforks in the child, counts\n");
    let report = Report::read(&directory.join("report"));
    let begun = |name: &str| report.events("fixup").filter(|e| e.json["name"] == name && e.json["progress"] == "begins").count();
    assert_eq!((begun("forks"), begun("counts")), (1, 2));
}

/// Without the preload the module warns once; where no guard acts no fixup runs.
#[test]
fn nothing_runs_where_nothing_guards() {
    let control = Run { directory: scratch("fixups-alone"), guarded: false };
    let port = free_port();
    workers(&control, gunicorn_with_fixups(port), port, libc::SIGTERM);
    assert_eq!(stderr(&control).matches("libforkguard.so is not preloaded").count(), 1, "{}", stderr(&control));

    let run = Run::guarded("fixups-observe");
    let port = free_port();
    let mut command = gunicorn_with_fixups(port);
    command.env("FORKGUARD_FIXUPS", "libcrypto.so.3:RAND_poll").env("FORKGUARD", "observe");
    let workers = workers(&run, command, port, libc::SIGTERM);
    let report = run.report();
    assert_eq!(report.events("fixup").count(), 0);
    assert!(workers.iter().all(|&worker| report.events("child").any(|entry| entry.line.pid == worker)));
    assert!(!stderr(&run).contains("FORKGUARD_FIXUPS") && !stderr(&run).contains("not preloaded"), "{}", stderr(&run));
}

#[test]
fn a_function_of_a_library_runs_in_each_worker() {
    let run = Run::guarded("fixups-named");
    let port = free_port();
    let mut command = gunicorn(port, "tests/apps", "fixups:app", &[]);
    command.env("FORKGUARD_FIXUPS", "libcrypto.so.3:RAND_poll,libcrypto.so.3:no_such_function");
    let workers = workers(&run, with_module(command), port, libc::SIGTERM);
    let report = run.report();
    for &worker in &workers {
        let of = |progress: &str, function: &str| (format!("libcrypto.so.3:{function}"), progress.to_string());
        let expected = [of("begins", "RAND_poll"), of("done", "RAND_poll"), of("failed", "no_such_function")];
        assert_eq!(progress(&report, worker)[..3], expected);
    }
    assert_eq!(run.printed().iter().filter(|line| line.contains("has no function no_such_function")).count(), 1);
    let shown = Command::new(tool()).arg("report").arg(run.report_directory()).output().expect("the tool runs");
    let shown = String::from_utf8(shown.stdout).expect("UTF-8");
    assert!(shown.contains("2 x libcrypto.so.3:RAND_poll ("), "{shown}");
    assert!(shown.contains("warning fixup libcrypto.so.3:no_such_function could not be run, in 2 children"), "{shown}");
}

/// The module's version is the library's.
#[test]
fn versions_are_the_same() {
    let mut command = venv("python");
    command.args(["-c", "import forkguard; print(forkguard.__version__, forkguard.version())"]);
    let mut command = with_module(command);
    let directory = scratch("fixups-version");
    let output = guarded(&mut command, &directory.join("report")).output().expect("runs");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{version} {version}\n"), "{output:?}");
    let project = fs::read_to_string(repository("python/pyproject.toml")).expect("pyproject.toml");
    assert!(project.contains(&format!("version = \"{version}\"")));
    let output = without_options(&mut command).output().expect("runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{version} None\n"), "{output:?}");
}
