//! Lines of a report one by one, for those who look for a few or read along.
use super::line::NoEvent;
use super::places::{fingerprint, place};
use forkguard_report::event::{Event, Finding as Found, Frame, Site};
use forkguard_report::story::{Finding, Life, Place};
use forkguard_report::text::Plain;
use forkguard_report::{Line, SCHEMA, after_torn};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader};

/// The lines of a file for those who look for a few of them. Of one that is torn within a letter the rest is read.
pub(crate) fn lines(file: File) -> impl Iterator<Item = String> {
    let lines = BufReader::new(file).split(b'\n').map_while(Result::ok);
    lines.map(|line| String::from_utf8_lossy(&line).into_owned())
}

/// A line of a report, also where it follows a torn one.
pub(crate) fn event(line: &str) -> Option<Line<'static>> {
    let parsed = |line| serde_json::from_slice(line).ok();
    parsed(line.as_bytes()).or_else(|| parsed(after_torn(line.as_bytes())?))
}

/// A line of a report with all its texts fit for a terminal.
pub(crate) fn plain_line(line: &[u8]) -> Result<Line<'static>, NoEvent> {
    let mut value: Value = serde_json::from_slice(line)?;
    make_plain(&mut value);
    let line: Line<'static> = serde_json::from_value(value)?;
    if line.schema == SCHEMA { Ok(line) } else { Err(NoEvent) }
}

fn make_plain(value: &mut Value) {
    match value {
        Value::String(text) => *text = Plain(text).to_string(),
        Value::Array(list) => list.iter_mut().for_each(make_plain),
        Value::Object(object) => object.values_mut().for_each(make_plain),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The finding that the line is, in the one child that it is about.
pub(crate) fn single(line: &Line<'static>) -> Option<Finding> {
    let Event::Finding(found) = &line.event else { return None };
    let own = |frame: &&Frame<'static>| !frame.is_forkguard();
    let told = |site: &Site<'static>| Site { frames: site.frames.iter().filter(own).cloned().collect(), ..site.clone() };
    let sites: Vec<Site<'static>> = found.story().map(told).collect();
    let place = place(&sites);
    Some(Finding {
        id: found.id.to_string(),
        fingerprint: fingerprint(found.kind, &line_of(found, place.as_ref()), place.as_ref()),
        kind: found.kind,
        severity: found.severity,
        state: found.state,
        subject: found.subject.to_string(),
        other_subjects: Vec::new(),
        at: found.at.iter().map(ToString::to_string).collect(),
        place,
        sites,
        explain: found.explain.to_string(),
        cure: found.cure.to_string(),
        suppressed: found.suppressed,
        lives: vec![Life {
            state: found.state,
            severity: found.severity,
            because: String::new(),
            count: 1,
            children: found.child.into_iter().collect(),
            ended: 0,
        }],
        children: 1,
        leaders: found.id.split('.').next().and_then(|leader| leader.parse().ok()).into_iter().collect(),
        first: line.time,
        last: line.time,
    })
}

/// What the finding is known again by where no function is known.
fn line_of(found: &Found, place: Option<&Place>) -> String {
    place.map_or_else(|| found.subject.to_string(), |place| format!("{}:{:?}", place.file, place.line))
}
