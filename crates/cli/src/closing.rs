//! The last words of a run: what was found, in how many workers, what to do, and what to type next.
use crate::outcome::{Finding, Outcome};
use crate::terminal::{COMMAND, FAINT, HEAD, style, wrapped};
use forkguard_report::event::{FindingKind, Severity, State};
use forkguard_report::text::Count;
use std::io::{Result, Write};

/// Columns before what belongs to a finding.
const INDENT: usize = 4;
/// Findings that are told whole; the others are counted.
const TOLD: usize = 20;

/// Writes how it went: `ending` is a sentence about the program, without its full stop.
pub(crate) fn write(out: &mut dyn Write, ending: &str, outcome: &Outcome, columns: Option<usize>) -> Result<()> {
    let headline = wrapped(headline(ending, outcome), "forkguard: ", 2, columns);
    writeln!(out, "{HEAD}forkguard:{HEAD:#}{}", headline.trim_start_matches("forkguard:"))?;
    let grave: Vec<&Finding> = outcome.findings.iter().filter(|finding| finding.is_grave()).collect();
    for finding in grave.iter().take(TOLD) {
        writeln!(out)?;
        one(out, finding, columns)?;
    }
    if grave.len() > TOLD {
        writeln!(out, "\n  {} more are in the report", grave.len() - TOLD)?;
    }
    notes(out, outcome)
}

fn headline(ending: &str, outcome: &Outcome) -> String {
    if outcome.forks == 0 {
        return format!("{ending}; it never forked");
    }
    let count = |severity: Severity, noun| {
        let count = outcome.count(severity);
        (count > 0).then(|| if noun { Count(count, severity.name()).to_string() } else { format!("{count} info") })
    };
    let found = [count(Severity::Error, true), count(Severity::Warning, true), count(Severity::Info, false)];
    let found: Vec<String> = found.into_iter().flatten().collect();
    let found = if found.is_empty() { "no findings".to_owned() } else { found.join(", ") };
    let workers = Count(outcome.workers, "worker");
    format!("{ending}; {workers} after {}: {found}", Count(outcome.forks, "fork"))
}

/// One finding: what, where, what happens, what to do.
pub(crate) fn one(out: &mut dyn Write, finding: &Finding, columns: Option<usize>) -> Result<()> {
    let style = style(finding.severity);
    let (kind, severity) = (finding.kind.name(), finding.severity.name());
    let state = if finding.state == State::Untouched { ", not touched in this run" } else { "" };
    writeln!(out, "  {HEAD}{kind}{HEAD:#} ({style}{severity}{style:#}){}{state}", in_workers(finding))?;
    let indent = " ".repeat(INDENT);
    let mut say =
        |label: &str, text: String| writeln!(out, "{}", wrapped(text, &format!("{indent}{label}"), INDENT + 2, columns));
    say("", finding.subject.clone())?;
    say("", finding.explain.clone())?;
    say("cure: ", finding.cure.clone())?;
    finding.option.as_ref().map_or(Ok(()), |option| say("or set ", option.clone()))
}

fn in_workers(finding: &Finding) -> String {
    match finding.workers {
        0 => String::new(),
        count => format!(", in {}", Count(count, "worker")),
    }
}

/// What is worth knowing only, by kind, and what could not be read.
fn notes(out: &mut dyn Write, outcome: &Outcome) -> Result<()> {
    let infos = outcome.findings.iter().filter(|finding| finding.severity == Severity::Info);
    let of = |kind: FindingKind| infos.clone().filter(move |finding| finding.kind == kind).count();
    let counts: Vec<String> = FindingKind::ALL
        .into_iter()
        .map(|kind| (of(kind), kind))
        .filter(|(count, _)| *count > 0)
        .map(|(count, kind)| format!("{count} {}", kind.name()))
        .collect();
    if !counts.is_empty() {
        writeln!(out, "\n  {FAINT}also {} (info){FAINT:#}", counts.join(", "))?;
    }
    outcome.notes.iter().try_for_each(|note| writeln!(out, "  {FAINT}{note}{FAINT:#}"))
}

/// The commands to type next, each with what it shows, if the terminal is wide enough for that.
pub(crate) fn next(out: &mut dyn Write, commands: &[(String, &str)], columns: Option<usize>) -> Result<()> {
    let width = commands.iter().map(|(command, _)| columns_of(command)).max().unwrap_or_default();
    if !commands.is_empty() {
        writeln!(out)?;
    }
    for (command, shows) in commands {
        let fits = columns.is_none_or(|columns| 2 + width + 3 + columns_of(shows) <= columns);
        let shows =
            if fits { format!("{}   {FAINT}{shows}{FAINT:#}", " ".repeat(width - columns_of(command))) } else { String::new() };
        writeln!(out, "  {COMMAND}{command}{COMMAND:#}{shows}")?;
    }
    Ok(())
}

fn columns_of(command: &str) -> usize {
    command.chars().count()
}

/// Those of a run: its report, and the worst of its findings.
pub(crate) fn commands(outcome: &Outcome, worst: Option<&Finding>, report: &str) -> Vec<(String, &'static str)> {
    let explain = worst.map(|finding| (format!("forkguard explain {}", finding.kind.name()), "what it means, and how to see it"));
    let all = (outcome.forks > 0).then(|| (format!("forkguard report {report}"), "all of it, with stacks"));
    all.into_iter().chain(explain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Identity;

    fn finding(kind: FindingKind, severity: Severity, state: State, workers: u64) -> Finding {
        Finding {
            position: 0,
            identity: Identity { kind: kind.name().to_owned(), at: Vec::new(), text: String::new() },
            kind,
            severity,
            state,
            suppressed: false,
            subject: "thread \"refresh-prices\" (tid 1547), started at wrong.py:15 in <module>".to_owned(),
            at: Vec::new(),
            explain: kind.explain().to_owned(),
            cure: "start \"refresh-prices\" (wrong.py:15) in gunicorn's post_fork, not before the fork".to_owned(),
            option: Some("FORKGUARD_THREADS=revive:refresh-prices".to_owned()),
            workers,
        }
    }

    fn written(outcome: &Outcome, columns: Option<usize>) -> String {
        let mut out = Vec::new();
        write(&mut out, "gunicorn ended with status 0 after 1.9 s", outcome, columns).unwrap();
        let worst = outcome.findings.first();
        next(&mut out, &commands(outcome, worst, "/var/tmp/forkguard-1000/run-gunicorn-huuj"), columns).unwrap();
        anstream::adapter::strip_str(str::from_utf8(&out).unwrap()).to_string()
    }

    #[test]
    fn last_words_at_any_width() {
        let findings = vec![
            finding(FindingKind::LockDeadlock, Severity::Error, State::Hit, 1),
            finding(FindingKind::ThreadLost, Severity::Warning, State::Open, 2),
            finding(FindingKind::TimerLost, Severity::Warning, State::Untouched, 2),
            finding(FindingKind::RngShared, Severity::Info, State::Open, 2),
        ];
        let notes = vec!["a.jsonl:3: torn, or not of this version of forkguard".to_owned()];
        let outcome = Outcome { story: None, forks: 2, workers: 2, findings, notes };
        insta::assert_snapshot!("last_words_80", written(&outcome, Some(80)));
        insta::assert_snapshot!("last_words_200", written(&outcome, Some(200)));
        insta::assert_snapshot!("last_words_without_a_terminal", written(&outcome, None));
    }

    #[test]
    fn nothing_to_tell() {
        let clean = Outcome { forks: 2, workers: 2, ..Outcome::default() };
        assert!(
            written(&clean, None)
                .starts_with("forkguard: gunicorn ended with status 0 after 1.9 s; 2 workers after 2 forks: no findings\n")
        );
        assert_eq!(written(&Outcome::default(), None), "forkguard: gunicorn ended with status 0 after 1.9 s; it never forked\n");
    }
}
