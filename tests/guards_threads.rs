//! FORKGUARD_THREADS=revive under real servers: the threads that an application started before the fork work in each worker.
mod common;

use common::Report;
use common::server::*;
use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, ExitStatus};

/// What becomes of the lost threads of these workers whose name contains `name`: state and reason, each once.
fn became(report: &Report, workers: &BTreeSet<u32>, name: &str) -> BTreeSet<(String, String)> {
    let of_workers = |finding: &&serde_json::Value| {
        let about = finding["subject"].as_str().is_some_and(|subject| subject.contains(&format!("\"{name}")));
        about && finding["kind"] == "thread-lost" && finding["child"].as_u64().is_some_and(|pid| workers.contains(&(pid as u32)))
    };
    let states = report.last_states();
    let text = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap_or_default().to_string();
    states.iter().filter(of_workers).map(|finding| (text(finding, "state"), text(finding, "because"))).collect()
}

fn revived() -> BTreeSet<(String, String)> {
    BTreeSet::from([("resolved".to_string(), "forkguard started it again".to_string())])
}

fn lost() -> BTreeSet<(String, String)> {
    BTreeSet::from([("open".to_string(), String::new())])
}

/// A server's life: answers of each worker, a reload, the end.
fn life(run: &Run, mut command: Command, port: u16, option: &str, asked: &str, end: i32) -> (ExitStatus, BTreeSet<u32>) {
    command.env("FORKGUARD_THREADS", option).env("THREADS", asked);
    let server = run.start(command);
    serves(port);
    let first = server.workers(2, &BTreeSet::new());
    served_by(port, &first);
    server.signal(libc::SIGHUP);
    let second = server.workers(2, &first);
    served_by(port, &second);
    let status = server.stop(end);
    (status, &first | &second)
}

const POOL: [&str; 3] = ["Thread-1 (worker)", "Thread-2 (worker)", "ThreadPoolExecutor-0_"];

fn consumers_work(name: &str, command: impl Fn(u16) -> Command, end: i32, ends: i32) {
    let run = Run::guarded(name);
    let port = free_port();
    let (status, workers) = life(&run, command(port), port, "revive", "consumer executor pool", end);
    assert_eq!(status.code(), Some(ends), "{status:?}");
    let report = run.report();
    for name in POOL.iter().chain(&["consumer"]) {
        assert_eq!(became(&report, &workers, name), revived(), "{name}");
    }
    // Who waits for a time would do in each worker what one process is to do.
    for name in ["heartbeat-1", "scheduler"] {
        assert_eq!(became(&report, &workers, name), lost(), "{name}");
    }
    no_hits(&report);
    let deeds = |child: &common::Entry| list(child, "cures").filter(|cure| cure["guard"] == "threads").count();
    let children: Vec<_> = report.events("child").filter(|entry| workers.contains(&entry.line.pid)).collect();
    let lives: Vec<_> = children.iter().map(|child| deeds(child)).collect();
    // The consumer, the executor's two, the pool's two and its three handlers.
    assert!(lives.iter().all(|count| *count == 8), "{lives:?}");
}

#[test]
fn gunicorn_sync() {
    consumers_work("threads-gunicorn-sync", |port| gunicorn(port, "tests/apps", "consumers:app", &[]), libc::SIGTERM, 0);
}

#[test]
fn gunicorn_gthread() {
    let arguments = ["--worker-class=gthread", "--threads=3"];
    consumers_work(
        "threads-gunicorn-gthread",
        |port| gunicorn(port, "tests/apps", "consumers:app", &arguments),
        libc::SIGQUIT,
        0,
    );
}

#[test]
fn uwsgi_forks_past_python() {
    consumers_work("threads-uwsgi", |port| uwsgi(port, "tests/apps", "consumers", &[]), libc::SIGINT, 0);
}

#[test]
fn uwsgi_in_threads() {
    consumers_work("threads-uwsgi-threads", |port| uwsgi(port, "tests/apps", "consumers", &["--threads=3"]), libc::SIGQUIT, 0);
}

#[test]
fn a_pattern_names_them() {
    let run = Run::guarded("threads-pattern");
    let port = free_port();
    let mut command = gunicorn(port, "tests/apps", "consumers:app", &[]);
    command.env("TICK", "0.01");
    let (status, workers) = life(&run, command, port, "revive:heart*,consumer", "consumer heartbeat", libc::SIGTERM);
    assert!(status.success(), "{status:?}");
    let report = run.report();
    assert_eq!(became(&report, &workers, "heartbeat-1"), revived());
    assert_eq!(became(&report, &workers, "consumer"), revived());
    assert_eq!(became(&report, &workers, "scheduler"), lost());
    no_hits(&report);
}

/// gevent makes its own of all threads, in the worker.
#[test]
fn greenlets_are_left_alone() {
    let run = Run::guarded("threads-gevent");
    let port = free_port();
    let command = gunicorn(port, "tests/apps", "consumers:app", &["--worker-class=gevent"]);
    let (status, workers) = life(&run, command, port, "revive", "", libc::SIGTERM);
    assert!(status.success(), "{status:?}");
    let report = run.report();
    assert!(report.events("child").all(|child| list(child, "cures").all(|cure| cure["guard"] != "threads")));
    assert_eq!(became(&report, &workers, "consumer"), lost());
}

#[test]
fn children_that_are_no_workers() {
    let run = Run::guarded("threads-script");
    let mut command = venv("python");
    command.arg(repository("tests/apps/scripts/consumers.py")).env("FORKGUARD_THREADS", "revive");
    let mut program = run.start(command);
    let status = program.status();
    program.gone();
    let read = |name| fs::read_to_string(run.directory.join(name)).expect("output");
    assert!(status.success(), "{}", read("stderr"));
    let lines = ["child 2", "child 2", "grandchild 2", "grandchild 2", "program 1", "process 1", "billiard 1"];
    assert_eq!(read("stdout").lines().collect::<Vec<_>>(), lines);
    no_hits(&run.report());
}

/// What the guard would not start again is not offered, and a lock of a socket's file that only its lost reader uses is nothing to warn of.
#[test]
fn threads_that_no_option_starts_again() {
    let run = Run::guarded("threads-not-revived");
    let mut command = Command::new(repository("target/venv-quiet/bin/python"));
    command.arg(repository("tests/apps/scripts/not_revived.py")).env("FORKGUARD_THREADS", "revive:*");
    let status = run.start(command).ended();
    assert!(status.success(), "{status:?}");
    let report = run.report();
    let lost: Vec<_> = report.findings("thread-lost").collect();
    assert_eq!(
        lost.iter().filter(|entry| entry.json["subject"].as_str().is_some_and(|it| it.contains("APScheduler"))).count(),
        2
    );
    for entry in lost {
        assert!(!entry.json["cure"].as_str().expect("a cure").contains("FORKGUARD_THREADS"), "{}", entry.text);
    }
    assert!(report.events("child").all(|child| list(child, "cures").all(|cure| cure["guard"] != "threads")));
    assert!(report.findings("lock-orphaned").next().is_some());
    assert!(report.findings("lock-orphaned").all(|entry| entry.json["severity"] == "info"));
}
