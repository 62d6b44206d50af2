//! Programs that fork a lot and are no servers: all that they print and how they end is as without the library. Also under tools that watch
//! a program.
mod common;

use common::fixture::{Fixture, run};
use common::server::*;
use common::{Report, guarded, library, scratch};
use std::fs;
use std::process::Command;

fn unchanged(name: &str, program: &str, arguments: &[&str], script: &str) {
    let (run, ()) = compare(&format!("program-{name}"), |run| {
        let mut command = Command::new(program);
        command.args(arguments).arg(repository(&format!("tests/apps/scripts/{script}")));
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        let mut program = run.start(command);
        let status = program.status();
        program.gone();
        let read = |name| fs::read_to_string(run.directory.join(name)).expect("output");
        ((status, read("stdout"), read("stderr")), ())
    });
    let report = run.report();
    assert!(report.events("fork").next().is_some(), "forks are reported");
    no_hits(&report);
}

#[test]
fn bash() {
    unchanged("bash", "bash", &[], "pipeline.sh");
}

#[test]
fn make() {
    unchanged("make", "make", &["--jobs=2", "--file"], "Makefile");
}

#[test]
fn multiprocessing_pool() {
    unchanged("pool", "/usr/bin/python3", &[], "pool.py");
}

#[test]
fn python_subprocesses() {
    unchanged("subprocesses", "/usr/bin/python3", &[], "subprocesses.py");
}

#[test]
fn perl() {
    unchanged("perl", "perl", &[], "fork.pl");
}

#[test]
fn ruby() {
    unchanged("ruby", "ruby", &[], "fork.rb");
}

#[test]
fn node() {
    unchanged("node", "node", &[], "children.js");
}

/// Runs a command that runs `findings/thread-lost/pthread.c`, built with these flags: it forks among threads. Gives its stderr.
fn watched(name: &str, words: &[&str], flags: &[&str], environment: &[(&str, &str)]) -> String {
    let directory = scratch(&format!("watched/{name}"));
    let program = Fixture::new("findings/thread-lost/pthread.c").build_with(&directory, flags).expect("builds");
    let words = [words, &[program.to_str().expect("path")]].concat();
    let mut command = Command::new(words[0]);
    guarded(command.args(&words[1..]), &directory.join("report")).env("FORKGUARD_SUMMARY", "never");
    let run = run(command.envs(environment.iter().copied()).current_dir(&directory), &directory).expect("runs");
    assert!(run.status.success(), "{name}: {}: {}", run.status, run.stderr);
    let report = Report::read(&directory.join("report"));
    // A sanitizer has a thread of its own.
    assert!(report.findings("thread-lost").any(|finding| finding.text.contains("worker")), "{name}");
    run.stderr
}

#[test]
fn valgrind() {
    for tool in ["none", "memcheck", "helgrind"] {
        let stderr = watched(tool, &["valgrind", &format!("--tool={tool}"), "--error-exitcode=9"], &[], &[]);
        // A new error would have ended it with 9. A system call that valgrind does not know is one line.
        assert!(
            !stderr.contains("client switching stacks") && stderr.matches("unhandled amd64-linux syscall").count() <= 1,
            "{stderr}"
        );
    }
}

#[test]
fn ltrace() {
    watched("ltrace", &["ltrace", "-o", "calls"], &[], &[]);
}

/// AddressSanitizer as a shared library refuses to run behind another preload, unless verify_asan_link_order is off.
#[test]
fn sanitizers() {
    let quiet = ("ASAN_OPTIONS", "detect_leaks=0:verify_asan_link_order=0");
    watched("address", &["env"], &["-fsanitize=address"], &[quiet]);
    watched("address-static", &["env"], &["-fsanitize=address", "-static-libasan"], &[("ASAN_OPTIONS", "detect_leaks=0")]);
    watched("thread", &["env"], &["-fsanitize=thread"], &[]);
    watched("undefined", &["env"], &["-fsanitize=undefined"], &[]);
}

/// Each library costs every program that is executed: the unwinder lies in ours.
#[test]
fn a_program_loads_one_library_more() {
    let libraries = |command: &mut Command| {
        let maps = String::from_utf8(command.arg("/proc/self/maps").output().unwrap().stdout).unwrap();
        let paths = maps.lines().filter_map(|line| Some(line[line.find('/')?..].to_owned())).filter(|path| path.contains(".so"));
        paths.collect::<std::collections::BTreeSet<_>>()
    };
    let native = libraries(&mut Command::new("cat"));
    let guarded = libraries(guarded(&mut Command::new("cat"), &scratch("one_library_more")));
    let added: Vec<_> = guarded.difference(&native).collect();
    assert_eq!(added, [library().to_str().unwrap()]);
}
