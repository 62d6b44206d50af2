//! C programs of `c-tests/`: how they are compiled and run, and what their comments expect of the report.

use super::{Report, guarded, library, scratch, without_options};
use serde_json::Value;
use std::ffi::CStr;
use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};
use std::{env, process, thread};

/// Only a hang takes as long.
const LIMIT: Duration = Duration::from_secs(30);

/// One program of `c-tests/`: the comments of its source define how it is built and what is expected.
pub struct Fixture {
    /// `findings/lock-orphaned/mutex.c`: below `c-tests`.
    pub name: String,
    source: PathBuf,
    directives: Vec<(String, String)>,
}

/// How a run ended.
pub struct Output {
    /// The status of the program.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it (and the library) wrote to standard error.
    pub stderr: String,
}

impl Fixture {
    /// All fixtures of one family and the folders below it, by name. `FIXTURE=part` in the environment chooses among them.
    pub fn all(family: &str) -> Vec<Fixture> {
        let chosen = env::var("FIXTURE").unwrap_or_default();
        let mut names = Vec::new();
        add_programs_below(Path::new(family), &mut names);
        names.retain(|name| name.contains(&chosen));
        names.sort();
        names.iter().map(|name| Fixture::new(name)).filter(Fixture::is_for_this_glibc).collect()
    }

    /// `GLIBC: 2.35 WHY`, `GLIBC-BEFORE: 2.43 WHY`: from which version on it is as expected, and until before which.
    fn is_for_this_glibc(&self) -> bool {
        let version = |text: &str| -> Vec<u32> { text.split('.').map(|part| part.parse().expect("a number")).collect() };
        // SAFETY: a constant text.
        let own = unsafe { CStr::from_ptr(libc::gnu_get_libc_version()) }.to_str().expect("ASCII");
        let versions = |key| self.directives(key).filter_map(|text| text.split_whitespace().next()).map(version);
        versions("GLIBC").all(|since| version(own) >= since) && versions("GLIBC-BEFORE").all(|until| version(own) < until)
    }

    /// The fixture of that name below `c-tests`.
    pub fn new(name: &str) -> Fixture {
        let source = sources().join(name);
        let mut directives = directives_of(&source);
        for (_, value) in &mut directives {
            *value = value.replace("PROGRAM", &slug_of(name));
        }
        Fixture { name: name.to_string(), source, directives }
    }

    fn directives<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.directives.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// A file name of its own for what belongs to this fixture.
    fn slug(&self) -> String {
        slug_of(&self.name)
    }

    fn words<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.directives(key).flat_map(str::split_whitespace)
    }

    /// Compiles the program alone, with the plugins it names.
    pub fn build(&self) -> Result<PathBuf, String> {
        self.plugins()?;
        let program = built().join(self.slug());
        self.compile(&program, &[])?;
        Ok(program)
    }

    /// Compiles the program into a directory, with more flags.
    pub fn build_with(&self, directory: &Path, flags: &[&str]) -> Result<PathBuf, String> {
        let program = directory.join(self.slug());
        self.compile(&program, flags)?;
        Ok(program)
    }

    /// Compiles it twice, as `hooks/driver.h` wants it: a library and the program linked to it.
    pub fn build_with_library(&self) -> Result<PathBuf, String> {
        self.plugins()?;
        let (program, stem) = (built().join(self.slug()), format!("snippets-{}", self.slug()));
        self.compile(&built().join(format!("lib{stem}.so")), &["-DLIBRARY", "-fPIC", "-shared"])?;
        self.compile(&program, &["-Wl,--no-as-needed", &format!("-l{stem}")])?;
        Ok(program)
    }

    /// Compiles it linked to the library, which it will find in `place`.
    pub fn build_linked_to_library(&self, place: &Path) -> Result<PathBuf, String> {
        let program = built().join(self.slug());
        let search = format!("-L{}", library().parent().expect("directory").display());
        // Absolute: a privileged program takes no $ORIGIN.
        let run_path = format!("-Wl,-rpath,{}", place.display());
        self.compile(&program, &[&search, "-Wl,--no-as-needed", "-l:libforkguard.so", &run_path])?;
        Ok(program)
    }

    fn plugins(&self) -> Result<(), String> {
        self.words("PLUGIN").try_for_each(build_plugin)
    }

    fn compile(&self, output: &Path, extra: &[&str]) -> Result<(), String> {
        let search = [format!("-Wl,-rpath,{}", built().display()), format!("-L{}", built().display())];
        let all: Vec<&str> = search.iter().map(String::as_str).chain(self.words("FLAGS")).chain(extra.iter().copied()).collect();
        let libraries: Vec<&str> = self.words("LIBS").collect();
        compile(&self.source, output, &[all, libraries].concat())
    }

    /// Runs the program under the library with the environment that its comments ask for, and checks all they expect.
    pub fn check(&self, program: &Path) -> Result<(), String> {
        let directory = scratch(&format!("fixtures/{}", self.slug()));
        self.check_reporting_to(&directory.join("report"), program, &directory)
    }

    /// The same with a report directory of the caller's.
    pub fn check_reporting_to(&self, report: &Path, program: &Path, directory: &Path) -> Result<(), String> {
        let mut command = Command::new(program);
        command.args(self.words("ARGS"));
        guarded(&mut command, report).current_dir(directory);
        for (name, value) in self.directives("ENV").filter_map(|setting| setting.split_once('=')) {
            command.env(name, value);
        }
        let run = run(&mut command, directory)?;
        let mut wrong = Vec::new();
        let expected_status = self.directives("STATUS").next().unwrap_or("0");
        let status = ended_with(run.status);
        if status != expected_status {
            wrong.push(format!("ended with {status}, expected {expected_status}"));
        }
        for expected in self.directives("ALONE") {
            let run = run_alone(program, directory)?;
            let status = ended_with(run.status);
            if status != expected {
                wrong.push(format!("without the library it ended with {status}, expected {expected}: {}", run.stderr));
            }
        }
        let lines = Report::read(report);
        self.check_lines(&lines, &mut wrong);
        for part in self.directives("STDERR").filter(|part| !run.stderr.contains(part)) {
            wrong.push(format!("nothing on stderr like: {part}"));
        }
        for part in self.directives("STDERR-NOT").filter(|part| run.stderr.contains(part)) {
            wrong.push(format!("on stderr: {part}"));
        }
        if wrong.is_empty() {
            return Ok(());
        }
        let seen: Vec<&str> = lines.entries.iter().map(|entry| entry.text).collect();
        Err(format!("{}\n--- stderr\n{}--- report\n{}", wrong.join("\n"), run.stderr, seen.join("\n")))
    }

    fn check_lines(&self, report: &Report, wrong: &mut Vec<String>) {
        for change in report.misplaced() {
            wrong.push(format!("no finding before: {change}"));
        }
        let last: Vec<(Value, String)> = report.last_states().into_iter().map(|json| (json.clone(), json.to_string())).collect();
        for key in ["EXPECT-LAST", "EXPECT-LAST-NOT"] {
            for text in self.directives(key) {
                let expectation = Expectation::parse_last(text);
                let found = last.iter().filter(|(json, text)| expectation.matches(json, text)).count();
                expectation.judge(key, text, found, wrong);
            }
        }
        for (key, event) in [("EXPECT", "finding"), ("EXPECT-NOT", "finding"), ("EXPECT-EVENT", ""), ("EXPECT-NO-EVENT", "")] {
            for text in self.directives(key) {
                let expectation = Expectation::parse(event, text);
                let found = report.entries.iter().filter(|entry| expectation.matches(&entry.json, entry.text)).count();
                expectation.judge(key, text, found, wrong);
            }
        }
    }
}

/// Compiles a library of `c-tests/plugins`.
fn build_plugin(name: &str) -> Result<(), String> {
    let source = sources().join(format!("plugins/{name}.c"));
    let directives = directives_of(&source);
    let flags = directives.iter().filter(|(key, _)| key == "FLAGS").flat_map(|(_, value)| value.split_whitespace());
    let flags: Vec<&str> = ["-fPIC", "-shared"].into_iter().chain(flags).collect();
    compile(&source, &built().join(format!("lib{name}.so")), &flags)
}

/// The allocator that ends a process in which the library calls it, or that calls it during a fork: for preloading, in front.
pub fn no_allocation() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| plugin("no_allocation"))
}

/// A library of `c-tests/plugins`.
pub fn plugin(name: &str) -> PathBuf {
    build_plugin(name).unwrap_or_else(|error| panic!("{error}"));
    built().join(format!("lib{name}.so"))
}

fn slug_of(name: &str) -> String {
    name.replace(['/', '.'], "-")
}

/// Adds the C and C++ programs of a folder of `c-tests/`, and of the folders in it.
fn add_programs_below(folder: &Path, names: &mut Vec<String>) {
    for entry in fs::read_dir(sources().join(folder)).expect("fixtures") {
        let entry = entry.expect("entry");
        let path = folder.join(entry.file_name());
        if entry.file_type().expect("type").is_dir() {
            add_programs_below(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "c" || extension == "cc") {
            names.push(path.to_str().expect("UTF-8").to_string());
        }
    }
}

/// What the comments of a source ask for: keys and values.
fn directives_of(source: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(source).unwrap_or_else(|error| panic!("{}: {error}", source.display()));
    text.lines()
        .filter_map(|line| line.strip_prefix("// ")?.split_once(':'))
        .filter(|(key, _)| key.chars().all(|letter| letter.is_ascii_uppercase() || letter == '-'))
        .map(|(key, value)| (key.to_string(), value.trim().to_string()))
        .collect()
}

fn ended_with(status: ExitStatus) -> String {
    status.code().map_or_else(|| format!("signal {:?}", status.signal()), |code| code.to_string())
}

fn run_alone(program: &Path, directory: &Path) -> Result<Output, String> {
    let directory = directory.join("alone");
    fs::create_dir(&directory).map_err(|error| error.to_string())?;
    run(without_options(&mut Command::new(program)).current_dir(&directory), &directory)
}

/// `KIND FILTER…`: what a line of the report must be like.
struct Expectation {
    filters: Vec<Filter>,
    count: Option<usize>,
}

/// `path=value`, `path~part`, or `path=[filter,filter]` for some element of a list; the path `text` is the whole line.
enum Filter {
    Equals(String, String),
    Contains(String, String),
    SomeElement(String, Vec<Filter>),
}

impl Expectation {
    fn parse(event: &str, text: &str) -> Expectation {
        let mut words = quoted_words(text).into_iter();
        let first = words.next().unwrap_or_else(|| panic!("an expectation without a kind"));
        let (event, kind) = if event.is_empty() { (first.as_str(), None) } else { (event, Some(first.as_str())) };
        let mut filters = vec![Filter::Equals("event".to_string(), event.to_string())];
        filters.extend(kind.map(|kind| Filter::Equals("kind".to_string(), kind.to_string())));
        let mut count = None;
        for word in words {
            match word.strip_prefix("count=") {
                Some(number) => count = Some(number.parse().unwrap_or_else(|_| panic!("{text}: no count"))),
                None => filters.push(Filter::parse(&word)),
            }
        }
        Expectation { filters, count }
    }

    /// `KIND STATE FILTER…`, of findings as they stand in the end.
    fn parse_last(text: &str) -> Expectation {
        let (kind, rest) = text.split_once(' ').unwrap_or_else(|| panic!("{text}: no state"));
        Self::parse("finding", &format!("{kind} state={rest}"))
    }

    fn judge(&self, key: &str, text: &str, found: usize, wrong: &mut Vec<String>) {
        let satisfied = match (key.contains("-NO"), self.count) {
            (true, _) => found == 0,
            (false, None) => found > 0,
            (false, Some(count)) => found == count,
        };
        if !satisfied {
            wrong.push(format!("{key}: {text}: {found} such"));
        }
    }

    fn matches(&self, json: &Value, text: &str) -> bool {
        self.filters.iter().all(|filter| filter.matches(json, text))
    }
}

impl Filter {
    fn parse(word: &str) -> Filter {
        let at = word.find(['=', '~']).unwrap_or_else(|| panic!("{word}: neither = nor ~"));
        let (path, value) = (word[..at].to_string(), &word[at + 1..]);
        match value.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
            Some(inner) => Filter::SomeElement(path, inner.split(',').map(Filter::parse).collect()),
            None if word[at..].starts_with('=') => Filter::Equals(path, value.to_string()),
            None => Filter::Contains(path, value.to_string()),
        }
    }

    fn matches(&self, json: &Value, text: &str) -> bool {
        match self {
            Filter::Contains(path, part) if path == "text" => text.contains(part),
            Filter::Contains(path, part) => reached(json, path).iter().any(|value| plain(value).contains(part)),
            Filter::Equals(path, expected) => match reached(json, path).as_slice() {
                // What is null may be left out.
                [] => expected == "null",
                values => values.iter().any(|value| plain(value) == *expected),
            },
            Filter::SomeElement(path, filters) => reached(json, path)
                .iter()
                .any(|element| filters.iter().all(|filter| filter.matches(element, &element.to_string()))),
        }
    }
}

/// What a dotted path leads to; a list on the way stands for each of its elements.
fn reached<'a>(json: &'a Value, path: &str) -> Vec<&'a Value> {
    let spread = |value: &'a Value| value.as_array().map_or_else(|| vec![value], |list| list.iter().collect());
    path.split('.')
        .fold(vec![json], |values, key| values.into_iter().filter_map(|value| value.get(key)).flat_map(spread).collect())
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

/// Words; single quotes keep spaces.
fn quoted_words(text: &str) -> Vec<String> {
    let (mut words, mut quoted) = (vec![String::new()], false);
    for letter in text.chars() {
        match letter {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().expect("never empty").push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("c-tests")
}

/// Where compiled fixtures lie: `target/c-tests`.
pub fn built() -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("c-tests");
    fs::create_dir_all(&directory).expect("target/c-tests");
    directory
}

fn compile(source: &Path, output: &Path, arguments: &[&str]) -> Result<(), String> {
    let is_cpp = source.extension().is_some_and(|extension| extension == "cc");
    let (compiler, standard) = if is_cpp { ("g++", "-std=gnu++17") } else { ("gcc", "-std=gnu17") };
    // Several tests may build one program: each puts a whole one in place, and none overwrites one that runs.
    static BUILDS: AtomicUsize = AtomicUsize::new(0);
    let new = output.with_extension(format!("{}-{}", process::id(), BUILDS.fetch_add(1, Ordering::Relaxed)));
    let result = Command::new(compiler)
        .args([standard, "-g", "-O1", "-pthread", "-Wall", "-Wextra", "-Werror", "-o"])
        .args([new.as_path(), source])
        .args(arguments)
        // In glibc from 2.34 on what they have is in libc.
        .args(["-ldl", "-lrt", "-lutil"])
        .output()
        .map_err(|error| format!("{compiler}: {error}"))?;
    if !result.status.success() {
        return Err(String::from_utf8_lossy(&result.stderr).into_owned());
    }
    fs::rename(new, output).map_err(|error| error.to_string())
}

/// Runs `command` to its end, its output in files of `directory`; kills its process group if it hangs.
pub fn run(command: &mut Command, directory: &Path) -> Result<Output, String> {
    run_within(LIMIT, command, directory)
}

/// The same for a program that may take longer.
pub fn run_within(limit: Duration, command: &mut Command, directory: &Path) -> Result<Output, String> {
    let (stdout, stderr) = (directory.join("stdout"), directory.join("stderr"));
    let file = |path| File::create(path).map_err(|error| error.to_string());
    // With pipes, a daemon left behind would keep us waiting.
    command.stdin(Stdio::null()).stdout(file(&stdout)?).stderr(file(&stderr)?).process_group(0);
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let start = Instant::now();
    let ended = loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => break Some(status),
            None if start.elapsed() > limit => break None,
            None => thread::sleep(Duration::from_millis(2)),
        }
    };
    let text = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
    match ended {
        Some(status) => Ok(Output { status, stdout: text(&stdout), stderr: text(&stderr) }),
        None => {
            // SAFETY: the group was made for this child, which has not been reaped yet.
            unsafe { libc::kill(-child.id().cast_signed(), libc::SIGKILL) };
            child.wait().map_err(|error| error.to_string())?;
            Err(format!("hangs: killed after {limit:?}\n--- stderr\n{}", text(&stderr)))
        }
    }
}

/// One way to run a program whose behaviour must not change.
pub struct Mode {
    /// Its name.
    pub name: &'static str,
    option: (&'static str, &'static str),
    preload: &'static [Preload],
}

const GUARD: (&str, &str) = ("FORKGUARD", "guard");

#[derive(Clone, Copy)]
enum Preload {
    Forkguard,
    Jemalloc,
    /// `plugins/no_allocation.c`.
    NoAllocation,
}

/// The first runs without the library: the others are compared with it.
pub const MODES: [Mode; 8] = [
    Mode { name: "native", option: GUARD, preload: &[] },
    Mode { name: "guard", option: GUARD, preload: &[Preload::Forkguard] },
    Mode { name: "observe", option: ("FORKGUARD", "observe"), preload: &[Preload::Forkguard] },
    Mode { name: "cure", option: ("FORKGUARD_PROFILE", "cure"), preload: &[Preload::Forkguard] },
    Mode { name: "off", option: ("FORKGUARD", "off"), preload: &[Preload::Forkguard] },
    Mode { name: "before-jemalloc", option: GUARD, preload: &[Preload::Forkguard, Preload::Jemalloc] },
    Mode { name: "after-jemalloc", option: GUARD, preload: &[Preload::Jemalloc, Preload::Forkguard] },
    Mode { name: "no-allocation", option: GUARD, preload: &[Preload::NoAllocation, Preload::Forkguard] },
];

/// Runs `program` in every mode: each run must succeed and print what the native one prints.
pub fn same_in_every_mode(fixture: &Fixture, program: &Path) -> Result<(), String> {
    let mut native = None;
    let mut wrong = Vec::new();
    // A fixture may exclude jemalloc, or the profile whose guards change what it examines.
    let without: Vec<&str> = fixture.directives("WITHOUT").filter_map(|why| why.split_whitespace().next()).collect();
    for mode in MODES.iter().filter(|mode| !without.iter().any(|name| mode.name.ends_with(name))) {
        let directory = scratch(&format!("modes/{}/{}", fixture.slug(), mode.name));
        match run_in_mode(mode, fixture, program, &directory) {
            Ok(stdout) if *native.get_or_insert_with(|| stdout.clone()) == stdout => {}
            Ok(stdout) => wrong.push(format!("[{}] prints {stdout:?}, natively {native:?}", mode.name)),
            // Without the native run there is nothing to compare with.
            Err(error) if mode.preload.is_empty() => return Err(format!("[native] {error}")),
            Err(error) => wrong.push(format!("[{}] {error}", mode.name)),
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

fn run_in_mode(mode: &Mode, fixture: &Fixture, program: &Path, directory: &Path) -> Result<String, String> {
    // That there is a report proves that the library was there.
    let makes_processes = fixture.directives("REPORT").all(|value| !value.starts_with("none"));
    let report = directory.join("report");
    let preload: Vec<&str> = mode
        .preload
        .iter()
        .map(|preload| match preload {
            Preload::Forkguard => library().to_str().expect("UTF-8"),
            Preload::Jemalloc => "libjemalloc.so.2",
            Preload::NoAllocation => no_allocation().to_str().expect("UTF-8"),
        })
        .collect();
    let mut command = Command::new(program);
    command.args(fixture.words("ARGS"));
    without_options(&mut command).env(mode.option.0, mode.option.1).env("FORKGUARD_REPORT", &report).current_dir(directory);
    if !preload.is_empty() {
        command.env("LD_PRELOAD", preload.join(":"));
    }
    let run = run(&mut command, directory)?;
    if !run.status.success() {
        return Err(format!("{}\n{}", run.status, run.stderr));
    }
    // A child's status may be nobody's business.
    if ["cannot be preloaded", "no_allocation: "].iter().any(|word| run.stderr.contains(word)) {
        return Err(run.stderr);
    }
    let report = Report::read(&report);
    if let Some(change) = report.misplaced().first() {
        return Err(format!("no finding before: {change}"));
    }
    let reports = !report.entries.is_empty();
    let at_work = !mode.preload.is_empty() && mode.option.1 != "off";
    if reports != (at_work && makes_processes) {
        return Err(format!("a report: {reports}"));
    }
    Ok(run.stdout)
}

/// Runs `check` on all fixtures, as many at once as there are processors; panics with everything that failed.
pub fn each(fixtures: Vec<Fixture>, check: impl Fn(&Fixture) -> Result<(), String> + Sync) {
    assert!(!fixtures.is_empty(), "no fixture of that name");
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(fixture) = fixtures.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = check(fixture) {
                        failures.lock().expect("not poisoned").push(format!("=== {}\n{error}", fixture.name));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("not poisoned");
    let outcome = format!("{} of {} fixtures failed", failures.len(), fixtures.len());
    assert!(failures.is_empty(), "{outcome}:\n{}", failures.join("\n"));
    println!("{outcome}");
}
