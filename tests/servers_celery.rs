//! celery's prefork pool on a redis of its own.
mod common;

use common::server::*;
use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;

/// celery or its client on the broker at `port`.
fn python(program: &str, port: u16) -> Command {
    let mut command = venv(program);
    command.env("PYTHONPATH", repository("tests/apps")).env("BROKER", format!("redis://127.0.0.1:{port}/0"));
    // Run by root, celery warns of it otherwise.
    command.env("C_FORCE_ROOT", "1");
    command
}

fn redis(run: &Run, port: u16) -> Server {
    let directory = run.directory.join("redis");
    fs::create_dir(&directory).expect("directory");
    let mut redis = Command::new("redis-server");
    common::without_options(&mut redis).args(["--save", "", "--bind", "127.0.0.1", "--port"]).arg(port.to_string());
    let redis = Server::start(redis, &directory);
    wait_for("redis", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok());
    redis
}

#[test]
fn works_and_ends_warmly() {
    let (run, (port, leader, pool)) = compare("celery", |run| {
        let port = free_port();
        let _redis = redis(run, port);
        let mut worker = python("celery", port);
        worker.args(["--app=tasks", "worker", "--pool=prefork", "--concurrency=2", "--loglevel=info"]);
        let worker = run.start(worker);
        let pool = worker.workers(2, &BTreeSet::new());

        let directory = run.directory.join("client");
        fs::create_dir(&directory).expect("directory");
        let (started, go) = (directory.join("last"), directory.join("last.go"));
        let mut client = python("python", port);
        common::without_options(&mut client).arg(repository("tests/apps/tasks.py")).arg(&started);
        let mut client = Server::start(client, &directory);
        let at_work = pid_file(&started);
        assert!(pool.contains(&at_work), "{at_work} works, not one of {pool:?}");
        worker.signal(libc::SIGTERM);
        // The worker has said that it only finishes what it has begun.
        wait_for("the warm shutdown", || {
            let said = fs::read_to_string(run.directory.join("stdout")).expect("stdout");
            said.contains("Warm shutdown").then_some(())
        });
        fs::write(go, "").expect("go");
        let asked = client.status();
        let said = fs::read_to_string(directory.join("stdout")).expect("stdout");
        let leader = worker.pid;
        (((asked, said), worker.ended()), (port, leader, pool))
    });
    let report = run.report();
    Told::of(&report, leader, &pool).handles(&["SIGINT", "SIGTERM"]);
    found(&report, &pool, "connection-inherited", &format!("127.0.0.1:{port} (redis)"));
}
