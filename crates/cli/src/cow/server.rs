//! A server that is started for a measurement, and the load on it.
use crate::server::LIBRARY_VARIABLE;
use forkguard_process::sharing::workers_of;
use forkguard_process::{processes, status};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a server may take until it has workers, and until it has ended.
const READY: Duration = Duration::from_secs(120);
const ENDS: Duration = Duration::from_secs(10);
/// Its workers are complete when none was added for so long.
const STEADY: Duration = Duration::from_secs(2);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);
/// Requests at once, and seconds that an answer may take.
const AT_ONCE: usize = 8;
const TIMEOUT: u64 = 30;

/// A URL that can be asked for.
pub(super) fn address(text: &str) -> Result<String, String> {
    let is_http = text.strip_prefix("http://").is_some_and(|rest| !rest.is_empty());
    if is_http { Ok(text.to_owned()) } else { Err("not of the form http://HOST:PORT/PATH".to_owned()) }
}

/// A server; it ends with this value.
pub(super) struct Server {
    child: Child,
    pub(super) leader: u32,
    pub(super) workers: Vec<u32>,
    /// From its start until its workers were there and did not grow any more.
    pub(super) ready: Duration,
}

/// Starts a program and waits until its workers are there and have loaded what they need, and until somebody listens where a URL is given. Its output goes where errors go.
pub(super) fn start(command: &[OsString], environment: &[(&str, OsString)], url: Option<&str>) -> Result<Server, String> {
    let errors = io::stderr().as_fd().try_clone_to_owned().map_err(|error| error.to_string())?;
    let mut program = Command::new(&command[0]);
    program
        .args(&command[1..])
        .env_remove(LIBRARY_VARIABLE)
        .envs(environment.iter().cloned())
        .stdin(Stdio::null())
        .stdout(errors);
    let begun = Instant::now();
    let child = program.spawn().map_err(|error| format!("cannot start {}: {error}", command[0].display()))?;
    let mut server = Server { leader: child.id(), child, workers: Vec::new(), ready: Duration::ZERO };
    server.wait_until_steady()?;
    while !url.is_none_or(listens) {
        sleep(PAUSE);
        server.wait_until_steady()?;
    }
    server.ready = begun.elapsed().saturating_sub(STEADY);
    Ok(server)
}

impl Server {
    /// Waits until it has workers, none was added for a while, and none grows: one that still loads its application does.
    pub(super) fn wait_until_steady(&mut self) -> Result<(), String> {
        let begun = Instant::now();
        let (mut since, mut resident) = (begun, 0);
        while since.elapsed() < STEADY || self.workers.is_empty() {
            if begun.elapsed() > READY || matches!(self.child.try_wait(), Ok(Some(_))) {
                return Err("the program has ended, or has no workers: only a server that forks can be measured".to_owned());
            }
            let (is_new, now) = (self.find_workers(), self.resident_pages());
            if is_new || now != resident {
                (since, resident) = (Instant::now(), now);
            }
            sleep(PAUSE);
        }
        Ok(())
    }

    /// Looks for the process below the program that has most workers; true when they are not those of before.
    fn find_workers(&mut self) -> bool {
        let families = below(self.child.id()).into_iter().map(|pid| (pid, workers_of(pid)));
        let Some((leader, workers)) = families.max_by_key(|(_, workers)| workers.len()) else { return false };
        let is_new = workers != self.workers;
        (self.leader, self.workers) = (leader, workers);
        is_new
    }

    /// The second words of statm.
    fn resident_pages(&self) -> u64 {
        let resident = |&pid: &u32| {
            let statm = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
            statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0)
        };
        self.workers.iter().chain([&self.leader]).map(resident).sum()
    }
}

/// True when somebody listens there. Nothing is asked for: that would copy already.
fn listens(url: &str) -> bool {
    let host = url.strip_prefix("http://").unwrap_or(url).split('/').next().unwrap_or_default();
    let address = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    TcpStream::connect(address).is_ok()
}

/// A process and all below it.
fn below(pid: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = processes().filter_map(|pid| Some((pid, status(pid).ok()?.parent))).collect();
    let (mut found, mut next) = (vec![pid], 0);
    while let Some(&parent) = found.get(next) {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found
}

fn send(pid: u32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid as i32) {
        let _ = kill_process(pid, signal);
    }
}

impl Drop for Server {
    /// By SIGINT, which servers take for their end; what is left then is killed.
    fn drop(&mut self) {
        let all = below(self.child.id());
        send(self.child.id(), Signal::INT);
        let begun = Instant::now();
        while begun.elapsed() < ENDS && matches!(self.child.try_wait(), Ok(None)) {
            sleep(PAUSE);
        }
        if matches!(self.child.try_wait(), Ok(None)) {
            all.into_iter().for_each(|pid| send(pid, Signal::KILL));
            let _ = self.child.wait();
        }
    }
}

/// What happens while workers are watched.
pub(super) enum Load<'a> {
    Requests(&'a str, usize),
    Time(Duration),
}

/// What came of it.
pub(super) struct Loaded {
    pub(super) seconds: f64,
    pub(super) answered: usize,
    pub(super) failures: usize,
}

impl Load<'_> {
    pub(super) fn run(&self) -> Loaded {
        let begun = Instant::now();
        let (answered, failures) = match *self {
            Load::Requests(url, number) => ask(url, number),
            Load::Time(time) => {
                sleep(time);
                (0, 0)
            }
        };
        Loaded { seconds: begun.elapsed().as_secs_f64(), answered, failures }
    }
}

/// Asks that often, and counts answers below status 500 and what else there was.
fn ask(url: &str, number: usize) -> (usize, usize) {
    let [sent, answered] = [const { AtomicUsize::new(0) }; 2];
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while sent.fetch_add(1, Relaxed) < number {
                    let answer = minreq::get(url).with_timeout(TIMEOUT).with_follow_redirects(false).send();
                    answered.fetch_add(usize::from(answer.is_ok_and(|answer| answer.status_code < 500)), Relaxed);
                }
            });
        }
    });
    let answered = answered.into_inner();
    (answered, number - answered)
}
