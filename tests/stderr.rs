//! Where words about children are printed, and where they are only in the report.
mod common;

use common::fixture::Fixture;
use common::{Report, ended, guarded, scratch};
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Its child lives on without one of its threads.
fn program() -> PathBuf {
    Fixture::new("special/forks.c").build().expect("builds")
}

/// What a guarded command writes to the one place that is its output and its errors.
fn output_of(mut command: Command, report: &Path, writer: impl Into<OwnedFd>, mut reader: impl Read) -> String {
    let writer: OwnedFd = writer.into();
    let mut child = command.stdout(writer.try_clone().expect("a copy")).stderr(writer).spawn().expect("starts");
    // It has copies of both.
    drop(command);
    let mut text = String::new();
    reader.read_to_string(&mut text).expect("text");
    assert!(ended(&mut child).success(), "{text}");
    assert!(Report::read(report).findings("thread-lost").count() > 0, "no report");
    text
}

/// The same of the program alone.
fn output_of_program(name: &str, writer: impl Into<OwnedFd>, reader: impl Read) -> String {
    let report = scratch(&format!("stderr/{name}")).join("report");
    let mut command = Command::new(program());
    guarded(&mut command, &report);
    output_of(command, &report, writer, reader)
}

fn names_a_finding(text: &str) -> bool {
    text.contains("thread-lost (warning)")
}

/// As container runtimes, `server 2>&1 | tee log` and systemd's journal have it.
#[test]
fn one_place_for_output_and_errors_from_the_start_is_printed_to() {
    let (reader, writer) = std::io::pipe().expect("pipe");
    let text = output_of_program("pipe", writer, reader);
    assert!(names_a_finding(&text), "{text}");
    let (reader, writer) = UnixStream::pair().expect("pair");
    let text = output_of_program("journal", writer, reader);
    assert!(names_a_finding(&text), "{text}");
}

#[test]
fn nothing_is_printed_to_a_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let client = TcpStream::connect(listener.local_addr().expect("address")).expect("connects");
    let (service, _) = listener.accept().expect("accepts");
    assert_eq!(output_of_program("connection", service, client), "");
}

/// A shell under the library that runs `script`, in which $PROGRAM is the program.
fn shell(name: &str, script: &str, summary: &str) -> String {
    let (reader, writer) = std::io::pipe().expect("pipe");
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).env("PROGRAM", program());
    let report = scratch(&format!("stderr/{name}")).join("report");
    guarded(&mut shell, &report).env("FORKGUARD_SUMMARY", summary).env("DIRECTORY", report.parent().expect("directory"));
    output_of(shell, &report, writer, reader)
}

#[test]
fn nothing_is_printed_to_a_guarded_reader_unless_asked_for() {
    let captures = r#"text=$("$PROGRAM" 2>&1); echo "captured: [$text]""#;
    assert_eq!(shell("captured", captures, "auto"), "captured: []\n");
    let asked = shell("captured-always", captures, "always");
    assert!(names_a_finding(&asked), "{asked}");
}

/// The shell starts both, and reads nothing itself.
#[test]
fn another_reader_is_printed_to() {
    let logged = r#"mkfifo "$DIRECTORY/log"; cat "$DIRECTORY/log" & "$PROGRAM" >"$DIRECTORY/log" 2>&1; wait"#;
    let logged = shell("logged", logged, "auto");
    assert!(names_a_finding(&logged), "{logged}");
}
