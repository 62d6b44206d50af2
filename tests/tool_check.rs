//! `forkguard check`: the gate, on real servers, and each of its statuses.
mod common;

use common::server::*;
use common::{ended, scratch, tool, without_options};
use serde_json::Value;
use std::fs;
use std::iter;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The gate with `options`, its reports in `directory`, on `program`.
fn check(directory: &Path, options: &[&str], program: &Command) -> Command {
    let mut command = Command::new(tool());
    without_options(&mut command).env("XDG_STATE_HOME", directory).current_dir(directory);
    command.arg("check").args(options).arg("--").arg(program.get_program()).args(program.get_args());
    let set = program.get_envs().filter_map(|(name, value)| Some((name, value?)));
    command.envs(set).stdin(Stdio::null());
    command
}

/// Its status, and what was said.
fn checked(directory: &Path, options: &[&str], program: &Command) -> (Option<i32>, String) {
    let output = check(directory, options, program).output().expect("runs");
    (output.status.code(), said(&output))
}

/// What the tool said, and what went wrong besides.
fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), b"\n", output.stderr.as_slice()].concat()).into_owned()
}

fn program(words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}

/// gunicorn with a program of demo/prices: `wrong` loses a thread, `repaired` does not.
fn prices(port: u16, name: &str) -> Command {
    let settings = repository("demo/prices/repaired.py");
    let settings = ["--config", settings.to_str().expect("UTF-8")];
    gunicorn(port, "demo/prices", &format!("{name}:app"), if name == "repaired" { &settings } else { &[] })
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}/")
}

#[test]
fn a_finding_fails_until_the_baseline_has_it() {
    let directory = scratch("tool-check-baseline");
    let port = free_port();
    let (status, said) = checked(&directory, &["--request", &url(port)], &prices(port, "wrong"));
    assert_eq!(status, Some(1), "{said}");
    for part in [
        "thread-lost (warning), in 2 workers",
        "started at wrong.py:15",
        "check failed: 1 finding",
        "post_fork",
        "--update-baseline",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }

    let update = ["--baseline", "known.json", "--update-baseline"];
    let (status, said) = checked(&directory, &update, &prices(free_port(), "wrong"));
    assert_eq!(status, Some(0), "{said}");
    let file = directory.join("known.json");
    let text = fs::read_to_string(&file).expect("the baseline");
    let baseline: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(baseline["findings"].as_array().expect("a list").len(), 1, "{text}");
    assert_eq!(baseline["findings"][0]["kind"], "thread-lost");
    assert_eq!(baseline["findings"][0]["text"], "threading.Thread(target=refresh, name=\"refresh-prices\", daemon=True).start()");
    assert!(!text.contains(":15"), "no number of a line: {text}");

    let (status, said) = checked(&directory, &["--baseline", "known.json"], &prices(free_port(), "wrong"));
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("1 known finding in known.json"), "{said}");

    // A comment stays; what is not found any more is named, and goes with the next update.
    fs::write(&file, text.replace("\"comment\":\"\"", "\"comment\":\"until 2.0\"")).expect("a comment");
    assert_eq!(checked(&directory, &update, &prices(free_port(), "wrong")).0, Some(0));
    assert!(fs::read_to_string(&file).expect("the baseline").contains("until 2.0"));
    let (status, said) = checked(&directory, &["--baseline", "known.json"], &prices(free_port(), "repaired"));
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("not found any more: thread-lost"), "{said}");
    assert_eq!(checked(&directory, &update, &prices(free_port(), "repaired")).0, Some(0));
    assert_eq!(fs::read_to_string(&file).expect("the baseline"), "{\n  \"forkguard_baseline\": 1,\n  \"findings\": []\n}\n");
}

/// For code scanning and for test results: what fails the check, and nothing else.
#[test]
fn findings_as_sarif_and_junit() {
    let directory = scratch("tool-check-formats");
    let run = |format: &str, name: &str| {
        let (status, said) = checked(&directory, &["--format", format, "--output", "result"], &prices(free_port(), name));
        (status, said, fs::read_to_string(directory.join("result")).expect("the file"))
    };
    let (status, said, sarif) = run("sarif", "wrong");
    assert!(status == Some(1) && said.contains("check failed: 1 finding"), "{said}");
    let log: Value = serde_json::from_str(&sarif).expect("JSON");
    let results = log["runs"][0]["results"].as_array().expect("results");
    assert_eq!((results.len(), &results[0]["ruleId"]), (1, &Value::from("thread-lost")), "{sarif}");
    let (status, said, junit) = run("junit", "wrong");
    assert_eq!(status, Some(1), "{said}");
    assert_eq!((junit.matches("<failure").count(), junit.matches("<testcase").count()), (1, 1), "{junit}");
    let (status, said, sarif) = run("sarif", "repaired");
    assert_eq!(status, Some(0), "{said}");
    let log: Value = serde_json::from_str(&sarif).expect("JSON");
    assert_eq!(log["runs"][0]["results"], Value::Array(Vec::new()), "{sarif}");
}

#[test]
fn a_repaired_program_passes_and_answers() {
    let directory = scratch("tool-check-passes");
    let port = free_port();
    let options = ["--fail-on", "hazard", "--format", "json", "--request", &url(port)];
    let output = check(&directory, &options, &prices(port, "repaired")).output().expect("runs");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let result: Value = serde_json::from_slice(&output.stdout).expect("one object and nothing else on stdout");
    assert_eq!((&result["verdict"], &result["workers"]), (&Value::from("passed"), &Value::from(2)), "{result}");
    let requests = &result["requests"];
    assert!(requests["sent"].as_u64() >= Some(5) && requests["sent"] == requests["answered"], "{result}");
    assert!(result["findings"].as_array().expect("a list").iter().all(|finding| finding["counts"] == false), "{result}");
}

/// uWSGI, Unicorn and Puma are stopped, each in its way, and all of their workers.
#[test]
fn other_servers() {
    let (wsgi, unicorn, puma) = (free_port(), free_port(), free_port());
    let mut ruby = [program(&["unicorn", "--config-file"]), program(&["puma", "--config"])];
    for (command, (name, port)) in ruby.iter_mut().zip([("unicorn", unicorn), ("puma", puma)]) {
        command
            .arg(repository(&format!("tests/apps/{name}.rb")))
            .arg(repository("tests/apps/config.ru"))
            .env("PORT", port.to_string());
    }
    let [with_unicorn, with_puma] = ruby;
    let with_uwsgi = uwsgi(wsgi, "demo/prices", "wrong:app", &[]);
    for (port, command) in [(wsgi, with_uwsgi), (unicorn, with_unicorn), (puma, with_puma)] {
        let directory = scratch(&format!("tool-check-{}", command.get_program().display()));
        let (status, said) = checked(&directory, &["--request", &url(port)], &command);
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains("thread-lost (warning)") && !said.contains("was killed"), "{said}");
        assert!(get(port).is_err(), "it still answers");
    }
}

#[test]
fn wrong_use_ends_with_2() {
    let directory = scratch("tool-check-usage");
    fs::write(directory.join("broken.json"), "{}").expect("a file");
    let uses: [&[&str]; 5] = [
        &["--update-baseline"],
        &["--fail-on", "never"],
        &["--request", "ftp://127.0.0.1/"],
        &["--baseline", "broken.json"],
        &["--baseline", "missing.json"],
    ];
    for options in uses {
        assert_eq!(checked(&directory, options, &program(&["true"])).0, Some(2), "{options:?}");
    }
    let none = Command::new(tool()).arg("check").output().expect("runs");
    assert_eq!(none.status.code(), Some(2));
}

#[test]
fn a_server_that_fails_ends_with_3() {
    let directory = scratch("tool-check-failed");
    for (words, why) in [
        (&["/no/such/server"][..], "no program is called"),
        (&["sh", "-c", "exit 5"], "ended with status 5"),
        (&["sh", "-c", "kill -ABRT $$"], "ended by SIGABRT"),
    ] {
        // The program that never forks fails before it could.
        let (status, said) = checked(&directory, &[], &program(words));
        assert_eq!(status, Some(3), "{words:?}: {said}");
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn nothing_exercised_ends_with_4() {
    let directory = scratch("tool-check-nothing");
    let (status, said) = checked(&directory, &[], &program(&["true"]));
    assert_eq!(status, Some(4), "{said}");
    assert!(said.contains("the program never forked"), "{said}");
    let (status, said) = checked(&directory, &[], &program(&["sh", "-c", "/bin/true & wait"]));
    assert_eq!(status, Some(4), "{said}");
    assert!(said.contains("no child lived on"), "{said}");
    let (status, said) = checked(&directory, &["--for", "2", "--request", &url(free_port())], &prices(free_port(), "repaired"));
    assert_eq!(status, Some(4), "{said}");
    assert!(said.contains("no request was answered") && said.contains("nobody listens"), "{said}");
}

/// A check that is told to end takes all its processes with it.
#[test]
fn an_interrupted_check_leaves_nothing_behind() {
    let directory = scratch("tool-check-interrupted");
    let port = free_port();
    let mut command = check(&directory, &["--for", "1h"], &prices(port, "wrong"));
    let errors = fs::File::create(directory.join("stderr")).expect("a file");
    let mut started = command.stdout(Stdio::null()).stderr(errors).spawn().expect("starts");
    serves(port);
    kill(started.id(), libc::SIGTERM);
    assert_eq!(ended(&mut started).signal(), Some(libc::SIGTERM));
    let errors = fs::read_to_string(directory.join("stderr")).expect("text");
    assert!(errors.contains("interrupted; what was reported until then: forkguard report "), "{errors}");
    assert!(get(port).is_err(), "it still answers");
}

/// gunicorn without --preload: what its workers make while they load the application would be broken with it, what post_fork makes would not.
#[test]
fn what_preload_would_save_and_break() {
    let directory = scratch("tool-check-preload");
    let server = |name: &str| {
        let mut command = venv("gunicorn");
        command.args(["--workers=2", "--bind"]).arg(format!("127.0.0.1:{}", free_port()));
        if name == "repaired" {
            command.arg("--config").arg(repository("demo/prices/repaired.py"));
        }
        command.arg("--chdir").arg(repository("demo/prices")).arg(format!("{name}:app"));
        command
    };
    let (status, text) = checked(&directory, &["--what-if-preload"], &server("wrong"));
    assert_eq!(status, Some(1), "{text}");
    for part in ["With preload", "would save up to", "thread-lost (warning), in 2 workers", "started at wrong.py:15", "post_fork"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let output = check(&directory, &["--what-if-preload", "--format", "json"], &server("repaired")).output().expect("runs");
    let result: Value = serde_json::from_slice(&output.stdout).expect("one object");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let what_if = &result["what_if_preload"];
    assert_eq!(what_if["findings"], Value::Array(Vec::new()), "{what_if}");
    assert!(what_if["saves_kb_at_most"].as_u64() > Some(1000), "{what_if}");
}

/// uWSGI, Unicorn and Puma whose workers load the application each.
#[test]
fn what_preload_would_break_under_other_servers() {
    let with_ruby = |name: &str, option: &str, configuration: String| {
        let file = scratch(&format!("tool-check-preload-{name}-files")).join("configuration.rb");
        fs::write(&file, configuration).expect("a configuration");
        let mut command = program(&[name, option]);
        command.arg(file).arg(repository("tests/apps/config.ru"));
        (name.to_owned(), command, "config.ru:4")
    };
    let unicorn = format!("listen \"127.0.0.1:{}\"\nworker_processes 2\npreload_app false\n", free_port());
    let puma = format!("bind \"tcp://127.0.0.1:{}\"\nworkers 2\nthreads 1, 2\n", free_port());
    let uwsgi = ("uwsgi".to_owned(), uwsgi(free_port(), "demo/prices", "wrong:app", &["--lazy-apps"]), "wrong.py:15");
    let ruby = [with_ruby("unicorn", "--config-file", unicorn), with_ruby("puma", "--config", puma)];
    for (name, command, line) in iter::once(uwsgi).chain(ruby) {
        let (status, said) = checked(&scratch(&format!("tool-check-preload-{name}")), &["--what-if-preload"], &command);
        assert_eq!(status, Some(1), "{name}: {said}");
        let place = format!("started at {line}");
        for part in ["With preload", "would save up to", "thread-lost (warning), in 2 workers", &place] {
            assert!(said.contains(part), "{name}: {part}: {said}");
        }
    }
}

/// The file's place is tried before the server is started.
#[test]
fn a_result_that_has_no_place_is_told_at_once() {
    let directory = scratch("tool-check-output");
    let (status, said) = checked(&directory, &["--output", "none/result"], &program(&["touch", "started"]));
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("cannot write none/result") && !directory.join("started").exists(), "{said}");
}

#[test]
fn guards_are_tried() {
    let directory = scratch("tool-check-try");
    let port = free_port();
    let (status, said) = checked(&directory, &["--try", "--request", &url(port)], &prices(port, "wrong"));
    assert_eq!(status, Some(1), "{said}");
    let row =
        |guard: &str| said.lines().find(|line| line.trim_start().starts_with(guard)).unwrap_or_else(|| panic!("{guard}: {said}"));
    assert!(row("FORKGUARD_THREADS=revive ").contains("[1] no effect"), "{said}");
    assert!(row("FORKGUARD_THREADS=revive:refresh-prices ").contains("[1] cured"), "{said}");
    assert!(said.contains("forkguard run --set FORKGUARD_THREADS=revive:refresh-prices -- gunicorn"), "{said}");
}
