//! Load by wrk, and requests that are held until the test lets them go.
use super::server::{LIMIT, ask, kill, repository, wait_for};

use serde_json::Value;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// wrk: asks over four connections at once, each closed after its answer, until SIGINT.
pub struct Wrk {
    child: Child,
}

/// What wrk saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Answers of status 2xx or 3xx.
    pub answered: u64,
    /// Answers of status 4xx or 5xx.
    pub refused: u64,
    /// Connections that were not made, ended before their answer, or took too long.
    pub broken: u64,
}

impl Seen {
    /// Requests without a good answer.
    pub fn lost(&self) -> u64 {
        self.refused + self.broken
    }
}

impl Wrk {
    /// Starts it on `path`, and waits for its first answer.
    pub fn start(directory: &Path, port: u16, path: &str) -> Wrk {
        let answered = directory.join(format!("answered-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        let errors = File::create(answered.with_extension("stderr")).expect("file");
        let child = Command::new("wrk")
            .args(["--threads=1", "--connections=4", "--duration=1h", "--timeout=1m", "--header=Connection: close"])
            .arg("--script")
            .arg(repository("tests/apps/wrk.lua"))
            .arg(format!("http://127.0.0.1:{port}{path}"))
            .env("ANSWERED", &answered)
            .env_remove("LD_PRELOAD")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .expect("wrk: run scripts/setup");
        let wrk = Wrk { child };
        wait_for("wrk's first answer", || answered.exists().then_some(()));
        wrk
    }

    /// Ends it: its own count.
    pub fn finish(mut self) -> Seen {
        let wrk = self.child.id();
        wait_for("handler of wrk", || catches_interrupts(wrk).then_some(()));
        // More than once: a signal that comes before its main thread sleeps does not wake that.
        wait_for("end of wrk", || {
            kill(wrk, libc::SIGINT);
            self.child.try_wait().expect("wait")
        });
        let mut summary = String::new();
        self.child.stdout.take().expect("its output").read_to_string(&mut summary).expect("UTF-8");
        let counts: Value = summary
            .lines()
            .last()
            .and_then(|line| serde_json::from_str(line).ok())
            .unwrap_or_else(|| panic!("wrk's summary: {summary}"));
        let count = |name: &str| counts[name].as_u64().expect("a count");
        let broken = ["connect", "read", "write", "timeout"].into_iter().map(count).sum();
        Seen { answered: count("asked") - count("status"), refused: count("status"), broken }
    }
}

fn catches_interrupts(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("its handlers");
    u64::from_str_radix(caught.trim(), 16).expect("a mask") & 1 << (libc::SIGINT - 1) != 0
}

impl Drop for Wrk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A listener that applications connect to when they hold a request for `/held`.
pub struct Gate {
    listener: TcpListener,
}

/// A request that a worker holds.
pub struct Held {
    /// The worker.
    pub worker: u32,
    line: TcpStream,
    answer: JoinHandle<Result<String, String>>,
}

impl Gate {
    /// Opens one.
    pub fn open() -> Gate {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        listener.set_nonblocking(true).expect("a listener that does not wait");
        Gate { listener }
    }

    /// What the application's environment must name.
    pub fn port(&self) -> String {
        self.listener.local_addr().expect("an address").port().to_string()
    }

    /// Asks for `/held`; returns when a worker holds the request.
    pub fn hold(&self, port: u16) -> Held {
        let answer = thread::spawn(move || ask(port, "/held"));
        let (mut line, _) = wait_for("held request", || self.listener.accept().ok());
        line.set_read_timeout(Some(LIMIT)).expect("a timeout");
        let worker = named(&mut line);
        Held { worker, line, answer }
    }
}

/// The worker that `line` names.
fn named(line: &mut TcpStream) -> u32 {
    let (mut text, mut part) = (String::new(), [0; 512]);
    loop {
        let count = line.read(&mut part).expect("a worker's name");
        assert_ne!(count, 0, "the end after {text:?}");
        text.push_str(str::from_utf8(&part[..count]).expect("UTF-8"));
        let number = text.split_once("worker ").and_then(|(_, rest)| rest.split_once(['\r', '\n']));
        if let Some((pid, _)) = number {
            return pid.parse().expect("a pid");
        }
    }
}

impl Held {
    /// Lets go: the answer, or what became of it.
    pub fn answer(mut self) -> Result<String, String> {
        // A proxy passes it on; an application only waits for it. One that was killed does not.
        let _ = write!(self.line, "HTTP/1.0 200 OK\r\n\r\nworker {}\n", self.worker);
        drop(self.line);
        self.answer.join().expect("the client")
    }
}
