//! What a check prints: text for people, JSON for programs.
use super::exercise::Exercised;
use super::verdict::{Judged, Verdict};
use super::what_if::WhatIf;
use super::worst::Trials;
use crate::closing;
use crate::outcome::{Finding, Identity};
use crate::terminal::{FAINT, HEAD};
use forkguard_report::event::Severity;
use forkguard_report::text::Count;
use serde_json::{Value, json};
use std::io::{Result, Write};

/// All that a check has come to.
pub(super) struct Checked<'c> {
    pub(super) name: &'c str,
    pub(super) verdict: &'c Verdict,
    pub(super) exercised: &'c Exercised,
    pub(super) judged: &'c Judged<'c>,
    /// What came of the runs at the worst moment.
    pub(super) worst: Option<&'c Trials>,
    /// What preload would change.
    pub(super) what_if: Option<&'c WhatIf>,
    /// Where the report lies.
    pub(super) report: &'c str,
    /// The baseline's path and whether it was written anew.
    pub(super) baseline: Option<(&'c str, bool)>,
}

/// The findings that count, what was put up with, how it went, the verdict, what to type next.
pub(super) fn text(out: &mut dyn Write, checked: &Checked, columns: Option<usize>) -> Result<()> {
    let judged = checked.judged;
    for finding in &judged.new {
        closing::one(out, finding, columns)?;
        writeln!(out)?;
    }
    checked.worst.map_or(Ok(()), |worst| worst.write(out, columns))?;
    checked.what_if.map_or(Ok(()), |what_if| what_if.write(out, columns))?;
    known(checked).map_or(Ok(()), |line| writeln!(out, "  {FAINT}{line}{FAINT:#}"))?;
    for Identity { kind, at, text } in &judged.stale {
        writeln!(out, "  {FAINT}not found any more: {kind}: {text}, {}{FAINT:#}", at.join(", "))?;
    }
    for note in went(checked) {
        writeln!(out, "  {FAINT}{note}{FAINT:#}")?;
    }
    writeln!(out, "{HEAD}forkguard:{HEAD:#} {}", sentence(checked))?;
    closing::next(out, &commands(checked), columns)
}

/// What the baseline took care of.
fn known(checked: &Checked) -> Option<String> {
    let (path, _) = checked.baseline?;
    let count = checked.judged.known.len();
    (count > 0).then(|| format!("{} in {path}", Count(count as u64, "known finding")))
}

/// How it went.
fn went(checked: &Checked) -> Vec<String> {
    let exercised = checked.exercised;
    let outcome = &exercised.outcome;
    let (workers, forks) = (Count(outcome.workers, "worker"), Count(outcome.forks, "fork"));
    let infos = match outcome.count(Severity::Info) {
        0 => String::new(),
        count => format!(", {count} info"),
    };
    let mut lines = vec![format!("{workers} after {forks}{infos}")];
    if let Some(answers) = &exercised.answers {
        lines.push(format!("{}, {} answered", Count(answers.sent as u64, "request"), answers.answered));
        lines.extend(answers.failures.iter().cloned());
    }
    // A server that failed without a finding is the verdict's own sentence.
    lines.extend(exercised.failed.iter().filter(|_| matches!(checked.verdict, Verdict::Findings(_))).cloned());
    lines.extend(exercised.notes.iter().cloned());
    lines.extend(outcome.notes.iter().cloned());
    lines
}

/// The verdict in a sentence.
pub(super) fn sentence(checked: &Checked) -> String {
    match (checked.verdict, checked.baseline) {
        (_, Some((path, true))) => {
            format!("{path} has {} now", Count((checked.judged.known.len() + checked.judged.new.len()) as u64, "finding"))
        }
        (Verdict::Passed, _) => "check passed".to_owned(),
        (Verdict::Findings(count), _) => format!("check failed: {}", Count(*count as u64, "finding")),
        (Verdict::Failed(why), _) => format!("nothing found, but the server failed: {why}"),
        (Verdict::NotExercised(why), _) => format!("nothing was exercised: {why}"),
    }
}

fn commands(checked: &Checked) -> Vec<(String, &'static str)> {
    let worst = checked.judged.new.first().copied();
    let mut commands = closing::commands(&checked.exercised.outcome, worst, checked.report);
    if !checked.judged.new.is_empty() && checked.baseline.is_none_or(|(_, updated)| !updated) {
        let path = checked.baseline.map_or("forkguard-baseline.json", |(path, _)| path);
        commands.push((format!("forkguard check --baseline {path} --update-baseline -- …"), "accepts what is found for now"));
    }
    commands
}

/// The same as one JSON object.
pub(super) fn json(checked: &Checked) -> Value {
    let outcome = &checked.exercised.outcome;
    let is = |list: &[&Finding], finding: &Finding| list.iter().any(|other| std::ptr::eq(*other, finding));
    let finding = |finding: &Finding| {
        let mut value = finding.json();
        value["counts"] = (is(&checked.judged.new, finding) || is(&checked.judged.known, finding)).into();
        value["known"] = is(&checked.judged.known, finding).into();
        value
    };
    json!({
        "forkguard_check": 1,
        "verdict": checked.verdict.name(),
        "status": checked.verdict.status(),
        "because": sentence(checked),
        "program": checked.name,
        "forks": outcome.forks,
        "workers": outcome.workers,
        "requests": checked.exercised.answers,
        "findings": outcome.findings.iter().map(finding).collect::<Vec<_>>(),
        "worst": checked.worst.map(Trials::json),
        "what_if_preload": checked.what_if.map(WhatIf::json),
        "stale": checked.judged.stale,
        "notes": checked.exercised.notes,
        "report": checked.report,
    })
}
