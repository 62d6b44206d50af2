//! The formats that programs read, each held against its published schema; and hostile reports in all of them.
use opentelemetry_proto::tonic::logs::v1::LogsData;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::Path;
use std::process::{Command, Stdio};

const RUNS: [&str; 5] = ["run", "bites", "guards", "alike", "shop"];

fn tests() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests"))
}

/// What `forkguard report` prints with these arguments.
fn report(arguments: &[&str]) -> String {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_forkguard"));
    tool.arg("report").args(arguments).current_dir(tests()).env_remove("COLUMNS");
    let output = tool.output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Texts that no format may take for its own.
const HOSTILE: &str =
    "</script><img src=x onerror=alert(1)>\u{0}\u{1b}]0;x\u{7}\u{9b}2J\u{202e}\u{2028}]]>&amp;{{7*7}}'\"\\ %s\r\n--><!--";

/// A directory with reports whose free texts are hostile, and one whose name is as long as a book.
fn hostile() -> tempfile::TempDir {
    const FREE: [&str; 12] = [
        "subject",
        "explain",
        "cure",
        "because",
        "function",
        "file",
        "name",
        "executable",
        "program",
        "peer",
        "action",
        "holder_name",
    ];
    fn spoil(value: &mut Value, free: bool) {
        match value {
            Value::String(text) if free => text.push_str(HOSTILE),
            Value::Array(list) => list.iter_mut().for_each(|it| spoil(it, free)),
            Value::Object(object) => {
                object.iter_mut().for_each(|(key, it)| spoil(it, FREE.contains(&key.as_str()) || key == "at" || key == "limits"));
            }
            _ => {}
        }
    }
    let directory = tempfile::tempdir().unwrap();
    for (number, file) in ["run", "bites", "guards"].iter().flat_map(|run| tests().join(run).read_dir().unwrap()).enumerate() {
        let content = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let lines = content.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let spoilt: Vec<String> = lines
            .enumerate()
            .map(|(position, mut line)| {
                spoil(&mut line, false);
                if (number, position) == (0, 0) {
                    line["name"] = "n\u{1b}".repeat(500_000).into();
                }
                line.to_string()
            })
            .collect();
        std::fs::write(directory.path().join(format!("\u{202e}<b>{number}.jsonl")), spoilt.join("\n") + "\ntorn").unwrap();
    }
    directory
}

#[test]
fn sarif_is_valid_and_within_githubs_limits() {
    let mut schema = parsed(include_str!("schemas/sarif-2.1.0.json"));
    // A lone bracket in it is a pattern of JavaScript's older syntax only; no language is written.
    for with_language in ["run", "toolComponent"] {
        schema["definitions"][with_language]["properties"]["language"].as_object_mut().unwrap().remove("pattern");
    }
    let validator = jsonschema::validator_for(&schema).unwrap();
    let hostile = hostile();
    for run in RUNS.into_iter().chain([hostile.path().to_str().unwrap()]) {
        let log = parsed(&report(&[run, "--format", "sarif", "--root", "/srv/shop"]));
        let errors: Vec<_> = validator.iter_errors(&log).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{run}: {errors:#?}");
        let mut seen = HashSet::new();
        for result in log["runs"][0]["results"].as_array().unwrap() {
            let place = &result["locations"][0]["physicalLocation"];
            let (uri, line) =
                (place["artifactLocation"]["uri"].as_str().unwrap(), place["region"]["startLine"].as_u64().unwrap());
            assert!(seen.insert((result["ruleId"].to_string(), uri.to_owned(), line)), "{run}: twice: {result}");
            assert!(result["partialFingerprints"]["primaryLocationLineHash"].as_str().unwrap().ends_with(":1"), "{result}");
            assert!(uri.is_ascii() && !uri.contains(['<', ' ', '\\']), "{uri}");
        }
        for rule in log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap() {
            for text in [&rule["shortDescription"], &rule["fullDescription"]] {
                assert!((1..=1024).contains(&text["text"].as_str().unwrap().len()), "{rule}");
            }
            assert!(rule["help"]["markdown"].as_str().unwrap().contains("**Cure.**"), "{rule}");
        }
    }
    let log = report(&["shop", "--format", "sarif", "--root", "/srv/shop"]);
    insta::assert_snapshot!("sarif", format!("{:#}", parsed(&log)["runs"][0]["results"][0]));
}

/// The same finding is known again when the file lies elsewhere, below the same root, or grows above the line.
#[test]
fn fingerprints_of_sarif_outlive_checkouts_and_edits() {
    let prints = |root: &str, line: u64| {
        let directory = tempfile::tempdir().unwrap();
        let content = std::fs::read_to_string(tests().join("shop/gunicorn-17420.jsonl")).unwrap();
        let moved = content.replace("/srv/shop/", &format!("{root}/")).replace("\"line\":22}", &format!("\"line\":{line}}}"));
        std::fs::write(directory.path().join("a.jsonl"), moved).unwrap();
        let log = parsed(&report(&[directory.path().to_str().unwrap(), "--format", "sarif", "--root", root]));
        let results = log["runs"][0]["results"].as_array().unwrap().clone();
        results.iter().map(|result| result["partialFingerprints"].to_string()).collect::<HashSet<_>>()
    };
    assert_eq!(prints("/srv/shop", 22), prints("/home/ci/build-7", 29));
}

#[test]
fn junit_is_valid() {
    let hostile = hostile();
    for run in RUNS.into_iter().chain([hostile.path().to_str().unwrap()]) {
        let xml = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(xml.path(), report(&[run, "--format", "junit"])).unwrap();
        let mut xmllint = Command::new("xmllint");
        xmllint.args(["--nonet", "--noout", "--schema", "schemas/junit-10.xsd"]).arg(xml.path()).current_dir(tests());
        let output = xmllint.stdin(Stdio::null()).output().expect("xmllint: scripts/setup installs it");
        assert!(output.status.success(), "{run}: {}", String::from_utf8_lossy(&output.stderr));
    }
    insta::assert_snapshot!("junit", report(&["shop", "--format", "junit"]));
    let nothing = report(&["guards", "--format", "junit"]);
    assert!(nothing.contains("<testcase name=\"nothing is found\"/>"), "{nothing}");
}

#[test]
fn otlp_is_what_the_collector_reads() {
    let hostile = hostile();
    for run in RUNS.into_iter().chain([hostile.path().to_str().unwrap()]) {
        let lines = report(&[run, "--format", "otlp", "--all"]);
        for line in lines.lines() {
            let logs: LogsData = serde_json::from_str(line).unwrap_or_else(|error| panic!("{run}: {error}: {line}"));
            let record = &logs.resource_logs[0].scope_logs[0].log_records[0];
            assert!(record.time_unix_nano > 1_600_000_000_000_000_000 && [9, 13, 17].contains(&record.severity_number), "{line}");
            assert!(record.attributes.iter().any(|attribute| attribute.key == "forkguard.kind"), "{line}");
            assert_eq!(record.event_name, "forkguard.finding");
        }
        assert!(run == "guards" || lines.lines().count() > 0, "{run}");
    }
    let first = parsed(report(&["shop", "--format", "otlp"]).lines().next().unwrap());
    insta::assert_snapshot!("otlp", format!("{first:#}"));
}

/// The page after its script ran, in headless Chromium; none where no browser can be installed.
fn in_browser(page: &str) -> Option<String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("report.html");
    std::fs::write(&file, page).unwrap();
    let mut chromium = Command::new("chromium");
    chromium.args(["--headless", "--no-sandbox", "--disable-gpu", "--window-size=390,2000", "--dump-dom"]);
    chromium.arg(format!("--user-data-dir={}", directory.path().join("profile").display()));
    chromium.arg(format!("--screenshot={}", directory.path().join("page.png").display()));
    chromium.arg(format!("file://{}", file.display())).stdin(Stdio::null());
    match chromium.output() {
        Ok(output) => {
            assert!(output.status.success(), "{output:?}");
            Some(String::from_utf8(output.stdout).unwrap())
        }
        Err(error) if std::env::var_os("CI").is_none() || !Path::new("/usr/bin/apt-get").exists() => {
            eprintln!("skipped: chromium: {error}");
            None
        }
        Err(error) => panic!("chromium: {error}: scripts/setup installs it"),
    }
}

/// What the browser made of the page's own elements: how often each.
fn elements(page: &str, name: &str) -> usize {
    page.matches(&format!("<{name}>")).count() + page.matches(&format!("<{name} ")).count()
}

#[test]
fn html_works_in_a_browser() {
    let page = report(&["shop", "--format", "html"]);
    let Some(seen) = in_browser(&page) else { return };
    // The script ran, though the page allows no other than this one.
    assert!(seen.contains("<output id=\"shown\">7 of 7</output>"), "{seen}");
    assert_eq!(elements(&seen, "section"), 3);
    for outside in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn html_of_a_hostile_report_is_only_text() {
    let directory = hostile();
    let page = report(&[directory.path().to_str().unwrap(), "--format", "html", "--all"]);
    assert!(page.contains("&lt;/script&gt;&lt;img") || page.contains("&#60;/script&#62;&#60;img"), "{page}");
    let Some(seen) = in_browser(&page) else { return };
    assert_eq!((elements(&seen, "img"), elements(&seen, "script")), (0, 1));
    assert!(seen.contains("onerror=alert(1)"), "it is there to be read");
}

/// Source files are shown on request, and only those below the root.
#[test]
fn source_is_shown_on_request_only() {
    let directory = tempfile::tempdir().unwrap();
    let (root, secret) = (directory.path().join("app"), directory.path().join("secret.py"));
    std::fs::create_dir(&root).unwrap();
    let lines: String = (1..=40).map(|line| format!("line_{line} = '<{line}>'\n")).collect();
    for file in [&root.join("app.py"), &secret] {
        std::fs::write(file, &lines).unwrap();
    }
    std::os::unix::fs::symlink(&secret, root.join("link.py")).unwrap();
    let shown = |file: &str, arguments: &[&str]| {
        let reports = tempfile::tempdir().unwrap();
        let content = std::fs::read_to_string(tests().join("shop/gunicorn-17420.jsonl")).unwrap();
        let file = root.join(file);
        std::fs::write(reports.path().join("a.jsonl"), content.replace("/srv/shop/app.py", file.to_str().unwrap())).unwrap();
        let path = reports.path().to_str().unwrap();
        report(&[&[path, "--format", "html", "--root", root.to_str().unwrap()], arguments].concat())
    };
    assert!(!shown("app.py", &[]).contains("line_22"));
    assert!(shown("app.py", &["--source"]).contains("line_22 = "));
    for outside in ["link.py", "../secret.py"] {
        assert!(!shown(outside, &["--source"]).contains("line_22"), "{outside}");
    }
}

/// Every line is a finding's or a note's: no text of a report makes lines, markup or commands of its own.
#[test]
fn hostile_reports_stay_texts() {
    let directory = hostile();
    let path = directory.path().to_str().unwrap();
    for format in ["text", "json", "html", "sarif", "junit", "otlp"] {
        let shown = report(&[path, "--format", format, "--all"]);
        assert!(shown.lines().all(forkguard_report::text::is_plain), "{format}");
        assert!(shown.contains("onerror"), "{format}");
        assert!(shown.len() < 5_000_000, "{format}: {}", shown.len());
    }
    let story = parsed(&report(&[path, "--format", "json"]));
    let longest =
        story["processes"].as_array().unwrap().iter().filter_map(|it| it["identity"]["name"].as_str()).map(str::len).max();
    assert!(longest.unwrap() < 10_000, "{longest:?}");
    assert_eq!(json!(1), story["story"]);
}
