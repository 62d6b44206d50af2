//! gunicorn, with the demo's application and with a clean one.
mod common;

use common::server::*;
use std::collections::BTreeSet;
use std::process::ExitStatus;

const ARBITER: [&str; 8] = ["SIGHUP", "SIGQUIT", "SIGINT", "SIGTERM", "SIGTTIN", "SIGTTOU", "SIGUSR1", "SIGWINCH"];

/// A master's life: more workers, fewer, a reload, a killed worker, the end. All workers that it had.
fn life(server: Server, port: u16, end: i32) -> (ExitStatus, (u32, BTreeSet<u32>)) {
    serves(port);
    let pid = server.pid;
    let first = server.workers(2, &BTreeSet::new());
    served_by(port, &first);
    let load = Load::start(port);
    server.signal(libc::SIGTTIN);
    let three = server.workers(3, &BTreeSet::new());
    served_by(port, &three);
    // Not longer: gthread workers that end may drop a connection that they accepted.
    load.finish();
    server.signal(libc::SIGTTOU);
    let two = server.workers(2, &BTreeSet::new());
    server.signal(libc::SIGHUP);
    let reloaded = server.workers(2, &two);
    served_by(port, &reloaded);
    let killed = *reloaded.first().expect("a worker");
    kill(killed, libc::SIGKILL);
    let replaced = server.workers(2, &BTreeSet::from([killed]));
    served_by(port, &replaced);
    (server.stop(end), (pid, [first, three, reloaded, replaced].into_iter().flatten().collect()))
}

fn demo(name: &str, class: &str, end: i32) {
    let postgres = Postgres::start(name);
    let (run, (leader, workers)) = compare(name, |run| {
        let port = free_port();
        let mut command = gunicorn(port, "demo", "app:app", &["--worker-class", class]);
        command.env("DATABASE_URL", postgres.url());
        life(run.start(command), port, end)
    });
    let report = run.report();
    WorkerForks::of(&report, leader, &workers).listens("127.0.0.1:").handles(&ARBITER);
    found(&report, &workers, "thread-lost", "");
    found(&report, &workers, "lock-orphaned", "");
    found(&report, &workers, "connection-inherited", &format!("{} (PostgreSQL)", postgres.address));
    found(&report, &workers, "handler-inherited", "SIGUSR2");
    // The workers reset the application's SIGUSR2; nobody uses the connection, and psycopg2 drops it without a word.
    only_hits(&report, &["handler-dropped"]);
    assert_ne!(run.printed(), Vec::<String>::new(), "a summary");
}

#[test]
fn demo_application_sync() {
    demo("gunicorn-demo-sync", "sync", libc::SIGTERM);
}

#[test]
fn demo_application_gthread() {
    demo("gunicorn-demo-gthread", "gthread", libc::SIGQUIT);
}

fn clean(name: &str, class: &str, end: i32) {
    let (run, (leader, workers)) = compare(name, |run| {
        let port = free_port();
        life(run.start(gunicorn(port, "tests/apps", "clean:app", &["--worker-class", class])), port, end)
    });
    let report = run.report();
    WorkerForks::of(&report, leader, &workers).listens("127.0.0.1:").handles(&ARBITER);
    no_alarm(&report);
    assert_eq!(run.printed(), Vec::<String>::new());
}

#[test]
fn clean_application_sync() {
    clean("gunicorn-clean-sync", "sync", libc::SIGQUIT);
}

#[test]
fn clean_application_gthread() {
    clean("gunicorn-clean-gthread", "gthread", libc::SIGTERM);
}

#[test]
fn clean_application_gevent() {
    clean("gunicorn-clean-gevent", "gevent", libc::SIGTERM);
}

#[test]
fn reload_loses_no_request() {
    let (run, ()) = compare("gunicorn-reload", |run| {
        let port = free_port();
        let server = run.start(gunicorn(port, "tests/apps", "clean:app", &[]));
        serves(port);
        let first = server.workers(2, &BTreeSet::new());
        let load = Load::start(port);
        server.signal(libc::SIGHUP);
        server.workers(2, &first);
        load.finish();
        (server.stop(libc::SIGTERM), ())
    });
    no_alarm(&run.report());
}

#[test]
fn workers_that_drop_privileges_report() {
    if own_id() != 0 {
        eprintln!("only root can start workers of another user");
        return;
    }
    let (run, (leader, workers)) = compare("gunicorn-user", |run| {
        let port = free_port();
        let arguments = ["--user=nobody", "--group=nogroup"];
        let server = run.start(gunicorn(port, "tests/apps", "threaded:app", &arguments));
        serves(port);
        let workers = server.workers(2, &BTreeSet::new());
        served_by(port, &workers);
        let leader = server.pid;
        (server.stop(libc::SIGTERM), (leader, workers))
    });
    let report = run.report();
    WorkerForks::of(&report, leader, &workers).listens("127.0.0.1:");
    no_hits(&report);
}

#[test]
fn daemon() {
    let (run, (leader, workers)) = compare("gunicorn-daemon", |run| {
        let (port, pid, log) = (free_port(), run.directory.join("pid"), run.directory.join("log"));
        let arguments = ["--daemon", "--pid", pid.to_str().expect("UTF-8"), "--log-file", log.to_str().expect("UTF-8")];
        let mut starter = run.start(gunicorn(port, "tests/apps", "threaded:app", &arguments));
        let status = starter.status();
        let server = Server::adopt(pid_file(&pid));
        serves(port);
        let workers = server.workers(2, &BTreeSet::new());
        served_by(port, &workers);
        server.signal(libc::SIGTERM);
        server.gone();
        ((status, pid.exists()), (server.pid, workers))
    });
    let report = run.report();
    WorkerForks::of(&report, leader, &workers).listens("127.0.0.1:").handles(&ARBITER);
    found(&report, &workers, "thread-lost", "");
    no_hits(&report);
}

#[test]
fn upgrade_by_reexec() {
    let (run, (old, new, workers)) = compare("gunicorn-upgrade", |run| {
        let (port, pid) = (free_port(), run.directory.join("pid"));
        let mut server = run.start(gunicorn(port, "tests/apps", "threaded:app", &["--pid", pid.to_str().expect("UTF-8")]));
        serves(port);
        let first = server.workers(2, &BTreeSet::new());
        let load = Load::start(port);
        server.signal(libc::SIGUSR2);
        let new = pid_file(&run.directory.join("pid.2"));
        let workers = workers(new, 2, &first);
        server.signal(libc::SIGTERM);
        let status = server.status();
        load.finish();
        served_by(port, &workers);
        let taken_over = wait_for("pid file of the new master", || (pid_file(&pid) == new).then_some(true));
        kill(new, libc::SIGTERM);
        server.gone();
        ((status, taken_over), (server.pid, new, workers))
    });
    let report = run.report();
    WorkerForks::of(&report, new, &workers).listens("127.0.0.1:").handles(&ARBITER);
    assert!(report.events("process").any(|entry| entry.line.pid == new && entry.line.ppid == old), "the new master reports");
    no_hits(&report);
}
