//! The tool finds the source of native code: from debug information, outside the process that reported.
mod common;

use common::fixture::{Fixture, run};
use common::{Report, guarded, scratch, tool};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A run of `special/lines.c` without lines and static names, which the program has again afterwards; and what was reported.
struct Lines {
    directory: PathBuf,
    program: PathBuf,
    report: PathBuf,
}

impl Lines {
    fn run(name: &str) -> Lines {
        Lines::run_as(name, &["strip"])
    }

    /// Runs the program after `change`, a command that is given its path.
    fn run_as(name: &str, change: &[&str]) -> Lines {
        let directory = scratch(&format!("symbols/{name}"));
        let (program, report) = (directory.join("lines"), directory.join("report"));
        static BUILT: OnceLock<PathBuf> = OnceLock::new();
        let built = BUILT.get_or_init(|| Fixture::new("special/lines.c").build().expect("builds"));
        fs::copy(built, &program).expect("copy");
        assert!(Command::new(change[0]).args(&change[1..]).arg(&program).status().expect("runs").success());
        let run = run(guarded(&mut Command::new(&program), &report).env("FORKGUARD_SUMMARY", "never"), &directory).expect("runs");
        assert!(run.status.success(), "{}", run.stderr);
        fs::copy(built, &program).expect("copy");
        Lines { directory, program, report }
    }

    /// Standard output of the tool, asked about this run.
    fn tool(&self, command: &str, options: &[&str]) -> String {
        let debug_files = self.directory.join("debug");
        let output = Command::new(tool())
            .args([command, "--debug-files"])
            .arg(&debug_files)
            .args(options)
            .arg(&self.report)
            .output()
            .expect("the tool runs");
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn objcopy(&self, arguments: &[&str], file: &Path) {
        let done = Command::new("objcopy").args(arguments).arg(&self.program).arg(file).status().expect("objcopy runs");
        assert!(done.success());
    }

    /// Where debuggers look for the program's separate debug file.
    fn debug_file(&self) -> PathBuf {
        let report = Report::read(&self.report);
        let fork = report.events("fork").next().expect("fork");
        let id = fork.json["site"]["frames"][0]["build_id"].as_str().expect("the program has a build id").to_owned();
        let (directory, rest) = id.split_at(2);
        let directory = self.directory.join("debug/.build-id").join(directory);
        fs::create_dir_all(&directory).expect("directory");
        directory.join(format!("{rest}.debug"))
    }
}

/// `FILE:LINE in FUNCTION` of the line of `special/lines.c` that ends with the comment `WHAT in FUNCTION`.
fn place(comment: &str) -> String {
    let source = include_str!("../c-tests/special/lines.c");
    let line = 1 + source.lines().position(|line| line.ends_with(&format!("// {comment}"))).expect("a commented line");
    format!("lines.c:{line} in {}", comment.rsplit(' ').next().expect("a word"))
}

const PLACES: [&str; 4] = ["started in start", "taken in worker", "set in set_handler", "fork in main"];

#[test]
fn a_report_names_lines_of_c() {
    let lines = Lines::run("report");
    let text = lines.tool("report", &["--all"]);
    for comment in PLACES {
        assert!(text.contains(&place(comment)), "{comment}: {text}");
    }
    // Static functions are in no table that the library may read; the C library's start of the program has no lines here.
    assert!(text.lines().filter(|line| line.contains("lines+0x")).all(|line| line.contains("(_start)")), "{text}");
}

#[test]
fn resolve_fills_lines_in_and_leaves_the_rest() {
    let lines = Lines::run("resolve");
    let before = Report::read(&lines.report);
    let printed = lines.tool("resolve", &[]);
    let kept: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(kept.len(), before.entries.len());

    assert_eq!(lines.tool("resolve", &["--in-place"]), "");
    for file in fs::read_dir(&lines.report).expect("directory") {
        assert_eq!(file.expect("entry").metadata().expect("file").mode() & 0o7777, 0o600);
    }
    let after = Report::read(&lines.report);
    assert!(after.entries.iter().map(|entry| &entry.json).eq(&kept));
    let frame = |report: &Report| report.events("fork").next().expect("fork").json["site"]["frames"][0].clone();
    let (was, mut is) = (frame(&before), frame(&after));
    assert_eq!(
        format!("{}:{}", is["file"], is["line"]).replace('"', "").rsplit('/').next(),
        place("fork in main").split(' ').next()
    );
    assert_eq!(is["function"], "main");
    for key in ["function", "file", "line"] {
        is.as_object_mut().expect("a frame").remove(key);
    }
    assert_eq!(was, is, "nothing else changed");

    let lost = after.findings("thread-lost").next().expect("thread-lost");
    let edit: Vec<_> = lost.json["at"].as_array().expect("lines").iter().filter_map(Value::as_str).collect();
    assert!(edit.iter().any(|line| line.ends_with(&place("started in start"))), "{edit:?}");

    let again = fs::read_dir(&lines.report).expect("directory").count();
    lines.tool("resolve", &["--in-place"]);
    assert_eq!(fs::read_dir(&lines.report).expect("directory").count(), again, "no file is left behind");
    assert_eq!(lines.tool("resolve", &[]), printed, "what is resolved stays");
}

/// The library knew the lines: the tool adds what was inlined.
#[test]
fn known_lines_are_completed() {
    let lines = Lines::run_as("known", &["test", "-x"]);
    let functions = |report: &Report| {
        let fork = &report.events("fork").next().expect("fork").json;
        let signals = fork["signals"].as_array().expect("signals");
        let signal = signals.iter().find(|signal| signal["signal"] == "SIGUSR2").expect("SIGUSR2");
        let frames = signal["site"]["frames"].as_array().expect("frames");
        frames.iter().map(|f| f["function"].clone()).take(2).collect::<Vec<_>>()
    };
    let before = Report::read(&lines.report);
    let at = |report: &Report| report.findings("thread-lost").next().expect("thread-lost").json["at"].clone();
    assert!(at(&before).to_string().contains(place("started in start").split(' ').next().expect("a place")));
    assert_eq!(functions(&before), ["set_handler", "main"], "an inlined function is a frame");
    lines.tool("resolve", &["--in-place"]);
    let after = Report::read(&lines.report);
    assert_eq!(functions(&after), ["set_handler", "main"]);
    let printed = lines.tool("resolve", &[]);
    assert!(after.entries.iter().map(|entry| entry.text).eq(printed.lines()), "what is resolved stays");
}

#[test]
fn inlined_functions_have_frames_of_their_own() {
    let lines = Lines::run("inlined");
    lines.tool("resolve", &["--in-place"]);
    let report = Report::read(&lines.report);
    let fork = &report.events("fork").next().expect("fork").json;
    let signals = fork["signals"].as_array().expect("signals");
    let signal = signals.iter().find(|signal| signal["signal"] == "SIGUSR2").expect("SIGUSR2");
    let functions = |value: &Value| value.as_array().expect("frames").iter().map(|f| f["function"].clone()).collect::<Vec<_>>();
    assert_eq!(functions(&signal["site"]["frames"])[..2], ["set_handler", "main"]);
    assert_eq!(signal["handler"]["function"], "handler");
}

#[test]
fn separate_debug_files_are_found_by_build_id() {
    let lines = Lines::run("separate");
    lines.objcopy(&["--only-keep-debug"], &lines.debug_file());
    lines.objcopy(&["--strip-all"], &lines.program.clone());
    let text = lines.tool("report", &["--all"]);
    PLACES.iter().for_each(|comment| assert!(text.contains(&place(comment)), "{comment}: {text}"));
}

#[test]
fn without_lines_the_symbols_remain() {
    let lines = Lines::run("symbols");
    lines.objcopy(&["--strip-debug"], &lines.program.clone());
    let text = lines.tool("report", &["--all"]);
    assert!(text.contains("(worker)") && !text.contains("lines.c"), "{text}");
}

/// A program that was built anew since, and debug files of another build.
#[test]
fn another_build_resolves_nothing() {
    let lines = Lines::run("another");
    let (before, debug_file) = (lines.tool("report", &["--all"]), lines.debug_file());
    assert!(before.contains("lines.c:"), "{before}");
    Command::new("gcc")
        .args(["-g", "-pthread", "-DANOTHER", "-O2", concat!(env!("CARGO_MANIFEST_DIR"), "/c-tests/special/lines.c"), "-o"])
        .arg(&lines.program)
        .status()
        .expect("gcc runs");
    fs::copy(&lines.program, debug_file).expect("copy");
    let after = lines.tool("report", &["--all"]);
    assert!(!after.contains("lines.c:") && after.contains("lines+0x"), "{after}");
}

/// The native stack of a site is what the C library's unwinder gives at the same place.
/// The C library's frames below main, or below a thread's function, call nothing of the program's that a reader would look for.
fn without_start(frames: &mut Vec<(&str, u64)>) {
    let is_libc = |frame: &(&str, u64)| ["libc.so", "libpthread.so"].iter().any(|part| frame.0.contains(part));
    if frames.len() > 1 && is_libc(&frames[frames.len() - 2]) && !is_libc(&frames[frames.len() - 1]) {
        frames.pop();
    }
    while frames.last().is_some_and(is_libc) {
        frames.pop();
    }
}

#[test]
fn stacks_are_as_backtrace_has_them() {
    let directory = scratch("symbols/stack");
    let report = directory.join("report");
    let program = Fixture::new("special/stack.c").build().expect("builds");
    let run = run(guarded(&mut Command::new(program), &report).env("FORKGUARD_SUMMARY", "never"), &directory).expect("runs");
    assert!(run.status.success(), "{}", run.stderr);
    let report = Report::read(&report);
    let fork = report.events("fork").next().expect("fork");
    let mut checked = Vec::new();
    for descriptor in fork.json["descriptors"].as_array().expect("descriptors") {
        let fd = descriptor["fd"].to_string();
        let printed = run.stdout.lines().map(|line| line.split(' ').collect::<Vec<_>>()).filter(|words| words[1] == fd);
        let mut expected: Vec<_> = printed.clone().map(|words| (words[2], words[3].parse::<u64>().expect("an offset"))).collect();
        without_start(&mut expected);
        let Some(what) = printed.map(|words| words[0]).next() else { continue };
        let frames = descriptor["site"]["frames"].as_array().expect("frames");
        let reported = frames.iter().map(|f| (f["module"].as_str().expect("module"), f["offset"].as_u64().expect("offset")));
        // The innermost frame is the same function, but at another call.
        let (reported, expected): (Vec<_>, Vec<_>) = (reported.skip(1).collect(), expected.into_iter().skip(1).collect());
        // What interrupted code is where a walk ends.
        let whole = !matches!(what, "handler");
        let base = |list: &[(&str, u64)]| -> Vec<_> {
            list.iter().map(|(module, offset)| (module.rsplit('/').next().map(str::to_owned), *offset)).collect()
        };
        let (reported, expected) = (base(&reported), base(&expected));
        assert!(if whole { reported == expected } else { expected.starts_with(&reported) }, "{what}: {reported:?} {expected:?}");
        checked.push(what);
    }
    assert_eq!(checked, ["main", "deep", "callback", "handler", "thread", "coroutine"]);
}

/// Lines that are no events, and modules that are no files to read.
#[test]
fn foreign_lines_stay_as_they_are() {
    let directory = scratch("symbols/foreign");
    let pipe = directory.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let file = directory.join("1.jsonl");
    let frame = |module: &str, id: &str| {
        format!(r#"{{"frames":[{{"language":"native","module":"{module}","offset":1,"build_id":"{id}"}}]}}"#)
    };
    let text = [
        "no JSON",
        "",
        "[1, 2.50]",
        &frame(pipe.to_str().expect("UTF-8"), "00"),
        &frame("/dev/zero", "../../etc"),
        &frame("/etc/passwd", ""),
        r#"{"build_id":"ab"}"#,
    ]
    .join("\n");
    fs::write(&file, format!("{text}\n")).expect("file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("mode");
    let output = Command::new(tool()).arg("resolve").arg(&file).output().expect("the tool runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{text}\n"));
}
