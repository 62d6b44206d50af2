//! celery's prefork pool on a redis of its own.
mod common;

use common::server::*;
use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddrV4, TcpStream};
use std::process::Command;

/// celery or its client.
fn python(program: &str, broker: SocketAddrV4) -> Command {
    let mut command = venv(program);
    command.env("PYTHONPATH", repository("tests/apps")).env("BROKER", format!("redis://{broker}/0"));
    // Run by root, celery warns of it otherwise.
    command.env("C_FORCE_ROOT", "1");
    command
}

fn redis(run: &Run, address: SocketAddrV4) -> Server {
    let directory = run.directory.join("redis");
    fs::create_dir(&directory).expect("directory");
    let mut redis = Command::new("redis-server");
    common::without_options(&mut redis).args(["--save", "", "--port"]).arg(address.port().to_string());
    redis.arg("--bind").arg(address.ip().to_string());
    let redis = Server::start(redis, &directory);
    wait_for("redis", || TcpStream::connect(address).ok());
    redis
}

#[test]
fn works_and_ends_warmly() {
    let (run, (leader, pool)) = compare("celery", |run| {
        let broker = free_address(6379);
        let _redis = redis(run, broker);
        let mut worker = python("celery", broker);
        worker.args(["--app=tasks", "worker", "--pool=prefork", "--concurrency=2", "--loglevel=info"]);
        let worker = run.start(worker);
        let pool = worker.workers(2, &BTreeSet::new());

        let directory = run.directory.join("client");
        fs::create_dir(&directory).expect("directory");
        let (started, go) = (directory.join("last"), directory.join("last.go"));
        let mut client = python("python", broker);
        common::without_options(&mut client).arg(repository("tests/apps/tasks.py")).arg(&started);
        let mut client = Server::start(client, &directory);
        let at_work = pid_file(&started);
        assert!(pool.contains(&at_work), "{at_work} works, not one of {pool:?}");
        worker.signal(libc::SIGTERM);
        // Until the worker has printed that it only finishes what it has begun.
        wait_for("the warm shutdown", || {
            let stdout = fs::read_to_string(run.directory.join("stdout")).expect("stdout");
            stdout.contains("Warm shutdown").then_some(())
        });
        fs::write(go, "").expect("go");
        let asked = client.status();
        let stdout = fs::read_to_string(directory.join("stdout")).expect("stdout");
        let leader = worker.pid;
        (((asked, stdout), worker.ended()), (leader, pool))
    });
    let report = run.report();
    WorkerForks::of(&report, leader, &pool).handles(&["SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGTERM"]);
    // The pool is made before the connection to the broker, the event loop before the pool.
    found(&report, &pool, "epoll-inherited", "");
    no_alarm(&report);
    assert_eq!(run.printed(), Vec::<String>::new());
}
