//! What the integration tests share: the built library, scratch directories, reports, waiting.
#![allow(dead_code, unreachable_pub, reason = "every test binary includes this and uses its own part")]

pub mod hit;

pub mod fixture;

pub mod server;

pub mod terminal;

pub mod wrk;

use forkguard_report::Line;
use forkguard_report::event::{Event, FindingKind};
use jsonschema::Validator;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

/// Lets what the tests start begin with default dispositions, even where they were started with signals ignored (nohup, many CI systems):
/// an exec keeps what is ignored, and resets what is caught.
#[ctor::ctor(unsafe)]
fn catch_what_is_ignored() {
    extern "C" fn go_on(_: libc::c_int) {}
    for signal in 1..=libc::SIGRTMAX() {
        // SAFETY: plain calls; the handler does nothing.
        unsafe {
            let mut action = std::mem::zeroed::<libc::sigaction>();
            if libc::sigaction(signal, std::ptr::null(), &mut action) == 0 && action.sa_sigaction == libc::SIG_IGN {
                action.sa_sigaction = go_on as extern "C" fn(libc::c_int) as usize;
                action.sa_flags = libc::SA_RESTART;
                libc::sigaction(signal, &action, std::ptr::null_mut());
            }
        }
    }
}

/// The libforkguard.so that users run: of the release profile, built on the first call.
pub fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| release().join("libforkguard.so"))
}

/// The tool, likewise.
pub fn tool() -> &'static Path {
    static TOOL: OnceLock<PathBuf> = OnceLock::new();
    TOOL.get_or_init(|| release().join("forkguard"))
}

/// Where they are: in the directory that FORKGUARD_TEST_BUILD names (`scripts/matrix`), or built. (cargo test builds neither a library that is only a
/// cdylib, nor the release profile.)
fn release() -> &'static Path {
    static RELEASE: OnceLock<PathBuf> = OnceLock::new();
    RELEASE.get_or_init(|| {
        if let Some(build) = env::var_os("FORKGUARD_TEST_BUILD") {
            return build.into();
        }
        let own = env::current_exe().expect("own path");
        let target = own.ancestors().nth(3).expect("target/PROFILE/deps/test");
        let build = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/build");
        let built = Command::new(build).args(["--quiet", "--target-dir"]).arg(target).status().expect("scripts/build runs");
        assert!(built.success(), "the library or the tool does not build");
        target.join("release")
    })
}

/// A new, empty directory for one test, under the target directory.
pub fn scratch(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    match fs::remove_dir_all(&directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => panic!("{}: {error}", directory.display()),
        _ => fs::create_dir_all(&directory).expect("scratch directory"),
    }
    directory
}

/// Debian's Python, and those that pyenv installed, as far as frames are read: minor version (0: not asked), name and program.
pub fn interpreters() -> Vec<(u32, String, PathBuf)> {
    let mut all = vec![(0, "debian".to_string(), PathBuf::from("/usr/bin/python3"))];
    let versions = PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".pyenv/versions");
    for entry in fs::read_dir(versions).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let minor = name.strip_prefix("3.").and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
        if let Some(minor) = minor.filter(|minor| (9..=14).contains(minor)) {
            all.push((minor, name, entry.path().join("bin/python3")));
        }
    }
    all
}

/// `command` under the library, reporting into `report`; whatever options the tests themselves run with are removed.
pub fn guarded<'a>(command: &'a mut Command, report: &Path) -> &'a mut Command {
    without_options(command).env("LD_PRELOAD", library()).env("FORKGUARD_REPORT", report)
}

/// `command` without any option of forkguard and without preload.
pub fn without_options(command: &mut Command) -> &mut Command {
    let ours = |name: &OsString| name.to_string_lossy().starts_with("FORKGUARD");
    for (name, _) in env::vars_os().filter(|(name, _)| ours(name)) {
        command.env_remove(name);
    }
    command.env_remove("LD_PRELOAD")
}

/// False with a word about it where Debian's Ruby is one whose frames are not read.
pub fn rubys_frames_are_read() -> bool {
    let version = Command::new("ruby").args(["-e", "print RUBY_VERSION"]).output().expect("runs").stdout;
    let is_read = version >= b"3".to_vec();
    if !is_read {
        println!("Ruby {}: its frames are not read; not tested here", String::from_utf8_lossy(&version));
    }
    is_read
}

/// How long anything may take on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Asks `probe` until it gives a value; panics with `what` after [`LIMIT`].
pub fn wait_for<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(start.elapsed() < LIMIT, "no {what} after {LIMIT:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// How a program ended; one that does not end within [`LIMIT`] is killed, and the test fails.
pub fn ended(child: &mut Child) -> ExitStatus {
    let start = Instant::now();
    while start.elapsed() < LIMIT {
        if let Some(status) = child.try_wait().expect("a child") {
            return status;
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().and_then(|()| child.wait()).expect("is killed");
    panic!("the program has not ended after {LIMIT:?}");
}

/// The report's JSON Schema.
fn schema() -> &'static Validator {
    static SCHEMA: OnceLock<Validator> = OnceLock::new();
    SCHEMA.get_or_init(|| jsonschema::validator_for(&forkguard_report::schema()).expect("a valid schema"))
}

/// One line of a report: as its type and as plain JSON.
pub struct Entry {
    /// The type that the library wrote.
    pub line: Line<'static>,
    /// The same, for looking at keys by name.
    pub json: Value,
    /// The text itself.
    pub text: &'static str,
    /// Which file it stands in, and where there.
    pub place: (usize, usize),
    /// It is no line of its own, but follows from a fork that is like an earlier one.
    pub follows: bool,
}

impl Entry {
    /// The id of a finding or of a change of one.
    fn id(&self) -> &str {
        self.json["id"].as_str().expect("an id")
    }
}

/// All lines of a report directory, file by file.
pub struct Report {
    /// The lines.
    pub entries: Vec<Entry>,
}

/// How large the files of a directory are together.
pub fn bytes_in(directory: &Path) -> u64 {
    fs::read_dir(directory).expect("directory").map(|entry| entry.expect("entry").metadata().expect("file").len()).sum()
}

/// Checks that a line is empty that has no end, unless it ends with a page.
fn not_torn(file: &Path, start: usize, line: &[u8]) {
    let text = String::from_utf8_lossy(line);
    assert!(line.is_empty() || (start + line.len()).is_multiple_of(4096), "{}: a torn line at {start}: {text}", file.display());
}

impl Report {
    /// Reads every `*.jsonl` of `directory`; each line must parse and follow the schema. The beginning of one is let pass at the end of a
    /// page: there SIGKILL ends a write.
    pub fn read(directory: &Path) -> Report {
        Self::lines(directory, true, not_torn)
    }

    /// The same while it is being written: a last line may be incomplete.
    pub fn so_far(directory: &Path) -> Report {
        Self::lines(directory, true, |_, _, _| ())
    }

    /// The same with every line as it stands there: a fork that is like an earlier one is not expanded.
    pub fn as_written(directory: &Path) -> Report {
        Self::lines(directory, false, not_torn)
    }

    fn lines(directory: &Path, in_full: bool, check_end: impl Fn(&Path, usize, &[u8])) -> Report {
        let mut files: Vec<PathBuf> = match fs::read_dir(directory) {
            Ok(listing) => listing.map(|entry| entry.expect("entry").path()).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => panic!("{}: {error}", directory.display()),
        };
        files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
        files.sort();
        let mut entries = Vec::new();
        for (number, file) in files.iter().enumerate() {
            // The types borrow from the text: a test may leak it.
            let all: &'static [u8] = fs::read(file).expect("a file").leak();
            let (lines, rest) = all.split_at(all.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
            check_end(file, lines.len(), rest);
            let (own, mut start) = (entries.len(), 0);
            for (number_in_file, line) in lines.split_inclusive(|byte| *byte == b'\n').enumerate() {
                let whole = forkguard_report::after_torn(line).unwrap_or(line);
                not_torn(file, start, &line[..line.len() - whole.len()]);
                start += line.len();
                let text = str::from_utf8(whole.trim_ascii_end()).expect("UTF-8");
                let entry = Self::entry(file, (number, number_in_file), text);
                match in_full {
                    true => entries.extend(Self::expanded(file, &entries[own..], entry)),
                    false => entries.push(entry),
                }
            }
        }
        Report { entries }
    }

    fn entry(file: &Path, place: (usize, usize), text: &'static str) -> Entry {
        let json: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{}: {error}: {text}", file.display()));
        let errors: Vec<String> = schema().iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: against the schema: {}: {text}", file.display(), errors.join("; "));
        let line = serde_json::from_str(text).unwrap_or_else(|error| panic!("{}: {error}: {text}", file.display()));
        Entry { line, json, text, place, follows: false }
    }

    /// A line as events: itself, but a fork that is like an earlier one stands for that one's event and findings.
    fn expanded(file: &Path, above: &[Entry], short: Entry) -> Vec<Entry> {
        let Some(earlier) = short.json["like"].as_str() else { return vec![short] };
        let own = |entry: &Entry, changes: &[(&str, Value)]| {
            let mut json = entry.json.clone();
            for (key, value) in ["time", "ppid", "fork", "child"].iter().map(|&key| (key, &short.json[key])) {
                json[key] = value.clone();
            }
            changes.iter().for_each(|(key, value)| json[*key] = value.clone());
            Entry { follows: true, ..Self::entry(file, short.place, json.to_string().leak()) }
        };
        let of_earlier = || above.iter().filter(|entry| entry.json["fork"] == earlier && !entry.follows);
        let whole = of_earlier().find(|entry| entry.json["event"] == "fork");
        let whole = whole.unwrap_or_else(|| panic!("{}: no fork {earlier} above: {}", file.display(), short.text));
        let is_hazard = |entry: &&Entry| matches!(&entry.line.event, Event::Finding(finding) if !finding.kind.is_bite());
        let findings = of_earlier().filter(is_hazard).map(|entry| {
            let id = entry.id().replacen(earlier, short.json["fork"].as_str().expect("a fork"), 1);
            own(entry, &[("id", id.into()), ("state", "open".into())])
        });
        [own(whole, &[("cost_us", short.json["cost_us"].clone()), ("like", earlier.into())])]
            .into_iter()
            .chain(findings)
            .collect()
    }

    /// The events of one name (`fork`, `finding`, …). A fork that is like an earlier one counts as if it were written in full.
    pub fn events<'a>(&'a self, event: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.json["event"] == event)
    }

    /// The findings of one kind (`lock-orphaned`, …).
    pub fn findings<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.events("finding").filter(move |entry| entry.json["kind"] == kind)
    }

    /// Every finding as it stands in the end: with the `state`, the `severity` and the `because` of its last change.
    pub fn last_states(&self) -> Vec<Value> {
        let mut changes: Vec<&Value> = self.events("finding-state").map(|entry| &entry.json).collect();
        // By time: a child that has forked itself writes into a file of its own.
        let time = |change: &Value| change["time"].as_f64().expect("a number");
        changes.sort_by(|a, b| time(a).total_cmp(&time(b)));
        let mut of: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for change in changes {
            of.entry(change["id"].as_str().expect("an id")).or_default().push(change);
        }
        let last = |entry: &Entry| {
            let mut finding = entry.json.clone();
            for change in of.get(finding["id"].as_str().expect("an id")).into_iter().flatten() {
                for key in ["state", "severity", "because"].into_iter().filter(|key| !change[key].is_null()) {
                    finding[key] = change[key].clone();
                }
            }
            // A short-lived child of such a fork writes nothing.
            if entry.follows && finding["state"] == "open" && !self.lived(&finding["fork"]) {
                finding["state"] = "moot".into();
            }
            finding
        };
        self.events("finding").map(last).collect()
    }

    /// The same of the findings of one kind.
    pub fn last_states_of(&self, kind: &str) -> Vec<Value> {
        self.last_states().into_iter().filter(|finding| finding["kind"] == kind).collect()
    }

    /// True when the child of this fork has settled, or hit a hazard.
    fn lived(&self, fork: &Value) -> bool {
        let is_sign = |entry: &Entry| match &entry.line.event {
            Event::Child(_) => true,
            // Of a program that is executed: its child did not live.
            Event::Finding(finding) => finding.kind.is_bite() && finding.kind != FindingKind::FdLeakedExec,
            _ => false,
        };
        self.entries.iter().any(|entry| entry.json["fork"] == *fork && is_sign(entry))
    }

    /// Changes of findings that are nowhere, or that stand below the change in the same file: a report is read in order. On a machine so busy that the
    /// leader's report takes longer than a child waits for it, they may.
    pub fn misplaced(&self) -> Vec<&'static str> {
        let mut places: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
        for finding in self.events("finding") {
            places.entry(finding.id()).or_default().push(finding.place);
        }
        let is_told = |change: &Entry| {
            let (file, line) = change.place;
            let known = places.get(change.id());
            // What needs all findings comes last: a report may have tens of thousands of them.
            known.is_some_and(|known| known.iter().any(|place| place.0 != file || place.1 < line) || self.has_waited(change))
        };
        self.events("finding-state").filter(|change| !is_told(change)).map(|change| change.text).collect()
    }

    /// True for a change of its leader's finding that a child wrote after all the time for which it waits for its leader's report.
    fn has_waited(&self, change: &Entry) -> bool {
        const WAITS_FOR: f64 = 0.1;
        let time = |entry: &Entry| entry.json["time"].as_f64().expect("a time");
        let is_leaders = |finding: &Entry| finding.id() != change.id() || finding.json["pid"] != change.json["pid"];
        let settled = self.events("child").find(|child| child.json["pid"] == change.json["pid"]);
        self.events("finding").all(is_leaders)
            && settled
                .is_some_and(|child| time(change) - (time(child) - child.json["age"].as_f64().expect("seconds")) > WAITS_FOR)
    }
}
