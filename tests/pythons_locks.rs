//! Python's own locks. Since 3.13.4 or so taking one crosses no symbol: holders are known by their `with` blocks, waits by the semaphores of waiters.
mod common;

use common::fixture::run;
use common::{Entry, Report, guarded, interpreters, scratch};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's Python, and those from 3.13 on that pyenv installed.
fn tested() -> Vec<Python> {
    let chosen = interpreters().into_iter().filter(|(minor, _, _)| *minor == 0 || *minor >= 13);
    let all: Vec<_> = chosen.map(|(_, name, program)| Python::of(name, program)).collect();
    if !all.iter().any(|python| python.has_byte_locks) {
        println!("no Python whose locks cross no symbol (3.14, late 3.13) is installed here: only the others were tested");
    }
    all
}

struct Python {
    name: String,
    program: PathBuf,
    /// A lock object has its head and one byte.
    has_byte_locks: bool,
    has_byte_rlocks: bool,
}

impl Python {
    fn of(name: String, program: PathBuf) -> Python {
        let code = "import _thread; print(_thread.LockType.__basicsize__, _thread.RLock.__basicsize__)";
        let sizes = Command::new(&program).args(["-c", code]).output().expect("runs").stdout;
        let sizes = String::from_utf8(sizes).expect("text");
        let (lock, recursive) = sizes.trim().split_once(' ').expect("two sizes");
        Python { name, program, has_byte_locks: lock == "24", has_byte_rlocks: recursive == "40" && lock == "24" }
    }

    /// What the script printed, and the report.
    fn run(&self, how: &str, options: &[(&str, &str)]) -> (i32, Report) {
        let directory = scratch(&format!("pythons-locks/{}-{how}-{}", self.name, options.len()));
        let report = directory.join("report");
        std::fs::create_dir(&report).expect("a directory");
        let mut command = Command::new(&self.program);
        command.args(["-Wignore", "-B"]).arg(script()).arg(how);
        guarded(&mut command, &report).env("FORKGUARD_SUMMARY", "never").envs(options.iter().copied());
        let run = run(&mut command, &directory).expect("it ends");
        assert!(run.status.success(), "{} {how}: {}", self.name, run.stderr);
        (run.stdout.trim().parse().expect("a number"), Report::read(&report))
    }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apps/sites/locks.py")
}

/// The line that ends with the comment `DEED in FUNCTION`.
fn line(deed: &str) -> u64 {
    let text = std::fs::read_to_string(script()).expect("script");
    let comment = format!("# {deed} in ");
    text.lines().zip(1..).find(|(line, _)| line.contains(&comment)).expect("a commented line").1
}

/// The innermost line of the script in a finding's site of that role.
fn at(finding: &Value, role: &str) -> Option<u64> {
    let site = finding["sites"].as_array()?.iter().find(|site| site["role"] == role)?;
    let own = |frame: &&Value| frame["file"].as_str().is_some_and(|file| file.ends_with("locks.py"));
    site["frames"].as_array()?.iter().find(own)?["line"].as_u64()
}

fn orphans(report: &Report) -> Vec<&Entry> {
    report.findings("lock-orphaned").filter(|entry| entry.json["severity"] == "warning").collect()
}

fn hang<'a>(python: &Python, report: &'a Report) -> &'a Entry {
    let all: Vec<_> = report.findings("lock-deadlock").collect();
    assert_eq!(all.len(), 1, "{}: {:#?}", python.name, all.iter().map(|entry| entry.text).collect::<Vec<_>>());
    assert_eq!(at(&all[0].json, "waits"), Some(line("waits")), "{}: {}", python.name, all[0].text);
    all[0]
}

fn subject(entry: &Entry) -> &str {
    entry.json["subject"].as_str().expect("a subject")
}

/// A lock of a `with` block is reported with its holder and the block's line, and a child that waits for it before it hangs.
#[test]
fn a_lock_of_a_with_block() {
    for python in tested() {
        for (how, name, in_bytes) in
            [("with", "threading.Lock at", python.has_byte_locks), ("recursive", "threading.RLock at", python.has_byte_rlocks)]
        {
            let (status, report) = python.run(how, &[]);
            let what = format!("{} {how}", python.name);
            assert_eq!(status, -libc::SIGKILL, "{what}");
            let orphans = orphans(&report);
            assert_eq!(orphans.len(), 1, "{what}: {:?}", orphans.iter().map(|entry| entry.text).collect::<Vec<_>>());
            let hang = hang(&python, &report);
            for entry in [orphans[0], hang] {
                let is_named = subject(entry).contains(if in_bytes { name } else { "semaphore at" });
                assert!(is_named && subject(entry).contains("held by thread \"holder\""), "{what}: {}", entry.text);
                if in_bytes {
                    assert_eq!(at(&entry.json, "taken"), Some(line("taken")), "{what}: {}", entry.text);
                }
            }
        }
    }
}

/// A thread of the child that has others is told of, too.
#[test]
fn a_lock_that_one_of_several_threads_takes() {
    for python in tested() {
        let (_, report) = python.run("other", &[]);
        assert!(subject(hang(&python, &report)).contains("held by thread \"holder\""), "{}", python.name);
    }
}

/// Who took a lock by `acquire` is not known; that the child waits in vain is.
#[test]
fn a_lock_taken_by_acquire() {
    for python in tested() {
        let (_, report) = python.run("acquired", &[]);
        let hang = hang(&python, &report);
        if python.has_byte_locks {
            assert!(orphans(&report).is_empty(), "{}", python.name);
            let says =
                subject(hang).contains("waits for a threading.Lock with no other thread") && subject(hang).contains("\"holder\"");
            assert!(says, "{}: {}", python.name, hang.text);
        }
    }
}

/// A thread that waits for a condition has released the lock of the block around it, which another thread may have.
#[test]
fn a_lock_that_is_released_to_wait() {
    for python in tested().iter().filter(|python| python.has_byte_locks) {
        let (_, report) = python.run("condition", &[]);
        hang(python, &report);
        assert!(orphans(&report).is_empty(), "{}", python.name);
    }
}

/// A lock that the program makes anew in its child is none to warn of, whoever of the child's threads waits for whom.
#[test]
fn a_lock_made_anew() {
    for python in tested() {
        let (status, report) = python.run("renewed", &[]);
        assert_eq!(status, 0, "{}", python.name);
        let hits: Vec<_> =
            report.events("finding").filter(|entry| entry.json["state"] == "hit").map(|entry| entry.text).collect();
        assert!(hits.is_empty(), "{}: {hits:#?}", python.name);
        assert!(report.last_states().iter().all(|finding| finding["state"] != "hit"), "{}", python.name);
    }
}

/// A wait with a time limit hits the hazard when it is over.
#[test]
fn a_lock_waited_for_up_to_a_time() {
    for python in tested() {
        let (status, report) = python.run("timed", &[]);
        assert_eq!(status, 0, "{}", python.name);
        let hit = report.events("finding-state").filter(|entry| entry.json["state"] == "hit");
        assert!(hit.count() == 1 && report.findings("lock-deadlock").count() == 0, "{}", python.name);
    }
}

/// FORKGUARD_LOCKS=reset makes such locks usable in the child.
#[test]
fn locks_are_reset() {
    for python in tested() {
        for how in ["with", "recursive"] {
            let (status, report) = python.run(how, &[("FORKGUARD_LOCKS", "reset")]);
            assert_eq!((status, report.findings("lock-deadlock").count()), (0, 0), "{} {how}", python.name);
        }
    }
}

/// A fork waits until a thread has left its `with` block.
#[test]
fn a_safe_point() {
    for python in tested() {
        let (held, _) = python.run("breathes", &[("FORKGUARD_SAFE_POINT", "10000")]);
        assert_eq!(held, 0, "{}: children whose lock is held", python.name);
    }
}
