//! `forkguard clean`: what it removes and what it keeps.
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

/// What it printed; it succeeded and complained of nothing.
fn clean(arguments: &[&str], directory: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_forkguard")).arg("clean").args(arguments).arg(directory).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A file of a hundred bytes that was last written to so many days ago.
fn report(directory: &Path, name: &str, days: u64) {
    let path = directory.join(name);
    fs::write(&path, [b'x'; 100]).unwrap();
    let written = SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60);
    File::options().write(true).open(path).unwrap().set_modified(written).unwrap();
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        directory.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// No process has such a number: it is above the kernel's largest (4194304).
const GONE: u32 = 9_999_999;

#[test]
fn old_reports_go_and_others_stay() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    let running = format!("php-fpm8.2-{}.jsonl", std::process::id());
    report(place, &format!("php-fpm8.1-{GONE}.2.jsonl"), 8);
    report(place, &format!("a-{GONE}_{GONE}.jsonl"), 9);
    report(place, &format!("new-{GONE}.jsonl"), 6);
    report(place, &running, 30);
    report(place, "notes.txt", 30);
    std::os::unix::fs::symlink(place.join("notes.txt"), place.join("link-1.jsonl")).unwrap();

    let told = clean(&["--dry-run"], place);
    let shown = place.display();
    let tally = format!(
        "would remove 2 reports (0.0 MB) in {shown}; kept 1 report newer than 7days; kept 1 report of process numbers that are in use\n"
    );
    assert!(told.ends_with(&tally), "{told}");
    assert_eq!(told.lines().count(), 3, "{told}");
    assert_eq!(names(place).len(), 6);

    assert!(clean(&[], place).starts_with(&format!("removed 2 reports (0.0 MB) in {shown}; kept 1 report newer")));
    assert_eq!(names(place), ["link-1.jsonl", &format!("new-{GONE}.jsonl"), "notes.txt", &running]);
    assert!(clean(&["--older", "1h"], place).starts_with("removed 1 report "));
    assert_eq!(names(place), ["link-1.jsonl", "notes.txt", &running]);
}

#[test]
fn an_empty_directory_is_clean() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    assert_eq!(clean(&[], path), format!("removed 0 reports (0.0 MB) in {}\n", path.display()));
}

#[test]
fn the_directory_of_a_run_goes_with_its_last_report() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    for run in ["run-old-aaaa", "run-mixed-bbbb", "run-empty-cccc", "other"] {
        fs::create_dir(place.join(run)).unwrap();
    }
    report(&place.join("run-old-aaaa"), &format!("a-{GONE}.jsonl"), 8);
    report(&place.join("run-mixed-bbbb"), &format!("a-{GONE}.jsonl"), 8);
    report(&place.join("run-mixed-bbbb"), &format!("b-{GONE}.jsonl"), 1);

    let told = clean(&["--dry-run"], place);
    // What would be left behind is listed, too; a run with a newer report is not.
    assert!(told.contains("/run-old-aaaa/\n") && !told.contains("/run-mixed-bbbb/\n"), "{told}");
    assert_eq!(names(place), ["other", "run-empty-cccc", "run-mixed-bbbb", "run-old-aaaa"]);
    // An empty directory that was made lately may be that of a run which begins.
    clean(&[], place);
    assert_eq!(names(place), ["other", "run-empty-cccc", "run-mixed-bbbb"]);
    clean(&["--older", "0s"], place);
    assert_eq!(names(place), ["other"]);
}

#[test]
fn a_directory_without_reports_keeps_no_other_from_being_cleaned() {
    let (empty, old) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    report(old.path(), &format!("a-{GONE}.jsonl"), 8);
    let path = empty.path().to_str().unwrap();
    assert_eq!(clean(&[path], old.path()), format!("removed 1 report (0.0 MB) in {path}, {}\n", old.path().display()));
}

#[test]
fn a_time_that_is_none_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_forkguard")).args(["clean", "--older", "soon"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--older"));
}
