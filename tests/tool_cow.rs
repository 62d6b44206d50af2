//! `forkguard cow`: its figures are the kernel's, and it names the line that copies, in Python, Ruby and C.
mod common;

use common::server::{free_port, gunicorn, repository};
use common::{scratch, tool};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A leader of `tests/apps/cow`, and the number of its worker; both end with this value.
struct Leader {
    process: Child,
    worker: u32,
}

impl Leader {
    fn start(command: &mut Command) -> Leader {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("starts");
        let mut said = String::new();
        BufReader::new(process.stdout.take().expect("stdout")).read_line(&mut said).expect("a line");
        Leader { worker: said.trim().parse().expect("a number"), process }
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        // SAFETY: a child of a child that is not waited for yet.
        unsafe { libc::kill(self.worker as i32, libc::SIGKILL) };
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn app(name: &str) -> PathBuf {
    repository("tests/apps/cow").join(name)
}

fn compiled(name: &str) -> PathBuf {
    let program = scratch(&format!("cow-{name}")).join("copies");
    let built = Command::new("cc").args(["-g", "-O1", "-o"]).arg(&program).arg(app("copies.c")).status().expect("cc");
    assert!(built.success());
    program
}

fn cow(arguments: &[&str]) -> Value {
    let output = Command::new(tool()).arg("cow").args(arguments).args(["--format", "json"]).output().expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Most copies come from a line of this function and file, if this machine lets page faults be watched.
fn names_the_line(leader: &Leader, file: &str, function: &str) -> Option<Value> {
    let look = cow(&[&leader.worker.to_string(), "--watch", "2"]);
    if let Some(why) = look["unwatched"].as_str() {
        eprintln!("not tested: {why}");
        return None;
    }
    let first = &look["copiers"][0];
    let at = first["at"].as_str().expect("a line");
    assert!(at.contains(file) && at.contains(function), "{look}");
    assert!(first["share"].as_f64().expect("a share") > 0.5, "{look}");
    Some(first.clone())
}

#[test]
fn names_the_line_of_python_and_what_is_written() {
    let leader = Leader::start(Command::new("/usr/bin/python3").arg(app("copies.py")));
    if let Some(first) = names_the_line(&leader, "copies.py:", "look_up") {
        assert_eq!(first["what"], "reference count of str");
    }
}

#[test]
fn names_the_line_of_ruby() {
    let leader = Leader::start(Command::new("ruby").arg(app("copies.rb")));
    names_the_line(&leader, "copies.rb:", "change");
}

#[test]
fn names_the_function_of_c() {
    let leader = Leader::start(&mut Command::new(compiled("function")));
    names_the_line(&leader, "copies.c:", "write_page");
}

/// A worker that has written a quarter of 128 MB, and waits.
#[test]
fn figures_are_the_kernels() {
    let leader = Leader::start(Command::new(compiled("figures")).arg("quarter"));
    let look = cow(&[&leader.process.id().to_string()]);
    let worker = &look["moments"][0]["workers"][0];
    let figure = |value: &Value| value.as_u64().expect("a number");
    let pages = &worker["pages"];
    assert!((32 << 10..33 << 10).contains(&figure(&pages["copied"])), "{pages}");
    assert!((96 << 10..97 << 10).contains(&figure(&pages["shared"])), "{pages}");
    let rollup = |pid: u32, name: &str| -> u64 {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("smaps_rollup");
        let value = |line: &str| line.strip_prefix(name)?.strip_prefix(':')?.trim().strip_suffix(" kB")?.parse().ok();
        text.lines().find_map(value).expect(name)
    };
    let agrees =
        |what: &str, told: u64, kernels: u64| assert!(told.abs_diff(kernels) * 50 <= kernels, "{what}: {told} of {kernels}");
    let kinds = worker["kinds"].as_object().expect("kinds");
    for (name, ours) in [("Rss", "rss"), ("Pss", "pss")] {
        let kernels = rollup(leader.worker, name);
        agrees(name, kinds.values().map(|kind| figure(&kind[ours])).sum(), kernels);
        agrees(name, figure(&worker[ours]), kernels);
    }
    let of_all = rollup(leader.process.id(), "Pss") + rollup(leader.worker, "Pss");
    agrees("all", figure(&look["moments"][0]["total_pss"]), of_all);
}

#[test]
fn a_page_is_of_a_comparison() {
    let output = Command::new(tool()).args(["cow", "--format=html", &std::process::id().to_string()]).output().expect("runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), said.contains("add --compare")), (Some(2), true), "{said}");
}

#[test]
fn a_process_without_workers_is_told() {
    // Not the test's own process: other tests of it start programs meanwhile.
    let mut reader = Command::new("cat").stdin(Stdio::piped()).spawn().expect("runs");
    let output = Command::new(tool()).args(["cow", &reader.id().to_string()]).output().expect("runs");
    drop(reader.stdin.take());
    assert!(reader.wait().expect("ends").success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), said.contains("has no workers")), (Some(2), true), "{said}");
}

/// gunicorn with two workers of an application that has 60 MB which nobody writes: preload saves most of them, in the table and in its picture.
#[test]
fn preload_is_compared() {
    let directory = scratch("tool-cow-compare");
    let picture = directory.join("memory.svg");
    let port = free_port();
    let server = gunicorn(port, "tests/apps/cow", "table:app", &[]);
    let mut command = Command::new(tool());
    command.args([
        "cow",
        "--compare",
        "--requests=40",
        "--format=csv",
        "--url",
        &format!("http://127.0.0.1:{port}/"),
        "--picture",
    ]);
    command.arg(&picture).arg("--").arg(server.get_program()).args(server.get_args());
    let output = command.output().expect("the tool runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    let row = |variant: &str| {
        let row =
            table.lines().find_map(|line| line.strip_prefix(variant)?.strip_prefix(',')).unwrap_or_else(|| panic!("{table}"));
        row.split(',').map(|figure| figure.parse::<f64>().unwrap_or(f64::NAN)).collect::<Vec<_>>()
    };
    let (without, with) = (row("without preload"), row("with preload"));
    let [workers, _, _, after, ..] = with[..] else { panic!("{table}") };
    assert_eq!(workers, 2.0, "{table}");
    // Without preload each worker has answered, and so loaded the table, before the start.
    assert!(without[2] > 60_000.0, "{table}");
    assert!(after + 30_000.0 < without[3], "{table}");
    // Without preload the leader has no table: 2 workers save one of two, 8 save seven of eight.
    let saved = &with[6..];
    assert!((30_000.0..90_000.0).contains(&saved[0]) && saved[1] > saved[0] + 240_000.0 && saved[2] > saved[1], "{table}");
    let drawn = fs::read_to_string(picture).expect("a picture");
    assert!(drawn.starts_with("<svg") && drawn.contains("after 40 requests") && drawn.matches("<rect").count() == 6, "{drawn}");
}
