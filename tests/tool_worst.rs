//! `forkguard check --worst`: what hangs once in thousands of starts hangs each time, and its cured twin never. Programs of several languages
//! (tests/apps/worst), and real servers.
mod common;

use common::hit::line;
use common::server::*;
use common::{scratch, tool, without_options};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The gate at the worst moment on `program`; with a port it is asked for its page. Forks wait as long as they may: the machine may be busy.
fn check(directory: &Path, port: Option<u16>, format: &str, program: &Command) -> Output {
    let mut command = Command::new(tool());
    without_options(&mut command).env("XDG_STATE_HOME", directory).current_dir(directory).stdin(Stdio::null());
    command.args(["check", "--worst=10000", "--fail-on", "error", "--format", format]);
    if let Some(port) = port {
        command.arg("--request").arg(format!("http://127.0.0.1:{port}/"));
    }
    command.arg("--").arg(program.get_program()).args(program.get_args());
    command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.output().expect("the tool runs")
}

/// What both streams say, without line breaks: prose is wrapped.
fn said(output: &Output) -> String {
    let both = [output.stdout.as_slice(), b"\n", output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&both).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The locks that were tried, each with what came of it.
fn trials(output: &Output) -> Vec<Value> {
    let result: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(output)));
    result["worst"].as_array().expect("a list").clone()
}

/// `store.c:9`: the line of a source that ends with such a comment.
fn place(source: &Path, comment: &str) -> String {
    let name = source.file_name().expect("a name").to_string_lossy();
    format!("{name}:{}", line(source, comment))
}

/// A worker hangs at the lock that the thread takes: the line of one of both is named.
fn hangs(source: &Path, output: &Output) {
    assert_eq!(output.status.code(), Some(1), "{}", said(output));
    let trials = trials(output);
    let is_hang = |finding: &Value| finding["kind"] == "lock-deadlock" && finding["severity"] == "error";
    let hung = trials.iter().find(|trial| trial["findings"].as_array().expect("a list").iter().any(is_hang));
    let hung = hung.unwrap_or_else(|| panic!("{}", said(output)));
    assert_eq!(hung["outcome"], "hit", "{hung}");
    assert!(["thread", "worker"].iter().any(|comment| hung.to_string().contains(&place(source, comment))), "{hung}");
}

/// All go on, though the lock was held at a fork, or the fork took it itself.
fn goes_on(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
    let outcomes: Vec<String> = trials(output).iter().map(|trial| trial["outcome"].to_string()).collect();
    let is_tried = |outcome: &&String| ["\"nothing\"", "\"taken-by-fork\""].contains(&outcome.as_str());
    assert!(outcomes.iter().any(|outcome| is_tried(&outcome)), "{outcomes:?}");
    assert!(!outcomes.iter().any(|outcome| outcome == "\"hit\""), "{outcomes:?}");
}

/// A program of tests/apps/worst as it is, and with the cure.
fn hangs_unless_right(name: &str, program: impl Fn(&Path) -> Command) {
    let source = repository("tests/apps/worst").join(name);
    let mut wrong = program(&source);
    let directory = scratch(&format!("tool-worst-{name}"));
    wrong.env("TMPDIR", &directory);
    hangs(&source, &check(&directory, None, "json", &wrong));
    goes_on(&check(&directory, None, "json", wrong.arg("right")));
}

fn compiled(compiler: &str, source: &Path) -> Command {
    let name = source.file_stem().expect("a name");
    let program: PathBuf = scratch(&format!("tool-worst-{}-built", name.display())).join(name);
    let built = Command::new(compiler).args(["-g", "-O1", "-pthread", "-o"]).arg(&program).arg(source).status();
    assert!(built.expect("a compiler").success());
    Command::new(program)
}

#[test]
fn locks_of_c_programs() {
    for name in ["store.c", "slots.c"] {
        hangs_unless_right(name, |source| compiled("gcc", source));
    }
}

#[test]
fn locks_of_cpp_programs() {
    for name in ["bus.cpp", "regions.cpp"] {
        hangs_unless_right(name, |source| compiled("g++", source));
    }
}

#[test]
fn locks_inside_the_c_library() {
    for name in ["resolver.c", "environment.c", "stamps.c", "journal.c"] {
        hangs_unless_right(name, |source| compiled("gcc", source));
    }
}

#[test]
fn locks_of_python() {
    for name in ["logfile.py", "jobs.py"] {
        hangs_unless_right(name, |source| {
            let mut command = venv("python");
            command.arg(source);
            command
        });
    }
}

/// A thread that needs Ruby's global lock to get to its own can take it before the fork.
#[test]
fn locks_of_ruby() {
    hangs_unless_right("resolver.rb", |source| {
        let mut command = Command::new("ruby");
        command.arg(source);
        command
    });
}

/// A real server with an application that hangs, and with the cure.
fn server_hangs_unless_cured(name: &str, application: &str, server: impl Fn(u16) -> Command) {
    let directory = scratch(&format!("tool-worst-server-{name}"));
    let run = |environment: &[(&str, &str)]| {
        let port = free_port();
        let output = check(&directory, Some(port), "json", server(port).envs(environment.iter().copied()));
        assert!(get(port).is_err(), "it still answers");
        output
    };
    // uWSGI forks without the interpreter's lock: a worker hangs by itself where the thread has that just then. Whoever hangs so has more runs.
    let hangs_by_itself = |output: &Output| name == "uwsgi" && said(output).contains("waits for the interpreter's lock (GIL)");
    let checked = |environment: &[(&str, &str)]| {
        (0..RUNS).map(|_| run(environment)).find(|output| !hangs_by_itself(output)).expect("a run without uWSGI's own hang")
    };
    hangs(&repository(application), &checked(&[]));
    goes_on(&checked(&[("CURE", "1")]));
}

/// Runs in which a race of a server's own may win.
const RUNS: usize = 4;

#[test]
fn gunicorn() {
    server_hangs_unless_cured("gunicorn", "tests/apps/worst_server.py", gunicorn_with_worst);
}

fn gunicorn_with_worst(port: u16) -> Command {
    common::server::gunicorn(port, "tests/apps", "worst_server:app", &[])
}

#[test]
fn uwsgi() {
    server_hangs_unless_cured("uwsgi", "tests/apps/worst_server.py", |port| {
        common::server::uwsgi(port, "tests/apps", "worst_server:app", &[])
    });
}

/// Unicorn or Puma, by its configuration, with the application of service.ru.
fn with_ruby(name: &str, option: &str, port: u16) -> Command {
    let mut command = Command::new(name);
    command.arg(option).arg(repository(&format!("tests/apps/{name}.rb"))).arg(repository("tests/apps/worst/service.ru"));
    command.env("PORT", port.to_string());
    command
}

#[test]
fn unicorn() {
    server_hangs_unless_cured("unicorn", "tests/apps/worst/service.ru", |port| with_ruby("unicorn", "--config-file", port));
}

#[test]
fn puma() {
    server_hangs_unless_cured("puma", "tests/apps/worst/service.ru", |port| with_ruby("puma", "--config", port));
}

/// For people: the lock, what happened at it, and the cure for the server at hand.
#[test]
fn what_a_person_reads() {
    let port = free_port();
    let output = check(&scratch("tool-worst-text"), Some(port), "text", &gunicorn_with_worst(port));
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let source = repository("tests/apps/worst_server.py");
    let at = format!("{} in refresh", place(&source, "thread"));
    let start = place(&source, "start");
    for part in [
        &format!("taken at {at} by \"refresh\""),
        "lock-deadlock at ",
        &format!("started at {start} in <module>"),
        &format!("cure: start \"refresh\" ({start}) in gunicorn's post_fork"),
        "check failed: 1 finding",
        "forkguard: 1 of ",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("torn"), "{text}");
}
