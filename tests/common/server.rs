//! Real servers: started on loopback with and without the library, asked, signalled, and ended by pid.
use super::hit::hit_kinds;
use super::{Entry, Report, guarded, library, scratch, without_options};
pub use super::{LIMIT, wait_for};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, JoinHandle};

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A program of the virtual environment that scripts/setup makes.
pub fn venv(program: &str) -> Command {
    let path = repository("target/venv/bin").join(program);
    assert!(path.exists(), "{} is missing: run scripts/setup", path.display());
    let mut command = Command::new(path);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// php-fpm of the newest PHP that is installed.
pub fn php_fpm() -> PathBuf {
    let programs = fs::read_dir("/usr/sbin").expect("/usr/sbin").map(|entry| entry.expect("entry").path());
    let fpm = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("php-fpm"));
    programs.filter(fpm).max().expect("php-fpm: run scripts/setup")
}

/// gunicorn --preload with two workers and an application of `directory`.
pub fn gunicorn(port: u16, directory: &str, application: &str, arguments: &[&str]) -> Command {
    let mut command = venv("gunicorn");
    command.args(["--preload", "--workers=2", "--graceful-timeout=60", "--bind"]).arg(format!("127.0.0.1:{port}"));
    command.arg("--chdir").arg(repository(directory)).args(arguments).arg(application);
    command
}

/// uWSGI with a master, two workers and an application of `directory`, loaded before the fork. Of an option that is given twice the last counts.
pub fn uwsgi(port: u16, directory: &str, module: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("uwsgi");
    command.args(["--plugin=python3", "--master", "--processes=2", "--enable-threads", "--need-app"]);
    command.arg(format!("--http-socket=127.0.0.1:{port}")).arg("--chdir").arg(repository(directory));
    command.args(arguments).arg(format!("--module={module}")).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A port that nobody listens on, below the range that the kernel gives to clients.
pub fn free_port() -> u16 {
    let start = process::id() * 37;
    (0..10_000)
        .map(|_| 20_000 + ((start + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000) as u16)
        .find(|&port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
        .expect("a free port")
}

/// A loopback address of its own with a service's usual `port`, by which a report names the service.
pub fn free_address(port: u16) -> SocketAddrV4 {
    let candidate = |_| {
        let own = process::id() * 37 + NEXT.fetch_add(1, Ordering::Relaxed);
        SocketAddrV4::new(
            Ipv4Addr::new(127, (1 + own / 62_500 % 250) as u8, (own / 250 % 250) as u8, (1 + own % 250) as u8),
            port,
        )
    };
    (0..1000).map(candidate).find(|address| TcpListener::bind(address).is_ok()).expect("an address where the port is free")
}

/// One run of a scenario: under the library or, as its control, without.
pub struct Run {
    /// Its own directory: where its programs run and write.
    pub directory: PathBuf,
    /// Under the library.
    pub guarded: bool,
}

/// Runs `scenario` without and with the library: the first part of its result must be the same. Gives the run with the library
/// and the other part of its result.
pub fn compare<T: Debug + PartialEq, R>(name: &str, scenario: impl Fn(&Run) -> (T, R)) -> (Run, R) {
    let run = |guarded| {
        let directory = scratch(&format!("{name}-{}", if guarded { "guarded" } else { "control" }));
        Run { directory, guarded }
    };
    let (control, guarded) = (run(false), run(true));
    let (expected, _) = scenario(&control);
    let (observed, rest) = scenario(&guarded);
    assert_eq!(observed, expected, "{name}: with the library (left) and without (right)");
    (guarded, rest)
}

impl Run {
    /// Where the report of this run goes.
    pub fn report_directory(&self) -> PathBuf {
        self.directory.join("report")
    }

    /// The report as it stands.
    pub fn report(&self) -> Report {
        Report::read(&self.report_directory())
    }

    /// The report of a server that still writes it.
    pub fn report_so_far(&self) -> Report {
        Report::so_far(&self.report_directory())
    }

    /// A run under the library that is compared with nothing: a worker that hits a hazard may hang without it, too.
    pub fn guarded(name: &str) -> Run {
        Run { directory: scratch(name), guarded: true }
    }

    /// Starts `command` here in a process group of its own; its output goes to files.
    pub fn start(&self, command: Command) -> Server {
        Server::start(self.prepare(command), &self.directory)
    }

    /// The same with standard error of the caller's choice.
    pub fn start_with(&self, command: Command, stderr: impl Into<Stdio>) -> Server {
        Server::start_with(self.prepare(command), &self.directory, stderr)
    }

    fn prepare(&self, mut command: Command) -> Command {
        if self.guarded {
            guarded(&mut command, &self.report_directory());
        } else {
            without_options(&mut command);
        }
        command
    }

    /// What forkguard printed among the server's own lines.
    pub fn printed(&self) -> Vec<String> {
        printed(&self.directory)
    }
}

fn printed(directory: &Path) -> Vec<String> {
    let text = fs::read(directory.join("stderr")).expect("stderr");
    let text = String::from_utf8_lossy(&text);
    text.lines().filter(|line| line.starts_with("forkguard")).map(String::from).collect()
}

/// A server and all processes of its group; they end with the value.
pub struct Server {
    /// The first process: the leader of the group.
    pub pid: u32,
    group: i32,
    child: Option<Child>,
    /// Of each worker of uWSGI; 1 elsewhere.
    threads: usize,
}

/// What `--threads=` of uWSGI's says.
fn threads_of_uwsgi(command: &Command) -> usize {
    let arguments = command.get_args().filter_map(|argument| argument.to_str()?.strip_prefix("--threads="));
    let threads = arguments.last().filter(|_| command.get_program() == "uwsgi");
    threads.map_or(1, |threads| threads.parse().expect("a number of threads"))
}

fn output(directory: &Path, name: &str) -> File {
    File::create(directory.join(name)).expect("output file")
}

impl Server {
    /// Starts `command` in a process group of its own; its output goes to `stdout` and `stderr` in `directory`.
    pub fn start(command: Command, directory: &Path) -> Server {
        Server::start_with(command, directory, output(directory, "stderr"))
    }

    fn start_with(mut command: Command, directory: &Path, stderr: impl Into<Stdio>) -> Server {
        command.current_dir(directory).process_group(0);
        command.stdin(Stdio::null()).stdout(output(directory, "stdout")).stderr(stderr);
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Server { pid: child.id(), group: child.id() as i32, child: Some(child), threads: threads_of_uwsgi(&command) }
    }

    /// A daemon that made a session of its own.
    pub fn adopt(pid: u32) -> Server {
        let group = processes().into_iter().find(|process| process.pid == pid).expect("the daemon lives").group;
        // SAFETY: getpgrp has no conditions.
        let own = unsafe { libc::getpgrp() };
        assert_ne!(group, own, "a daemon leaves the group it was started from");
        Server { pid, group, child: None, threads: 1 }
    }

    /// Sends the first process a signal. A thread of uWSGI's that takes the signal which is to end its worker, before it blocks all signals, ends Python
    /// itself and waits for the worker's first thread, for ever: without the library, too.
    pub fn signal(&self, signal: i32) {
        wait_for("threads that block signals", || {
            children(self.pid).into_iter().all(|worker| blocking_threads(worker) >= self.threads - 1).then_some(())
        });
        kill(self.pid, signal);
    }

    /// The exit status once the first process has ended by itself.
    pub fn status(&mut self) -> ExitStatus {
        let child = self.child.as_mut().expect("not a daemon");
        wait_for("end of the server", || child.try_wait().expect("wait"))
    }

    /// Two workers answer on `port`, and two others after a reload by SIGHUP; then the server ends well.
    pub fn serves_across_a_reload(self, port: u16) {
        let first = self.workers(2, &BTreeSet::new());
        served_by(port, &first);
        // Each worker is another fork.
        self.signal(libc::SIGHUP);
        let second = self.workers(2, &first);
        served_by(port, &second);
        assert!(self.stop(libc::SIGTERM).success());
    }

    /// Asks the server to stop: its exit status, once no process of its group is left.
    pub fn stop(self, signal: i32) -> ExitStatus {
        self.signal(signal);
        self.ended()
    }

    /// The exit status, once no process of the group is left.
    pub fn ended(mut self) -> ExitStatus {
        let status = self.status();
        self.gone();
        status
    }

    /// Waits until no process of the group lives.
    pub fn gone(&self) {
        wait_for("end of the group", || processes().iter().all(|process| process.group != self.group).then_some(()));
    }

    /// Waits until the first process has `count` children, none of them one of `old`; gives their pids.
    pub fn workers(&self, count: usize, old: &BTreeSet<u32>) -> BTreeSet<u32> {
        workers(self.pid, count, old)
    }

    /// The pids of the first process's children.
    pub fn workers_now(&self) -> BTreeSet<u32> {
        children(self.pid)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SAFETY: signals a group of processes that this value started.
        unsafe { libc::kill(-self.group, libc::SIGKILL) };
        if let Some(child) = &mut self.child {
            let _ = child.wait();
        }
    }
}

/// Waits until `parent` has `count` children, none of them one of `old`; gives their pids.
pub fn workers(parent: u32, count: usize, old: &BTreeSet<u32>) -> BTreeSet<u32> {
    let new = |workers: &BTreeSet<u32>| workers.len() == count && workers.is_disjoint(old);
    wait_for(&format!("{count} workers, none of {old:?}"), || Some(children(parent)).filter(new))
}

/// The pids of `parent`'s children.
pub fn children(parent: u32) -> BTreeSet<u32> {
    processes().into_iter().filter(|process| process.parent == parent).map(|process| process.pid).collect()
}

/// Sends `pid` a signal.
pub fn kill(pid: u32, signal: i32) {
    // SAFETY: signals one process that the test started.
    let result = unsafe { libc::kill(pid as i32, signal) };
    assert_eq!(result, 0, "signal {signal} to {pid}: {}", io::Error::last_os_error());
}

/// Waits until `pid` lives no more.
pub fn ended(pid: u32) {
    wait_for("end of the process", || processes().iter().all(|process| process.pid != pid).then_some(()));
}

struct Process {
    pid: u32,
    parent: u32,
    group: i32,
}

/// All living processes; a zombie lives no more.
fn processes() -> Vec<Process> {
    let pids = fs::read_dir("/proc").expect("/proc").filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let living = !matches!(fields[0], "Z" | "X");
        living.then_some(Process { pid, parent: fields[1].parse().ok()?, group: fields[2].parse().ok()? })
    })
    .collect()
}

/// How many threads of a process block SIGINT themselves: as it makes a thread, glibc blocks all signals there for a moment, its own two included.
fn blocking_threads(pid: u32) -> usize {
    const INT: u64 = 1 << (libc::SIGINT - 1);
    const GLIBCS: u64 = 0b11 << 31;
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let statuses = threads.filter_map(|thread| fs::read_to_string(thread.path().join("status")).ok());
    let blocks = |status: &String| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).expect("SigBlk");
        u64::from_str_radix(mask.trim(), 16).expect("a mask") & (INT | GLIBCS) == INT
    };
    statuses.filter(blocks).count()
}

/// The pid in a file, once it stands there and lives.
pub fn pid_file(path: &Path) -> u32 {
    wait_for(&format!("pid in {}", path.display()), || {
        let pid = fs::read_to_string(path).ok()?.trim().parse().ok()?;
        processes().iter().any(|process| process.pid == pid).then_some(pid)
    })
}

/// One request for `/` on a connection of its own: the answer's body, or what went wrong.
pub fn get(port: u16) -> Result<String, String> {
    ask(port, "/")
}

/// The same for any path.
pub fn ask(port: u16, path: &str) -> Result<String, String> {
    let ask = || answer_to(request(connect(port)?, path)?);
    body_of(&ask().map_err(|error: io::Error| error.to_string())?)
}

fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(LIMIT))?;
    Ok(stream)
}

fn request(mut stream: TcpStream, path: &str) -> io::Result<TcpStream> {
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes())?;
    Ok(stream)
}

fn answer_to(mut stream: TcpStream) -> io::Result<String> {
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn body_of(answer: &str) -> Result<String, String> {
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.split(' ').nth(1) == Some("200") => Ok(body.to_string()),
        _ => Err(format!("no answer: {answer:?}")),
    }
}

/// Sends a request for `/` once `port` listens, and waits for no answer.
pub fn send_request(port: u16) -> TcpStream {
    send_request_for(port, "/")
}

/// The same for any path.
pub fn send_request_for(port: u16, path: &str) -> TcpStream {
    let mut stream = wait_for("the port", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok());
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).expect("request");
    stream
}

/// Waits until `port` answers.
pub fn serves(port: u16) -> String {
    wait_for(&format!("answer on port {port}"), || get(port).ok())
}

/// Asks until `pids` are exactly those that answer in the end: every one of them did, and no other since. By as many connections at once: the
/// kernel may give one after the other to the same worker (EPOLLEXCLUSIVE).
pub fn served_by(port: u16, pids: &BTreeSet<u32>) {
    let mut seen = BTreeSet::new();
    wait_for(&format!("answers of {pids:?}"), || {
        for answer in answers_at_once(port, pids.len()).expect("answers") {
            let answer = body_of(&answer).expect("an answer");
            let pid = answer.trim().strip_prefix("worker ").and_then(|pid| pid.parse().ok());
            let pid: u32 = pid.unwrap_or_else(|| panic!("not a worker's answer: {answer:?}"));
            assert!(pids.contains(&pid), "{pid} answered, not one of {pids:?}");
            seen.insert(pid);
        }
        (seen == *pids).then_some(())
    });
}

/// Connects so many times, then asks by all of these connections.
fn answers_at_once(port: u16, count: usize) -> io::Result<Vec<String>> {
    let connected = (0..count).map(|_| connect(port)).collect::<io::Result<Vec<_>>>()?;
    let asked = connected.into_iter().map(|stream| request(stream, "/")).collect::<io::Result<Vec<_>>>()?;
    asked.into_iter().map(answer_to).collect()
}

/// Clients that ask all the time, from several connections at once.
pub struct Load {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<(usize, Vec<String>)>>,
}

impl Load {
    /// Starts four clients.
    pub fn start(port: u16) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let client = |_| {
            let stop = Arc::clone(&stop);
            thread::spawn(move || {
                let (mut answered, mut lost) = (0, Vec::new());
                while !stop.load(Ordering::Relaxed) || (answered < 25 && lost.is_empty()) {
                    match get(port) {
                        Ok(_) => answered += 1,
                        Err(error) => lost.push(error),
                    }
                }
                (answered, lost)
            })
        };
        let clients = (0..4).map(client).collect();
        Load { stop, clients }
    }

    /// Ends the clients, each after 25 answers at least: no request may have been lost.
    pub fn finish(self) {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            let (answered, lost) = client.join().expect("client");
            assert_eq!(lost, Vec::<String>::new(), "lost requests, {answered} answered");
        }
    }
}

/// A PostgreSQL of its own on loopback.
pub struct Postgres {
    /// Where it listens.
    pub address: SocketAddrV4,
    directory: PathBuf,
    server: Option<Server>,
}

/// A program of the newest PostgreSQL that is installed.
pub fn postgres_program(name: &str) -> Command {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL: run scripts/setup");
    let newest = versions.map(|entry| entry.expect("entry").path()).max().expect("a version of PostgreSQL");
    Command::new(newest.join("bin").join(name))
}

/// PostgreSQL refuses to run as root: then its own account's number.
fn account() -> Option<u32> {
    (user_id("root") == own_id()).then(|| user_id("postgres"))
}

impl Postgres {
    /// Makes a cluster and starts it.
    pub fn start(name: &str) -> Postgres {
        Postgres::start_in(name, false)
    }

    /// The same, itself under the library or not.
    pub fn start_in(name: &str, guarded: bool) -> Postgres {
        Postgres::start_with(name, &[], guarded.then_some(&[]))
    }

    /// The same with settings of its own, and under the library with these options.
    pub fn start_with(name: &str, settings: &[&str], options: Option<&[(&str, &str)]>) -> Postgres {
        let mut postgres = Postgres::make(name);
        postgres.run(settings, options);
        postgres
    }

    /// A cluster that does not run yet.
    pub fn make(name: &str) -> Postgres {
        // Outside the repository: the user postgres must reach it.
        let directory = std::env::temp_dir().join(format!("forkguard-{name}-{}", process::id()));
        fs::create_dir(&directory).expect("directory");
        let postgres = Postgres { address: free_address(5432), directory, server: None };
        if let Some(account) = account() {
            chown(&postgres.directory, Some(account), None).expect("chown");
        }
        fs::copy(library(), postgres.directory.join("libforkguard.so")).expect("library");
        let mut initdb = postgres.command("initdb");
        initdb.args(["--username=demo", "--auth=trust", "--no-sync", "--no-locale", "--encoding=UTF8"]);
        let mut initdb = Server::start(initdb, &postgres.directory);
        assert!(initdb.status().success(), "{:?}", fs::read_to_string(postgres.directory.join("stderr")));
        postgres
    }

    /// Starts it, for the first time or after [`Postgres::stop`]: see [`Postgres::start_with`]. What was reported before is gone.
    pub fn run(&mut self, settings: &[&str], options: Option<&[(&str, &str)]>) {
        let _ = fs::remove_dir_all(self.report_directory());
        let mut command = self.command("postgres");
        let (address, port) = (format!("listen_addresses={}", self.address.ip()), self.address.port().to_string());
        command.args(["-p", &port, "-c", &address, "-c", "unix_socket_directories=", "-c", "fsync=off"]);
        command.args(settings.iter().flat_map(|setting| ["-c", setting]));
        if let Some(options) = options {
            guarded(&mut command, &self.report_directory());
            command.env("LD_PRELOAD", self.directory.join("libforkguard.so")).envs(options.iter().copied());
        }
        self.server = Some(Server::start(command, &self.directory));
        wait_for("PostgreSQL", || TcpStream::connect(self.address).ok());
        wait_for("PostgreSQL's readiness", || {
            let log = fs::read_to_string(self.directory.join("stderr")).ok()?;
            log.contains("ready to accept connections").then_some(())
        });
    }

    /// What psycopg2 connects with.
    pub fn url(&self) -> String {
        format!("host={} port={} user=demo dbname=postgres", self.address.ip(), self.address.port())
    }

    /// The pid of its first process.
    pub fn pid(&self) -> u32 {
        self.server.as_ref().expect("a server that runs").pid
    }

    /// Where its report goes, when it is under the library.
    pub fn report_directory(&self) -> PathBuf {
        self.directory.join("report")
    }

    /// Its report.
    pub fn report(&self) -> Report {
        Report::read(&self.report_directory())
    }

    /// What forkguard printed in its log.
    pub fn printed(&self) -> Vec<String> {
        printed(&self.directory)
    }

    /// Stops it, as a service manager does.
    pub fn stop(&mut self) -> ExitStatus {
        self.server.take().expect("a server that runs").stop(libc::SIGINT)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = postgres_program(program);
        without_options(&mut command).env("PGDATA", self.directory.join("data"));
        if let Some(account) = account() {
            command.uid(account);
        }
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.signal(libc::SIGINT);
            let _ = server.child.as_mut().expect("child").wait();
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// `key.pem` and `certificate.pem` of a server at that address.
pub fn make_certificate(directory: &Path, address: Ipv4Addr) {
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
    openssl.args(["-subj", "/CN=forkguard", "-addext"]).arg(format!("subjectAltName=IP:{address}"));
    openssl.args(["-keyout", "key.pem", "-out", "certificate.pem"]);
    without_options(&mut openssl);
    assert!(Server::start(openssl, directory).status().success());
}

/// The id of the user that runs the tests.
pub fn own_id() -> u32 {
    // SAFETY: geteuid has no conditions.
    unsafe { libc::geteuid() }
}

fn user_id(name: &str) -> u32 {
    let users = fs::read_to_string("/etc/passwd").expect("/etc/passwd");
    let mut found = users.lines().map(|line| line.split(':')).filter(|fields| fields.clone().next() == Some(name));
    found.next().and_then(|mut fields| fields.nth(2)?.parse().ok()).unwrap_or_else(|| panic!("no user {name}"))
}

/// The forks that made a server's workers: a full `fork` event for each worker, and a `child` event of each that lives on.
pub struct WorkerForks<'a> {
    /// The forks of kind `fork` that the leader made.
    pub forks: Vec<&'a Entry>,
}

impl<'a> WorkerForks<'a> {
    /// The forks that made `workers`; each must list the leader's threads and memory, and each worker must have settled.
    pub fn of(report: &'a Report, leader: u32, workers: &BTreeSet<u32>) -> WorkerForks<'a> {
        let made = |entry: &&Entry| entry.line.pid == leader && entry.json["kind"] == "fork" && entry.json["detail"] == "full";
        let forks: Vec<_> = report.events("fork").filter(made).filter(|entry| workers.contains(&child(entry))).collect();
        assert_eq!(
            &forks.iter().map(|entry| child(entry)).collect::<BTreeSet<u32>>(),
            workers,
            "a full fork event for each worker"
        );
        let settled: BTreeSet<u32> = report.events("child").map(|entry| entry.line.pid).collect();
        assert!(settled.is_superset(workers), "child events of {settled:?}, not of all {workers:?}");
        for fork in &forks {
            assert!(list(fork, "threads").any(|thread| thread["forking"] == true), "the forking thread: {}", fork.text);
            assert!(fork.json["memory"]["rss"].as_u64().is_some_and(|kilobytes| kilobytes > 0), "memory: {}", fork.text);
        }
        WorkerForks { forks }
    }

    /// Every fork lists a listening socket whose own address contains `address`.
    pub fn listens(self, address: &str) -> WorkerForks<'a> {
        let listening = |descriptor: &&Value| {
            let socket = &descriptor["socket"];
            socket["role"] == "listening" && socket["local"].as_str().is_some_and(|local| local.contains(address))
        };
        for fork in &self.forks {
            assert!(list(fork, "descriptors").any(|descriptor| listening(&descriptor)), "listening on {address}: {}", fork.text);
        }
        self
    }

    /// Every fork lists a handler for each of `signals`.
    pub fn handles(self, signals: &[&str]) -> WorkerForks<'a> {
        for fork in &self.forks {
            let handled: Vec<_> = list(fork, "signals").filter(|signal| signal["disposition"] == "handler").collect();
            for name in signals {
                assert!(handled.iter().any(|signal| signal["signal"] == *name), "a handler of {name}: {}", fork.text);
            }
        }
        self
    }
}

fn child(fork: &Entry) -> u32 {
    fork.json["child"].as_u64().map_or(0, |pid| pid as u32)
}

/// A list of an event.
pub fn list<'a>(entry: &'a Entry, name: &str) -> impl Iterator<Item = &'a Value> {
    entry.json[name].as_array().expect("a list").iter()
}

/// Every one of `workers` has a finding of this kind whose subject contains `subject`.
pub fn found(report: &Report, workers: &BTreeSet<u32>, kind: &str, subject: &str) {
    let about = |entry: &&Entry| entry.json["subject"].as_str().is_some_and(|text| text.contains(subject));
    let children: BTreeSet<u32> = report.findings(kind).filter(about).map(child).collect();
    let all: Vec<_> = report.findings(kind).map(|entry| entry.text).collect();
    assert!(children.is_superset(workers), "{kind} about {subject:?} for each of {workers:?}; there is {all:#?}");
}

/// No finding of the report alarms in its last state.
pub fn no_alarm(report: &Report) {
    let mut alarms = report.last_states();
    alarms.retain(|finding| finding["severity"] != "info" && (finding["state"] == "open" || finding["state"] == "hit"));
    assert!(alarms.is_empty(), "{alarms:#?}");
    assert_eq!(report.misplaced(), Vec::<&str>::new(), "changes of findings that are not there");
}

/// Findings of these kinds are hit in the end, and none of another kind.
pub fn only_hits(report: &Report, kinds: &[&str]) {
    let hits: Vec<_> = report.events("finding").filter(|entry| entry.json["state"] == "hit").map(|entry| entry.text).collect();
    assert_eq!(hit_kinds(report), kinds.iter().copied().collect(), "{hits:#?}");
    assert_eq!(report.misplaced(), Vec::<&str>::new(), "changes of findings that are not there");
}

/// No finding is hit in the end.
pub fn no_hits(report: &Report) {
    only_hits(report, &[]);
}
