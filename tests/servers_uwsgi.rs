//! uWSGI: forks with the GIL released and runs none of CPython's fork hooks.
mod common;

use common::server::*;
use std::collections::BTreeSet;

fn life(run: &Run, module: &str, end: i32) -> (std::process::ExitStatus, (u32, BTreeSet<u32>)) {
    let port = free_port();
    let server = run.start(uwsgi(port, "tests/apps", module, &["--threads=2"]));
    serves(port);
    let first = server.workers(2, &BTreeSet::new());
    served_by(port, &first);
    // Not during the reload: in one of a hundred uWSGI resets a connection then, without the library, too.
    Load::start(port).finish();
    server.signal(libc::SIGHUP);
    let reloaded = server.workers(2, &first);
    served_by(port, &reloaded);
    let leader = server.pid;
    (server.stop(end), (leader, &first | &reloaded))
}

fn serves_reloads_and_stops(name: &str, end: i32) {
    let (run, (leader, workers)) = compare(name, |run| life(run, "threaded", end));
    let report = run.report();
    WorkerForks::of(&report, leader, &workers).listens("127.0.0.1:").handles(&["SIGINT", "SIGFPE", "SIGSEGV"]);
    found(&report, &workers, "thread-lost", "");
    found(&report, &workers, "lock-orphaned", "");
    no_hits(&report);
    // The child reads from the frozen states what the leader, which forks without the GIL, could not.
    for child in report.events("child").filter(|entry| workers.contains(&entry.line.pid)) {
        let frames = list(child, "stood").flat_map(|site| site["frames"].as_array().expect("frames"));
        let holds = |frame: &&serde_json::Value| {
            frame["function"] == "hold" && frame["file"].as_str().is_some_and(|file| file.ends_with("threaded.py"))
        };
        assert_eq!(frames.filter(holds).count(), 1, "{}", child.text);
    }
}

#[test]
fn ends_by_quit() {
    serves_reloads_and_stops("uwsgi-quit", libc::SIGQUIT);
}

#[test]
fn ends_by_int() {
    serves_reloads_and_stops("uwsgi-int", libc::SIGINT);
}

#[test]
fn clean_application_in_threads() {
    let (run, (leader, workers)) = compare("uwsgi-clean", |run| life(run, "clean", libc::SIGQUIT));
    let report = run.report();
    WorkerForks::of(&report, leader, &workers);
    no_alarm(&report);
    assert_eq!(run.printed(), Vec::<String>::new());
}
