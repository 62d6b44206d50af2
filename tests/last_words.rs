//! What a leader reads of a child that it is about to end: real servers' timeouts, and children of which there is nothing to tell.
mod common;

use common::hit::line;
use common::server::*;
use common::{Entry, Report, guarded, tool};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What was read of children, once there is something.
fn last_words(run: &Run) -> (Report, Value) {
    let report = wait_for("last words", || Some(run.report_so_far()).filter(|report| report.events("last-words").count() > 0));
    let words = report.events("last-words").next().expect("an event").json.clone();
    (report, words)
}

/// The innermost frame in `file` is at the line with that comment.
fn stood(words: &Value, file: &Path, comment: &str) {
    let frames = words["site"]["frames"].as_array().expect("frames");
    let name = file.to_str().expect("UTF-8");
    let frame = frames.iter().find(|frame| frame["file"].as_str() == Some(name)).unwrap_or_else(|| panic!("{words}"));
    assert_eq!(frame["line"].as_u64(), Some(line(file, comment)), "{words}");
}

/// The report's text of a run.
fn told(run: &Run) -> String {
    let output = Command::new(tool()).arg("report").arg(run.report_directory()).output().expect("the tool runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn app(name: &str) -> PathBuf {
    repository("tests/apps/stuck").join(name)
}

/// A worker of gunicorn that is asked for `path` and does not answer within its timeout.
fn gunicorn_times_out(name: &str, path: &str) -> (Run, Server, Value) {
    let run = Run::guarded(name);
    let port = free_port();
    let server = run.start(gunicorn(port, "tests/apps/stuck", "app:app", &["--workers=1", "--timeout=2"]));
    wait_for("an answer", || ask(port, "/well").ok());
    let _request = send_request_for(port, path);
    let (_, words) = last_words(&run);
    (run, server, words)
}

#[test]
fn a_worker_of_gunicorns_that_waits() {
    let (run, server, words) = gunicorn_times_out("last-words-waits", "/waits");
    assert_eq!((words["signal"].as_str(), words["state"].as_str()), (Some("SIGABRT"), Some("waits")), "{words}");
    stood(&words, &app("app.py"), "waits");
    server.stop(libc::SIGTERM);
    let told = told(&run);
    let place = format!("app.py:{} in app", line(&app("app.py"), "waits"));
    for part in ["Killed by their leader", "SIGABRT", "stuck here when killed, in 1 child: ", &place] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let printed = run.printed().join("\n");
    assert!(printed.contains("is ended by SIGABRT: it waits at ") && printed.contains(&place), "{printed}");
}

#[test]
fn a_worker_of_gunicorns_that_runs() {
    let (_run, server, words) = gunicorn_times_out("last-words-runs", "/runs");
    assert_eq!((words["signal"].as_str(), words["state"].as_str()), (Some("SIGABRT"), Some("runs")), "{words}");
    stood(&words, &app("app.py"), "runs");
    server.stop(libc::SIGTERM);
}

#[test]
fn a_worker_of_uwsgis() {
    let run = Run::guarded("last-words-uwsgi");
    let port = free_port();
    let server = run.start(uwsgi(port, "tests/apps/stuck", "app:app", &["--processes=1", "--harakiri=2"]));
    wait_for("an answer", || ask(port, "/well").ok());
    let _request = send_request_for(port, "/waits");
    let (_, words) = last_words(&run);
    assert_eq!(words["signal"].as_str(), Some("SIGKILL"), "{words}");
    stood(&words, &app("app.py"), "waits");
    server.stop(libc::SIGINT);
}

#[test]
fn a_worker_of_unicorns() {
    let run = Run::guarded("last-words-unicorn");
    let port = free_port();
    let mut command = Command::new("unicorn");
    command.arg("--config-file").arg(app("unicorn.rb")).arg(app("stuck.ru")).env("PORT", port.to_string());
    let server = run.start(command);
    wait_for("an answer", || ask(port, "/well").ok());
    let _request = send_request_for(port, "/waits");
    let (_, words) = last_words(&run);
    assert_eq!(words["signal"].as_str(), Some("SIGKILL"), "{words}");
    stood(&words, &app("stuck.ru"), "waits");
    server.stop(libc::SIGQUIT);
}

/// Only one of its children is told of, and once: not one that catches what it gets, that runs another program, that has ended, or that is another's.
#[test]
fn children_of_which_there_is_nothing_to_tell() {
    let run = Run::guarded("last-words-others");
    let mut command = venv("python3");
    command.arg(app("others.py"));
    let server = run.start(command);
    assert!(server.ended().success());
    let report = run.report();
    let all: Vec<&Entry> = report.events("last-words").collect();
    assert_eq!(all.len(), 1, "{:?}", all.iter().map(|entry| entry.text).collect::<Vec<_>>());
    stood(&all[0].json, &app("others.py"), "stuck");
    let printed = std::fs::read_to_string(run.directory.join("stdout")).expect("output");
    assert_eq!(printed, format!("{}\n", all[0].json["child"]));
}

/// Nobody misses a child that waits for work: the report has it, and nothing is printed.
#[test]
fn children_that_wait_for_work() {
    let run = Run::guarded("last-words-idle");
    let mut command = venv("python3");
    command.arg(app("idle.py"));
    let server = run.start(command);
    assert!(server.ended().success());
    let count = run.report().events("last-words").count();
    let printed = std::fs::read_to_string(run.directory.join("stdout")).expect("output");
    assert_eq!(printed, format!("{count}\n"));
    assert!(!run.printed().join("\n").contains("is ended by"), "{:?}", run.printed());
}

/// A native program's child: its stack by the tables for unwinding.
#[test]
fn a_child_of_a_native_program() {
    let run = Run::guarded("last-words-native");
    let program = run.directory.join("killed");
    let source = app("killed.c");
    assert!(Command::new("gcc").args(["-g", "-O1", "-o"]).args([&program, &source]).status().expect("gcc").success());
    let mut command = Command::new(&program);
    guarded(&mut command, &run.report_directory());
    assert!(command.status().expect("starts").success());
    let report = run.report();
    let words = &report.events("last-words").next().expect("an event").json;
    assert_eq!((words["signal"].as_str(), words["state"].as_str()), (Some("SIGKILL"), Some("waits")), "{words}");
    let functions: Vec<&str> =
        words["site"]["frames"].as_array().expect("frames").iter().filter_map(|frame| frame["function"].as_str()).collect();
    assert!(functions.contains(&"handle_request") && functions.contains(&"main"), "{words}");
}
