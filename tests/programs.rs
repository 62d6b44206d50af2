//! Programs that fork a lot and are no servers: all that they print and how they end is as without the library.
mod common;

use common::server::*;
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
    nothing_bit(&report);
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
