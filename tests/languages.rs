//! Sites name the lines of scripts: Ruby, PHP, Perl.
mod common;

use common::fixture::run;
use common::{Entry, Report, guarded, scratch};
use serde_json::Value;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;

/// A script of `tests/apps/sites`, and what was reported of its run.
struct Script {
    language: &'static str,
    file: PathBuf,
    report: Report,
}

impl Script {
    fn run(language: &'static str, name: &str) -> Script {
        let file = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/apps/sites")).join(name);
        let directory = scratch(&format!("languages/{name}"));
        let report = directory.join("report");
        let mut command = Command::new(language);
        let run = run(guarded(command.arg(&file), &report).env("FORKGUARD_SUMMARY", "never"), &directory).expect("runs");
        assert!(run.status.success() && run.stderr.is_empty(), "{}: {}", run.status, run.stderr);
        Script { language, file, report: Report::read(&report) }
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
        for role in ["listening", "connected"] {
            let socket = list("descriptors").find(|d| d["socket"]["role"] == role).expect("a socket");
            self.check(role, &socket["site"], functions);
        }
        self.check("set", &list("signals").find(|s| s["signal"] == "SIGUSR2").expect("SIGUSR2")["site"], functions);
    }
}

#[test]
fn ruby() {
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

#[test]
fn ruby_in_many_threads() {
    let script = Script::run("ruby", "stress.rb");
    let (line, _) = script.place("connected");
    let mut seen = 0;
    for fork in script.report.events("fork") {
        for socket in fork.json["descriptors"].as_array().expect("descriptors") {
            if socket["socket"]["role"] == "connected" {
                // A storm of connections outruns what is captured a second: no frames are no wrong ones.
                let Some((innermost, _)) = script.frames(&socket["site"]).into_iter().next() else { continue };
                assert_eq!(innermost, line, "{socket}");
                seen += 1;
            }
        }
    }
    assert!(seen > 0, "no fork met a connection that was captured");
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

#[test]
fn php() {
    let script = Script::run("php", "app.php");
    script.check_all(true);
    let functions: Vec<String> = script.frames(&script.fork().json["site"]).into_iter().map(|(_, function)| function).collect();
    assert_eq!(functions, ["boot", "main"]);
}

#[test]
fn perl() {
    let script = Script::run("perl", "app.pl");
    script.check_all(false);
    let callers: Vec<u64> = script.frames(&script.fork().json["site"]).into_iter().map(|(line, _)| line).collect();
    assert_eq!(callers.len(), 2, "the call of the function that forks: {callers:?}");
}
