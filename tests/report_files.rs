//! Where reports lie, how large they get, and what becomes of the program when they cannot be written.
mod common;

use common::fixture::{Fixture, Output, run};
use common::{Report, bytes_in, guarded, library, scratch, without_options};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

/// A run of a program of `c-tests/special` that makes `forks` children, reporting to `report`.
fn forks(name: &str, report: &Path, count: u32, options: &[(&str, &str)]) -> Output {
    let program = Fixture::new("special/many_forks.c").build().expect("builds");
    let mut command = Command::new(program);
    guarded(&mut command, report).arg(count.to_string()).envs(options.iter().copied());
    finish(&mut command, name)
}

fn finish(command: &mut Command, name: &str) -> Output {
    let run = run(command, &scratch(&format!("report-files/{name}/run"))).expect("ends");
    assert!(run.status.success(), "{name}: {}: {}", run.status, run.stderr);
    run
}

fn lines_about<'a>(run: &'a Output, part: &str) -> Vec<&'a str> {
    run.stderr.lines().filter(|line| line.contains(part)).collect()
}

/// What the `lost` events of a report give as their reasons.
fn reasons(report: &Report) -> Vec<String> {
    report.events("lost").map(|lost| lost.json["because"].as_str().expect("a reason").to_owned()).collect()
}

#[test]
fn a_report_ends_at_its_limit_and_counts_go_on() {
    let directory = scratch("report-files/limit").join("report");
    let run = forks("limit", &directory, 60, &[("FORKGUARD_REPORT_LIMIT", "20K")]);
    assert_eq!(lines_about(&run, "FORKGUARD_REPORT_LIMIT").len(), 1, "{}", run.stderr);
    assert!(bytes_in(&directory) < 64 << 10, "{} bytes", bytes_in(&directory));
    let report = Report::read(&directory);
    assert!(reasons(&report).iter().any(|reason| reason.contains("FORKGUARD_REPORT_LIMIT")), "{:?}", reasons(&report));
    let end = report.events("exit").find(|exit| exit.json["fork"].is_null()).expect("the leader's end");
    assert_eq!(end.json["forks"], 60);
}

#[test]
fn without_a_limit_in_reach_nothing_is_lost() {
    let directory = scratch("report-files/no-limit").join("report");
    let run = forks("no-limit", &directory, 60, &[("FORKGUARD_REPORT_LIMIT", "1G")]);
    assert_eq!(run.stderr.lines().filter(|line| line.contains("FORKGUARD_REPORT")).count(), 0, "{}", run.stderr);
    assert_eq!(Report::read(&directory).events("lost").count(), 0);
}

/// A file system, unmounted when dropped; None where that is not allowed.
struct Mounted<'a>(&'a Path);

impl Mounted<'_> {
    fn in_memory<'a>(place: &'a Path, size: &str) -> Option<Mounted<'a>> {
        fs::create_dir_all(place).expect("directory");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size},mode=0700"), "tmpfs"]).arg(place).status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Mounted(place));
        }
        eprintln!("skipped: no right to mount here");
        None
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.0).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("{} stays mounted", self.0.display());
        }
    }
}

#[test]
fn a_nearly_full_file_system_gets_counts_only() {
    let directory = scratch("report-files/nearly-full").join("report");
    let Some(_mounted) = Mounted::in_memory(&directory, "8m") else { return };
    let run = forks("nearly-full", &directory, 10, &[]);
    assert_eq!(lines_about(&run, "1 GiB or 5 % (4 GiB at most)").len(), 1, "{}", run.stderr);
    let report = Report::read(&directory);
    assert_eq!(report.events("fork").count(), 0);
    assert!(reasons(&report).iter().any(|reason| reason.contains("1 GiB or 5 % (4 GiB at most)")), "{:?}", reasons(&report));
    let end = report.events("exit").find(|exit| exit.json["fork"].is_null()).expect("the leader's end");
    assert_eq!(end.json["forks"], 10);
}

/// Runs the program with nothing but these variables to decide where the report goes.
fn forks_by_default(name: &str, variables: &[(&str, &Path)]) -> Output {
    let program = Fixture::new("special/many_forks.c").build().expect("builds");
    let mut command = Command::new(program);
    without_options(&mut command).env_remove("XDG_STATE_HOME").env_remove("TMPDIR").env("LD_PRELOAD", library()).arg("1");
    command.envs(variables.iter().copied());
    finish(&mut command, name)
}

#[test]
fn the_default_is_the_state_directory() {
    let state = scratch("report-files/state");
    let run = forks_by_default("state-run", &[("XDG_STATE_HOME", &state)]);
    assert_eq!(run.stderr.matches("the report is").count(), 0, "{}", run.stderr);
    assert_eq!(Report::read(&state.join("forkguard")).findings("thread-lost").count(), 1);
    assert_eq!(fs::metadata(state.join("forkguard")).expect("directory").mode() & 0o7777, 0o700);
}

#[test]
fn a_directory_that_cannot_be_made_is_told_by_the_first_of_a_family_alone() {
    let scratch = scratch("report-files/family");
    let program = Fixture::new("special/many_forks.c").build().expect("builds");
    let lines = |script: &str, name: &str| {
        let mut command = Command::new("/bin/bash");
        without_options(&mut command).env("LD_PRELOAD", library()).env("XDG_STATE_HOME", scratch.join("state"));
        command.env("FORKGUARD_REPORT", scratch.join("missing").join("below"));
        let run = finish(command.args(["-c", script]), name);
        lines_about(&run, "the report is").len()
    };
    assert_eq!(lines(&format!("{0} 1; {0} 1; true", program.display()), "family-run"), 1);
    // A program that is given another directory speaks for itself.
    let other = scratch.join("missing").join("other");
    assert_eq!(lines(&format!("FORKGUARD_REPORT={} {} 1; true", other.display(), program.display()), "other-run"), 2);
}

#[test]
fn a_place_in_memory_is_left_for_the_next() {
    let state = scratch("report-files/memory").join("state");
    let Some(_mounted) = Mounted::in_memory(&state, "2g") else { return };
    let run = forks_by_default("memory-run", &[("XDG_STATE_HOME", &state)]);
    let lines = lines_about(&run, "is in memory, not on disk");
    assert_eq!(lines.len(), 1, "{}", run.stderr);
    remove_report(lines[0]);
}

/// Removes the report that a line names, in one of the places that belong to the machine.
fn remove_report(line: &str) {
    let report = line.split_whitespace().find(|word| word.contains(".jsonl")).expect("a path").trim_end_matches(':');
    let directory = format!("tmp/forkguard-{}/", fs::metadata("/proc/self").expect("/proc").uid());
    assert!(report.contains(&directory), "{line}");
    fs::remove_file(report).expect("the report");
}

#[test]
fn somebody_elses_directory_is_refused() {
    let base = scratch("report-files/foreign");
    let foreign = base.join("foreign");
    fs::create_dir(&foreign).expect("directory");
    if chown(&foreign, Some(65534), None).is_err() {
        eprintln!("skipped: only root gives files away");
        return;
    }
    let state = base.join("state");
    fs::create_dir(&state).expect("directory");
    let run = forks("foreign-run", &foreign, 1, &[("XDG_STATE_HOME", state.to_str().expect("UTF-8"))]);
    assert_eq!(lines_about(&run, "belongs to user 65534").len(), 1, "{}", run.stderr);
    assert_eq!(fs::read_dir(&foreign).expect("directory").count(), 0);
    assert_eq!(Report::read(&state.join("forkguard")).findings("thread-lost").count(), 1);
}

/// Reports of earlier processes lie there by the thousand: a fork looks at a few only, and its number is new all the same.
#[test]
fn a_crowded_directory_is_not_read_to_its_end() {
    let directory = scratch("report-files/crowded").join("report");
    fs::create_dir(&directory).expect("directory");
    fs::set_permissions(&directory, Permissions::from_mode(0o700)).expect("mode");
    (0..3000).for_each(|number| fs::write(directory.join(format!("old-{number}.jsonl.gz")), "").expect("file"));
    forks("crowded", &directory, 1, &[]);
    let report = Report::read(&directory);
    let id = report.events("fork").next().expect("a fork").json["fork"].as_str().expect("an id").to_owned();
    let number: u64 = id.split('.').nth(1).expect("a number").parse().expect("a number");
    assert!(number > 1_000_000, "the time serves as the image's number: {id}");
}

/// What the program finds in place of its report, after a way that no hook sees took its descriptor.
fn replaced(name: &str) {
    let program = Fixture::new("special/report_replaced.c").build().expect("builds");
    let directory = scratch(&format!("report-files/{name}"));
    let mut command = Command::new(program);
    guarded(&mut command, &directory.join("report")).arg(name).current_dir(&directory);
    command.env("FORKGUARD_SUMMARY", "never");
    let run = finish(&mut command, &format!("{name}-run"));
    assert_eq!(run.stderr.lines().count(), 1, "one word: {}", run.stderr);
    assert!(run.stderr.contains("reports nothing more"), "{}", run.stderr);
}

#[test]
fn a_fifo_in_place_of_the_report_holds_nobody_up() {
    replaced("fifo");
}

#[test]
fn a_strangers_file_in_place_of_the_report_is_not_written_to() {
    replaced("file");
    replaced("link");
}

#[test]
fn a_report_that_was_removed_is_given_up() {
    replaced("removed");
}

#[test]
fn where_no_report_can_be_written_one_line_is_printed() {
    let root = scratch("report-files/no-place");
    let program = Fixture::new("special/no_report.c").build().expect("builds");
    let mut command = Command::new(program);
    guarded(&mut command, Path::new("/no/such/place")).arg(&root).env("FORKGUARD_SUMMARY", "never");
    let run = finish(&mut command, "no-place-run");
    if !run.stdout.contains("skipped") {
        assert_eq!(lines_about(&run, "no report is written").len(), 1, "{}", run.stderr);
    }
    assert_eq!(fs::read_dir(&root).expect("root").count(), 0);
}

/// Links in the place of a directory are not followed.
#[test]
fn a_link_is_no_place_for_reports() {
    let base = scratch("report-files/linked");
    fs::create_dir(base.join("target")).expect("directory");
    symlink(base.join("target"), base.join("forkguard")).expect("link");
    let run = forks_by_default("linked-run", &[("XDG_STATE_HOME", &base)]);
    let lines = lines_about(&run, "links are not followed");
    assert_eq!(lines.len(), 1, "{}", run.stderr);
    remove_report(lines[0]);
    assert_eq!(fs::read_dir(base.join("target")).expect("directory").count(), 0);
}
