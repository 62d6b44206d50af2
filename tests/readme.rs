//! The first screen of README.md: what a wrong program prints, and that the repaired one is silent.
mod common;

use common::server::*;
use std::collections::BTreeSet;
use std::fs;

/// What forkguard prints while gunicorn serves this program of demo/prices, which `line` of it shows to be complete.
fn printed_by(program: &str, arguments: &[&str], line: Option<&str>) -> Vec<String> {
    let (run, port) = (Run::guarded(&format!("readme-{program}")), free_port());
    let mut command = gunicorn(port, "demo/prices", &format!("{program}:app"), arguments);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let server = run.start(command);
    serves(port);
    server.workers(2, &BTreeSet::new());
    if let Some(line) = line {
        wait_for(line, || run.printed().iter().any(|printed| printed.contains(line)).then_some(()));
    }
    assert!(server.stop(libc::SIGTERM).success());
    run.printed()
}

/// A line without its numbers of processes and threads, which have more than two digits.
fn unnumbered(line: &str) -> String {
    let (mut text, mut number) = (String::new(), String::new());
    for letter in line.chars().chain(['\n']) {
        if letter.is_ascii_digit() {
            number.push(letter);
            continue;
        }
        text.push_str(if number.len() > 2 { "N" } else { &number });
        text.push(letter);
        number.clear();
    }
    text.trim_end().to_owned()
}

#[test]
fn the_first_screen_is_what_is_printed() {
    let readme = fs::read_to_string(repository("README.md")).expect("README.md");
    let shown: Vec<String> = readme.lines().filter_map(|line| line.strip_prefix("    forkguard: ")).map(unnumbered).collect();
    let printed = printed_by("wrong", &[], Some("all of it"));
    for part in ["thread-lost (warning)", "  cure:", "  or set"] {
        let line = printed.iter().find(|line| line.contains(part)).unwrap_or_else(|| panic!("{part}: {printed:#?}"));
        let line = unnumbered(line.trim_start_matches("forkguard: "));
        assert!(shown.contains(&line), "{line}\n{shown:#?}");
    }
    let settings = repository("demo/prices/repaired.py");
    assert_eq!(printed_by("repaired", &["--config", settings.to_str().expect("a path")], None), Vec::<String>::new());
}
