//! The story as text: what happened first, then what may, then the processes and what they hand down.
mod findings;
mod killed;
mod processes;
mod words;

pub(crate) use findings::{line, whole as finding};
pub(crate) use words::{Style, date, in_children};

use crate::terminal::{COMMAND, FAINT, HEAD, style, wrapped};
use forkguard_report::event::Severity;
use forkguard_report::story::Story;
use forkguard_report::text::Count;
use std::io::{Result, Write};

/// Writes the whole story.
pub(crate) fn write(out: &mut dyn Write, story: &Story, style: Style) -> Result<()> {
    totals(out, story)?;
    findings::write(out, story, style)?;
    killed::write(out, &story.killed, style)?;
    processes::write(out, story, style)?;
    if !story.notes.is_empty() {
        writeln!(out, "\n{HEAD}Notes{HEAD:#}")?;
    }
    story.notes.iter().try_for_each(|note| writeln!(out, "{}", wrapped(note, "  ", 4, style.columns)))?;
    next(out, story)
}

fn totals(out: &mut dyn Write, story: &Story) -> Result<()> {
    let totals = &story.totals;
    write!(out, "{} of {}: ", Count(totals.forks, "fork"), processes(story.processes.len() as u64))?;
    let mut separator = "";
    for (severity, count) in [(Severity::Error, totals.error), (Severity::Warning, totals.warning), (Severity::Info, totals.info)]
    {
        let (style, name) = (style(severity), severity.name());
        match (count, severity) {
            (0, _) => continue,
            (_, Severity::Info) => write!(out, "{separator}{style}{count} {name}{style:#}")?,
            _ => write!(out, "{separator}{style}{}{style:#}", Count(count, name))?,
        }
        separator = ", ";
    }
    writeln!(out, "{}", if separator.is_empty() { "nothing is found" } else { "" })
}

fn processes(count: u64) -> String {
    if count == 1 { "1 process".to_owned() } else { format!("{count} processes") }
}

/// The command to type next, where somebody has to care.
fn next(out: &mut dyn Write, story: &Story) -> Result<()> {
    let worst = story.findings.iter().find(|finding| finding.stands() && finding.severity > Severity::Info);
    let Some(worst) = worst else { return Ok(()) };
    let kind = worst.kind.name();
    writeln!(
        out,
        "\n{FAINT}next:{FAINT:#} {COMMAND}forkguard explain {kind}{COMMAND:#}{FAINT}, or --format html for a page{FAINT:#}"
    )
}
