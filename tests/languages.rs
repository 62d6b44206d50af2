//! Sites name the lines of scripts: Python, Ruby, PHP, Perl.
mod common;

use common::fixture::run;
use common::server::{LIMIT, Run, free_port, only_hits, repository, wait_for};
use common::{Entry, Report, guarded, interpreters, rubys_frames_are_read, scratch};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// The Python whose scripts run: Debian's, or what FORKGUARD_TEST_PYTHON says.
fn python() -> PathBuf {
    env::var_os("FORKGUARD_TEST_PYTHON").map_or_else(|| "/usr/bin/python3".into(), PathBuf::from)
}

/// The 11 of Python 3.11.
fn minor(python: &Path) -> u32 {
    let version = Command::new(python).args(["-c", "import sys; print(sys.version_info[1])"]).output().expect("runs").stdout;
    String::from_utf8(version).expect("text").trim().parse().expect("a number")
}

/// False with a word about it where the interpreter is CPython 3.9, of which less is read.
fn files_are_read() -> bool {
    let are_read = minor(&python()) > 9;
    if !are_read {
        println!(
            "CPython 3.9: its collector cannot be held off by its API, and so its objects are not looked through; not tested here"
        );
    }
    are_read
}

/// The same tests with the interpreters from 3.13 on that pyenv installed: what they keep lies elsewhere, and their locks cross no symbol.
#[test]
fn newer_interpreters() {
    let newer: Vec<_> = interpreters().into_iter().filter(|(minor, _, _)| *minor >= 13).collect();
    if newer.is_empty() {
        println!("no CPython from 3.13 on is installed by pyenv: not tested here");
    }
    for (_, name, python) in newer.into_iter().filter(|_| env::var_os("FORKGUARD_TEST_PYTHON").is_none()) {
        let mut tests = Command::new(env::current_exe().expect("own path"));
        let output = tests.args(["python", "--test-threads=1"]).env("FORKGUARD_TEST_PYTHON", &python).output().expect("runs");
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
        println!("{name}: passed");
    }
}

/// A script of `tests/apps/sites`, and what was reported of its run.
struct Script {
    language: &'static str,
    file: PathBuf,
    report: Report,
}

impl Script {
    fn run(language: &'static str, name: &str) -> Script {
        Script::with_output(language, name, &[]).0
    }

    /// Also gives what the script printed.
    fn with_output(language: &'static str, name: &str, arguments: &[&str]) -> (Script, String) {
        Script::in_environment(language, name, arguments, &[])
    }

    fn in_environment(language: &'static str, name: &str, arguments: &[&str], options: &[(&str, &str)]) -> (Script, String) {
        let file = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/apps/sites")).join(name);
        let python = python();
        let place = python.ancestors().nth(2).and_then(|place| place.file_name()).unwrap_or_default();
        let directory = scratch(&format!("languages/{}/{name}", place.to_string_lossy()));
        let report = directory.join("report");
        let mut command = if language == "python" { Command::new(&python) } else { Command::new(language) };
        if language == "python" {
            // Since 3.12 it warns of a fork beside threads.
            command.arg("-Wignore::DeprecationWarning");
        }
        guarded(command.arg(&file).args(arguments).current_dir(&directory), &report);
        // A script may fork as fast as it can.
        command.envs([("FORKGUARD_SUMMARY", "never"), ("FORKGUARD_REPORT_LIMIT", "8G")]);
        command.envs(options.iter().copied());
        let run = run(&mut command, &directory).expect("runs");
        assert!(run.status.success() && run.stderr.is_empty(), "{}: {}", run.status, run.stderr);
        (Script { language, file, report: Report::read(&report) }, run.stdout)
    }

    fn fork(&self) -> &Entry {
        self.report.events("fork").find(|entry| entry.json["kind"] == "fork").expect("a fork")
    }

    /// The script's own frames of a site: line and function.
    fn frames(&self, site: &Value) -> Vec<(u64, String)> {
        let frames = site["frames"].as_array().unwrap_or_else(|| panic!("{site}")).iter();
        let own = frames.filter(|frame| frame["language"] == self.language && frame["file"].as_str() == self.file.to_str());
        own.map(|f| (f["line"].as_u64().expect("a line"), f["function"].as_str().unwrap_or("").to_string())).collect()
    }

    /// The line that ends with the comment `DEED in FUNCTION`, and the function.
    fn place(&self, deed: &str) -> (u64, String) {
        let text = fs::read_to_string(&self.file).expect("script");
        let mut lines = text.lines().zip(1..);
        let found = lines.find_map(|(line, number)| Some((number, line.split_once(&format!("{deed} in "))?.1.to_string())));
        found.unwrap_or_else(|| panic!("no line is commented {deed}"))
    }

    fn check(&self, deed: &str, site: &Value, functions: bool) {
        let (line, function) = self.place(deed);
        let innermost = self.frames(site).into_iter().next().unwrap_or_else(|| panic!("{deed}: {site}"));
        assert_eq!(innermost, (line, if functions { function } else { String::new() }), "{deed}: {site}");
    }

    /// What all scripts do.
    fn check_all(&self, functions: bool) {
        let fork = &self.fork().json;
        self.check("fork", &fork["site"], functions);
        let list = |key: &str| fork[key].as_array().expect("a list").iter();
        for role in ["listening", "connected", "accepted"] {
            let socket = list("descriptors").find(|d| d["socket"]["role"] == role).expect("a socket");
            self.check(role, &socket["site"], functions);
        }
        self.check("set", &list("signals").find(|s| s["signal"] == "SIGUSR2").expect("SIGUSR2")["site"], functions);
    }
}

/// The message of dlerror is the host's: no hook calls the loader's functions.
#[test]
fn ruby_keeps_the_loaders_error() {
    Script::run("ruby", "loader_error.rb");
}

/// A child that ends in order writes what waited in sys.stdout at the fork; one that ends by os._exit does not.
#[test]
fn pythons_output_is_written_twice() {
    let hits = |script: &Script| {
        let found = script.report.findings("buffer-duplicated");
        found.filter(|entry| entry.json["state"] == "hit").map(|entry| entry.json.clone()).collect::<Vec<_>>()
    };
    let (script, printed) = Script::with_output("python", "buffered.py", &[]);
    let hits_at_exit = hits(&script);
    assert_eq!((printed.matches("started").count(), hits_at_exit.len()), (2, 1), "{printed} {hits_at_exit:?}");
    script.check("fork", &hits_at_exit[0]["sites"][0], true);
    let (script, printed) = Script::with_output("python", "buffered.py", &["_exit"]);
    assert_eq!((printed.matches("started").count(), hits(&script).len()), (1, 0), "{printed}");
}

/// What another process moves under a child, in a file that an interpreter reads.
fn positions(language: &'static str, name: &str, functions: bool) {
    let script = Script::run(language, name);
    let found: Vec<_> = script.report.findings("file-offset-shared").filter(|entry| entry.json["severity"] == "error").collect();
    let [found] = &found[..] else { panic!("{} of them", found.len()) };
    let sites = found.json["sites"].as_array().expect("sites");
    let site = |role: &str| sites.iter().find(|site| site["role"] == role).unwrap_or_else(|| panic!("no {role}: {sites:?}"));
    script.check("opened", site("opened"), functions);
    script.check("used", site("used"), functions);
}

#[test]
fn pythons_positions() {
    positions("python", "positions.py", true);
}

#[test]
fn rubys_positions() {
    if rubys_frames_are_read() {
        positions("ruby", "positions.rb", true);
    }
}

#[test]
fn perls_positions() {
    positions("perl", "positions.pl", false);
}

#[test]
fn phps_positions() {
    positions("php", "positions.php", true);
}

/// A thread that is in the middle of what cannot begin anew is not started again, nor is that offered; that the child waits for it is said.
#[test]
fn pythons_threads_that_cannot_begin_anew() {
    let options = [("FORKGUARD", "guard"), ("FORKGUARD_THREADS", "revive:*")];
    let (script, _) = Script::in_environment("python", "begun.py", &[], &options);
    let lost = script.report.last_states_of("thread-lost");
    assert_eq!(lost.len(), 2, "{lost:?}");
    for finding in lost {
        assert!(
            finding["state"] != "resolved" && !finding["cure"].as_str().expect("a cure").contains("FORKGUARD_THREADS"),
            "{finding}"
        );
    }
    let waits: Vec<_> = script.report.findings("join-lost-thread").collect();
    let [wait] = &waits[..] else { panic!("{} of them", waits.len()) };
    let sites = wait.json["sites"].as_array().expect("sites");
    script.check("waits", sites.iter().find(|site| site["role"] == "waits").expect("where it waits"), true);
}

/// A thread that had ended is nothing to warn of, though MRI keeps its native thread for a while.
#[test]
fn rubys_ended_threads() {
    if !rubys_frames_are_read() {
        return;
    }
    let script = Script::run("ruby", "joined.rb");
    let severities: Vec<_> = script.report.findings("thread-lost").map(|entry| entry.json["severity"].clone()).collect();
    assert!(severities.iter().all(|severity| severity == "info"), "{severities:?}");
}

/// A thread that a library starts for itself as it is loaded and that waits for its first work is nothing to warn of: no line of the
/// application's starts it. One that it asks for, or that does something else, is. What such a one starts for itself is not.
#[test]
fn a_librarys_own_threads() {
    let severity = |language: &'static str, name: &str, argument: &str| -> Vec<_> {
        let script = Script::with_output(language, name, &[argument]).0;
        script.report.findings("thread-lost").map(|entry| entry.json["severity"].clone()).collect()
    };
    for (language, name) in [("ruby", "housekeeper.rb"), ("python", "housekeeper.py")] {
        for (argument, expected) in [("loaded", "info"), ("asked", "warning"), ("sleeps", "warning")] {
            assert_eq!(severity(language, name, argument), [expected], "{language}, {argument}");
        }
        assert_eq!(severity(language, name, "helped"), ["warning", "info"], "{language}: a thread of a lost thread's library");
        assert_eq!(
            severity(language, name, "thread"),
            ["warning", "warning"],
            "{language}: the application's line in a lost thread"
        );
    }
}

/// The thread of `Process.detach` waits for a process of the leader's, for which no child could wait.
#[test]
fn rubys_detached_processes() {
    if !rubys_frames_are_read() {
        return;
    }
    let script = Script::run("ruby", "reaper.rb");
    // Ruby 3.3 forks for the program, too, which executes it: that is moot.
    let mut found = script.report.last_states_of("thread-lost");
    found.retain(|finding| finding["state"] == "open");
    assert!(matches!(&found[..], [found] if found["severity"] == "info"), "{found:?}");
    assert!(found[0]["subject"].as_str().expect("a subject").contains("works for the process that forked"), "{found:?}");
}

/// An object of MRI's class Random has a state that each child copies, seeded from the kernel where it is made.
#[test]
fn rubys_generators() {
    if !rubys_frames_are_read() {
        return;
    }
    let script = Script::with_output("ruby", "generators.rb", &["made"]).0;
    let shared: Vec<_> = script.report.findings("rng-shared").filter(|finding| !finding.follows).collect();
    assert_eq!(shared.len(), 1, "{:?}", shared.iter().map(|finding| finding.text).collect::<Vec<_>>());
    assert_eq!(shared[0].json["severity"], "info");
    script.check("made", &shared[0].json["sites"][0], true);
    let script = Script::with_output("ruby", "generators.rb", &["used"]).0;
    assert_eq!(script.report.findings("rng-shared").map(|finding| finding.text).collect::<Vec<_>>(), Vec::<&str>::new());
}

/// The thread of a queue between processes feeds those that multiprocessing makes; what a child of os.fork puts there is lost with it.
#[test]
fn a_queues_feeder() {
    let severities = |argument: &str| -> Vec<_> {
        let (script, printed) = Script::with_output("python", "queue_feeder.py", &[argument]);
        assert_eq!(printed.trim(), if argument == "process" { "arrived" } else { "lost" });
        script.report.findings("thread-lost").map(|entry| entry.json["severity"].clone()).collect()
    };
    assert_eq!((severities("process"), severities("fork")), (vec!["info".into()], vec!["warning".into()]));
}

/// What waits in files at the fork, in their text layers or below, is written by both as well; what was flushed is not.
#[test]
fn pythons_files_are_written_twice() {
    if !files_are_read() {
        return;
    }
    let run = |argument: &str| {
        let (script, printed) = Script::with_output("python", "files.py", &[argument]);
        let found = script.report.findings("buffer-duplicated").map(|entry| entry.json.clone());
        let (hits, hazards): (Vec<_>, Vec<_>) = found.partition(|finding| finding["severity"] == "error");
        assert_eq!(hazards.len(), 2, "{hazards:?}");
        (script, printed, hits)
    };
    let (script, printed, hits) = run("exit");
    assert_eq!((printed.trim(), hits.len()), ("2 2 1", 2), "{hits:?}");
    hits.iter().for_each(|hit| assert_eq!(script.frames(&hit["sites"][0])[0], script.place("opened")));
    let (_, printed, hits) = run("_exit");
    assert_eq!((printed.trim(), hits.len()), ("1 1 1", 0), "{hits:?}");
}

/// What a compressor holds is not flushed with its file: the cure is another one, and no option is.
#[test]
fn pythons_compressed_files_are_closed_before_the_fork() {
    if !files_are_read() {
        return;
    }
    let (script, _) = Script::with_output("python", "compressed.py", &[]);
    let hits = script.report.findings("buffer-duplicated").filter(|entry| entry.json["severity"] == "error");
    let mut cures: Vec<_> =
        hits.map(|hit| (hit.json["subject"].as_str().unwrap_or(""), hit.json["cure"].as_str().unwrap_or(""))).collect();
    cures.sort();
    let is_compressed = |(subject, cure): &&(&str, &str)| {
        subject.ends_with("more in its compressor)") && cure.starts_with("Close the file") && !cure.contains("FORKGUARD")
    };
    assert_eq!((cures.len(), cures.iter().filter(is_compressed).count()), (3, 2), "{cures:?}");
    let (subject, cure) = cures[2];
    assert!(subject.contains("/plain (") && cure.starts_with("Flush"), "{cures:?}");
}

/// A goodbye that an exit handler of the child's says over the leader's connection is cured by ending the child at once.
#[test]
fn pythons_goodbyes_at_a_childs_end() {
    let uses = |arguments: &[&str]| {
        let (script, _) = Script::with_output("python", "goodbye.py", arguments);
        let hits = script.report.findings("connection-shared-use").map(|entry| entry.json.clone());
        hits.map(|hit| {
            (
                hit["subject"].as_str().unwrap_or("").ends_with("used as the child ends"),
                hit["cure"].as_str().unwrap_or("").starts_with("End the child by _exit"),
            )
        })
        .collect::<Vec<_>>()
    };
    assert_eq!(uses(&[]), [(true, true)]);
    assert_eq!(uses(&["blocking"]), [(true, true)]);
    assert_eq!(uses(&["uses"]), [(false, false)]);
    assert_eq!(uses(&["_exit"]), []);
}

/// A worker that has the pipe to a program which its leader waits for, however it does that, keeps that program from ending.
#[test]
fn pythons_programs_that_a_worker_keeps_reading() {
    for how in ["waits", "polls", "reads", "communicates"] {
        let (script, printed) = Script::with_output("python", "filter.py", &[how]);
        let hits: Vec<_> = script
            .report
            .findings("pipe-inherited")
            .filter(|entry| entry.json["severity"] == "error")
            .map(|entry| &entry.json)
            .collect();
        assert_eq!((printed.trim(), hits.len()), ("ended", 1), "{how}: {hits:?}");
        let subject = hits[0]["subject"].as_str().unwrap_or("");
        assert!(
            subject.contains("reads from descriptor 0") && subject.contains("the end of file never comes"),
            "{how}: {subject}"
        );
        script.check("opened", &hits[0]["sites"][0], true);
        // Before 3.10 subprocess forks, too, and does so before.
        let worker = script.report.events("fork").last().expect("a fork").json["child"].clone();
        assert_eq!(hits[0]["child"], worker, "{how}");
        let states = script.report.events("finding-state").filter(|entry| entry.json["id"] == hits[0]["id"]);
        assert_eq!(states.map(|entry| entry.json["state"].clone()).collect::<Vec<_>>(), ["resolved"], "{how}");
    }
    // One that closes the pipe, or writes to it, does not.
    for (how, deed) in [("waits", "closes"), ("polls", "writes"), ("communicates", "writes"), ("reads", "writes")] {
        let (script, printed) = Script::with_output("python", "filter.py", &[how, deed]);
        let hits = script.report.findings("pipe-inherited").filter(|entry| entry.json["severity"] == "error");
        assert_eq!((printed.trim(), hits.count()), ("ended", 0), "{how} {deed}");
    }
}

/// A daemon that has closed all descriptors writes its log into its pid file, whose number the log's was; one that knows does not.
#[test]
fn pythons_daemons_that_close_the_log() {
    if !files_are_read() {
        return;
    }
    let (script, printed) = Script::with_output("python", "daemon.py", &["goes on"]);
    let hits: Vec<_> = script.report.findings("closed-descriptor-used").map(|entry| &entry.json).collect();
    assert_eq!((printed.trim(), hits.len()), ("1 0", 1), "{hits:?}");
    assert!(hits[0]["subject"].as_str().expect("text").contains("/app.pid"), "{}", hits[0]);
    script.check("opened", &hits[0]["sites"][0], true);
    script.check("logs", &hits[0]["sites"][1], true);
    for (how, expected) in [("closes it", "0 1"), ("keeps it", "0 1"), ("opens anew", "0 1"), ("writes nothing", "0 0")] {
        let (script, printed) = Script::with_output("python", "daemon.py", &[how]);
        assert_eq!(printed.trim(), expected, "{how}");
        assert_eq!(script.report.findings("closed-descriptor-used").count(), 0, "{how}");
    }
}

/// A child that waits for a program of its leader's is told that it has ended; who asks, closes its copy or waits for its own does right.
#[test]
fn pythons_programs_that_a_child_waits_for() {
    let (script, printed) = Script::with_output("python", "siblings.py", &["waits"]);
    let hits: Vec<_> = script.report.findings("sibling-waited-for").map(|entry| &entry.json).collect();
    assert_eq!((printed.trim(), hits.len()), ("0\n3", 1), "{hits:?}");
    script.check("started", &hits[0]["sites"][0], true);
    script.check("waits", &hits[0]["sites"][1], true);
    for how in ["asks", "has a package wait", "leaves its block", "closes", "drops", "waits for its own"] {
        let (script, printed) = Script::with_output("python", "siblings.py", &[how]);
        assert!(printed.trim().ends_with('3'), "{how}: {printed}");
        assert_eq!(script.report.findings("sibling-waited-for").count(), 0, "{how}");
    }
}

/// A file that is gone at a later fork, though one like it is open, is not read: its memory may be, too.
#[test]
fn pythons_closed_files_are_not_read() {
    let directory = scratch("languages/reopened");
    let file = directory.join("file");
    let (_, printed) = Script::with_output("python", "reopened.py", &[file.to_str().expect("text")]);
    assert_eq!(printed.trim(), "ended");
}

/// A fork does not load a module that the program loads when it first uses it.
#[test]
fn pythons_lazy_modules_stay_so() {
    let (_, printed) = Script::with_output("python", "lazy.py", &[]);
    assert_eq!(printed.trim(), "ended");
}

/// In a native signal handler the interpreter is not called: it may be in the middle of anything.
#[test]
fn pythons_functions_are_not_read_in_a_signal_handler() {
    let (script, printed) = Script::with_output("python", "handler.py", &[]);
    assert_eq!(printed.trim(), "ended");
    assert_eq!(script.report.findings("exit-handler-inherited").count(), 0);
}

/// What a child's event loop gives to a pool of its leader's stays undone.
#[test]
fn pythons_event_loop_awaits_lost_threads() {
    if minor(&python()) >= 13 {
        println!("since 3.13 a queue wakes nobody that its process does not have: nothing tells that its work is not taken");
        return;
    }
    let (script, _) = Script::with_output("python", "loop.py", &[]);
    let hits: Vec<_> = script.report.findings("join-lost-thread").map(|entry| entry.json.clone()).collect();
    assert_eq!(hits.len(), 1, "{hits:?}");
    for deed in ["started", "used", "waits"] {
        let site = hits[0]["sites"].as_array().expect("sites").iter().find(|site| site["role"] == deed);
        let (line, function) = script.place(deed);
        let passes = script.frames(site.expect("a site")).contains(&(line, function));
        assert!(passes, "{deed}: {site:?}");
    }
    let (script, _) = Script::with_output("python", "loop.py", &["own"]);
    assert_eq!(script.report.findings("join-lost-thread").count(), 0);
}

/// Findings of exit handlers with a severity.
fn exit_handlers(script: &Script, severity: &str) -> Vec<Value> {
    let found = script.report.findings("exit-handler-inherited").filter(|entry| entry.json["severity"] == severity);
    found.map(|entry| entry.json.clone()).collect()
}

/// The functions that a child runs at its end are listed by their first lines; one that removes the leader's file there is a warning.
fn check_exit_functions(language: &'static str, name: &str, deeds: [&str; 2]) {
    let (script, _) = Script::with_output(language, name, &[]);
    let open = exit_handlers(&script, "info");
    assert!(open.len() >= 2 && exit_handlers(&script, "warning").is_empty(), "{open:?}");
    for deed in deeds {
        let mut place = script.place(deed);
        // Code objects have their qualified names since 3.11.
        if language == "python" && minor(&python()) < 11 {
            place.1 = place.1.rsplit('.').next().expect("a name").to_string();
        }
        let sites = open.iter().flat_map(|finding| finding["sites"].as_array().expect("sites"));
        assert!(sites.clone().any(|site| script.frames(site) == [place.clone()]), "{place:?}: {open:?}");
    }
    let (script, _) = Script::with_output(language, name, &["removes"]);
    let hits = exit_handlers(&script, "warning");
    assert_eq!(hits.len(), 1, "{hits:?}");
    script.check(deeds[0], &hits[0]["sites"][0], true);
    assert!(!script.frames(&hits[0]["sites"][1]).is_empty());
}

#[test]
fn pythons_exit_functions() {
    check_exit_functions("python", "exits.py", ["removed", "stopped"]);
}

#[test]
fn rubys_exit_functions() {
    if !rubys_frames_are_read() {
        return;
    }
    check_exit_functions("ruby", "exits.rb", ["removed", "other"]);
}

#[test]
fn perls_exit_functions() {
    check_exit_functions("perl", "exits.pl", ["removed", "other"]);
}

#[test]
fn phps_exit_functions() {
    check_exit_functions("php", "exits.php", ["removed", "other"]);
}

/// A function that ends the leader's helper in a child is a warning, with the line that made the helper; the guard keeps it.
fn check_ended_helpers(language: &'static str, name: &str) {
    let (script, _) = Script::with_output(language, name, &[]);
    assert_eq!(exit_handlers(&script, "warning").len(), 0);
    let (script, _) = Script::with_output(language, name, &["ends"]);
    let hits = exit_handlers(&script, "warning");
    assert!(hits.len() == 1 && hits[0]["subject"].as_str().expect("text").contains("sends SIGTERM to process"), "{hits:?}");
    script.check("removed", &hits[0]["sites"][0], true);
    let created = hits[0]["sites"].as_array().expect("sites").iter().find(|site| site["role"] == "created");
    assert_eq!(script.frames(created.expect("a site"))[0].0, script.place("created").0, "{hits:?}");
    let (script, _) = Script::in_environment(language, name, &["ends"], &[("FORKGUARD_FILES", "own")]);
    assert_eq!(exit_handlers(&script, "warning").len(), 0);
}

#[test]
fn pythons_ended_helpers() {
    check_ended_helpers("python", "ends.py");
}

#[test]
fn rubys_ended_helpers() {
    if !rubys_frames_are_read() {
        return;
    }
    check_ended_helpers("ruby", "ends.rb");
}

#[test]
fn perls_ended_helpers() {
    check_ended_helpers("perl", "ends.pl");
}

#[test]
fn phps_ended_helpers() {
    check_ended_helpers("php", "ends.php");
}

/// What multiprocessing ends at a child's end is named by the function that does so, and by the application's line that started it.
#[test]
fn pythons_daemonic_processes() {
    let (script, printed) = Script::with_output("python", "daemonic.py", &["ends"]);
    let hits = exit_handlers(&script, "warning");
    let subject = "_exit_function() at the interpreter's end sends SIGTERM to process";
    assert!(hits.len() == 1 && hits[0]["subject"].as_str().expect("text").starts_with(subject), "{hits:?}");
    let (line, _) = script.place("created");
    assert_eq!(
        hits[0]["at"][0].as_str().expect("a place").rsplit_once("daemonic.py:").expect("a line").1,
        format!("{line} in <module>")
    );
    assert_eq!(printed, "-15\n");
    for (arguments, options) in [(["at once"], [("FORKGUARD_FILES", "share")]), ([""], [("FORKGUARD_FILES", "own")])] {
        let (script, printed) = Script::in_environment("python", "daemonic.py", &arguments, &options);
        assert_eq!((exit_handlers(&script, "warning").len(), printed.as_str()), (0, "None\n"));
    }
}

/// An object's destructor that removes the leader's file at the child's end is a warning, with the line that made the file; one that does not, and
/// that of the child's own object, is none. The guard keeps the file.
fn check_destructors(language: &'static str, name: &str) {
    let (script, printed) = Script::with_output(language, name, &[]);
    assert_eq!((exit_handlers(&script, "warning").len(), printed.as_str()), (0, "there False\n"));
    let (script, printed) = Script::with_output(language, name, &["removes"]);
    let hits = exit_handlers(&script, "warning");
    assert_eq!((hits.len(), printed.as_str()), (1, "gone False\n"), "{hits:?}");
    let created = hits[0]["sites"].as_array().expect("sites").iter().find(|site| site["role"] == "created").expect("a site");
    let (line, _) = script.place("created");
    assert_eq!(script.frames(created)[0].0, line, "{created}");
    let (script, printed) = Script::in_environment(language, name, &["removes"], &[("FORKGUARD_FILES", "own")]);
    assert_eq!((exit_handlers(&script, "warning").len(), printed.as_str()), (0, "there False\n"));
}

#[test]
fn pythons_destructors() {
    check_destructors("python", "destructors.py");
}

#[test]
fn rubys_finalizers() {
    if !rubys_frames_are_read() {
        return;
    }
    check_destructors("ruby", "destructors.rb");
}

#[test]
fn perls_destructors() {
    check_destructors("perl", "destructors.pl");
}

#[test]
fn phps_destructors() {
    check_destructors("php", "destructors.php");
}

/// A temporary directory of the leader's that a child removes is named by the line that made it.
#[test]
fn pythons_finalizers() {
    let (script, _) = Script::with_output("python", "finalizers.py", &[]);
    assert_eq!((exit_handlers(&script, "info").len(), exit_handlers(&script, "warning").len()), (2, 0));
    let (script, _) = Script::with_output("python", "finalizers.py", &["removes"]);
    let hits = exit_handlers(&script, "warning");
    assert_eq!(hits.len(), 1, "{hits:?}");
    let created = hits[0]["sites"].as_array().expect("sites").iter().find(|site| site["role"] == "created").expect("a site");
    assert_eq!(script.frames(created), [script.place("created")]);
}

/// A `with` block of the leader's that a child leaves, too, and by which the leader's directory is gone, is a warning with the line that made that;
/// a child that ends inside of it, or that removes for itself what the leader made, is right. The guard keeps the directory.
#[test]
fn pythons_blocks() {
    for arguments in [["leaves", "class"], ["leaves", "generator"]] {
        let (script, printed) = Script::with_output("python", "blocks.py", &arguments);
        let hits = exit_handlers(&script, "warning");
        assert_eq!((hits.len(), printed.as_str()), (1, "gone\n"), "{arguments:?}: {hits:?}");
        let subject = hits[0]["subject"].as_str().expect("text");
        assert!(subject.contains("__exit__() at the end of a block of the leader's removes /"), "{subject}");
        let created = hits[0]["sites"].as_array().expect("sites").iter().find(|site| site["role"] == "created").expect("a site");
        assert!(script.frames(created).contains(&script.place("created")), "{created}");
        let (script, printed) = Script::in_environment("python", "blocks.py", &arguments, &[("FORKGUARD_FILES", "own")]);
        assert_eq!((exit_handlers(&script, "warning").len(), printed.as_str()), (0, "there\n"));
    }
    for (way, printed_then) in [("stays", "there\n"), ("consumes", "gone\n")] {
        let (script, printed) = Script::with_output("python", "blocks.py", &[way]);
        assert_eq!((exit_handlers(&script, "warning").len(), printed.as_str()), (0, printed_then), "{way}");
    }
}

#[test]
fn ruby() {
    if !rubys_frames_are_read() {
        return;
    }
    let script = Script::run("ruby", "app.rb");
    script.check_all(true);
    let fork = &script.fork().json;
    let threads = fork["threads"].as_array().expect("threads");
    let started = &threads.iter().find(|t| t["forking"] == false).expect("a thread")["site"];
    // A block bears the name of its method.
    script.check("started", started, true);
    let methods: Vec<String> = script.frames(started).into_iter().map(|(_, function)| function).collect();
    assert_eq!(methods, ["start", "start", "<main>"]);
    let lost = script.report.findings("thread-lost").next().expect("thread-lost");
    assert_eq!(script.frames(&lost.json["sites"][0])[0], script.place("started"));
}

/// Parts of ten seconds each; a longer run: FORKGUARD_TEST_SECONDS=60.
#[test]
fn ruby_in_many_threads() {
    if !rubys_frames_are_read() {
        return;
    }
    let seconds = env::var("FORKGUARD_TEST_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10.0_f64);
    let parts = (seconds / 10.0).ceil();
    for _ in 0..parts as u32 {
        let (script, output) = Script::with_output("ruby", "stress.rb", &[&(seconds / parts).to_string()]);
        let (mut compared, mut missing) = (0, 0);
        for known in output.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")) {
            let mut forks = script.report.events("fork");
            let fork = &forks.find(|fork| fork.json["child"] == known["child"]).expect("the fork").json;
            // Forks that come too fast are reported by their counts.
            if fork["detail"] != "full" {
                continue;
            }
            let descriptors = fork["descriptors"].as_array().expect("descriptors");
            for (fd, stack) in known["known"].as_object().expect("descriptors") {
                let fd: i64 = fd.parse().expect("a number");
                let site = &descriptors.iter().find(|d| d["fd"] == fd).unwrap_or_else(|| panic!("no descriptor {fd}"))["site"];
                let frames = script.frames(site);
                // Nor has a connection frames that was made during a garbage collection or too fast: those are no wrong ones.
                match frames.is_empty() {
                    true => missing += 1,
                    false => {
                        assert_eq!(&serde_json::json!(frames), stack, "{known}");
                        compared += 1;
                    }
                }
            }
        }
        println!("{compared} stacks compared, {missing} unknown");
        assert!(compared > 500 && missing < compared, "{compared} stacks compared, {missing} unknown");
    }
}

/// A handler is set anew when the virtual machine is gone already.
#[test]
fn ruby_that_ends_by_a_signal() {
    let directory = scratch("languages/signal");
    let mut command = Command::new("ruby");
    command.args(["-e", "fork { }; Process.wait; Fiber.new { Fiber.yield }.resume; Process.kill(:TERM, $$); sleep"]);
    let run = run(guarded(&mut command, &directory.join("report")), &directory).expect("runs");
    assert_eq!(run.status.signal(), Some(libc::SIGTERM), "{}", run.stderr);
}

/// Signals that come to threads after their Ruby has ended: what is left there of its frames is freed memory.
#[test]
fn ruby_in_threads_that_have_ended() {
    if !rubys_frames_are_read() {
        return;
    }
    for option in [("FORKGUARD", "observe"), ("FORKGUARD", "guard"), ("FORKGUARD_PROFILE", "cure")] {
        let directory = scratch(&format!("languages/ended-{}", option.1));
        let mut command = Command::new("ruby");
        command.arg("-W0").arg(repository("tests/apps/sites/ended.rb"));
        let run = run(guarded(&mut command, &directory.join("report")).env(option.0, option.1), &directory).expect("runs");
        assert!(run.status.success() && run.stderr.is_empty(), "{}: {}: {}", option.1, run.status, run.stderr);
        assert_eq!(run.stdout, "ok\n");
    }
}

#[test]
fn php() {
    let script = Script::run("php", "app.php");
    script.check_all(true);
    let functions: Vec<String> = script.frames(&script.fork().json["site"]).into_iter().map(|(_, function)| function).collect();
    assert_eq!(functions, ["boot", "main"]);
}

/// Workers that serve under load, each replaced after some requests.
#[test]
fn php_fpm() {
    const LOAD: Duration = Duration::from_secs(5);
    let file = repository("tests/apps/sites/page.php");
    let run = Run { directory: scratch("languages/fpm"), guarded: true };
    let port = free_port();
    // SAFETY: getuid has no conditions.
    let user = unsafe { libc::getuid() };
    let configuration = format!(
        "[global]\nerror_log = {}\ndaemonize = no\n[www]\nuser = {user}\nlisten = 127.0.0.1:{port}\n\
         pm = static\npm.max_children = 3\npm.max_requests = 50\n",
        run.directory.join("log").display()
    );
    fs::write(run.directory.join("fpm.conf"), configuration).expect("fpm.conf");
    let upstream = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("upstream");
    let address = upstream.local_addr().expect("address").to_string();
    thread::spawn(move || upstream.incoming().for_each(drop));

    let mut command = Command::new("/usr/sbin/php-fpm8.2");
    command.args(["-n", "-R", "-y", "fpm.conf", "-p"]).arg(&run.directory);
    let server = run.start(command);
    wait_for("PHP-FPM", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok());
    let parameters = [("SCRIPT_FILENAME", file.to_str().expect("UTF-8")), ("REQUEST_METHOD", "GET"), ("UPSTREAM", &address)];
    let end = Instant::now() + LOAD;
    let client = || {
        let mut workers = Vec::new();
        while Instant::now() < end {
            let answer = fast_cgi(port, &parameters).expect("an answer");
            let (worker, status) = answer.rsplit_once("\r\n\r\n").and_then(|(_, body)| body.split_once(' ')).expect("a page");
            assert_eq!(status, "0", "{answer}");
            workers.push(worker.parse::<u32>().unwrap_or_else(|_| panic!("{answer}")));
        }
        workers
    };
    let workers: Vec<u32> = thread::scope(|scope| {
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(client)).collect();
        clients.into_iter().flat_map(|client| client.join().expect("a client")).collect()
    });
    let master = server.pid;
    assert!(server.stop(libc::SIGQUIT).success());
    let log = fs::read_to_string(run.directory.join("log")).expect("log");
    assert!(log.contains("exited with code 0") && !log.contains("exited on signal"), "{log}");

    let script = Script { language: "php", file, report: run.report() };
    // PHP leaves its sockets open in the programs that a page starts.
    only_hits(&script.report, &["fd-leaked-exec"]);
    let (mut full, mut connected) = (0, 0);
    for fork in script.report.events("fork").filter(|fork| fork.json["pid"] != master && fork.json["detail"] == "full") {
        script.check("fork", &fork.json["site"], true);
        let descriptors = fork.json["descriptors"].as_array().expect("descriptors").iter();
        for socket in descriptors.filter(|d| d["socket"]["peer"] == address.as_str()) {
            script.check("connected", &socket["site"], true);
            connected += 1;
        }
        full += 1;
    }
    println!("{} requests, {full} forks and {connected} connections compared", workers.len());
    assert!(full > 100 && connected > 100, "{full} forks and {connected} connections of {} requests", workers.len());
    assert!(workers.into_iter().collect::<BTreeSet<_>>().len() > 3, "workers were replaced: {log}");
}

/// One request to a FastCGI responder on a connection of its own; its output.
fn fast_cgi(port: u16, parameters: &[(&str, &str)]) -> io::Result<String> {
    const BEGIN_REQUEST: u8 = 1;
    const PARAMS: u8 = 4;
    const STDIN: u8 = 5;
    const STDOUT: u8 = 6;
    let record = |kind: u8, content: &[u8]| {
        let [high, low] = (content.len() as u16).to_be_bytes();
        [&[1, kind, 0, 1, high, low, 0, 0], content].concat()
    };
    let mut named = Vec::new();
    for (name, value) in parameters {
        named.push(name.len() as u8);
        // Four bytes with the highest bit set: any length.
        named.extend((value.len() as u32 | 1 << 31).to_be_bytes());
        named.extend([name.as_bytes(), value.as_bytes()].concat());
    }
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(LIMIT))?;
    // The role is that of a responder, which closes the connection in the end.
    let begin = record(BEGIN_REQUEST, &[0, 1, 0, 0, 0, 0, 0, 0]);
    stream.write_all(&[begin, record(PARAMS, &named), record(PARAMS, &[]), record(STDIN, &[])].concat())?;
    let mut output = Vec::new();
    let mut header = [0; 8];
    while stream.read_exact(&mut header).is_ok() {
        let mut content = vec![0; usize::from(u16::from_be_bytes([header[4], header[5]]))];
        stream.read_exact(&mut content)?;
        stream.read_exact(&mut vec![0; usize::from(header[6])])?;
        if header[1] == STDOUT {
            output.extend(content);
        }
    }
    Ok(String::from_utf8_lossy(&output).into_owned())
}

#[test]
fn perl() {
    let script = Script::run("perl", "app.pl");
    script.check_all(false);
    let callers: Vec<u64> = script.frames(&script.fork().json["site"]).into_iter().map(|(line, _)| line).collect();
    assert_eq!(callers.len(), 2, "the call of the function that forks: {callers:?}");
}
