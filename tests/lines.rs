//! Lines of native code: of what compilers wrote, against the tool's own reader (addr2line).
mod common;

use common::fixture::run;
use common::{Report, guarded, scratch};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file that is read as the library reads it.
struct Opened(File);

impl forkguard_lines::Source for Opened {
    fn read_at(&self, at: u64, into: &mut [u8]) -> usize {
        self.0.read_at(into, at).unwrap_or(0)
    }
}

fn output(command: &mut Command) -> String {
    let output = command.output().expect("the program runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Addresses all over the functions of a program.
fn addresses(program: &Path) -> Vec<u64> {
    let number = |text: &str| u64::from_str_radix(text, 16).expect("a number");
    let symbols = output(Command::new("nm").args(["-S", "--defined-only"]).arg(program));
    let mut addresses: Vec<u64> = symbols
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .filter(|words| words.len() == 4 && matches!(words[2], "t" | "T" | "W"))
        .flat_map(|words| (number(words[0])..number(words[0]) + number(words[1])).step_by(13))
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

fn build_id(program: &Path) -> String {
    let notes = output(Command::new("readelf").arg("-n").arg(program));
    notes.lines().find_map(|line| line.trim().strip_prefix("Build ID: ")).expect("a build id").to_string()
}

/// The lines that the library finds for addresses that it resolves together: `file:line`, or nothing.
fn lines_at(program: &Path, id: &str, addresses: &[u64], is_library: forkguard_lines::IsLibrary) -> Vec<String> {
    let file = Opened(File::open(program).expect("program"));
    let mut lines = vec![String::new(); addresses.len()];
    let found = forkguard_lines::look(&file, id, addresses, is_library, &mut (1 << 30), |index, found| {
        if let Some(place) = found.place.filter(|place| place.line != 0) {
            lines[index] = format!("{}:{}", std::str::from_utf8(place.file.as_bytes()).expect("UTF-8"), place.line);
        }
    });
    assert!(found);
    lines
}

fn line(location: Option<addr2line::Location>) -> String {
    location.and_then(|at| Some(format!("{}:{}", at.file?, at.line?))).unwrap_or_default()
}

/// Compares the line of every address; how many had one.
fn compare(program: &Path) -> usize {
    let (addresses, id) = (addresses(program), build_id(program));
    let loader = addr2line::Loader::new(program).expect("debug information");
    let mut known = 0;
    for some in addresses.chunks(forkguard_lines::TOGETHER) {
        for (&address, found) in some.iter().zip(lines_at(program, &id, some, &|_| false)) {
            let expected = line(loader.find_location(address).expect("debug information"));
            assert_eq!(found, expected, "{address:#x} of {}", program.display());
            known += usize::from(!found.is_empty());
        }
    }
    known
}

/// Compares who called what was inlined from system headers; how many such calls there were.
fn compare_callers(program: &Path) -> usize {
    let (addresses, id) = (addresses(program), build_id(program));
    let loader = addr2line::Loader::new(program).expect("debug information");
    let is_library = |path: &[u8]| path.starts_with(b"/usr/include/");
    let mut callers = 0;
    for &address in addresses.iter().step_by(7) {
        let mut frames = loader.find_frames(address).expect("debug information");
        let mut lines = Vec::new();
        while let Some(frame) = frames.next().expect("debug information") {
            lines.push(line(frame.location));
        }
        let own = lines.iter().position(|line| !is_library(line.as_bytes())).unwrap_or(0);
        let found = lines_at(program, &id, &[address], &is_library);
        assert_eq!(found.first(), lines.get(own).or(Some(&String::new())), "{address:#x} of {}", program.display());
        callers += usize::from(own > 0);
    }
    callers
}

fn compiled(directory: &Path, name: &str, compiler: &str, arguments: &[&str], source: &str) -> PathBuf {
    let program = directory.join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
    output(Command::new(compiler).args(arguments).arg(source).arg("-o").arg(&program));
    program
}

#[test]
fn lines_are_as_addr2line_has_them() {
    let directory = scratch("lines/compared");
    for version in 2..=5 {
        for optimize in ["-O0", "-O2"] {
            let dwarf = format!("-gdwarf-{version}");
            let name = format!("heap-{version}{optimize}");
            let arguments = [&dwarf, optimize, "-pthread", "-ffunction-sections", "-Wl,--gc-sections"];
            let program = compiled(&directory, &name, "g++", &arguments, "bench/heap.cpp");
            assert!(compare(&program) > 500, "{name}");
            assert!(optimize == "-O0" || compare_callers(&program) > 10, "{name}");
        }
    }
}

/// Without .debug_aranges the units name the addresses that they cover.
#[test]
fn lines_without_an_index_of_addresses() {
    let directory = scratch("lines/walked");
    for version in [4, 5] {
        let dwarf = format!("-gdwarf-{version}");
        let program = compiled(&directory, &format!("walked-{version}"), "g++", &[&dwarf, "-O2", "-pthread"], "bench/heap.cpp");
        output(Command::new("objcopy").args(["--remove-section", ".debug_aranges"]).arg(&program));
        assert!(compare(&program) > 500);
    }
}

/// A program of Rust: of the stack that leads to the C library the line of the application is named.
#[test]
fn lines_of_rust() {
    let directory = scratch("lines/rust");
    let program = compiled(&directory, "app", "rustc", &["-g", "--edition=2024"], "tests/apps/sites/app.rs");
    let report = directory.join("report");
    let run = run(guarded(&mut Command::new(&program), &report).env("FORKGUARD_SUMMARY", "always"), &directory).expect("runs");
    assert!(run.status.success(), "{}", run.stderr);
    let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apps/sites/app.rs")).expect("source");
    let line = |comment: &str| 1 + source.lines().position(|line| line.ends_with(comment)).expect("a commented line");
    let report = Report::read(&report);
    let lost = report.findings("thread-lost").next().expect("thread-lost");
    let started = format!("app.rs:{} in ", line("// started"));
    assert!(lost.json["at"][0].as_str().is_some_and(|at| at.contains(&started)), "{}", lost.text);
    assert!(run.stderr.contains(&format!("started at {started}")), "{}", run.stderr);
    let fork = &report.events("fork").next().expect("fork").json["site"]["frames"][0];
    assert_eq!(fork["line"], line("// fork"), "{fork}");
}
