//! `forkguard report` as a person meets it: what it prints is kept in `expected/`.
use forkguard_report::event::FindingKind;
use std::collections::HashSet;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn tool(arguments: &[&str]) -> Command {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_forkguard"));
    tool.args(arguments).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests"));
    for name in ["COLUMNS", "XDG_STATE_HOME", "TMPDIR", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        tool.env_remove(name);
    }
    tool
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

/// What it printed; it succeeded and complained of nothing.
fn printed(output: &Output) -> &str {
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    text(&output.stdout)
}

/// What it complained of; it printed nothing and its status is 2.
fn complaint(arguments: &[&str]) -> String {
    let output = tool(arguments).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{output:?}");
    text(&output.stderr).to_owned()
}

/// What `forkguard report` prints with these arguments.
fn report(arguments: &[&str]) -> String {
    printed(&tool(&[&["report"], arguments].concat()).output().unwrap()).to_owned()
}

#[test]
fn a_run_of_a_server() {
    insta::assert_snapshot!("run", report(&["run"]));
}

/// A real run of gunicorn with three workers: one hangs on a lock, two share a connection.
#[test]
fn a_recorded_run_of_gunicorn() {
    insta::assert_snapshot!("shop", report(&["shop"]));
    insta::assert_snapshot!("shop_stacks", report(&["shop", "--stacks", "--all"]));
    for columns in ["80", "200"] {
        let output = tool(&["report", "shop"]).env("COLUMNS", columns).output().unwrap();
        let text = printed(&output);
        insta::assert_snapshot!(format!("shop_{columns}"), text);
    }
}

#[test]
fn what_happened_comes_first() {
    insta::assert_snapshot!("bites", report(&["bites"]));
}

#[test]
fn what_guards_and_fixups_did() {
    insta::assert_snapshot!("guards", report(&["guards"]));
}

#[test]
fn a_fork_like_an_earlier_one_has_its_findings() {
    insta::assert_snapshot!("alike", report(&["--all", "alike"]));
}

#[test]
fn what_is_over_is_listed_on_request() {
    let (few, all) = (report(&["run"]), report(&["--all", "run"]));
    assert!(!few.contains("Resolved or moot") && few.lines().all(|line| all.contains(line)), "{few}{all}");
}

/// The last state counts, in whatever order files and lines are met.
#[test]
fn the_order_of_files_does_not_matter() {
    let (worker, leader) = ("bites/gunicorn-1101.jsonl", "bites/gunicorn-1200.jsonl");
    let either = tool(&["report", leader, worker]).output().unwrap();
    assert_eq!(printed(&either), report(&["bites"]));
    let directory = tempfile::tempdir().unwrap();
    for (name, file) in [("1.jsonl", leader), ("2.jsonl", worker)] {
        let content = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(file)).unwrap();
        let backwards: Vec<&str> = content.lines().rev().collect();
        std::fs::write(directory.path().join(name), backwards.join("\n")).unwrap();
    }
    let output = tool(&["report", directory.path().to_str().unwrap()]).output().unwrap();
    let findings = |text: &str| text[..text.find("\nProcesses\n").unwrap()].to_owned();
    assert_eq!(findings(printed(&output)), findings(&report(&["bites"])));
}

/// A child that SIGKILL ended within its write tore its own line only: what another process wrote behind it is read.
#[test]
fn what_follows_a_torn_line_is_read() {
    let directory = tempfile::tempdir().unwrap();
    for file in Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shop").read_dir().unwrap().map(|file| file.unwrap()) {
        let content = std::fs::read_to_string(file.path()).unwrap();
        let lines = content.lines().enumerate().map(|(number, line)| [&line[..number * 7 % line.len()], line, "\n"].concat());
        std::fs::write(directory.path().join(file.file_name()), lines.collect::<String>()).unwrap();
    }
    let output = tool(&["report", directory.path().to_str().unwrap()]).output().unwrap();
    let (told, torn) = printed(&output).split_once("\nNotes\n").unwrap();
    assert!(report(&["shop"]).starts_with(told), "{told}");
    assert!(torn.contains(".jsonl:2: torn") && !torn.contains(".jsonl:1: torn"), "{torn}");
}

#[test]
fn the_report_of_one_child() {
    insta::assert_snapshot!("child", report(&["run/101.jsonl"]));
}

#[test]
fn the_run_is_what_the_library_writes() {
    let validator = jsonschema::validator_for(&forkguard_report::schema()).unwrap();
    let mut valid = 0;
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut kinds = HashSet::new();
    for file in ["run", "bites", "guards", "alike", "shop"].into_iter().flat_map(|run| samples.join(run).read_dir().unwrap()) {
        let content = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for line in content.lines().filter_map(|line| serde_json::from_str(line).ok()) {
            let errors: Vec<_> = validator.iter_errors(&line).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{line}: {errors:?}");
            kinds.extend(line["kind"].as_str().map(str::to_owned));
            valid += 1;
        }
    }
    assert!(valid > 60);
    assert!(FindingKind::ALL.into_iter().filter(|kind| kind.is_bite()).all(|kind| kinds.contains(kind.name())), "{kinds:?}");
}

/// What programs read has a schema, too.
#[test]
fn stories_are_what_their_schema_says() {
    let validator = jsonschema::validator_for(&forkguard_report::story_schema()).unwrap();
    for run in ["run", "bites", "guards", "alike", "shop"] {
        let story: serde_json::Value = serde_json::from_str(&report(&[run, "--format", "json"])).unwrap();
        let errors: Vec<_> = validator.iter_errors(&story).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{run}: {errors:?}");
        assert!(story["processes"].as_array().is_some_and(|processes| !processes.is_empty()), "{story}");
    }
}

#[test]
fn the_default_is_the_directory_of_the_library() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("forkguard");
    std::fs::create_dir(&directory).unwrap();
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/run/101.jsonl"), directory.join("a-9999999.jsonl")).unwrap();
    let output = tool(&["clean", "--dry-run", "--older", "0s"]).env("XDG_STATE_HOME", home.path()).output().unwrap();
    let shown = printed(&output);
    assert!(shown.contains(directory.join("a-9999999.jsonl").to_str().unwrap()), "{shown}");
}

#[test]
fn nothing_to_show_is_said() {
    let empty = tempfile::tempdir().unwrap();
    let path = empty.path().to_str().unwrap();
    assert!(complaint(&["report", path]).starts_with(&format!("forkguard: no report (*.jsonl) in {path}\n  next: ")));
    assert_eq!(
        complaint(&["report", "run", "none.jsonl"]),
        "forkguard: cannot read none.jsonl: No such file or directory (os error 2)\n"
    );
    assert_eq!(
        complaint(&["report", "run/other.txt"]),
        "forkguard: no event of forkguard in run/other.txt\n  run/other.txt:1: no event of this version of forkguard\n"
    );
    assert!(complaint(&["report", ""]).contains("a value is required"));
}

#[test]
fn bytes_that_are_no_report_are_only_counted() {
    let directory = tempfile::tempdir().unwrap();
    let mut report = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/run/105.jsonl")).unwrap();
    report.extend(b"\xff\x00\xfe\n{}\n[1]\n{\"schema\":2}\n");
    std::fs::write(directory.path().join("1.jsonl"), &report).unwrap();
    std::os::unix::fs::symlink("/dev/zero", directory.path().join("2.jsonl")).unwrap();
    let output = tool(&["report", directory.path().to_str().unwrap()]).output().unwrap();
    let shown = printed(&output);
    for line in 3..=6 {
        assert!(shown.contains(&format!("1.jsonl:{line}: torn, or not of this version of forkguard\n")), "{shown}");
    }
}

/// A worker that ended in good order without touching a hazard proves nothing for the next one.
#[test]
fn what_was_not_touched_is_listed() {
    let directory = tempfile::tempdir().unwrap();
    let finding = include_str!("bites/gunicorn-1200.jsonl").lines().find(|line| line.contains("lock-orphaned:0x1b8e90"));
    let finding = finding.expect("a lock that stands");
    let id = serde_json::from_str::<serde_json::Value>(finding).unwrap()["id"].clone();
    let mut state: serde_json::Value = serde_json::from_str(finding).unwrap();
    state = serde_json::json!({"schema": 1, "time": state["time"].as_f64().unwrap() + 1.0, "pid": 9, "ppid": 8, "fork": state["fork"],
        "event": "finding-state", "id": id, "state": "untouched", "severity": "info", "because": "the child ended without touching it"});
    std::fs::write(directory.path().join("1.jsonl"), format!("{finding}\n{state}\n")).unwrap();
    let output = tool(&["report", directory.path().to_str().unwrap()]).output().unwrap();
    let (_, listed) = printed(&output).split_once("\nNot touched in this run\n").expect("listed");
    assert!(listed.starts_with("  info lock-orphaned"), "{listed}");
    assert!(listed.contains(": the child ended without touching it\n"), "{listed}");
}

/// A report may be anybody's.
#[test]
fn nothing_of_a_report_steers_the_terminal() {
    const FREE: [&str; 18] = [
        "subject",
        "explain",
        "cure",
        "because",
        "function",
        "file",
        "module",
        "name",
        "executable",
        "mode",
        "program",
        "call",
        "peer",
        "local",
        "service",
        "action",
        "holder_name",
        "library",
    ];
    fn spoil(value: &mut serde_json::Value, free: bool) {
        match value {
            serde_json::Value::String(text) if free => text.push_str("\u{1b}]0;x\u{7}\r\n\u{9b}2J\u{202e}\u{200b}"),
            serde_json::Value::Array(list) => list.iter_mut().for_each(|it| spoil(it, free)),
            serde_json::Value::Object(object) => {
                object.iter_mut().for_each(|(key, it)| spoil(it, FREE.contains(&key.as_str()) || key == "at" || key == "limits"));
            }
            _ => {}
        }
    }
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let directory = tempfile::tempdir().unwrap();
    for (number, file) in ["run", "bites", "guards"].into_iter().flat_map(|run| samples.join(run).read_dir().unwrap()).enumerate()
    {
        let content = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let lines = content.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let spoilt: Vec<String> = lines
            .map(|mut line| {
                spoil(&mut line, false);
                line.to_string()
            })
            .collect();
        std::fs::write(directory.path().join(format!("\u{202e}{number}.jsonl")), spoilt.join("\n") + "\ntorn").unwrap();
    }
    let output = tool(&["report", "--all", directory.path().to_str().unwrap()]).output().unwrap();
    let shown = printed(&output);
    assert!(shown.contains("\\u{1b}]0;x\\u{7}\\r\\n\\u{9b}2J\\u{202e}\\u{200b}"), "{shown}");
    assert!(shown.contains("It happened") && shown.lines().all(forkguard_report::text::is_plain), "{shown}");
    let missing = complaint(&["report", "\u{1b}[2J\u{202e}"]);
    assert!(missing.contains("\\u{1b}[2J\\u{202e}") && missing.lines().all(forkguard_report::text::is_plain), "{missing}");
}

/// What it prints on a terminal, which `script` makes.
fn on_terminal(variable: &str) -> String {
    let command = format!("stty cols 80; {} report run", env!("CARGO_BIN_EXE_forkguard"));
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &command, "/dev/null"]).stdin(Stdio::null());
    script.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests")).env("TERM", "xterm");
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        script.env_remove(name);
    }
    let output = script.env(variable, "1").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout).replace("\r\n", "\n")
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    assert!(on_terminal("OTHERWISE").contains("\u{1b}[1m\u{1b}[31merror\u{1b}[0m"));
    assert!(!on_terminal("NO_COLOR").contains('\u{1b}'));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = tool(&["report", "run"]).stdout(writer).output().unwrap();
    assert_eq!(printed(&output), "");
}
