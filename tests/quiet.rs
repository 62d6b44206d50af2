//! Correct programs around popular packages. forkguard prints nothing for them, and no finding of their reports alarms in the end.
//!
//! A line that is true all the same is allowed where a program is run, with the reason.
mod common;

use common::server::*;
use common::{guarded, library};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddrV4, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::{fs, thread};

/// What a program runs in: a directory with its files, and addresses of the services that it asks for by environment variables.
struct Stage {
    run: Run,
    _services: Vec<Server>,
    _postgres: Option<Postgres>,
    environment: Vec<(&'static str, String)>,
}

impl Stage {
    fn new(name: &str) -> Stage {
        let run = Run::guarded(&format!("quiet-{name}"));
        Stage { run, _services: Vec::new(), _postgres: None, environment: Vec::new() }
    }

    /// With a redis of its own.
    fn redis(mut self) -> Stage {
        let directory = self.run.directory.join("redis");
        fs::create_dir(&directory).expect("directory");
        let address = free_address(6379);
        let mut redis = Command::new("redis-server");
        common::without_options(&mut redis).args(["--save", "", "--port", "6379", "--bind"]).arg(address.ip().to_string());
        self._services.push(Server::start(redis, &directory));
        wait_for("redis", || TcpStream::connect(address).ok());
        self.environment.push(("REDIS", format!("redis://{address}/0")));
        self
    }

    /// With a PostgreSQL of its own.
    fn postgres(mut self, name: &str) -> Stage {
        let postgres = Postgres::start(&format!("quiet-{name}"));
        self.environment.push(("DATABASE", postgres.address.to_string()));
        self._postgres = Some(postgres);
        self
    }

    /// With an HTTP server that is content with every request: a collector of traces, of events.
    fn collector(mut self) -> Stage {
        self.environment.push(("COLLECTOR", format!("http://{}", collector())));
        self
    }

    /// `program`, which finds the files of tests/apps/quiet and the services.
    fn command(&self, program: &str) -> Command {
        let mut command = match Path::new("target/venv-quiet/bin").join(program) {
            installed if repository(installed.to_str().expect("path")).exists() => {
                Command::new(repository(installed.to_str().unwrap()))
            }
            _ => Command::new(program),
        };
        command.env("PYTHONPATH", app("")).env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUNBUFFERED", "1");
        // Settings of one program that no other reads.
        command.env("PROMETHEUS_MULTIPROC_DIR", &self.run.directory).env("C_FORCE_ROOT", "1");
        command.env("DD_TRACE_AGENT_URL", self.variable("COLLECTOR")).env("DD_INSTRUMENTATION_TELEMETRY_ENABLED", "false");
        command.env("ANSIBLE_LOCALHOST_WARNING", "false").env("ANSIBLE_HOME", &self.run.directory);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn variable(&self, name: &str) -> &str {
        self.environment.iter().find(|(variable, _)| *variable == name).map_or("", |(_, value)| value)
    }

    /// Runs a program that ends well by itself.
    fn ends(self, program: &str, arguments: &[&str]) {
        let mut command = self.command(program);
        command.args(arguments);
        let status = self.run.start(command).ended();
        assert!(status.success(), "{status}: {}", self.stderr());
        self.is_quiet(&[]);
    }

    /// Runs a server with two workers that answer `GET /` on `port`, and stops it.
    fn serves(&self, command: Command, port: u16, signal: i32) {
        let server = self.run.start(command);
        serves(port);
        let workers = server.workers(2, &BTreeSet::new());
        for _ in 0..3 {
            served_by(port, &workers);
        }
        let status = server.stop(signal);
        assert!(status.success(), "{status}: {}", self.stderr());
    }

    /// Runs tests/apps/quiet/NAME.py, which holds an application and gunicorn's settings for it.
    fn gunicorn(self, name: &str) {
        let port = free_port();
        let mut command = self.command("gunicorn");
        let address = format!("127.0.0.1:{port}");
        command.args([
            "--preload",
            "--workers=2",
            "--bind",
            &address,
            "--config",
            &format!("python:{name}"),
            &format!("{name}:app"),
        ]);
        self.serves(command, port, libc::SIGTERM);
        self.is_quiet(&[]);
    }

    fn stderr(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.run.directory.join("stderr")).expect("stderr")).into_owned()
    }

    /// Nothing alarms, and nothing was printed but what contains one of `allowed`.
    fn is_quiet(&self, allowed: &[&str]) {
        let report = self.run.report();
        assert!(report.events("fork").next().is_some(), "forks are reported");
        let mut printed = self.run.printed();
        printed.retain(|line| !allowed.iter().any(|part| line.contains(part)));
        assert_eq!(printed, Vec::<String>::new(), "{}", self.stderr());
        no_alarm(&report);
    }
}

fn app(name: &str) -> std::path::PathBuf {
    repository("tests/apps/quiet").join(name)
}

fn script(name: &str) -> String {
    app(name).to_str().expect("path").to_owned()
}

fn collector() -> SocketAddrV4 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let std::net::SocketAddr::V4(address) = listener.local_addr().expect("address") else { unreachable!() };
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || answer(client));
        }
    });
    address
}

/// Answers each request of a client with an empty object.
fn answer(mut client: TcpStream) {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    while let Ok(length @ 1..) = client.read(&mut part) {
        request.extend_from_slice(&part[..length]);
        while let Some(rest) = after_request(&request) {
            request = rest;
            let _ = client.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
        }
    }
}

/// What follows the first request, once that is whole.
fn after_request(bytes: &[u8]) -> Option<Vec<u8>> {
    let head = bytes.windows(4).position(|part| part == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    if text.contains("transfer-encoding: chunked") {
        let end = bytes.windows(5).position(|part| part == b"0\r\n\r\n")? + 5;
        return Some(bytes[end..].to_vec());
    }
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok()).unwrap_or(0);
    (bytes.len() >= head + length).then(|| bytes[head + length..].to_vec())
}

#[test]
fn gunicorn_with_opentelemetry() {
    Stage::new("opentelemetry").collector().gunicorn("opentelemetry_spans");
}

#[test]
fn gunicorn_with_sentry() {
    Stage::new("sentry").collector().gunicorn("sentry");
}

#[test]
fn gunicorn_whose_leader_serves_a_page_of_its_own() {
    Stage::new("leaders-page").gunicorn("server_in_leader");
}

#[test]
fn gunicorn_with_ddtrace() {
    Stage::new("ddtrace").collector().gunicorn("datadog");
}

#[test]
fn gunicorn_with_django_and_a_psycopg_pool() {
    Stage::new("django").postgres("django").gunicorn("django_pool");
}

#[test]
fn gunicorn_with_sqlalchemy_that_discards_its_pool() {
    Stage::new("sqlalchemy").postgres("sqlalchemy").gunicorn("sqlalchemy_dispose");
}

#[test]
fn gunicorn_with_a_redis_pool() {
    Stage::new("redis").redis().gunicorn("redis_pool");
}

#[test]
fn gunicorn_with_apscheduler_in_its_workers() {
    Stage::new("apscheduler").gunicorn("scheduler_post_fork");
}

#[test]
fn gunicorn_with_prometheus() {
    Stage::new("prometheus").gunicorn("prometheus");
}

#[test]
fn gunicorn_with_an_executor_a_worker() {
    Stage::new("executor").gunicorn("thread_pool_in_worker");
}

#[test]
fn gunicorn_with_gevent() {
    Stage::new("gevent").redis().gunicorn("gevent_workers");
}

#[test]
fn gunicorn_with_uvicorn() {
    Stage::new("uvicorn").gunicorn("starlette_uvicorn");
}

#[test]
fn gunicorn_with_queue_logging_in_its_workers() {
    Stage::new("queue-logging").gunicorn("queue_logging_post_fork");
}

#[test]
fn gunicorn_with_shared_datagram_sockets() {
    Stage::new("datagrams").gunicorn("datagrams");
}

#[test]
fn multiprocessing_pool_with_queue_listener() {
    Stage::new("queue-listener").ends("python", &[&script("pool_with_queue_listener.py")]);
}

/// A thread that gives the interpreter's lock back waits for the mutex that the other one releases by waiting: they do not hang.
#[test]
fn threads_that_take_turns_in_a_child() {
    let stage = Stage::new("turns");
    let delay = stage.run.directory.join("waits_for_mutex.so");
    let built = Command::new("gcc").args(["-shared", "-fPIC", "-o"]).arg(&delay).arg(app("waits_for_mutex.c")).status();
    assert!(built.expect("gcc").success());
    let mut command = stage.command("python");
    command.arg(app("interpreter_lock.py"));
    guarded(&mut command, &stage.run.report_directory());
    command.env("LD_PRELOAD", format!("{}:{}", delay.display(), library().display()));
    assert!(command.status().expect("python").success());
    assert_eq!(stage.run.report().findings("lock-deadlock").count(), 0);
}

#[test]
fn process_pools_from_threads() {
    Stage::new("pools-from-threads").ends("python", &[&script("process_pool_from_threads.py")]);
}

#[test]
fn multiprocessing_beside_threads() {
    Stage::new("beside-threads").ends("python", &[&script("processes_beside_threads.py")]);
}

#[test]
fn asyncio_with_a_process_pool() {
    Stage::new("asyncio").ends("python", &[&script("asyncio_process_pool.py")]);
}

#[test]
fn joblib() {
    Stage::new("joblib").ends("python", &[&script("joblib_parallel.py")]);
}

#[test]
fn multiprocessing_manager_and_shared_memory() {
    Stage::new("manager").ends("python", &[&script("shared_memory_manager.py")]);
}

#[test]
fn tornado() {
    let stage = Stage::new("tornado");
    let port = free_port();
    let mut command = stage.command("python");
    command.arg(app("tornado_processes.py")).env("PORT", port.to_string());
    let server = stage.run.start(command);
    serves(port);
    let workers = server.workers(2, &BTreeSet::new());
    served_by(port, &workers);
    workers.iter().for_each(|&worker| kill(worker, libc::SIGTERM));
    server.ended();
    stage.is_quiet(&[]);
}

#[test]
fn rq() {
    Stage::new("rq").redis().ends("python", &[&script("rq_jobs.py")]);
}

#[test]
fn rq_with_its_scheduler() {
    Stage::new("rq-scheduler").redis().ends("python", &[&script("rq_jobs.py"), "scheduler"]);
}

/// Runs a worker of a task queue until the program that asks it has all its answers.
fn answers(stage: Stage, worker: &[&str], asks: &str) {
    let mut command = stage.command(worker[0]);
    command.args(&worker[1..]);
    let server = stage.run.start(command);
    let directory = stage.run.directory.join("asks");
    fs::create_dir(&directory).expect("directory");
    let mut client = stage.command("python");
    common::without_options(&mut client).arg(app(asks));
    assert!(Server::start(client, &directory).status().success(), "{:?}", fs::read_to_string(directory.join("stderr")));
    assert!(server.stop(libc::SIGTERM).success(), "{}", stage.stderr());
    stage.is_quiet(&[]);
}

#[test]
fn celery_that_recycles_its_processes() {
    let worker = ["celery", "--app=celery_tasks", "worker", "--concurrency=2", "--max-tasks-per-child=5"];
    answers(Stage::new("celery").redis(), &worker, "celery_tasks.py");
}

#[test]
fn dramatiq() {
    let worker = ["dramatiq", "dramatiq_tasks", "--processes=2", "--threads=2", "--use-spawn"];
    answers(Stage::new("dramatiq").redis(), &worker[..4], "dramatiq_tasks.py");
}

#[test]
fn locust() {
    let arguments =
        ["--headless", "--processes=2", "--users=4", "--spawn-rate=4", "--run-time=3", "--only-summary", "--locustfile"];
    Stage::new("locust").collector().ends("locust", &[&arguments[..], &[&script("locustfile.py")]].concat());
}

#[test]
fn ansible() {
    let stage = Stage::new("ansible");
    let hosts = "one ansible_connection=local ansible_python_interpreter=/usr/bin/python3\ntwo ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n";
    fs::write(stage.run.directory.join("hosts"), hosts).expect("hosts");
    stage.ends("ansible-playbook", &["--inventory=hosts", &script("playbook.yml")]);
}

#[test]
fn supervisord() {
    let stage = Stage::new("supervisord");
    let mut command = stage.command("supervisord");
    command.arg("--configuration").arg(app("supervisord.conf"));
    let server = stage.run.start(command);
    server.workers(2, &BTreeSet::new());
    assert!(server.stop(libc::SIGTERM).success());
    stage.is_quiet(&[]);
}

#[test]
fn puma_that_connects_in_its_workers() {
    let (stage, port) = (Stage::new("puma").postgres("puma"), free_port());
    let mut command = stage.command("puma");
    command.arg("--config").arg(app("puma.rb")).env("PORT", port.to_string());
    stage.serves(command, port, libc::SIGINT);
    stage.is_quiet(&[]);
}

#[test]
fn unicorn_that_connects_in_its_workers() {
    let (stage, port) = (Stage::new("unicorn").postgres("unicorn"), free_port());
    let mut command = stage.command("unicorn");
    command.arg("--config-file").arg(app("unicorn.rb")).arg(app("unicorn.ru")).env("PORT", port.to_string());
    stage.serves(command, port, libc::SIGQUIT);
    stage.is_quiet(&[]);
}

#[test]
fn ruby_children() {
    Stage::new("ruby").ends("ruby", &[&script("workers.rb")]);
}

#[test]
fn ruby_thread_that_has_ended() {
    Stage::new("ended-thread").ends("ruby", &[&script("ended_thread.rb")]);
}

#[test]
fn php_children() {
    Stage::new("php").ends("php", &[&script("workers.php")]);
}

#[test]
fn perl_children() {
    Stage::new("perl").ends("perl", &[&script("workers.pl")]);
}

#[test]
fn perl_clients_that_share_one_connection_out() {
    Stage::new("halves").ends("perl", &[&script("halves.pl")]);
}

/// The receiver, a child, reads from the connection on which its leader, the generator, asks.
#[test]
fn rsync_that_pulls_from_a_daemon() {
    let stage = Stage::new("rsync");
    let (source, port) = (stage.run.directory.join("source"), free_port());
    fs::create_dir(&source).expect("directory");
    (0..200).for_each(|number| fs::write(source.join(number.to_string()), vec![number as u8; 4096]).expect("a file"));
    let settings = format!("use chroot = no\n[files]\npath = {}\nuid = root\ngid = root\n", source.display());
    let configuration = stage.run.directory.join("rsyncd.conf");
    fs::write(&configuration, settings).expect("a file");
    let mut daemon = Command::new("rsync");
    common::without_options(&mut daemon).args(["--daemon", "--no-detach", "--address=127.0.0.1"]);
    daemon.arg(format!("--port={port}")).arg(format!("--config={}", configuration.display()));
    let directory = stage.run.directory.join("daemon");
    fs::create_dir(&directory).expect("directory");
    let _daemon = Server::start(daemon, &directory);
    wait_for("rsync", || TcpStream::connect(("127.0.0.1", port)).ok());
    let copy = stage.run.directory.join("copy");
    let address = format!("rsync://127.0.0.1:{port}/files/");
    stage.ends("rsync", &["--archive", &address, copy.to_str().expect("path")]);
    assert_eq!(fs::read_dir(copy).expect("a copy").count(), 200);
}
