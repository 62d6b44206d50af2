//! `forkguard inspect` on workers that hang, started without the library and with it, and on those that do not.
mod common;

use common::hit::line;
use common::server::*;
use common::{scratch, tool, wait_for};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn inspect(pid: u32, options: &[&str]) -> Output {
    Command::new(tool()).arg("inspect").arg(pid.to_string()).args(options).output().expect("the tool runs")
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

/// What it says of a process once it calls it stuck.
fn stuck(pid: u32) -> String {
    let output = wait_for("a process that is stuck", || Some(inspect(pid, &[])).filter(|output| output.status.code() == Some(1)));
    text(&output.stdout)
}

fn source(name: &str) -> PathBuf {
    repository("tests/apps/inspect").join(name)
}

fn at(file: &Path, comment: &str) -> String {
    format!("{}:{}", file.file_name().expect("a name").to_string_lossy(), line(file, comment))
}

fn has(said: &str, parts: &[&str]) {
    parts.iter().for_each(|part| assert!(said.contains(part), "{part} is missing:\n{said}"));
}

/// The only child of a program that was started without the library.
fn child_of(name: &str, command: Command) -> (Server, u32) {
    let run = Run { directory: scratch(name), guarded: false };
    let server = run.start(command);
    let child = *server.workers(1, &BTreeSet::new()).first().expect("a child");
    (server, child)
}

fn compiled(name: &str) -> PathBuf {
    let program = scratch(&format!("inspect-{name}-built")).join(name);
    let built =
        Command::new("gcc").args(["-g", "-O1", "-pthread", "-o"]).arg(&program).arg(source(&format!("{name}.c"))).status();
    assert!(built.expect("gcc").success());
    program
}

#[test]
fn a_mutex_of_a_c_program() {
    let (_server, child) = child_of("inspect-c", Command::new(compiled("held_mutex")));
    let said = stuck(child);
    let file = source("held_mutex.c");
    has(&said, &["waits for the mutex order_lock at 0x", "Orphaned: the mutex is held by thread", " holds it"]);
    has(&said, &[&at(&file, "waits"), &at(&file, "stood"), "next: forkguard explain lock-deadlock"]);
}

/// A read-write lock that a lost thread has for writing: a reader and a writer wait for it.
#[test]
fn a_read_write_lock_of_a_c_program() {
    let file = source("held_rwlock.c");
    for how in ["reads", "writes"] {
        let mut command = Command::new(compiled("held_rwlock"));
        command.arg(how);
        let (_server, child) = child_of(&format!("inspect-rwlock-{how}"), command);
        let said = stuck(child);
        has(&said, &["waits for the read-write lock table_lock at 0x", "Orphaned: the read-write lock is held by thread"]);
        has(&said, &[&at(&file, how), &at(&file, "stood"), " holds it"]);
    }
}

/// A child that was forked past Python, as uWSGI forks, while another thread had the GIL: it waits for that.
#[test]
fn the_gil_of_a_lost_thread() {
    let program = scratch("inspect-gil-built").join("held_gil.so");
    let mut build = Command::new("gcc");
    build.args(["-g", "-O1", "-shared", "-fPIC", "-pthread", "-o"]).arg(&program).arg(source("held_gil.c"));
    assert!(build.status().expect("gcc").success());
    let mut command = venv("python3");
    command.arg(source("held_gil.py")).arg(program);
    let (_server, child) = child_of("inspect-gil", command);
    has(
        &stuck(child),
        &["waits for the global interpreter lock of Python at 0x", "Orphaned: ", &at(&source("held_gil.c"), "waits")],
    );
}

/// PHP has no threads of its own to lose: what is told is where it waits.
#[test]
fn the_lines_of_php() {
    let file = source("waits.php");
    let mut command = Command::new("php");
    command.arg(&file);
    let server = Run { directory: scratch("inspect-php"), guarded: false }.start(command);
    let waits = |said: &String| said.contains(" waits in ") && said.contains(&format!("{} in answer", at(&file, "waits")));
    let said = wait_for("a wait", || Some(text(&inspect(server.pid, &[]).stdout)).filter(waits));
    has(&said, &[&format!("{} in serve", at(&file, "serves")), &format!("{} in main", at(&file, "starts"))]);
}

/// A program of 32 bits, made without a C library. Some kernels run none.
#[test]
fn a_program_of_32_bits_is_named() {
    let program = scratch("inspect-32-built").join("program");
    let mut build = Command::new("gcc");
    build
        .args(["-m32", "-nostdlib", "-static", "-ffreestanding", "-fno-pie", "-no-pie", "-o"])
        .arg(&program)
        .arg(source("pause_32.c"));
    assert!(build.status().expect("gcc").success());
    let mut started = match Command::new(program).spawn() {
        Err(error) if error.raw_os_error() == Some(libc::ENOEXEC) => return,
        started => started.expect("starts"),
    };
    let output = inspect(started.id(), &[]);
    started.kill().and_then(|()| started.wait()).expect("is killed");
    assert_eq!(output.status.code(), Some(2));
    has(&text(&output.stderr), &[&format!("process {} runs a program of 32 bits", started.id()), "only x86_64 can be read"]);
}

#[test]
fn a_semaphore_that_a_handler_posts_is_no_orphan() {
    let mut command = Command::new(compiled("held_mutex"));
    command.arg("semaphore");
    let (_server, child) = child_of("inspect-handler", command);
    let said = wait_for("a wait", || Some(text(&inspect(child, &[]).stdout)).filter(|said| said.contains("semaphore")));
    has(&said, &["perhaps stuck: ", "only a signal's handler could give it (SIGTERM)"]);
    assert_eq!(inspect(child, &[]).status.code(), Some(0));
}

#[test]
fn a_program_that_waits_for_an_event_of_its_own_is_no_orphan() {
    let mut command = venv("python3");
    command.args(["-c", "import threading; threading.Event().wait()"]);
    let run = Run { directory: scratch("inspect-event"), guarded: false };
    let server = run.start(command);
    let said = wait_for("a wait", || Some(text(&inspect(server.pid, &[]).stdout)).filter(|said| said.contains("Event.wait")));
    has(&said, &["perhaps stuck: "]);
    assert_eq!(inspect(server.pid, &[]).status.code(), Some(0));
}

#[test]
fn a_connection_that_the_parent_has_too() {
    let source = "import os, socket\n\
                  ours, theirs = socket.socketpair()\n\
                  if os.fork() == 0: theirs.recv(1)\n\
                  os.wait()";
    let mut command = venv("python3");
    command.args(["-c", source]);
    let (_server, child) = child_of("inspect-socket", command);
    let said = wait_for("a wait", || Some(text(&inspect(child, &[]).stdout)).filter(|said| said.contains("waits in recvfrom")));
    has(&said, &["is a socket that the parent has open, too"]);
}

/// epoll_wait ends with EINTR where a tracer stops its thread: it is not stopped.
#[test]
fn a_call_that_a_stop_would_end_goes_on() {
    let mut command = venv("python3");
    command.arg(source("epoll.py"));
    let run = Run { directory: scratch("inspect-epoll"), guarded: false };
    let server = run.start(command);
    wait_for("a wait", || text(&inspect(server.pid, &[]).stdout).contains("waits in epoll_wait").then_some(()));
    std::fs::write(run.directory.join("go"), "x").expect("the pipe");
    assert!(server.ended().success());
    assert_eq!(std::fs::read_to_string(run.directory.join("stdout")).expect("output"), "1\n");
}

#[test]
fn a_mutex_that_ruby_waits_for() {
    let file = source("held_mutex.rb");
    let mut command = Command::new("ruby");
    command.arg(&file);
    let (_server, child) = child_of("inspect-ruby", command);
    has(&stuck(child), &["Orphaned: the mutex is held by thread", &at(&file, "waits"), &at(&file, "stood"), " holds it"]);
}

/// A worker of gunicorn that has one request: it answers, or hangs.
fn gunicorn_worker(run: &Run, path: &str) -> (Server, u32) {
    let port = free_port();
    let mut command = gunicorn(port, "tests/apps/inspect", "held_lock:app", &["--workers=1", "--timeout=0"]);
    command.env_remove("FORKGUARD_LOCKS");
    let server = run.start(command);
    let worker = *server.workers(1, &BTreeSet::new()).first().expect("a worker");
    if path == "/" {
        // The connection may be closed: the worker has accepted it or not, it will read the request.
        drop(send_request(port));
    } else {
        wait_for("an answer", || ask(port, path).ok());
    }
    (server, worker)
}

#[test]
fn a_lock_that_gunicorns_worker_waits_for() {
    let run = Run { directory: scratch("inspect-gunicorn"), guarded: false };
    let (_server, worker) = gunicorn_worker(&run, "/");
    let said = stuck(worker);
    let file = source("held_lock.py");
    has(
        &said,
        &[
            "waits for the semaphore at 0x",
            "Orphaned: ",
            "its only thread waits for it",
            "unless a handler of SIGINT, ",
            &at(&file, "waits"),
            &at(&file, "stood"),
        ],
    );
    let output = inspect(worker, &["--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(json["threads"][0]["verdict"]["certainty"], "unless-signalled", "{json}");
    let all = Command::new(tool()).args(["inspect", "--all"]).output().expect("the tool runs");
    has(&text(&all.stdout), &[&format!("process {worker} ")]);
}

/// Function, file and line of each thread's frames, innermost first, by another reader of CPython's memory.
fn frames_by_py_spy(pid: u32) -> BTreeMap<u64, Vec<String>> {
    let output = venv("py-spy").args(["dump", "--json", "--pid"]).arg(pid.to_string()).output().expect("py-spy runs");
    let threads: Vec<Value> =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
    let frames = |thread: &Value| python_frames(thread, "name", "filename");
    threads.iter().map(|thread| (thread["os_thread_id"].as_u64().expect("a number"), frames(thread))).collect()
}

fn python_frames(thread: &Value, function: &str, file: &str) -> Vec<String> {
    let frames = thread["frames"].as_array().expect("frames").iter();
    let python = frames.filter(|frame| frame["language"].as_str().is_none_or(|language| language == "python"));
    python.map(|frame| format!("{} {}:{}", frame[function], frame[file], frame["line"])).collect()
}

/// A worker of gunicorn's, with threads that answer requests and wait for a lock meanwhile: nothing of it moves.
#[test]
fn frames_of_python_are_those_of_py_spy() {
    let run = Run { directory: scratch("inspect-py-spy"), guarded: false };
    let port = free_port();
    let arguments = ["--workers=1", "--threads=3", "--worker-class=gthread", "--timeout=0"];
    let server = run.start(gunicorn(port, "tests/apps/inspect", "held_lock:app", &arguments));
    let worker = *server.workers(1, &BTreeSet::new()).first().expect("a worker");
    let _requests: Vec<_> = (0..3).map(|_| send_request(port)).collect();
    let (place, own) = (at(&source("held_lock.py"), "waits"), source("held_lock.py"));
    let line = place.rsplit(':').next().expect("a line");
    let stands = format!("\"app\" {:?}:{line}", own.to_str().expect("UTF-8"));
    let expected = wait_for("threads that wait", || {
        let threads = frames_by_py_spy(worker);
        (threads.values().filter(|frames| frames.first() == Some(&stands)).count() == 3).then_some(threads)
    });
    let json: Value = serde_json::from_slice(&inspect(worker, &["--json"]).stdout).expect("JSON");
    let threads = json["threads"].as_array().expect("threads").iter();
    // The main thread goes on from one turn of its loop to the next.
    let told: BTreeMap<u64, Vec<String>> = threads
        .map(|thread| (thread["tid"].as_u64().expect("a number"), python_frames(thread, "function", "file")))
        .filter(|(tid, _)| *tid != u64::from(worker))
        .collect();
    let expected: BTreeMap<u64, Vec<String>> = expected.into_iter().filter(|(tid, _)| *tid != u64::from(worker)).collect();
    assert_eq!(told, expected);
}

#[test]
fn with_the_library_the_holder_has_a_name() {
    let run = Run::guarded("inspect-guarded");
    let (_server, worker) = gunicorn_worker(&run, "/");
    let said = stuck(worker);
    has(&said, &["what the library has reported", "lock-deadlock", "thread \"refresh\"", &at(&source("held_lock.py"), "stood")]);
}

#[test]
fn a_worker_that_waits_for_requests_is_well() {
    let run = Run { directory: scratch("inspect-idle"), guarded: false };
    let (_server, worker) = gunicorn_worker(&run, "/well");
    let output = inspect(worker, &[]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(!said.contains("stuck"), "{said}");
}

#[test]
fn errors_say_what_to_do() {
    let output = inspect(u32::MAX / 2, &[]);
    assert_eq!(output.status.code(), Some(2));
    has(&text(&output.stderr), &["no process"]);
    // SAFETY: geteuid has no conditions.
    if unsafe { libc::geteuid() } == 0 {
        let mut command = Command::new(tool());
        let output = command.args(["inspect", "1"]).uid(65534).output().expect("the tool runs");
        assert_eq!(output.status.code(), Some(2));
        has(&text(&output.stderr), &["process 1 belongs to user 0", "next: sudo forkguard inspect 1"]);
    }
}
