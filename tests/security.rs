//! What docs/security.md says, where no other test shows it: secrets stay out of reports, names of others' are harmless wherever they are
//! printed, and a machine whose every program is given the library goes on working.
mod common;

use common::fixture::{Fixture, Output, run};
use common::{Report, guarded, library, scratch, tool, without_options};
use forkguard_report::text::is_plain;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs `program` with a summary of all it finds.
fn watched(program: &Path, arguments: &[&str], directory: &Path) -> Output {
    let mut command = Command::new(program);
    guarded(command.args(arguments), &directory.join("report")).current_dir(directory);
    command.env("FORKGUARD_SUMMARY", "always").env("TOKEN", "SECRET-environment");
    let run = run(&mut command, directory).expect("ends");
    assert!(run.status.success(), "{}: {}", run.status, run.stderr);
    run
}

/// All that the library wrote and printed.
fn written(run: &Output, directory: &Path) -> String {
    let files = fs::read_dir(directory.join("report")).expect("a report").map(|entry| entry.expect("entry").path());
    files.map(|file| fs::read_to_string(file).expect("UTF-8")).chain([run.stderr.clone()]).collect()
}

/// Arguments, environment, what is sent, written and buffered, what is executed with which arguments.
#[test]
fn secrets_are_not_recorded() {
    let directory = scratch("security/secrets");
    let program = Fixture::new("special/secrets.c").build().expect("builds");
    let run = watched(&program, &["SECRET-argument"], &directory);
    let written = written(&run, &directory);
    assert!(!written.contains("SECRET-"), "{written}");
    let report = Report::read(&directory.join("report"));
    for kind in ["connection-shared-use", "lock-orphaned", "thread-lost"] {
        assert!(report.findings(kind).next().is_some(), "{kind}");
    }
}

/// Paths are recorded: a secret in one would be, and the test above would see it.
#[test]
fn paths_are_recorded() {
    let directory = scratch("security/paths");
    let program = directory.join("SECRET-path");
    fs::copy(Fixture::new("special/secrets.c").build().expect("builds"), &program).expect("copy");
    let run = watched(&program, &["SECRET-argument"], &directory);
    assert!(written(&run, &directory).contains("SECRET-path"));
}

#[test]
fn names_of_others_are_harmless() {
    let directory = scratch("security/names");
    let program = directory.join("program\n\u{1b}[2J\u{202e}");
    fs::copy(Fixture::new("special/hostile_names.c").build().expect("builds"), &program).expect("copy");
    let run = watched(&program, &[], &directory);
    let lines: Vec<&str> = run.stderr.split('\n').filter(|line| !line.is_empty()).collect();
    assert!(lines.iter().all(|line| line.starts_with("forkguard: ") && is_plain(line)), "{}", run.stderr);
    // Each name was said.
    for name in ["\\u{1b}[2J\\u{202e}\\n<b>", "socket\\n{", "file\\n{"] {
        assert!(run.stderr.contains(name), "{name}: {}", run.stderr);
    }
    // Every line of the report is an event, as the schema has it.
    assert!(Report::read(&directory.join("report")).findings("connection-shared-use").next().is_some());
    let printed = |options: &[&str]| {
        let output =
            Command::new(tool()).arg("report").args(options).arg(directory.join("report")).output().expect("the tool runs");
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let text = printed(&["--all"]);
    assert!(text.contains("socket\\n{") && text.lines().all(is_plain), "{text}");
    let page = printed(&["--format", "html"]);
    assert!(page.contains("socket\\n{") && !page.contains("\u{202e}") && !page.contains("\u{1b}"));
    assert!(page.contains("\\u{202e}&#60;script&#62;") && !page.contains("\\u{202e}<script"), "a name is no script");
}

/// A root directory's /etc with the library in /etc/ld.so.preload: every program has it, those that are started with rights of their own, too.
const MACHINE: &str = r#"
set -e
mount -t tmpfs -o mode=755 tmpfs "$PLACE"
mkdir "$PLACE/upper" "$PLACE/work" "$PLACE/state"
chmod 777 "$PLACE/state"
mount -t overlay -o lowerdir=/etc,upperdir="$PLACE/upper",workdir="$PLACE/work" overlay /etc || exit 77
cp "$SECURE" "$PLACE/secure"; chmod 755 "$PLACE/secure"; setcap cap_net_bind_service+ep "$PLACE/secure" || exit 77
if [ -n "$LIBRARY" ]; then cp "$LIBRARY" "$PLACE/library.so"; chmod 755 "$PLACE/library.so"; echo "$PLACE/library.so" >/etc/ld.so.preload; fi
cd /
export FORKGUARD_REPORT=none
# Only the program itself finds these options.
hostile="FORKGUARD_REPORT=$PLACE/state XDG_STATE_HOME=$PLACE/state TMPDIR=$PLACE/state FORKGUARD_SUMMARY=nonsense"
setpriv --reuid=65534 --regid=65534 --clear-groups env $hostile "$PLACE/secure" 2>"$PLACE/said"
if grep -q FORKGUARD_ "$PLACE/said"; then echo "an option was heeded"; fi
ls "$PLACE/state"
sh -c 'ls -d /etc; (echo sub | cat); exit 3' || echo "status $?"
setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'id -u; echo $(echo deep | cat)'
perl -e 'print fork ? (wait, "parent $?\n")[1] : exit 4'
if [ -n "$LIBRARY" ]; then grep -q library.so /proc/self/maps && echo preloaded >&2; fi
"#;

fn machine(name: &str, library: Option<&Path>) -> Output {
    let directory = scratch(&format!("security/{name}"));
    let place = directory.join("place");
    fs::create_dir(&place).expect("directory");
    let mut command = Command::new("unshare");
    without_options(&mut command).args(["--mount", "sh", "-c", MACHINE]).env("PLACE", &place);
    command.env("LIBRARY", library.unwrap_or(Path::new("")));
    command.env("SECURE", Fixture::new("special/secure.c").build().expect("builds"));
    run(&mut command, &directory).expect("ends")
}

#[test]
fn a_machine_with_the_library_in_every_program_works() {
    let native = machine("native", None);
    if !native.status.success() {
        eprintln!("skipped: no right to mount here: {}", native.stderr);
        return;
    }
    assert!(native.stdout.starts_with("secure: 1\n"), "{}", native.stdout);
    let guarded = machine("everywhere", Some(library()));
    assert!(guarded.status.success(), "{}: {}", guarded.status, guarded.stderr);
    assert_eq!(guarded.stdout, native.stdout);
    assert!(guarded.stderr.contains("preloaded"), "{}", guarded.stderr);
}
