//! `forkguard report --follow`: what it prints as a report grows.
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

const SHOP: &str = include_str!("shop/gunicorn-17420.jsonl");

/// The tool, reading along.
struct Follower {
    tool: Child,
    out: BufReader<ChildStdout>,
}

impl Follower {
    fn of(directory: &Path, arguments: &[&str]) -> Follower {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_forkguard"));
        tool.args(["report", "--follow"]).args(arguments).arg(directory).env_remove("COLUMNS");
        let mut tool = tool.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let out = BufReader::new(tool.stdout.take().unwrap());
        Follower { tool, out }
    }

    /// The lines up to the first that has `text` in it.
    fn until(&mut self, text: &str) -> String {
        let mut read = String::new();
        while !read.lines().last().is_some_and(|line| line.contains(text)) {
            assert!(self.out.read_line(&mut read).unwrap() > 0, "it ended: {read}");
        }
        read
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.tool.kill().unwrap();
        self.tool.wait().unwrap();
    }
}

/// The lines of the recorded run up to the first that has `text` in it, and the others.
fn split_at(text: &str) -> (&'static str, &'static str) {
    let at = SHOP.find(text).unwrap();
    SHOP.split_at(at + SHOP[at..].find('\n').unwrap() + 1)
}

fn create(directory: &Path) -> (PathBuf, File) {
    let path = directory.join("gunicorn-17420.jsonl");
    let file = OpenOptions::new().create(true).append(true).open(&path).unwrap();
    (path, file)
}

#[test]
fn findings_are_printed_as_they_come() {
    let directory = tempfile::tempdir().unwrap();
    let mut follower = Follower::of(directory.path(), &[]);
    let (_, mut file) = create(directory.path());
    let (first, rest) = split_at("\"kind\":\"connection-shared-use\"");
    let (whole, half) = first.split_at(first.len() - 40);
    file.write_all(whole.as_bytes()).unwrap();
    let mut printed = follower.until("forked 17439");
    // The line that is not whole yet is printed when it is.
    assert!(!printed.contains("connection-shared-use"), "{printed}");
    file.write_all(half.as_bytes()).unwrap();
    printed += &follower.until("cure: Connect");
    file.write_all(rest.as_bytes()).unwrap();
    printed += &follower.until("forked 17574");
    insta::assert_snapshot!("follow", printed);
}

#[test]
fn otlp_is_followed_too() {
    let directory = tempfile::tempdir().unwrap();
    let (_, mut file) = create(directory.path());
    file.write_all(SHOP.as_bytes()).unwrap();
    let mut follower = Follower::of(directory.path(), &["--format", "otlp"]);
    let records = follower.until("lock-deadlock");
    for line in records.lines() {
        let logs: opentelemetry_proto::tonic::logs::v1::LogsData = serde_json::from_str(line).unwrap();
        assert_eq!(logs.resource_logs[0].scope_logs[0].log_records.len(), 1);
    }
}

#[test]
fn torn_lines_are_named_and_other_formats_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (path, mut file) = create(directory.path());
    file.write_all(b"{\"schema\":1,\n{\"schema\":1,").unwrap();
    file.write_all(SHOP.as_bytes()).unwrap();
    let mut follower = Follower::of(directory.path(), &[]);
    let torn = format!("{}: a line is torn, or not of this version of forkguard\n", path.display());
    assert_eq!(follower.until("torn"), torn);
    assert_eq!(follower.until("torn"), torn);
    follower.until("lock-deadlock");
    let mut tool = Command::new(env!("CARGO_BIN_EXE_forkguard"));
    let output = tool.args(["report", "--follow", "--format", "html"]).arg(directory.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("forkguard: only text and otlp can be followed\n  next: "));
}
