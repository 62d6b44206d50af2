//! The schema: committed as it is generated, met by every event, and strict enough to mean something.
mod samples;

use forkguard_report::{Line, schema, story_schema};
use serde_json::{Value, json};

fn committed(name: &str) -> Value {
    let path = format!("{}/../../docs/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn samples() -> Vec<Value> {
    samples::lines().iter().map(|line| serde_json::to_value(line).unwrap()).collect()
}

/// The sample of `event`.
fn sample(event: &str) -> Value {
    samples().into_iter().find(|line| line["event"] == event).unwrap()
}

#[test]
fn the_committed_schema_is_that_of_the_types() {
    assert!(
        committed("report.schema.json") == schema(),
        "write it anew: cargo run -p forkguard-report --features schema --bin forkguard-schema > docs/report.schema.json"
    );
    assert!(jsonschema::meta::is_valid(&schema()));
    assert!(
        committed("story.schema.json") == story_schema(),
        "write it anew: cargo run -p forkguard-report --features schema --bin forkguard-schema story > docs/story.schema.json"
    );
    assert!(jsonschema::meta::is_valid(&story_schema()));
}

#[test]
fn a_sample_of_every_event_is_valid() {
    let schema = schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let events = schema["oneOf"].as_array().unwrap().iter().map(|event| event["properties"]["event"]["const"].clone());
    let seen: Vec<Value> = samples().iter().map(|line| line["event"].clone()).collect();
    assert_eq!(events.collect::<Vec<_>>(), seen);
    let lives = samples::lives().into_iter().map(|line| serde_json::to_value(line).unwrap());
    for line in samples().into_iter().chain(lives) {
        let errors: Vec<String> =
            validator.iter_errors(&line).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{line:#}\n{errors:#?}");
    }
}

#[test]
fn a_line_that_lacks_a_field_is_invalid() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for line in samples() {
        // A new state leaves the severity out where it stays the same, a fork what is nothing or as in an earlier one.
        let optional = |name: &str| match line["event"].as_str() {
            Some("finding-state") => name == "severity",
            Some("fork") => !["schema", "time", "pid", "ppid", "fork", "event", "kind", "detail", "cost_us"].contains(&name),
            _ => false,
        };
        for name in line.as_object().unwrap().keys().filter(|name| !optional(name)) {
            let mut broken = line.clone();
            broken.as_object_mut().unwrap().remove(name);
            assert!(!validator.is_valid(&broken), "{} without {name}", line["event"]);
        }
    }
}

#[test]
fn broken_lines_are_invalid() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for (event, pointer, value) in [
        ("process", "/schema", json!(2)),
        ("process", "/time", json!(null)),
        ("process", "/time", json!(0)),
        ("process", "/pid", json!(0)),
        ("process", "/fork", json!("7")),
        ("process", "/event", json!("fork")),
        ("process", "/event", json!("rumour")),
        ("process", "/mode", json!("off")),
        ("process", "/limits/0", json!(1)),
        ("fork", "/kind", json!("spoon")),
        ("fork", "/child", json!("9")),
        ("fork", "/counts/threads", json!(-1)),
        ("fork", "/detail", json!("similar")),
        ("fork", "/threads/0/tid", json!(-1)),
        ("fork", "/threads/0/start/language", json!("cobol")),
        ("fork", "/locks/0/address", json!(32512)),
        ("fork", "/locks/0/address", json!("7f00")),
        ("fork", "/descriptors/0/socket/role", json!("spare")),
        ("fork", "/descriptors/0/socket/type", json!(null)),
        ("fork", "/signals/0/signal", json!("USR2")),
        ("fork", "/memory", json!({})),
        ("child", "/atfork_us/0", json!("none")),
        ("finding", "/id", json!("7.1")),
        ("finding", "/kind", json!("thread-found")),
        ("finding", "/severity", json!("fatal")),
        ("finding", "/sites/0/role", json!("eaten")),
        ("finding", "/sites/0/frames/0/line", json!("13")),
        ("finding-state", "/state", json!("closed")),
        ("exit", "/status", json!(null)),
    ] {
        let mut broken = sample(event);
        *broken.pointer_mut(pointer).unwrap() = value.clone();
        assert!(!validator.is_valid(&broken), "{event} with {pointer} = {value}");
    }
}

#[test]
fn unknown_properties_are_invalid() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for (event, pointer) in
        [("exec", ""), ("fork", ""), ("fork", "/counts"), ("fork", "/threads/0"), ("finding", "/sites/0/frames/0")]
    {
        let mut broken = sample(event);
        broken.pointer_mut(pointer).unwrap()["colour"] = json!("red");
        assert!(!validator.is_valid(&broken), "{event} with {pointer}/colour");
    }
}

/// A type that owns all it holds can be read from a text that does not outlive it.
fn read(text: &str) -> Line<'static> {
    let text = text.to_owned();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn lines_are_read_back_owned() {
    for line in samples::lines().into_iter().chain(samples::lives()) {
        let written = serde_json::to_value(&line).unwrap();
        for text in [written.to_string(), serde_json::to_string(&line).unwrap(), format!("{written:#}")] {
            assert_eq!(serde_json::to_value(read(&text)).unwrap(), written);
        }
        let from_bytes: Line = serde_json::from_slice(written.to_string().as_bytes()).unwrap();
        assert_eq!(serde_json::to_value(from_bytes).unwrap(), written);
        let from_reader: Line = serde_json::from_reader(written.to_string().as_bytes()).unwrap();
        assert_eq!(serde_json::to_value(from_reader).unwrap(), written);
    }
}

#[test]
fn escaped_strings_are_read() {
    let mut line = sample("finding");
    line["subject"] = json!("\u{1}\"\\\n\u{1f600}");
    let text = line.to_string().replace('\u{1f600}', "\\ud83d\\ude00");
    assert_eq!(serde_json::to_value(read(&text)).unwrap(), line);
}
