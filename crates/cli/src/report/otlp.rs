//! The story as OTLP JSON lines, as the OpenTelemetry Collector's otlpjsonfile receiver reads them: a log record a finding, a line each.
use forkguard_report::event::Severity;
use forkguard_report::story::{Finding, Process, Story};
use serde_json::{Value, json};
use std::io::{Result, Write};

/// Writes a line for each finding that stands, and with `all` for the others, too.
pub(crate) fn write(out: &mut dyn Write, story: &Story, all: bool) -> Result<()> {
    for finding in story.findings.iter().filter(|finding| all || finding.stands()) {
        let leader = finding.leaders.first();
        let process = story.processes.iter().find(|process| Some(&process.pid) == leader);
        write_one(out, finding, process, &story.forkguard)?;
    }
    Ok(())
}

/// Writes the line of a finding, whose children `process` forked.
pub(crate) fn write_one(mut out: &mut dyn Write, finding: &Finding, process: Option<&Process>, version: &str) -> Result<()> {
    let resource = process.map_or_else(|| vec![text("service.name", "forkguard")], resource);
    serde_json::to_writer(&mut out, &logs(&resource, version, &record(finding)))?;
    writeln!(out)
}

/// One record in its envelope.
fn logs(resource: &[Value], version: &str, record: &Value) -> Value {
    json!({"resourceLogs": [{
        "resource": {"attributes": resource},
        "scopeLogs": [{"scope": {"name": "forkguard", "version": version}, "logRecords": [record]}],
    }]})
}

/// The process that forked, by the semantic conventions.
fn resource(process: &Process) -> Vec<Value> {
    let mut attributes = vec![number("process.pid", process.pid.into())];
    if let Some(identity) = &process.identity {
        attributes.push(text("service.name", &identity.name));
        attributes.push(text("process.executable.path", &identity.executable));
    }
    attributes
}

fn record(finding: &Finding) -> Value {
    let place = finding.place.as_ref();
    let mut attributes = vec![
        text("forkguard.id", &finding.id),
        text("forkguard.kind", finding.kind.name()),
        text("forkguard.state", finding.state.name()),
        text("forkguard.subject", &finding.subject),
        text("forkguard.fingerprint", &finding.fingerprint),
        text("forkguard.explain", &finding.explain),
        text("forkguard.cure", &finding.cure),
        number("forkguard.children", finding.children),
    ];
    attributes.extend(place.map(|place| text("code.file.path", &place.file)));
    attributes.extend(place.and_then(|place| Some(number("code.line.number", place.line?.into()))));
    attributes.extend(place.and_then(|place| Some(text("code.function.name", place.function.as_ref()?))));
    let stacks: Vec<String> =
        finding.sites.iter().flat_map(|site| site.frames.iter().map(|frame| format!("{frame:#}"))).collect();
    if !stacks.is_empty() {
        attributes.push(text("code.stacktrace", &stacks.join("\n")));
    }
    let body = format!("{} ({}): {}", finding.kind.name(), finding.severity.name(), finding.subject);
    log_record(finding.first, finding.last, finding.severity, &body, attributes)
}

/// A log record of an event: when it happened and when it was last seen, in seconds since the epoch.
fn log_record(time: f64, observed: f64, severity: Severity, body: &str, attributes: Vec<Value>) -> Value {
    let (number, text) = match severity {
        Severity::Info => (9, "INFO"),
        Severity::Warning => (13, "WARN"),
        Severity::Error => (17, "ERROR"),
    };
    json!({
        "timeUnixNano": nanoseconds(time),
        "observedTimeUnixNano": nanoseconds(observed),
        "severityNumber": number,
        "severityText": text,
        "eventName": "forkguard.finding",
        "body": {"stringValue": body},
        "attributes": attributes,
    })
}

/// JSON of protocol buffers has numbers of 64 bits in quotes.
fn nanoseconds(seconds: f64) -> String {
    format!("{}", (seconds.max(0.0) * 1e6).round() as u64 * 1000)
}

/// An attribute that is a text.
fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

/// An attribute that is a number.
fn number(key: &str, value: u64) -> Value {
    json!({"key": key, "value": {"intValue": value.to_string()}})
}
