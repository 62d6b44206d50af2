//! `forkguard run`: real servers under it, and that nobody who steers them notices.
mod common;

use common::server::*;
use common::terminal::on_terminal;
use common::{ended, scratch, tool, without_options};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The tool with a program behind it.
fn run(options: &[&str], program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(tool());
    without_options(&mut command).env_remove("FORKGUARD_LIBRARY").arg("run").args(options).arg("--").arg(program).args(arguments);
    command
}

/// The same, with the report in `directory`, once it has ended.
fn output(directory: &Path, program: &str, arguments: &[&str]) -> Output {
    let report = directory.join("report");
    run(&["--report", report.to_str().expect("UTF-8")], program, arguments).stdin(Stdio::null()).output().expect("runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `command` as the tool runs it: its own arguments behind the tool's, in its environment.
fn under_run(name: &str, command: Command) -> (Run, Command) {
    let run_of = Run { directory: scratch(name), guarded: false };
    let report = run_of.report_directory();
    let mut tool = run(&["--report", report.to_str().expect("UTF-8")], command.get_program(), &[]);
    tool.args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => tool.env(key, value),
            None => tool.env_remove(key),
        };
    }
    (run_of, tool)
}

/// The tool's last words, from its headline on.
fn last_words(run: &Run) -> String {
    let printed = fs::read(run.directory.join("stderr")).expect("stderr");
    let printed = text(&printed);
    let start = printed.rfind(" after ").and_then(|end| printed[..end].rfind("forkguard: ")).expect("a headline");
    printed[start..].to_owned()
}

/// A server with a lost thread under `run`: TERM to the tool stops it, and the last words name the line, the workers and the cure.
fn stops_and_tells(name: &str, command: Command, port: u16, signal: i32, says: &[&str]) {
    let (run, command) = under_run(name, command);
    let server = run.start(command);
    serves(port);
    let leader = wait_for("the server", || children(server.pid).first().copied());
    let all = workers(leader, 2, &Default::default());
    wait_for("settled workers", || (run.report_so_far().events("child").count() >= 2).then_some(()));
    let status = server.stop(signal);
    assert!(all.iter().all(|worker| !Path::new("/proc").join(worker.to_string()).exists()));
    assert!(status.success() || status.signal() == Some(signal), "{status}");
    let words = last_words(&run);
    for part in ["thread-lost (warning), in 2 workers", "forkguard explain thread-lost", "forkguard report "].iter().chain(says) {
        assert!(words.contains(part), "{part}: {words}");
    }
}

#[test]
fn gunicorn() {
    let port = free_port();
    let mut command = common::server::gunicorn(port, "demo/prices", "wrong:app", &[]);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let says = ["ended with status 0", "started at wrong.py:15", "gunicorn's post_fork"];
    stops_and_tells("tool-run-gunicorn", command, port, libc::SIGTERM, &says);
}

#[test]
fn uwsgi() {
    let port = free_port();
    let command = common::server::uwsgi(port, "demo/prices", "wrong:app", &[]);
    stops_and_tells("tool-run-uwsgi", command, port, libc::SIGINT, &["started at wrong.py:15", "@postfork"]);
}

/// `program` with its configuration of the same name and an application that starts a thread.
fn ruby(program: &str, option: &str, port: u16) -> Command {
    let mut command = Command::new(program);
    command.arg(option).arg(repository(&format!("tests/apps/{program}.rb"))).arg(repository("tests/apps/config.ru"));
    command.env("PORT", port.to_string());
    command
}

#[test]
fn unicorn() {
    let port = free_port();
    let says = ["ended with status 0", "config.ru:4", "Unicorn's after_fork"];
    stops_and_tells("tool-run-unicorn", ruby("unicorn", "--config-file", port), port, libc::SIGQUIT, &says);
}

/// Puma ends by the signal that stops it, and so does the tool.
#[test]
fn puma() {
    let port = free_port();
    let says = ["ended by SIGTERM", "config.ru:4", "Puma's on_worker_boot"];
    stops_and_tells("tool-run-puma", ruby("puma", "--config", port), port, libc::SIGTERM, &says);
}

/// What a program without forks prints is its own; so are its status and its input.
#[test]
fn status_output_and_input_are_the_programs() {
    let directory = scratch("tool-run-status");
    let ended = output(&directory, "sh", &["-c", "echo out; echo err >&2; exit 7"]);
    assert_eq!((ended.status.code(), text(&ended.stdout).as_str()), (Some(7), "out\n"));
    let errors = text(&ended.stderr);
    assert!(
        errors.starts_with("err\n") && errors.contains("sh ended with status 7") && errors.contains("it never forked"),
        "{errors}"
    );
    let killed = output(&directory, "sh", &["-c", "kill -KILL $$"]);
    assert_eq!(killed.status.signal(), Some(libc::SIGKILL));
    assert!(text(&killed.stderr).contains("sh ended by SIGKILL"), "{}", text(&killed.stderr));
}

#[test]
fn what_cannot_be_started_is_said_as_shells_do() {
    let directory = scratch("tool-run-not-started");
    let missing = output(&directory, "/no/such/server", &[]);
    assert_eq!(
        (missing.status.code(), text(&missing.stderr).as_str()),
        (Some(127), "forkguard: no program is called /no/such/server (in PATH)\n")
    );
    let file = directory.join("server");
    fs::write(&file, "no program").expect("a file");
    let refused = output(&directory, file.to_str().expect("UTF-8"), &[]);
    assert_eq!(refused.status.code(), Some(126), "{}", text(&refused.stderr));
    let mut command = run(&[], "true", &[]);
    let missing = command.env("FORKGUARD_LIBRARY", "/no/such/library.so").output().expect("runs");
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("FORKGUARD_LIBRARY=/no/such/library.so is no file"), "{}", text(&missing.stderr));
}

#[test]
fn what_is_preloaded_already_stays() {
    let mut command = run(&["--set", "sockets=sever"], "sh", &["-c", "echo $LD_PRELOAD $FORKGUARD_SOCKETS"]);
    let before = "/usr/lib/x86_64-linux-gnu/libc.so.6";
    let ended = command.env("LD_PRELOAD", before).output().expect("runs");
    assert_eq!(text(&ended.stdout), format!("{}:{before} sever\n", common::library().canonicalize().expect("library").display()));
}

/// A static program runs as it is, and it is said that nothing will be seen.
#[test]
fn a_static_program_runs_without_the_library() {
    let directory = scratch("tool-run-static");
    let (source, program) = (directory.join("main.c"), directory.join("main"));
    fs::write(&source, "#include <stdlib.h>\nint main(void) { return getenv(\"LD_PRELOAD\") != NULL; }\n").expect("a source");
    assert!(Command::new("cc").arg("-static").arg("-o").args([&program, &source]).status().expect("cc").success());
    let ended = output(&directory, program.to_str().expect("UTF-8"), &[]);
    assert!(ended.status.success());
    assert!(
        text(&ended.stderr).starts_with("forkguard: main runs without forkguard: it is statically linked"),
        "{}",
        text(&ended.stderr)
    );
}

/// Prints a word for each signal; ends at a line or the end of its input. (A signal that comes right before CPython's read(2) runs its Python handler after
/// that only: a byte in a pipe is missed by no wait.)
const LISTENER: &str = "
import os, select, signal
came, tells = os.pipe()
os.set_blocking(tells, False)
signal.set_wakeup_fd(tells)
for name in ('SIGINT', 'SIGUSR1', 'SIGTERM', 'SIGHUP', 'SIGWINCH'):
    signal.signal(getattr(signal, name), lambda number, frame: None)
print('ready', flush=True)
while 0 not in (ready := select.select([0, came], [], [])[0]) or came in ready:
    for number in os.read(came, 1):
        os.write(1, signal.Signals(number).name.encode() + b'\\n')
";

/// Signals reach the program once, and what was ignored stays so.
#[test]
fn signals_reach_the_program() {
    let mut command = run(&[], "python3", &["-c", LISTENER]);
    let mut started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("starts");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(started.stdout.take().expect("stdout")));
    let mut next = || lines.next().expect("a line").expect("UTF-8");
    assert_eq!(next(), "ready");
    for (signal, name) in
        [(libc::SIGUSR1, "SIGUSR1"), (libc::SIGTERM, "SIGTERM"), (libc::SIGHUP, "SIGHUP"), (libc::SIGINT, "SIGINT")]
    {
        kill(started.id(), signal);
        assert_eq!(next(), name);
    }
    drop(started.stdin.take());
    assert!(ended(&mut started).success());
}

#[test]
fn what_nohup_ignores_stays_ignored() {
    let mut command = run(&[], "grep", &["SigIgn", "/proc/self/status"]);
    // SAFETY: signal() is safe to call in a forked child.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGHUP, libc::SIG_IGN);
            Ok(())
        })
    };
    let ended = command.output().expect("runs");
    let bits = text(&ended.stdout);
    let bits = u64::from_str_radix(bits.trim().rsplit('\t').next().expect("bits"), 16).expect("hexadecimal");
    assert_eq!(bits & 1 << (libc::SIGHUP - 1), 1 << (libc::SIGHUP - 1), "{bits:x}");
}

/// ctrl-C goes to the program once: it comes from the terminal, and is not passed on a second time. What is sent to the tool afterwards shows it.
#[test]
fn control_c_reaches_the_program_once() {
    let mut command = run(&[], "python3", &["-c", LISTENER]);
    let mut master = on_terminal(&mut command);
    let mut started = command.spawn().expect("starts");
    drop(command);
    let mut printed = String::new();
    let mut until = |master: &mut fs::File, word: &str| {
        while !printed.contains(word) {
            let mut bytes = [0; 256];
            let length =
                std::io::Read::read(master, &mut bytes).unwrap_or_else(|error| panic!("{error} before {word}: {printed}"));
            printed += &text(&bytes[..length]);
        }
        printed.clone()
    };
    until(&mut master, "ready");
    std::io::Write::write_all(&mut master, b"\x03").expect("ctrl-C");
    until(&mut master, "SIGINT");
    kill(started.id(), libc::SIGUSR1);
    until(&mut master, "SIGUSR1");
    std::io::Write::write_all(&mut master, b"\n").expect("a line");
    let all = until(&mut master, "python3 ended");
    assert_eq!(all.matches("SIGINT").count(), 1, "{all}");
    assert!(ended(&mut started).success());
}

/// ctrl-Z stops both, so that a shell sees the job stopped; CONT lets both go on.
#[test]
fn a_stopped_program_stops_the_tool() {
    let mut command = run(&[], "python3", &["-c", LISTENER]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
    let mut started = command.spawn().expect("starts");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(started.stdout.take().expect("stdout")));
    assert_eq!(lines.next().expect("a line").expect("UTF-8"), "ready");
    let program = *children(started.id()).first().expect("the program");
    let state = |pid: u32, wanted: &str| {
        wait_for(wanted, || {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            stat.rsplit_once(") ").filter(|(_, rest)| rest.starts_with(wanted)).map(|_| ())
        })
    };
    kill(program, libc::SIGSTOP);
    state(program, "T");
    state(started.id(), "T");
    kill(started.id(), libc::SIGCONT);
    state(program, "S");
    kill(started.id(), libc::SIGUSR1);
    assert_eq!(lines.next().expect("a line").expect("UTF-8"), "SIGUSR1");
    drop(started.stdin.take());
    assert!(ended(&mut started).success());
}

/// As the first process of a container the tool reaps orphans, and passes signals on.
#[test]
fn the_first_process_of_a_container() {
    let script = "(sleep 0.1 & echo orphan) & wait; trap 'echo stopped; exit 0' TERM; echo ready; while :; do sleep 0.01; done";
    let mut command = Command::new("unshare");
    without_options(&mut command)
        .args(["--pid", "--fork", "--mount-proc", "--kill-child"])
        .arg(tool())
        .args(["run", "--", "sh", "-c", script]);
    let mut started = match command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn() {
        Ok(started) if own_id() == 0 => started,
        _ => return,
    };
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(started.stdout.take().expect("stdout")));
    let mut next = || lines.next().expect("a line").expect("UTF-8");
    assert_eq!((next(), next()), ("orphan".to_owned(), "ready".to_owned()));
    let first = *children(started.id()).first().expect("the first process");
    kill(first, libc::SIGTERM);
    assert_eq!(next(), "stopped");
    assert!(ended(&mut started).success());
}

/// The library sees no wait that crosses no symbol, and a leader in such a call does not look at its children: the tool does. Children that wait for
/// work are as long in their waits as the one that hangs.
#[test]
fn a_hang_that_only_the_tool_can_see() {
    let name = "tool-run-unseen";
    let program = scratch(&format!("{name}-built")).join("unseen");
    let source = repository("tests/apps/inspect/unseen.c");
    assert!(Command::new("gcc").args(["-g", "-O1", "-pthread", "-o"]).args([&program, &source]).status().expect("gcc").success());
    let mut command = Command::new(&program);
    command.args(["idle", "pool", "handler", "word"]);
    let (run, command) = under_run(name, command);
    let server = run.start(command);
    let leader = wait_for("the leader", || children(server.pid).first().copied());
    let all = workers(leader, 4, &Default::default());
    let hung = *all.last().expect("the last child");
    let printed = || fs::read_to_string(run.directory.join("stderr")).unwrap_or_default();
    wait_for("a hang", || printed().contains(" hangs\n").then_some(()));
    all.iter().for_each(|&child| kill(child, libc::SIGKILL));
    server.stop(libc::SIGTERM);
    let printed = printed();
    let waits = format!("unseen.c:{} in join_pool", common::hit::line(&source, "waits"));
    for part in [
        &format!("forkguard: process {hung} unseen, child of {leader} unseen hangs\n"),
        "futex word at 0x",
        "stuck: Orphaned: ",
        &waits,
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    let words = last_words(&run);
    assert!(words.contains("join-lost-thread (error), in 1 worker") && words.contains("waits at unseen.c:"), "{words}");
    assert_eq!((printed.matches(" hangs").count(), printed.matches("may have hung").count()), (1, 1), "{printed}");
    assert!(words.contains("only a signal's handler could give it (SIGTERM)"), "{words}");
    let report = run.report();
    let found = report.findings("join-lost-thread").next().expect("a finding");
    assert_eq!((found.json["child"].as_u64(), found.json["state"].as_str()), (Some(hung.into()), Some("hit")));
}

/// Each run has a private directory of its own, which `clean` finds.
#[test]
fn a_run_has_a_directory_of_its_own() {
    let state = scratch("tool-run-directory");
    let port = free_port();
    let mut command = common::server::gunicorn(port, "demo/prices", "wrong:app", &[]);
    command.env("XDG_STATE_HOME", &state);
    let (run, _) = under_run("tool-run-directory/run", Command::new("true"));
    let mut tool = self::run(&[], command.get_program(), &[]);
    tool.args(command.get_args()).env("XDG_STATE_HOME", &state).env("PYTHONDONTWRITEBYTECODE", "1");
    let server = run.start(tool);
    serves(port);
    assert!(server.stop(libc::SIGTERM).success());
    let runs: Vec<_> =
        fs::read_dir(state.join("forkguard")).expect("reports").map(|entry| entry.expect("entry").path()).collect();
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert!(runs[0].file_name().expect("a name").to_string_lossy().starts_with("run-gunicorn-"));
    assert_eq!(runs[0].metadata().expect("metadata").permissions().mode() & 0o777, 0o700);
    assert!(last_words(&run).contains(runs[0].to_str().expect("UTF-8")));
}
