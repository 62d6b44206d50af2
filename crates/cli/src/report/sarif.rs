//! The story as SARIF 2.1.0, within what GitHub's code scanning takes: a result a finding, which is one kind at one line.
use super::text::in_children;
use crate::page;
use crate::story::places::fingerprint;
use forkguard_report::event::{FindingKind, Frame, Severity, Site, State};
use forkguard_report::story::{Finding, Life, Place, Story};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::io::{Result, Write};
use std::path::Path;

/// Results that GitHub shows of a run.
const RESULTS: usize = 5000;

/// Steps of a code flow.
const STEPS: usize = 100;

/// The pages of the project.
const PAGES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/");

/// What stands in a path as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Writes the log; paths below `root` are relative to it.
pub(crate) fn write(mut out: &mut dyn Write, story: &Story, root: Option<&Path>) -> Result<()> {
    serde_json::to_writer(&mut out, &log(story, root))?;
    writeln!(out)
}

fn log(story: &Story, root: Option<&Path>) -> Value {
    let shown = |finding: &&Finding| finding.stands() || finding.state == State::Untouched;
    let (placed, elsewhere): (Vec<&Finding>, Vec<&Finding>) =
        story.findings.iter().filter(shown).partition(|finding| finding.place.as_ref().is_some_and(|place| place.line.is_some()));
    let results: Vec<Value> = placed.iter().take(RESULTS).map(|finding| result(finding, root)).collect();
    let mut notes: Vec<Value> = elsewhere.iter().map(|it| notification(it.severity, &message(it), Some(it.kind))).collect();
    if placed.len() > RESULTS {
        let left = format!("{} more results are left out", placed.len() - RESULTS);
        notes.push(notification(Severity::Warning, &left, None));
    }
    notes.extend(story.notes.iter().map(|note| notification(Severity::Info, note, None)));
    let mut run = json!({
        "tool": {"driver": {
            "name": "forkguard",
            "version": story.forkguard,
            "semanticVersion": story.forkguard,
            "informationUri": env!("CARGO_PKG_REPOSITORY"),
            "rules": FindingKind::ALL.map(rule),
        }},
        "invocations": [{"executionSuccessful": true, "toolExecutionNotifications": notes}],
        "columnKind": "utf16CodeUnits",
        "results": results,
    });
    if let Some(root) = root {
        run["originalUriBaseIds"] = json!({"ROOT": {"uri": format!("{}/", file_uri(&root.display().to_string()))}});
    }
    json!({"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]})
}

/// A kind of finding, with the text of its section as help.
fn rule(kind: FindingKind) -> Value {
    let (what, severity) = page::summary(kind);
    let markdown = page::section(kind).replace("](#", "](findings.md#").replace("](", &format!("]({PAGES}"));
    let class = if kind.is_bite() { "hit" } else { "hazard" };
    let words = |severity: &str| ["error", "warning"].into_iter().find(|word| severity.starts_with(word)).unwrap_or("note");
    json!({
        "id": kind.name(),
        "name": kind.name().split('-').map(capital).collect::<String>(),
        "shortDescription": {"text": capital(&what)},
        "fullDescription": {"text": kind.explain()},
        "help": {"text": page::part(kind, "Cure").unwrap_or_default(), "markdown": markdown},
        "helpUri": format!("{PAGES}findings.md#{}", kind.name()),
        "defaultConfiguration": {"level": words(&severity)},
        "properties": {"tags": ["fork", class], "precision": "high"},
    })
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn result(finding: &Finding, root: Option<&Path>) -> Value {
    let place = finding.place.as_ref().expect("only findings with a line are results");
    let relative = Place { file: relative(&place.file, root).unwrap_or(&place.file).to_owned(), ..place.clone() };
    let print = fingerprint(finding.kind, &format!("{}:{:?}", relative.file, relative.line), Some(&relative));
    let steps: Vec<Value> = finding.sites.iter().filter_map(|site| step(site, root)).take(STEPS).collect();
    let mut result = json!({
        "ruleId": finding.kind.name(),
        "ruleIndex": FindingKind::ALL.iter().position(|&kind| kind == finding.kind),
        "level": level(finding.severity),
        "message": {"text": message(finding)},
        "locations": [location(place, root)],
        "partialFingerprints": {"forkguardFinding/v1": print, "primaryLocationLineHash": format!("{print}:1")},
        "properties": {"id": finding.id, "state": finding.state, "children": finding.children},
    });
    if !steps.is_empty() {
        result["codeFlows"] = json!([{"threadFlows": [{"locations": steps}]}]);
    }
    if finding.suppressed {
        let rule = json!({"kind": "external", "justification": "a rule of FORKGUARD_SUPPRESS"});
        result["suppressions"] = json!([rule]);
    }
    result
}

/// What it is about, in how many children it is how, what will happen and what cures it.
fn message(finding: &Finding) -> String {
    let lived = |life: &Life| format!("{} {}", life.state.name(), in_children(&[], life.count));
    let lives: Vec<String> = finding.lives.iter().map(lived).collect();
    format!("{}: {}. {} {}", finding.subject, lives.join(", "), finding.explain, finding.cure).trim_end().to_owned()
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn notification(severity: Severity, text: &str, kind: Option<FindingKind>) -> Value {
    let mut note = json!({"level": level(severity), "message": {"text": text}});
    if let Some(kind) = kind {
        note["associatedRule"] = json!({"id": kind.name()});
    }
    note
}

/// Where something was done, as a step from cause to effect.
fn step(site: &Site, root: Option<&Path>) -> Option<Value> {
    let frame: &Frame = site.innermost()?;
    let place = Place {
        file: frame.file.as_ref()?.to_string(),
        line: frame.line,
        function: frame.function.as_ref().map(ToString::to_string),
        application: frame.is_application(),
    };
    let mut location = location(&place, root);
    location["message"] = json!({"text": format!("{} here", site.role.deed())});
    Some(json!({"location": location}))
}

fn location(place: &Place, root: Option<&Path>) -> Value {
    let artifact = match relative(&place.file, root) {
        Some(path) => json!({"uri": utf8_percent_encode(path, PATH).to_string(), "uriBaseId": "ROOT"}),
        None => json!({"uri": file_uri(&place.file)}),
    };
    let mut physical = json!({"artifactLocation": artifact});
    if let Some(line) = place.line.filter(|&line| line > 0) {
        physical["region"] = json!({"startLine": line});
    }
    let mut location = json!({"physicalLocation": physical});
    if let Some(function) = &place.function {
        location["logicalLocations"] = json!([{"name": function, "kind": "function"}]);
    }
    location
}

/// The path below the root; None for one that lies elsewhere.
fn relative<'p>(file: &'p str, root: Option<&Path>) -> Option<&'p str> {
    let inside = Path::new(file).strip_prefix(root?).ok()?;
    inside.to_str().filter(|path| !path.is_empty() && !path.split('/').any(|part| part == ".."))
}

/// An absolute path as a URI; another one as a relative reference.
fn file_uri(path: &str) -> String {
    let encoded = utf8_percent_encode(path, PATH);
    if path.starts_with('/') { format!("file://{encoded}") } else { encoded.to_string() }
}
