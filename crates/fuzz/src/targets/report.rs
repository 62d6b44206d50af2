//! A line of a report, as the tool reads it: whatever it holds, what is read is written and read again as the same, and what is shown of it
//! is fit for a terminal.
use forkguard_report::cure::Program;
use forkguard_report::event::Finding;
use forkguard_report::log_line::{LogLine, What};
use forkguard_report::summary::{self, Head};
use forkguard_report::text::{Plain, is_plain};
use forkguard_report::{Event, Line};
use serde_json::Value;

pub(super) fn run(bytes: &[u8]) -> usize {
    let Ok(text) = str::from_utf8(bytes) else { return 0 };
    assert!(is_plain(&Plain(text).to_string()));
    text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()).map(check).count()
}

fn check(line: Line) {
    let written = serde_json::to_string(&line).expect("what was read can be written");
    let again: Line = serde_json::from_str(&written).expect("what was written can be read");
    let again = serde_json::to_string(&again).expect("the same");
    assert!(written == again || same(&json(&written), &json(&again)), "{written}\n{again}");
    if let Event::Finding(finding) = &line.event {
        show(finding, line.time);
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// Numbers of more digits than a clock gives are read by serde_json as themselves or as their neighbour.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64().expect("a number"), other.as_f64().expect("a number"));
            (one - other).abs() <= one.abs() * 4.0 * f64::EPSILON
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.0 == other.0 && same(one.1, other.1))
        }
        _ => one == other,
    }
}

fn show(finding: &Finding, time: f64) {
    let program = Program::recognise(&finding.subject, "");
    let head = Head { child: 2, leader: 1, program, report: None, with_notes: true, cures: &[] };
    let mut text = String::new();
    summary::write(&mut text, &head, [finding].into_iter()).expect("written");
    assert!(text.lines().all(is_plain), "{text:?}");
    let line = LogLine { time, head: &head, what: What::Finding(finding) };
    assert!(is_plain(&serde_json::to_string(&line).expect("written")), "{text:?}");
}
