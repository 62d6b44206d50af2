//! Every guard at once (`FORKGUARD_PROFILE=cure`) in real servers: what a server does without losing a request, it does so under them.
//! Each test runs without the library first: wrk, and the requests that a worker holds, must see the same.
mod common;

use common::Report;
use common::server::*;
use common::wrk::*;
use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

type Pids = BTreeSet<u32>;

/// A server's surroundings: what it listens on, where held requests announce themselves, and a service that its application is connected to.
struct Scene<'a> {
    run: &'a Run,
    port: u16,
    gate: Gate,
    upstream: TcpListener,
}

impl<'a> Scene<'a> {
    fn of(run: &'a Run) -> Scene<'a> {
        let upstream = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let scene = Scene { run, port: free_port(), gate: Gate::open(), upstream };
        let begun = File::create(scene.begun()).expect("a file");
        begun.set_permissions(Permissions::from_mode(0o666)).expect("writable for the workers' account");
        scene
    }

    /// Where the application notes the requests that it begins.
    fn begun(&self) -> PathBuf {
        self.run.directory.join("begun")
    }

    /// Starts a program under every guard.
    fn launch(&self, mut command: Command) -> Server {
        let upstream = self.upstream.local_addr().expect("an address").port();
        command.env("FORKGUARD_PROFILE", "cure").env("PORT", self.port.to_string());
        command.env("BEGUN", self.begun()).env("GATE", self.gate.port()).env("UPSTREAM", upstream.to_string());
        self.run.start(command)
    }

    /// Starts a server; it serves by two workers.
    fn start(&self, command: Command) -> (Server, Pids) {
        let server = self.launch(command);
        let workers = self.served(server.pid, &Pids::new());
        (server, workers)
    }

    /// The workers of `leader`, once there are two, none of them `old`, and each has answered.
    fn served(&self, leader: u32, old: &Pids) -> Pids {
        serves(self.port);
        let workers = workers(leader, 2, old);
        served_by(self.port, &workers);
        workers
    }

    /// What `action` gives; wrk loses at most `lost` requests the while.
    fn under_load<T>(&self, name: &str, lost: u64, action: impl FnOnce() -> T) -> T {
        let load = Wrk::start(&self.run.directory, self.port, "/");
        let done = action();
        let seen = load.finish();
        println!("{}: {name}: {seen:?}", self.run.directory.display());
        assert!(seen.lost() <= lost, "{name}, guarded: {}: {seen:?}", self.run.guarded);
        done
    }

    /// Every worker is replaced, and no request is lost.
    fn reloads(&self, name: &str, leader: u32, old: &Pids, ask: impl FnOnce()) -> Pids {
        self.reloads_but(0, name, leader, old, ask)
    }

    /// Every worker is replaced, and at most `lost` requests are lost.
    fn reloads_but(&self, lost: u64, name: &str, leader: u32, old: &Pids, ask: impl FnOnce()) -> Pids {
        self.under_load(name, lost, || {
            ask();
            self.served(leader, old)
        })
    }

    /// A worker is killed: it is replaced, the request that it held is lost, and at most `others`.
    fn replaces(&self, leader: u32, others: u64) -> Pids {
        self.under_load("kill", others, || {
            let held = self.gate.hold(self.port);
            let killed = Pids::from([held.worker]);
            kill(held.worker, libc::SIGKILL);
            held.answer().expect_err("no answer of a killed worker");
            self.served(leader, &killed)
        })
    }

    /// USR1 makes the leader and its workers open their `log` anew, and no request is lost.
    fn rotates(&self, leader: u32, log: &str) {
        let (log, rotated) = (self.run.directory.join(log), self.run.directory.join(format!("{log}.1")));
        self.under_load("USR1 for the log", 0, || {
            fs::rename(&log, &rotated).expect("rename");
            kill(leader, libc::SIGUSR1);
            let all: Vec<u32> = children(leader).into_iter().chain([leader]).collect();
            let anew = |&pid: &u32| open_files(pid).contains(&log) && !open_files(pid).contains(&rotated);
            wait_for("logs opened anew", || all.iter().all(anew).then_some(()));
        });
    }

    /// The server is asked to stop under load: every request that it began is answered, last the one that a worker holds.
    fn stops(&self, leader: u32, ask: impl FnOnce()) {
        let load = Wrk::start(&self.run.directory, self.port, "/?stop");
        let held = self.gate.hold(self.port);
        let last = Pids::from([held.worker]);
        ask();
        wait_for("end of the worker that holds no request", || (children(leader) == last).then_some(()));
        let seen = load.finish();
        println!("{}: stop: {seen:?}", self.run.directory.display());
        let begun = fs::read_to_string(self.begun()).expect("what was begun");
        assert_eq!(seen.answered, begun.lines().filter(|query| *query == "stop").count() as u64, "{seen:?} of what was begun");
        assert_eq!(held.answer(), Ok(format!("worker {}\n", last.first().expect("it"))));
    }

    /// Lines of `logs` that complain, but for those that contain one of `expected`.
    fn complains_only(&self, logs: &[&str], expected: &[&str]) {
        const COMPLAINTS: [&str; 8] = ["error", "alert", "crit", "emerg", "fatal", "traceback", "exception", "warn"];
        for log in logs {
            let text = fs::read_to_string(self.run.directory.join(log)).expect("a log");
            let own = text.lines().filter(|line| !line.starts_with("forkguard"));
            let complaints = own.filter(|line| COMPLAINTS.iter().any(|word| line.to_lowercase().contains(word)));
            let others: Vec<_> = complaints.filter(|line| !expected.iter().any(|part| line.contains(part))).collect();
            assert_eq!(others, Vec::<&str>::new(), "{log}, guarded: {}", self.run.guarded);
        }
    }
}

/// The files that a process has open.
fn open_files(pid: u32) -> BTreeSet<PathBuf> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten();
    descriptors.filter_map(|descriptor| fs::read_link(descriptor.ok()?.path()).ok()).collect()
}

/// Nothing alarms in the end but hazards of these kinds.
fn alarms_only(report: &Report, kinds: &[&str]) {
    let mut alarms = report.last_states();
    alarms.retain(|finding| finding["severity"] != "info" && (finding["state"] == "open" || finding["state"] == "hit"));
    alarms.retain(|finding| !kinds.iter().any(|kind| finding["kind"] == *kind && finding["state"] == "open"));
    assert!(alarms.is_empty(), "{alarms:#?}");
    assert_eq!(report.misplaced(), Vec::<&str>::new(), "changes of findings that are not there");
}

/// What gunicorn's workers inherit, and what its master logs of a worker that stops or was killed.
const HAZARDS: [&str; 2] = ["thread-lost", "lock-orphaned"];
const TOLD_BY_GUNICORN: [&str; 2] = ["was sent SIGKILL", "was sent SIGTERM"];

#[test]
fn gunicorn_lives() {
    let (run, ()) = compare("guards-gunicorn", |run| {
        let (scene, pid) = (Scene::of(run), run.directory.join("pid"));
        let log = format!("--log-file={}", run.directory.join("log").display());
        let arguments = ["--timeout=120", &log, "--pid", pid.to_str().expect("UTF-8")];
        let (mut server, first) = scene.start(gunicorn(scene.port, "tests/apps", "guarded:app", &arguments));
        let reloaded = scene.reloads("HUP", server.pid, &first, || server.signal(libc::SIGHUP));
        let replaced = scene.replaces(server.pid, 0);
        scene.rotates(server.pid, "log");
        let (new, status) = scene.under_load("USR2 and TERM", 0, || {
            server.signal(libc::SIGUSR2);
            let new = pid_file(&run.directory.join("pid.2"));
            let upgraded = workers(new, 2, &(&reloaded | &replaced));
            server.signal(libc::SIGTERM);
            let status = server.status();
            served_by(scene.port, &upgraded);
            (new, status)
        });
        scene.stops(new, || kill(new, libc::SIGTERM));
        server.gone();
        scene.complains_only(&["stderr", "log", "log.1"], &TOLD_BY_GUNICORN);
        (status, ())
    });
    alarms_only(&run.report(), &HAZARDS);
}

/// Socket activation: the parent opens the listening socket and execs. gunicorn closes the descriptor that it was handed: it cannot
/// be upgraded so.
#[test]
fn gunicorn_lives_on_an_activated_socket() {
    let (run, ()) = compare("guards-activated", |run| {
        let scene = Scene::of(run);
        let command = gunicorn(scene.port, "tests/apps", "guarded:app", &["--timeout=120"]);
        let mut parent = venv("python");
        parent.arg(repository("tests/apps/activate.py")).arg(scene.port.to_string());
        parent.arg(command.get_program()).args(command.get_args());
        let (server, first) = scene.start(parent);
        scene.reloads("HUP", server.pid, &first, || server.signal(libc::SIGHUP));
        scene.replaces(server.pid, 0);
        scene.stops(server.pid, || server.signal(libc::SIGTERM));
        let status = server.ended();
        scene.complains_only(&["stderr"], &TOLD_BY_GUNICORN);
        (status, ())
    });
    alarms_only(&run.report(), &HAZARDS);
}

#[test]
fn uwsgi_lives() {
    let (run, ()) = compare("guards-uwsgi", |run| {
        let (scene, fifo) = (Scene::of(run), run.directory.join("fifo"));
        let fifo_of_master = format!("--master-fifo={}", fifo.display());
        let arguments = [&fifo_of_master, "--disable-logging", "--add-header=Connection: close"];
        let command = uwsgi(scene.port, "tests/apps", "guarded", &arguments);
        let (server, first) = scene.start(command);
        let order = |letter| fs::write(&fifo, letter).expect("the master's fifo");
        // A worker that has to end exits at once when no request has begun, whatever it has accepted: one each.
        let chained = scene.reloads_but(2, "chain reload", server.pid, &first, || order("c"));
        let replaced = scene.replaces(server.pid, 0);
        scene.reloads_but(2, "reload by exec", server.pid, &(&chained | &replaced), || order("r"));
        scene.stops(server.pid, || order("q"));
        let status = server.ended();
        scene.complains_only(&["stderr"], &["running uWSGI as root"]);
        (status, ())
    });
    alarms_only(&run.report(), &HAZARDS);
}

/// A Ruby server with its configuration and the application that has something to guard.
fn ruby(program: &str, configuration: [&str; 2]) -> Command {
    let mut command = Command::new(program);
    command.arg(configuration[0]).arg(repository("tests/apps").join(configuration[1]));
    command.arg(repository("tests/apps/guarded.ru"));
    command
}

#[test]
fn unicorn_lives() {
    let (run, ()) = compare("guards-unicorn", |run| {
        let scene = Scene::of(run);
        let (mut server, first) = scene.start(ruby("unicorn", ["--config-file", "unicorn.rb"]));
        let old = server.pid;
        let reloaded = scene.reloads("HUP", old, &first, || server.signal(libc::SIGHUP));
        let replaced = scene.replaces(old, 0);
        scene.rotates(old, "begun");
        let (new, status) = scene.under_load("USR2 and QUIT", 0, || {
            server.signal(libc::SIGUSR2);
            let new = wait_for("the new master", || Some(pid_file(&run.directory.join("pid"))).filter(|&pid| pid != old));
            let upgraded = workers(new, 2, &(&reloaded | &replaced));
            server.signal(libc::SIGQUIT);
            let status = server.status();
            served_by(scene.port, &upgraded);
            (new, status)
        });
        scene.stops(new, || kill(new, libc::SIGQUIT));
        server.gone();
        scene.complains_only(&["stderr"], &["SIGKILL"]);
        (status, ())
    });
    alarms_only(&run.report(), &HAZARDS);
}

/// Puma's life: `phased` restarts need an application that each worker loads itself.
fn puma_lives(name: &str, configuration: &str, phased: bool) {
    let (run, ()) = compare(name, |run| {
        let scene = Scene::of(run);
        let (server, mut old) = scene.start(ruby("puma", ["--config", configuration]));
        // A worker that ends closes a connection whose request has not come yet, without the library, too: of wrk's four some may be such.
        if phased {
            old = scene.reloads_but(4, "USR1", server.pid, &old, || server.signal(libc::SIGUSR1));
        }
        // A worker that holds a request accepts others.
        old = &old | &scene.replaces(server.pid, 4);
        scene.reloads_but(4, "USR2", server.pid, &old, || server.signal(libc::SIGUSR2));
        scene.stops(server.pid, || server.signal(libc::SIGTERM));
        let status = server.ended();
        scene.complains_only(&["stderr", "stdout"], &["started in app boot"]);
        (status, ())
    });
    alarms_only(&run.report(), &HAZARDS);
}

#[test]
fn puma_lives_with_phased_restart() {
    puma_lives("guards-puma-phased", "puma-phased.rb", true);
}

#[test]
fn puma_lives_with_preload() {
    puma_lives("guards-puma", "puma-one.rb", false);
}

/// nginx of `directory` with this server.
fn nginx(directory: &Path, server: &str, arguments: &[&str]) -> Command {
    fs::copy(repository("tests/apps/nginx.conf"), directory.join("nginx.conf")).expect("nginx.conf");
    fs::write(directory.join("listen.conf"), server).expect("listen.conf");
    let mut command = Command::new("/usr/sbin/nginx");
    command.arg("-p").arg(directory).args(["-c", "nginx.conf", "-e", "error.log"]).args(arguments);
    command
}

#[test]
fn nginx_lives() {
    let (run, ()) = compare("guards-nginx", |run| {
        let (scene, pid) = (Scene::of(run), run.directory.join("pid"));
        let held = format!("proxy_set_header Held-By \"worker $pid\"; proxy_pass http://127.0.0.1:{};", scene.gate.port());
        let here = format!("listen 127.0.0.1:{}; location / {{ return 200 \"worker $pid\"; }}", scene.port);
        let log = format!("access_log {} query;", scene.begun().display());
        // It upgrades only when its parent has changed: as a daemon's has.
        let mut starter = scene.launch(nginx(
            &run.directory,
            &format!("log_format query $args; server {{ {here} {log} location /held {{ {held} }} }}"),
            &[],
        ));
        let started = starter.status();
        let old = pid_file(&pid);
        let server = Server::adopt(old);
        serves(scene.port);
        let first = server.workers(2, &Pids::new());
        let reloaded = scene.reloads("HUP", old, &first, || server.signal(libc::SIGHUP));
        let replaced = scene.replaces(old, 4);
        scene.rotates(old, "error.log");
        let new = scene.under_load("USR2 and QUIT", 0, || {
            server.signal(libc::SIGUSR2);
            let new = wait_for("the new master", || Some(pid_file(&pid)).filter(|&pid| pid != old));
            let upgraded = workers(new, 2, &(&reloaded | &replaced));
            server.signal(libc::SIGQUIT);
            ended(old);
            served_by(scene.port, &upgraded);
            new
        });
        scene.stops(new, || kill(new, libc::SIGQUIT));
        server.gone();
        scene.complains_only(&["error.log", "error.log.1"], &["exited on signal 9"]);
        ((started, pid.exists()), ())
    });
    no_alarm(&run.report());
}

#[test]
fn apache_lives() {
    let (run, ()) = compare("guards-apache", |run| {
        let scene = Scene::of(run);
        let mut command = Command::new("/usr/sbin/apache2");
        command.args(["-D", "FOREGROUND", "-f"]).arg(repository("tests/apps/apache.conf")).arg("-d").arg(&run.directory);
        command.arg("-c").arg(format!("SetEnv GATE {}", scene.gate.port()));
        command.arg("-c").arg(format!("SetEnv BEGUN {}", scene.begun().display()));
        command.env("DIRECTORY", &run.directory).env("APPS", repository("tests/apps"));
        let (server, first) = scene.start(command);
        scene.reloads("USR1", server.pid, &first, || server.signal(libc::SIGUSR1));
        scene.replaces(server.pid, 0);
        scene.stops(server.pid, || server.signal(libc::SIGWINCH));
        let status = server.ended();
        scene.complains_only(&["log"], &["exit signal Killed", "reached MaxRequestWorkers"]);
        (status, ())
    });
    no_alarm(&run.report());
}

#[test]
fn php_fpm_lives() {
    let (run, ()) = compare("guards-php-fpm", |run| {
        let (scene, fpm) = (Scene::of(run), free_port());
        let front = run.directory.join("nginx");
        fs::create_dir(&front).expect("directory");
        let script = repository("tests/apps/held.php");
        let parameters = format!("fastcgi_param SCRIPT_FILENAME {}; fastcgi_param GATE {};", script.display(), scene.gate.port());
        let own = "fastcgi_param REQUEST_METHOD $request_method; fastcgi_param REQUEST_URI $request_uri; fastcgi_param QUERY_STRING $args;";
        let own = format!("{own} fastcgi_param BEGUN {};", scene.begun().display());
        let pass = format!("location / {{ {parameters} {own} fastcgi_pass 127.0.0.1:{fpm}; }}");
        let front = nginx(&front, &format!("server {{ listen 127.0.0.1:{}; {pass} }}", scene.port), &["-g", "daemon off;"]);
        let front = scene.launch(front);
        let mut command = Command::new(php_fpm());
        command.args(["--no-php-ini", "--allow-to-run-as-root", "--fpm-config"]).arg(repository("tests/apps/php-fpm.conf"));
        command.arg("--prefix").arg(&run.directory).env("FPM", fpm.to_string());
        let (server, first) = scene.start(command);
        let reloaded = scene.reloads("USR2", server.pid, &first, || server.signal(libc::SIGUSR2));
        let replaced = scene.replaces(server.pid, 0);
        scene.reloads("USR2", server.pid, &(&reloaded | &replaced), || server.signal(libc::SIGUSR2));
        scene.stops(server.pid, || server.signal(libc::SIGQUIT));
        let status = server.ended();
        scene.complains_only(&["log"], &["exited on signal 9"]);
        ((status, front.stop(libc::SIGQUIT)), ())
    });
    no_alarm(&run.report());
}
