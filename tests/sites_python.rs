//! The frames of CPython: the report has the frames that the program itself lists, with every interpreter that is installed.
mod common;

use common::{Entry, Report, fixture, guarded, interpreters, scratch};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// Runs a script of tests/apps/sites to its end: its lines, and the report.
fn run_script(test: &str, name: &str, python: &Path, script: &str, arguments: &[&str]) -> (Vec<Value>, Report) {
    let directory = scratch(&format!("sites-python-{test}-{name}"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apps/sites").join(script);
    let mut command = Command::new(python);
    command.arg("-B").arg(path).args(arguments).current_dir(&directory);
    let report = directory.join("report");
    let run = fixture::run(guarded(&mut command, &report), &directory).expect("it ends");
    assert!(run.status.success(), "{name}: {}\n{}", run.status, run.stderr);
    let lines = run.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    (lines, Report::read(&report))
}

/// The Python frames of a site as the programs print them: [file, function, line].
fn frames(site: &Value) -> Vec<Value> {
    let all = site["frames"].as_array().map_or(&[][..], Vec::as_slice);
    let python = all.iter().filter(|frame| frame["language"] == "python");
    python.map(|frame| serde_json::json!([frame["file"], frame["function"], frame["line"]])).collect()
}

/// The site's frames must be those of `known`; within them only the standard library's.
fn agrees(site: &Value, known: &Value) -> Result<(), String> {
    let (frames, known) = (frames(site), known.as_array().expect("a stack"));
    let inner = frames.len().saturating_sub(known.len());
    let library = |frame: &Value| frame[0].as_str().is_some_and(|file| file.contains("/lib/python3."));
    if frames[inner..] == known[..] && frames[..inner].iter().all(library) {
        return Ok(());
    }
    Err(format!("reported {frames:?}\nknown {known:?}"))
}

fn check(what: &str, site: &Value, known: &Value) {
    agrees(site, known).unwrap_or_else(|error| panic!("{what}: {error}"));
}

/// The entry of a list of a fork whose `key` is `value`.
fn one<'a>(fork: &'a Entry, list: &str, key: &str, value: &Value) -> &'a Value {
    let entry = fork.json[list].as_array().expect("a list").iter().find(|entry| entry[key] == *value);
    entry.unwrap_or_else(|| panic!("no {list} with {key} {value}: {}", fork.json[list]))
}

fn number(key: &str) -> Value {
    key.parse::<i64>().expect("a number").into()
}

/// True where a lock object of `threading` has its head and one byte: taking it crosses no symbol.
fn has_byte_locks(python: &Path) -> bool {
    let size = Command::new(python).args(["-c", "import _thread; print(_thread.LockType.__basicsize__)"]).output();
    size.expect("runs").stdout == b"24\n"
}

#[test]
fn everything_is_where_the_program_made_it() {
    for (_, name, python) in interpreters() {
        let (lines, report) = run_script("things", &name, &python, "things.py", &[]);
        let (known, fork) = (&lines[0], made(&name, &lines[0], &report));
        for (thread, known) in known["threads"].as_object().expect("threads") {
            let what = format!("{name}: thread {thread}");
            let thread = one(fork, "threads", "name", &thread.as_str().into());
            assert_eq!(thread["class"], known["class"], "{what}");
            check(&format!("{what} started"), &thread["site"], &known["started"]);
            check(&format!("{what} stood"), &thread["stood"], &known["stood"]);
        }
        for (signal, set) in known["signals"].as_object().expect("signals") {
            let signal = one(fork, "signals", "number", &number(signal));
            check(&name, &signal["site"], &set[0]);
            assert_eq!(signal["handler"]["function"], set[1], "{name}");
        }
        let both = one(fork, "signals", "signal", &"SIGUSR2".into());
        assert!(both["handler"]["function"].as_str().expect("function").ends_with("__lt__"), "{name}: {both}");
        assert_eq!(frames(&both["earlier"][0])[1][1], "<module>", "{name}: {both}");
        check(&name, &fork.json["timers"][0]["site"], &known["timer"]);
    }
}

/// The fork, whose site and descriptors are at the frames `known`.
fn made<'a>(name: &str, known: &Value, report: &'a Report) -> &'a Entry {
    let fork = report.events("fork").next().expect("a fork");
    check(name, &fork.json["site"], &known["fork"]);
    for (fd, stack) in known["descriptors"].as_object().expect("descriptors") {
        check(&format!("{name}: descriptor {fd}"), &one(fork, "descriptors", "fd", &number(fd))["site"], stack);
    }
    fork
}

#[test]
fn greenlets_have_stacks_of_their_own() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/venv/bin/python3");
    let (lines, report) = run_script("greenlets", "venv", &python, "greenlets.py", &[]);
    made("greenlets", &lines[0], &report);
}

#[test]
fn a_sandbox_that_forbids_reading_is_survived() {
    let python = Path::new("/usr/bin/python3");
    let (lines, report) = run_script("sealed-late", "debian", python, "sealed.py", &[]);
    made("what was proved before goes on", &lines[0], &report);
    let (lines, report) = run_script("sealed-early", "debian", python, "sealed.py", &["early"]);
    let fork = report.events("fork").next().expect("a fork");
    for fd in lines[0]["descriptors"].as_object().expect("descriptors").keys() {
        assert!(frames(&one(fork, "descriptors", "fd", &number(fd))["site"]).is_empty(), "{}", fork.text);
    }
}

#[test]
fn an_unknown_version_is_asked_while_the_gil_is_held() {
    let original = fs::canonicalize("/usr/bin/python3").expect("Debian's");
    let version = Command::new(&original).arg("-V").output().expect("runs").stdout;
    let version = String::from_utf8(version).expect("UTF-8").trim().replace("Python ", "");
    // There is no 3.9x, and nobody preloads 3.2.
    let unknown = if version.starts_with("3.1") { version.replacen("3.1", "3.9", 1) } else { version.replacen("3.9", "3.2", 1) };
    let mut program = fs::read(&original).expect("readable");
    let places: Vec<usize> =
        (0..program.len() - version.len()).filter(|&at| program[at..].starts_with(version.as_bytes())).collect();
    places.iter().for_each(|&at| program[at..at + version.len()].copy_from_slice(unknown.as_bytes()));
    let python = scratch("sites-python-unknown").join("python3");
    fs::write(&python, program).expect("written");
    fs::set_permissions(&python, fs::metadata(&original).expect("there").permissions()).expect("executable");
    let (lines, report) = run_script("unknown", &unknown, &python, "things.py", &[]);
    let fork = report.events("fork").next().expect("a fork");
    check("the fork", &fork.json["site"], &lines[0]["fork"]);
    check("the timer", &fork.json["timers"][0]["site"], &lines[0]["timer"]);
    for fd in lines[0]["descriptors"].as_object().expect("descriptors").keys() {
        assert!(frames(&one(fork, "descriptors", "fd", &number(fd))["site"]).is_empty(), "made without the GIL: {}", fork.text);
    }
}

#[test]
fn findings_say_the_line_to_edit() {
    for (_, name, python) in interpreters() {
        let (lines, report) = run_script("lines", &name, &python, "things.py", &[]);
        let started = &lines[0]["threads"]["plain"]["started"][0];
        let line = format!("{}:{} in {}", started[0].as_str().expect("file"), started[2], started[1].as_str().expect("function"));
        let lost = report.findings("thread-lost").find(|entry| entry.text.contains("thread \\\"plain\\\"")).expect("a finding");
        assert_eq!(lost.json["at"][0], line.as_str(), "{name}");
        let stood = |line: &serde_json::Value| line.as_str().is_some_and(|line| line.ends_with(" in stand"));
        assert!(lost.json["at"].as_array().expect("lines").iter().any(stood), "{name}: {}", lost.text);
    }
}

#[test]
fn stacks_are_right_under_stress() {
    // A longer run: FORKGUARD_TEST_SECONDS=60.
    let seconds = env::var("FORKGUARD_TEST_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(20.0);
    let interpreters = interpreters();
    let each = (seconds / interpreters.len() as f64).to_string();
    for (_, name, python) in interpreters {
        let (lines, report) = run_script("stress", &name, &python, "stress.py", &[&each]);
        let forks: HashMap<&str, &Entry> =
            report.events("fork").map(|entry| (entry.json["fork"].as_str().expect("id"), entry)).collect();
        let leader = report.events("process").next().expect("a process").json["pid"].clone();
        let (mut compared, mut missing, mut lacking) = (0, 0, 0);
        for known in &lines {
            let id = format!("{leader}.{}", known["fork"]);
            // Forks that come too fast are reported by their counts.
            let Some(fork) = forks.get(id.as_str()).filter(|fork| fork.json["detail"] == "full") else { continue };
            // What is not there is none.
            lacking = fork.json["truncated"]["sites"].as_u64().unwrap_or(0);
            let mut compare = |site: &Value, stack: &Value| match frames(site).is_empty() {
                true => missing += 1,
                false => {
                    check(&format!("{name}: fork {id}"), site, stack);
                    compared += 1;
                }
            };
            for (fd, stack) in known["descriptors"].as_object().expect("descriptors") {
                compare(&one(fork, "descriptors", "fd", &number(fd))["site"], stack);
            }
            for (thread, stack) in known["stood"].as_object().expect("threads") {
                compare(&one(fork, "threads", "name", &thread.as_str().into())["stood"], stack);
            }
        }
        println!("{name}: {compared} stacks compared, {missing} unknown");
        assert!(compared > 500, "{name}: only {compared} stacks compared");
        assert!(lacking > 0 || missing == 0, "{name}: {missing} stacks unknown of {compared}");
        assert!(missing * 20 < compared, "{name}: {missing} stacks unknown of {compared}");
    }
}

/// The fork handler is registered in Python: not before it is initialized (its development mode exchanges the allocators), but in time.
#[test]
fn development_mode_and_safe_point() {
    for (_, name, python) in interpreters() {
        let directory = scratch(&format!("sites-python-development-{name}"));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apps/sites/locked_forks.py");
        for arguments in [&["-c", "print(0)"][..], &["-Wignore", script.to_str().expect("UTF-8")]] {
            let mut command = Command::new(&python);
            command
                .args(["-B", "-X", "dev"])
                .args(arguments)
                .env("FORKGUARD_PROFILE", "cure")
                .env("FORKGUARD_SAFE_POINT", "10000");
            let run = fixture::run(guarded(&mut command, &directory.join("report")), &directory).expect("it ends");
            assert!(run.status.success(), "{name}: {}\n{}", run.status, run.stderr);
            // This thread always takes its lock again while it has the GIL: where that crosses no symbol no fork sees it free.
            if !has_byte_locks(&python) {
                assert_eq!(run.stdout, "0\n", "{name}: {}", run.stderr);
            }
        }
    }
}

/// What becomes of the thread that an executor had at the fork.
fn executors_thread(python: &Path, test: &str, arguments: &[&str]) -> String {
    let (_, report) = run_script(&format!("executors-{}", arguments.join("-")), test, python, "executors.py", arguments);
    let lost = report.last_states().into_iter().find(|finding| finding["kind"] == "thread-lost");
    lost.expect("a lost thread")["state"].as_str().expect("a state").to_string()
}

#[test]
fn another_executors_thread_is_not_the_lost_one() {
    for (_, name, python) in interpreters() {
        for names in ["named", "numbered"] {
            assert_eq!(executors_thread(&python, &name, &[names, "anew"]), "resolved", "{name} {names}");
            assert_ne!(executors_thread(&python, &name, &[names, "another"]), "resolved", "{name} {names}");
        }
    }
}
