//! `forkguard top`: a table of a real server, and on a terminal.
mod common;

use common::hit::line;
use common::server::*;
use common::terminal::on_terminal;
use common::{ended, tool};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};

fn once(arguments: &[&str]) -> String {
    let output = Command::new(tool()).arg("top").args(arguments).output().expect("the tool runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The row of a process.
fn row(table: &str, pid: u32) -> String {
    let is_row = |line: &&str| line.split_whitespace().next() == Some(&pid.to_string());
    table.lines().find(is_row).unwrap_or_else(|| panic!("no {pid} in:\n{table}")).to_owned()
}

#[test]
fn a_hung_worker_of_gunicorns() {
    let run = Run::guarded("top-gunicorn");
    let port = free_port();
    let server = run.start(gunicorn(port, "tests/apps/inspect", "held_lock:app", &["--workers=1", "--timeout=0"]));
    let worker = *server.workers(1, &Default::default()).first().expect("a worker");
    drop(send_request(port));
    wait_for("a hit", || (run.report_so_far().findings("lock-deadlock").count() > 0).then_some(()));
    let place = format!("held_lock.py:{} in app", line(&repository("tests/apps/inspect/held_lock.py"), "waits"));
    // Leaders that have the library are found, and a process that is named.
    for arguments in [&["--once"][..], &["--once", &server.pid.to_string()]] {
        let table = once(arguments);
        let (leader, worker) = (row(&table, server.pid), row(&table, worker));
        assert!(leader.contains(" gunicorn ") && !leader.contains("hangs"), "{table}");
        assert!(worker.contains("hangs: semaphore at 0x") && worker.contains(&place) && worker.contains(" hit"), "{table}");
    }
    kill(worker, libc::SIGKILL);
    server.stop(libc::SIGTERM);
}

#[test]
fn who_is_not_there() {
    let output = Command::new(tool()).args(["top", "--once", &(u32::MAX / 2).to_string()]).output().expect("the tool runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no process"));
}

const ENTERS: &str = "\u{1b}[?1049h";
const LEAVES: &str = "\u{1b}[?1049l";

/// `top` of this very process on a terminal, and what it has drawn until `word`.
fn on_screen() -> (Child, File) {
    let mut command = Command::new(tool());
    command.args(["top", &std::process::id().to_string()]).env("TERM", "xterm-256color");
    let master = on_terminal(&mut command);
    (command.spawn().expect("starts"), master)
}

fn until(master: &mut File, word: &str) -> String {
    let mut drawn = Vec::new();
    while !String::from_utf8_lossy(&drawn).contains(word) {
        let mut bytes = [0; 4096];
        let length = master.read(&mut bytes).expect("output");
        drawn.extend_from_slice(&bytes[..length]);
    }
    String::from_utf8_lossy(&drawn).into_owned()
}

#[test]
fn keys_and_the_terminals_restoration() {
    let (mut top, mut master) = on_screen();
    let size = libc::winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the size of a terminal that is open.
    unsafe { libc::ioctl(std::os::fd::AsRawFd::as_raw_fd(&master), libc::TIOCSWINSZ, &size) };
    until(&mut master, ENTERS);
    until(&mut master, "GROWTH");
    master.write_all(b"?").expect("a key");
    until(&mut master, "PgDn");
    master.write_all(b"q").expect("a key");
    until(&mut master, "GROWTH");
    master.write_all(b"\r").expect("a key");
    until(&mut master, "stood");
    master.write_all(b"qq").expect("keys");
    until(&mut master, LEAVES);
    assert!(ended(&mut top).success());
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let (mut top, mut master) = on_screen();
    until(&mut master, ENTERS);
    kill(top.id(), libc::SIGTERM);
    until(&mut master, LEAVES);
    assert_eq!(ended(&mut top).signal(), Some(libc::SIGTERM));
}

#[test]
fn a_terminal_that_goes_away_ends_it() {
    let (mut top, mut master) = on_screen();
    until(&mut master, ENTERS);
    drop(master);
    // By SIGHUP, or because nothing can be read any more.
    assert!(!ended(&mut top).success());
}
