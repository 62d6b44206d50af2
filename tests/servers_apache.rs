//! Apache's prefork workers: which start a program for each request, and which run an interpreter.
mod common;

use common::scratch;
use common::server::*;
use common::wrk::Wrk;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::thread;

fn apache(run: &Run, configuration: &str, port: u16) -> Command {
    let mut command = Command::new("/usr/sbin/apache2");
    command.args(["-D", "FOREGROUND", "-f"]).arg(repository("tests/apps").join(configuration)).arg("-d").arg(&run.directory);
    command.env("PORT", port.to_string()).env("DIRECTORY", &run.directory).env("APPS", repository("tests/apps"));
    command
}

#[test]
fn prefork_reloads_and_stops() {
    let (run, (leader, workers)) = compare("apache", |run| {
        let port = free_port();
        let server = run.start(apache(run, "apache.conf", port));
        serves(port);
        let first = server.workers(2, &BTreeSet::new());
        served_by(port, &first);
        Load::start(port).finish();
        server.signal(libc::SIGUSR1);
        let graceful = server.workers(2, &first);
        served_by(port, &graceful);
        server.signal(libc::SIGHUP);
        let restarted = server.workers(2, &graceful);
        served_by(port, &restarted);
        let leader = server.pid;
        (server.stop(libc::SIGTERM), (leader, [first, graceful, restarted].into_iter().flatten().collect()))
    });
    let report = run.report();
    WorkerForks::of(&report, leader, &workers).listens("127.0.0.1:").handles(&["SIGHUP", "SIGTERM", "SIGUSR1"]);
    no_alarm(&report);
    assert_eq!(run.printed(), Vec::<String>::new());
}

#[test]
fn mod_wsgi() {
    interpreter_comes_and_goes("WSGI", "python", "sites/page.wsgi");
}

#[test]
fn mod_php() {
    interpreter_comes_and_goes("PHP", "php", "sites/page.php");
}

/// Apache unloads the interpreter's library between its two readings of the configuration, and at each restart.
fn interpreter_comes_and_goes(module: &str, language: &str, page: &str) {
    let page = repository("tests/apps").join(page);
    let upstream = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("upstream");
    let address = upstream.local_addr().expect("address").to_string();
    thread::spawn(move || upstream.incoming().for_each(drop));
    let serve = |run: &Run, option: Option<(&str, &str)>| {
        let port = free_port();
        let mut command = apache(run, "apache-modules.conf", port);
        command.args(["-D", module]).env("UPSTREAM", &address).envs(option);
        let server = run.start(command);
        serves(port);
        let load = Wrk::start(&run.directory, port, "/");
        let first = server.workers(2, &BTreeSet::new());
        server.signal(libc::SIGUSR1);
        let workers = server.workers(2, &first);
        answered_by(port, &workers);
        let seen = load.finish();
        assert_eq!(seen.lost(), 0, "{}: {seen:?}", run.directory.display());
        assert!(server.stop(libc::SIGTERM).success());
        let log = fs::read_to_string(run.directory.join("log")).expect("log");
        assert!(!log.contains("exit signal"), "{log}");
        workers
    };
    let name = format!("apache-{}", module.to_lowercase());
    serve(&Run { directory: scratch(&format!("{name}-control")), guarded: false }, None);
    for option in [("FORKGUARD", "observe"), ("FORKGUARD", "guard"), ("FORKGUARD_PROFILE", "cure")] {
        let run = Run::guarded(&format!("{name}-{}", option.1));
        let last = serve(&run, Some(option));
        let report = run.report();
        for worker in last {
            let mut forks = report.events("fork").filter(|fork| fork.json["pid"] == worker && fork.json["detail"] == "full");
            let fork = &forks.next().unwrap_or_else(|| panic!("a fork of {worker}")).json;
            let connected =
                list_in(fork, "descriptors").find(|d| d["socket"]["peer"] == address.as_str()).expect("the connection");
            for site in [&fork["site"], &connected["site"]] {
                let is_pages = |frame: &Value| frame["language"] == language && frame["file"].as_str() == page.to_str();
                assert!(list_in(site, "frames").any(is_pages), "{}: {site}", option.1);
            }
        }
    }
}

fn list_in<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().unwrap_or_else(|| panic!("{name} of {value}")).iter()
}

/// Asks until each of `pids` has answered, by the page's `PID STATUS`.
fn answered_by(port: u16, pids: &BTreeSet<u32>) {
    let mut seen = BTreeSet::new();
    wait_for(&format!("answers of {pids:?}"), || {
        let answer = get(port).expect("an answer");
        let (pid, status) = answer.trim().split_once(' ').unwrap_or_else(|| panic!("not a page: {answer:?}"));
        assert_eq!(status, "0", "{answer:?}");
        seen.insert(pid.parse().expect("a pid"));
        pids.is_subset(&seen).then_some(())
    });
}
