//! Unicorn and Puma with an application whose thread holds a lock, and with one that does nothing.
mod common;

use common::server::*;
use std::collections::BTreeSet;
use std::process::Command;

/// `program` with its configuration of the same name and the application config.ru.
fn server(run: &Run, program: &str, configuration: &str, port: u16) -> Server {
    serving(run, program, configuration, port, "config.ru")
}

fn serving(run: &Run, program: &str, configuration: &str, port: u16, application: &str) -> Server {
    let mut command = Command::new(program);
    command.arg(configuration).arg(repository(&format!("tests/apps/{program}.rb")));
    command.arg(repository("tests/apps").join(application)).env("PORT", port.to_string());
    let server = run.start(command);
    serves(port);
    server
}

#[test]
fn unicorn_reloads_and_stops() {
    let (run, (leader, workers)) = compare("unicorn-reload", |run| {
        let port = free_port();
        let server = server(run, "unicorn", "--config-file", port);
        let first = server.workers(2, &BTreeSet::new());
        served_by(port, &first);
        let load = Load::start(port);
        server.signal(libc::SIGHUP);
        let reloaded = server.workers(2, &first);
        load.finish();
        served_by(port, &reloaded);
        let killed = *reloaded.first().expect("a worker");
        kill(killed, libc::SIGKILL);
        let replaced = server.workers(2, &BTreeSet::from([killed]));
        served_by(port, &replaced);
        let leader = server.pid;
        (server.stop(libc::SIGQUIT), (leader, [first, reloaded, replaced].into_iter().flatten().collect()))
    });
    let report = run.report();
    WorkerForks::of(&report, leader, &workers).listens("127.0.0.1:").handles(&[
        "SIGHUP",
        "SIGQUIT",
        "SIGTERM",
        "SIGUSR2",
        "SIGVTALRM",
    ]);
    found(&report, &workers, "thread-lost", "");
    no_hits(&report);
}

#[test]
fn unicorn_upgrades() {
    let (run, (old, new, workers)) = compare("unicorn-upgrade", |run| {
        let port = free_port();
        let mut server = server(run, "unicorn", "--config-file", port);
        let first = server.workers(2, &BTreeSet::new());
        let (pid, old) = (run.directory.join("pid"), server.pid);
        let load = Load::start(port);
        server.signal(libc::SIGUSR2);
        let new = wait_for("the new master", || Some(pid_file(&pid)).filter(|&pid| pid != old));
        let workers = workers(new, 2, &first);
        server.signal(libc::SIGQUIT);
        let status = server.status();
        load.finish();
        served_by(port, &workers);
        kill(new, libc::SIGQUIT);
        server.gone();
        (status, (old, new, workers))
    });
    let report = run.report();
    WorkerForks::of(&report, new, &workers).listens("127.0.0.1:");
    found(&report, &workers, "thread-lost", "");
    no_hits(&report);
    assert!(report.events("exec").any(|entry| entry.line.pid == new && entry.line.ppid == old), "the exec of the new master");
}

#[test]
fn puma_restarts_and_stops() {
    let (run, (leader, workers)) = compare("puma-restart", |run| {
        let port = free_port();
        let server = server(run, "puma", "--config", port);
        let first = server.workers(2, &BTreeSet::new());
        served_by(port, &first);
        Load::start(port).finish();
        server.signal(libc::SIGUSR2);
        let restarted = server.workers(2, &first);
        served_by(port, &restarted);
        let leader = server.pid;
        (server.stop(libc::SIGTERM), (leader, &first | &restarted))
    });
    let report = run.report();
    WorkerForks::of(&report, leader, &workers).listens("127.0.0.1:").handles(&[
        "SIGHUP",
        "SIGTERM",
        "SIGUSR1",
        "SIGUSR2",
        "SIGVTALRM",
    ]);
    found(&report, &workers, "thread-lost", "");
    no_hits(&report);
}

/// Its workers set handlers of their own for SIGTERM, over the application's, which the guard of signals has reset before. Unicorn's handlers and
/// MRI's are nobody's hazard.
#[test]
fn unicorn_drops_an_applications_handler() {
    if !common::rubys_frames_are_read() {
        return;
    }
    let (run, ()) = compare("unicorn-trap", |run| {
        let port = free_port();
        let server = serving(run, "unicorn", "--config-file", port, "trap.ru");
        served_by(port, &server.workers(2, &BTreeSet::new()));
        (server.stop(libc::SIGQUIT), ())
    });
    let report = run.report();
    let text = |value: &serde_json::Value| value.to_string();
    for kind in ["handler-dropped", "handler-inherited"] {
        let found: Vec<_> = report.findings(kind).collect();
        assert!(!found.is_empty(), "{kind}");
        for finding in found {
            assert_eq!(finding.json["subject"], "SIGTERM", "{kind}");
            assert!(text(&finding.json["at"]).contains("/trap.ru:2"), "{kind}");
        }
    }
    assert!(report.findings("handler-dropped").all(|finding| text(&finding.json["sites"]).contains("unicorn/http_server.rb")));
}

/// A server's life with an application without hazards: nothing is printed.
fn is_silent(program: &str, configuration: &str, reload: i32, end: i32) {
    let (run, (leader, workers)) = compare(&format!("{program}-clean"), |run| {
        let port = free_port();
        let server = serving(run, program, configuration, port, "clean.ru");
        let first = server.workers(2, &BTreeSet::new());
        served_by(port, &first);
        Load::start(port).finish();
        server.signal(reload);
        let reloaded = server.workers(2, &first);
        served_by(port, &reloaded);
        let leader = server.pid;
        (server.stop(end), (leader, &first | &reloaded))
    });
    let report = run.report();
    WorkerForks::of(&report, leader, &workers);
    no_alarm(&report);
    // A worker of Puma 6.6 or newer misses its SIGTERM at times, without the library, too; Puma kills it after half a minute, and where it waited is printed.
    let mut printed = run.printed();
    printed.retain(|line| program != "puma" || !line.contains("is ended by SIGKILL"));
    assert_eq!(printed, Vec::<String>::new());
}

#[test]
fn unicorn_with_a_clean_application() {
    is_silent("unicorn", "--config-file", libc::SIGHUP, libc::SIGQUIT);
}

#[test]
fn puma_with_a_clean_application() {
    is_silent("puma", "--config", libc::SIGUSR2, libc::SIGTERM);
}
