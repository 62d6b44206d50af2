//! Real servers whose workers hit what they inherit, and their correct twins, of which nothing is printed.
mod common;

use common::Report;
use common::hit::{Hit, line};
use common::server::*;
use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::thread;

/// An application of `tests/apps/hits`.
fn application(file: &str) -> PathBuf {
    repository("tests/apps/hits").join(file)
}

/// One worker with an application that makes what it needs before the fork or, its correct twin, in the worker's hook `late`.
fn gunicorn_with(module: &str, late: Option<&str>, port: u16) -> Command {
    let mut command = gunicorn(port, "tests/apps/hits", &format!("{module}:app"), &["--workers=1", "--timeout=0"]);
    command.arg("--config").arg(application("gunicorn.conf.py")).env_remove("LATE");
    if let Some(hook) = late {
        command.env("LATE", hook);
    }
    command
}

/// A worker answers one request; then the server ends. Its status, its pid and its worker's.
fn answers_and_stops(server: Server, port: u16, end: i32) -> (ExitStatus, (u32, BTreeSet<u32>)) {
    serves(port);
    let workers = server.workers(1, &BTreeSet::new());
    served_by(port, &workers);
    let leader = server.pid;
    (server.stop(end), (leader, workers))
}

/// The correct twin of an application: works and ends as without the library, and nothing is printed.
fn silent(name: &str, server: impl Fn(&Run, u16) -> Server, end: i32) {
    assert_eq!(unalarmed(name, server, end).printed(), Vec::<String>::new());
}

/// Works and ends as without the library, and no finding alarms in the end.
fn unalarmed(name: &str, server: impl Fn(&Run, u16) -> Server, end: i32) -> Run {
    let (run, (leader, workers)) = compare(name, |run| {
        let port = free_port();
        answers_and_stops(server(run, port), port, end)
    });
    let report = run.report();
    WorkerForks::of(&report, leader, &workers);
    no_alarm(&report);
    run
}

/// An application that waits for ever in a worker for threads that were started before the fork.
fn waits_for_lost_threads(module: &str) {
    let (run, file) = (Run::guarded(&format!("hits-{module}")), application(&format!("{module}.py")));
    let port = free_port();
    let server = run.start(gunicorn_with(module, None, port));
    let _asked = send_request(port);
    let hit = Hit::of(&run, "join-lost-thread");
    hit.has("waits").points("started", &file).points("waits", &file);
    hit.printed(&format!("{module}.py:{}", line(&file, "waits")));
    assert_eq!(server.workers(1, &BTreeSet::new()), BTreeSet::from([hit.child()]), "it still waits");
}

fn starts_in_worker(module: &str) {
    let late = |run: &Run, port| run.start(gunicorn_with(module, Some("post_fork"), port));
    silent(&format!("hits-{module}-twin"), late, libc::SIGTERM);
}

#[test]
fn executor_before_fork() {
    waits_for_lost_threads("executor");
}

#[test]
fn executor_in_worker() {
    starts_in_worker("executor");
}

/// gthread's worker has an executor of its own, whose threads are not those that the application lost: they live, and answer nothing.
#[test]
fn executor_before_fork_beside_gunicorns() {
    let (run, file) = (Run::guarded("hits-executor-gthread"), application("executor.py"));
    let port = free_port();
    let mut command = gunicorn_with("executor", None, port);
    command.args(["--worker-class", "gthread"]);
    let server = run.start(command);
    let _asked = send_request(port);
    let hit = Hit::of(&run, "join-lost-thread");
    hit.has("waits").points("started", &file).points("waits", &file);
    hit.printed(&format!("executor.py:{}", line(&file, "waits")));
    assert_eq!(server.workers(1, &BTreeSet::new()), BTreeSet::from([hit.child()]), "it lives on");
}

#[test]
fn executor_in_worker_beside_gunicorns() {
    let late = |run: &Run, port| {
        let mut command = gunicorn_with("executor", Some("post_fork"), port);
        command.args(["--worker-class", "gthread"]);
        run.start(command)
    };
    silent("hits-executor-gthread-twin", late, libc::SIGTERM);
}

#[test]
fn thread_pool_before_fork() {
    waits_for_lost_threads("thread_pool");
}

#[test]
fn thread_pool_in_worker() {
    starts_in_worker("thread_pool");
}

#[test]
fn queue_without_consumer() {
    waits_for_lost_threads("consumer");
}

#[test]
fn queue_with_consumer() {
    starts_in_worker("consumer");
}

/// The lock of an application, held by a lost thread: under a server that forks with the GIL, and one that forks without.
fn waits_for_an_orphaned_lock(name: &str, server: impl Fn(&Run, u16) -> Command) {
    let (run, file, port) = (Run::guarded(name), application("held_lock.py"), free_port());
    let server = run.start(server(&run, port));
    let _asked = send_request(port);
    let hit = Hit::of(&run, "lock-deadlock");
    hit.has("taken").points("stood", &file).points("waits", &file).comes_from("lock-orphaned");
    hit.printed(&format!("held_lock.py:{}", line(&file, "stood"))).printed(&format!("held_lock.py:{}", line(&file, "waits")));
    assert_eq!(server.workers(1, &BTreeSet::new()), BTreeSet::from([hit.child()]), "it still waits");
}

#[test]
fn gunicorn_lock_of_a_lost_thread() {
    waits_for_an_orphaned_lock("hits-lock", |_, port| gunicorn_with("held_lock", None, port));
    starts_in_worker("held_lock");
}

#[test]
fn uwsgi_lock_of_a_lost_thread() {
    waits_for_an_orphaned_lock("hits-lock-uwsgi", |run, port| uwsgi_with_packages(run, "held_lock:app", port, &[]));
}

/// As OpenTelemetry and others do it: a thread is lost and comes back.
#[test]
fn thread_restarted_by_fork_hook() {
    let (run, (leader, workers)) = compare("hits-restarted", |run| {
        let port = free_port();
        answers_and_stops(run.start(gunicorn_with("restarted", None, port)), port, libc::SIGTERM)
    });
    let report = run.report();
    WorkerForks::of(&report, leader, &workers);
    found(&report, &workers, "thread-lost", "exporter");
    let lost = report.last_states_of("thread-lost");
    assert_eq!(lost.iter().map(|finding| &finding["state"]).collect::<Vec<_>>(), ["resolved"]);
    no_hits(&report);
}

/// A wait that a signal's handler ends is no deadlock.
#[test]
fn main_thread_that_waits_for_a_signal() {
    let (run, ()) = compare("hits-signalled", |run| {
        let mut command = Command::new("/usr/bin/python3");
        command.arg("-B").arg(application("signalled.py"));
        let status = run.start(command).ended();
        ((status, fs::read_to_string(run.directory.join("stdout")).expect("stdout")), ())
    });
    let report = run.report();
    assert_eq!(report.events("fork").count(), 2);
    for kind in ["lock-deadlock", "join-lost-thread"] {
        let errors = report.findings(kind).filter(|finding| finding.json["severity"] == "error").map(|finding| finding.text);
        assert_eq!(errors.collect::<Vec<_>>(), Vec::<&str>::new());
    }
    no_hits(&report);
}

/// benoitc/gunicorn#3529. Also gives the thread that reads the log once the first worker is made.
fn with_control_thread(run: &Run, port: u16, locks: &str) -> Server {
    let mut command = Command::new(repository("target/venv-gunicorn-25.1/bin/gunicorn"));
    command.args(["--preload", "--workers=1", "--timeout=0", "--control-socket"]).arg(run.directory.join("control"));
    command.arg("--config").arg(application("control_thread.conf.py")).arg("--chdir").arg(repository("tests/apps"));
    command.arg(format!("--bind=127.0.0.1:{port}")).arg("clean:app");
    // Unbuffered, sys.stderr has no lock.
    command.env("PYTHONDONTWRITEBYTECODE", "1").env_remove("PYTHONUNBUFFERED").env("FORKGUARD_LOCKS", locks);
    let (mut log, stderr) = io::pipe().expect("pipe");
    let server = run.start_with(command, stderr);
    wait_for("the first worker", || run.report_so_far().events("fork").next().map(drop));
    let mut file = File::create(run.directory.join("stderr")).expect("stderr");
    thread::spawn(move || io::copy(&mut log, &mut file).expect("copy"));
    server
}

fn control_thread_hit(run: &Run) -> Hit<'_> {
    let hit = Hit::of(run, "lock-deadlock");
    hit.has("taken").has("waits").passes("/gunicorn/ctl/server.py").passes("/gunicorn/arbiter.py").comes_from("lock-orphaned");
    hit.printed("gunicorn/ctl/server.py");
    hit
}

#[test]
fn control_thread_that_logs() {
    let run = Run::guarded("hits-control-thread");
    let server = with_control_thread(&run, free_port(), "report");
    let hit = control_thread_hit(&run);
    assert_eq!(server.workers(1, &BTreeSet::new()), BTreeSet::from([hit.child()]), "it still waits");
    let log = fs::read_to_string(run.directory.join("stderr")).expect("stderr");
    assert!(!log.contains(&format!("[{}]", hit.child())), "forkguard had the worker's last words: {log}");
}

#[test]
fn control_thread_that_logs_and_abort() {
    let (run, port) = (Run::guarded("hits-control-thread-abort"), free_port());
    let server = with_control_thread(&run, port, "abort");
    let hit = control_thread_hit(&run);
    serves(port);
    let replaced = server.workers(1, &BTreeSet::from([hit.child()]));
    served_by(port, &replaced);
    server.stop(libc::SIGTERM);
    let log = fs::read_to_string(run.directory.join("stderr")).expect("stderr");
    assert!(log.contains(&format!("Worker (pid:{}) was sent SIGABRT!", hit.child())), "{log}");
    assert_eq!(run.report().findings("lock-deadlock").count(), 1);
}

fn uwsgi_with_packages(run: &Run, module: &str, port: u16, arguments: &[&str]) -> Command {
    let mut command = uwsgi(port, "tests/apps/hits", module, arguments);
    command.arg("--processes=1").arg("--virtualenv").arg(repository("target/venv")).env("FIFOS", &run.directory);
    command
}

/// A leader that has a thread in a C call with the interpreter's lock held, and a worker that was killed: its successor is forked meanwhile.
fn replaced_while_the_gil_is_held(run: &Run, port: u16, arguments: &[&str]) -> Server {
    for name in ["told", "released"] {
        let path = CString::new(run.directory.join(name).as_os_str().as_bytes()).expect("path");
        // SAFETY: a path that ends with zero.
        assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
    }
    let server = run.start(uwsgi_with_packages(run, "held_gil", port, arguments));
    serves(port);
    let first = server.workers(1, &BTreeSet::new());
    File::create(run.directory.join("told")).expect("told");
    let holder = wait_for("the holder", || fs::read_to_string(run.directory.join("holder")).ok());
    let (thread, descriptor) = holder.split_once(' ').expect("thread and descriptor");
    let call = format!("/proc/{}/task/{thread}/syscall", server.pid);
    let reads = format!("{} {descriptor} ", libc::SYS_read);
    wait_for("the holder's call", || fs::read_to_string(&call).expect("call").starts_with(&reads).then_some(()));
    kill(*first.first().expect("a worker"), libc::SIGKILL);
    server
}

#[test]
fn uwsgi_forks_without_the_gil() {
    let run = Run::guarded("hits-gil");
    let server = replaced_while_the_gil_is_held(&run, free_port(), &[]);
    let hit = Hit::of(&run, "lock-deadlock");
    hit.has("waits");
    let subject = hit.finding.json["subject"].as_str().expect("subject");
    assert!(subject.contains("interpreter's lock"), "{}", hit.finding.text);
    hit.printed("interpreter's lock");
    // It waits for 5 ms at a time, again and again: one finding all the same.
    let switches = || {
        let status = fs::read_to_string(format!("/proc/{}/status", hit.child())).expect("status");
        let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).expect("a count");
        count.trim().parse::<u64>().expect("a number")
    };
    let before = switches();
    wait_for("a hundred waits", || (switches() > before + 100).then_some(()));
    let report = run.report_so_far();
    let lines = report.entries.iter().filter(|entry| entry.text.contains(":lock-deadlock:"));
    assert_eq!(lines.map(|entry| entry.text).collect::<Vec<_>>(), [hit.finding.text]);
    assert_eq!(run.printed().iter().filter(|line| line.contains("lock-deadlock")).count(), 1);
    assert_eq!(server.workers(1, &BTreeSet::new()), BTreeSet::from([hit.child()]), "it still waits");
}

/// With its fork hooks, uWSGI waits for the interpreter's lock before it forks.
#[test]
fn uwsgi_forks_with_the_gil() {
    let (run, port) = (Run::guarded("hits-gil-twin"), free_port());
    let server = replaced_while_the_gil_is_held(&run, port, &["--py-call-uwsgi-fork-hooks"]);
    let mut released = File::options().write(true).open(run.directory.join("released")).expect("released");
    released.write_all(b"r").expect("release");
    serves(port);
    let replaced = server.workers(1, &BTreeSet::new());
    served_by(port, &replaced);
    server.stop(libc::SIGQUIT);
    no_hits(&run.report());
}

/// A worker that uses the connection opened before the fork, in an otherwise working server.
fn shares_a_connection(name: &str, file: &str, kinds: (&str, &str), server: impl Fn(&Run, u16) -> Server, end: i32) {
    let (run, _) = compare(name, |run| {
        let port = free_port();
        answers_and_stops(server(run, port), port, end)
    });
    let path = application(file);
    let hit = Hit::of(&run, kinds.1);
    hit.points("opened", &path).points("used", &path).comes_from(kinds.0);
    hit.printed(&format!("{file}:{}", line(&path, "opened"))).printed(&format!("{file}:{}", line(&path, "used")));
    only_hits(&run.report(), &[kinds.1]);
}

const CONNECTION: (&str, &str) = ("connection-inherited", "connection-shared-use");

#[test]
fn gunicorn_psycopg2() {
    let postgres = Postgres::start("hits-psycopg2");
    let server = |late, class: &'static str| {
        let url = postgres.url();
        move |run: &Run, port| {
            let mut command = gunicorn_with("postgres", late, port);
            command.env("DATABASE_URL", &url).args(["--worker-class", class]);
            run.start(command)
        }
    };
    shares_a_connection("hits-psycopg2", "postgres.py", CONNECTION, server(None, "sync"), libc::SIGTERM);
    silent("hits-psycopg2-twin", server(Some("post_fork"), "sync"), libc::SIGTERM);
    shares_a_connection("hits-psycopg2-gthread", "postgres.py", CONNECTION, server(None, "gthread"), libc::SIGTERM);
    silent("hits-psycopg2-gthread-twin", server(Some("post_fork"), "gthread"), libc::SIGTERM);
}

#[test]
fn uwsgi_psycopg2() {
    let postgres = Postgres::start("hits-uwsgi");
    let server = |late: Option<&'static str>| {
        let url = postgres.url();
        move |run: &Run, port| {
            let mut command = uwsgi_with_packages(run, "postgres", port, &[]);
            command.env("DATABASE_URL", &url).envs(late.map(|hook| ("LATE", hook)));
            run.start(command)
        }
    };
    shares_a_connection("hits-uwsgi", "postgres.py", CONNECTION, server(None), libc::SIGQUIT);
    silent("hits-uwsgi-twin", server(Some("postfork")), libc::SIGQUIT);
}

fn unicorn(run: &Run, port: u16, postgres: &Postgres, variable: Option<&str>) -> Server {
    let mut command = Command::new("unicorn");
    command.arg("--config-file").arg(application("unicorn.rb")).arg(application("postgres.ru"));
    command.env("PORT", port.to_string()).env("DATABASE_URL", postgres.url()).envs(variable.map(|name| (name, "1")));
    run.start(command)
}

#[test]
fn unicorn_pg() {
    let postgres = Postgres::start("hits-unicorn");
    let shared = |run: &Run, port| unicorn(run, port, &postgres, None);
    shares_a_connection("hits-unicorn", "postgres.rb", CONNECTION, shared, libc::SIGQUIT);
    silent("hits-unicorn-twin", |run, port| unicorn(run, port, &postgres, Some("LATE")), libc::SIGQUIT);
}

/// A worker that never uses the connection and only ends: libpq ends the leader's session.
#[test]
fn unicorn_pg_goodbye() {
    let postgres = Postgres::start("hits-goodbye");
    let (run, port) = (Run::guarded("hits-goodbye"), free_port());
    let server = unicorn(&run, port, &postgres, Some("IDLE"));
    serves(port);
    let worker = server.workers(1, &BTreeSet::new());
    no_hits(&run.report_so_far());
    kill(*worker.first().expect("a worker"), libc::SIGQUIT);
    let hit = Hit::of(&run, CONNECTION.1);
    assert_eq!(BTreeSet::from([hit.child()]), worker);
    hit.points("opened", &application("postgres.rb")).has("used").comes_from(CONNECTION.0);
}

#[test]
fn gunicorn_redis() {
    let directory = common::scratch("hits-redis-server");
    let broker = free_address(6379);
    let mut redis = Command::new("redis-server");
    common::without_options(&mut redis).args(["--save", "", "--port"]).arg(broker.port().to_string());
    redis.arg("--bind").arg(broker.ip().to_string());
    let _redis = Server::start(redis, &directory);
    wait_for("redis", || TcpStream::connect(broker).ok());
    let server = |late, pool: Option<&'static str>| {
        move |run: &Run, port| {
            let mut command = gunicorn_with("cache", late, port);
            command.env("BROKER", format!("redis://{broker}/0")).envs(pool.map(|pool| (pool, "1")));
            run.start(command)
        }
    };
    shares_a_connection("hits-redis", "cache.py", CONNECTION, server(None, None), libc::SIGTERM);
    silent("hits-redis-twin", server(Some("post_fork"), None), libc::SIGTERM);
    let run = unalarmed("hits-redis-pool", server(None, Some("POOL")), libc::SIGTERM);
    assert!(run.report().findings("connection-inherited").next().is_some(), "its pool had a connection");
}

#[test]
fn gunicorn_datagrams() {
    silent("hits-datagrams", |run, port| run.start(gunicorn_with("datagrams", None, port)), libc::SIGTERM);
}

/// A server that keeps TLS connections, with a certificate of its own for the address it listens on.
fn tls_server(directory: &Path) -> (Server, SocketAddrV4) {
    let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, free_port());
    make_certificate(directory, *address.ip());
    let mut command = venv("python");
    command.arg(application("tls_server.py")).arg(address.port().to_string()).args(["certificate.pem", "key.pem"]);
    common::without_options(&mut command);
    let server = Server::start(command, directory);
    wait_for("the TLS server", || TcpStream::connect(address).ok());
    (server, address)
}

#[test]
fn gunicorn_requests_session() {
    let directory = common::scratch("hits-tls-server");
    let (_server, address) = tls_server(&directory);
    let server = |late| {
        let certificate = directory.join("certificate.pem");
        move |run: &Run, port| {
            let mut command = gunicorn_with("https", late, port);
            command.env("UPSTREAM", format!("https://{address}/")).env("CERTIFICATE", &certificate);
            run.start(command)
        }
    };
    shares_a_connection("hits-tls", "https.py", CONNECTION, server(None), libc::SIGTERM);
    silent("hits-tls-twin", server(Some("post_fork")), libc::SIGTERM);
}

#[test]
fn gunicorn_asyncio_loop() {
    let server = |late| move |run: &Run, port| run.start(gunicorn_with("loop", late, port));
    shares_a_connection("hits-loop", "loop.py", ("epoll-inherited", "epoll-shared-use"), server(None), libc::SIGTERM);
    silent("hits-loop-twin", server(Some("post_fork")), libc::SIGTERM);
}

/// A worker that is sent SIGUSR2: whether it lives, and what it printed.
fn signalled(run: &Run, late: Option<&str>) -> (bool, String) {
    let port = free_port();
    let server = run.start(gunicorn_with("handlers", late, port));
    serves(port);
    let worker = server.workers(1, &BTreeSet::new());
    kill(*worker.first().expect("a worker"), libc::SIGUSR2);
    let stdout = || fs::read_to_string(run.directory.join("stdout")).expect("stdout");
    let lives = wait_for("the signal's effect", || {
        let replaced = server.workers_now() != worker;
        (replaced || stdout().contains("dumped")).then_some(!replaced)
    });
    serves(port);
    server.stop(libc::SIGTERM);
    (lives, stdout())
}

#[test]
fn gunicorn_resets_a_handler() {
    let (run, ()) = compare("hits-handlers", |run| (signalled(run, None), ()));
    let (report, file) = (run.report(), application("handlers.py"));
    let hit = Hit::of(&run, "handler-dropped");
    hit.points("set", &file)
        .has("reset")
        .passes("gunicorn/workers/base.py")
        .comes_from("handler-inherited")
        .printed(&format!("handlers.py:{}", line(&file, "set")));
    only_hits(&report, &["handler-dropped"]);
    // Not for SIGUSR1: the worker sets a handler of its own.
    let dropped: BTreeSet<_> = report.findings("handler-dropped").map(|finding| finding.json["subject"].as_str()).collect();
    assert_eq!(dropped.len(), 1, "{dropped:?}");
    assert!(dropped.iter().flatten().all(|subject| subject.contains("SIGUSR2")), "{dropped:?}");
}

#[test]
fn gunicorn_handler_set_in_worker() {
    let (run, ()) = compare("hits-handlers-twin", |run| (signalled(run, Some("post_worker_init")), ()));
    let report: Report = run.report();
    no_alarm(&report);
    assert_eq!(run.printed(), Vec::<String>::new());
}
