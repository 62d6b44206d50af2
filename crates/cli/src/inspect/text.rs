//! An inspection, for a person.
use super::facts::{Inspected, Inspection, Judged, Sure};
use crate::terminal::{COMMAND, FAINT, HEAD, style, wrapped};
use forkguard_report::event::{Frame, Severity};
use forkguard_report::text::Plain;
use std::io::{Result, Write};

/// Frames of a stack that are shown.
const SHOWN: usize = 12;

/// Prints all of it; prose as wide as `columns`.
pub(super) fn print(out: &mut dyn Write, inspection: &Inspection, columns: Option<usize>) -> Result<()> {
    head(out, inspection)?;
    for thread in &inspection.threads {
        writeln!(out)?;
        print_thread(out, thread, columns)?;
    }
    lost_threads(out, inspection)?;
    findings(out, inspection, columns)?;
    next(out, inspection)
}

/// Prints the threads with a verdict, and those of the parent that may hold what they wait for.
pub(super) fn print_stuck(out: &mut dyn Write, inspection: &Inspection, columns: Option<usize>) -> Result<()> {
    for thread in inspection.threads.iter().filter(|thread| thread.verdict.is_some()) {
        print_thread(out, thread, columns)?;
    }
    lost_threads(out, inspection)
}

fn head(out: &mut dyn Write, inspection: &Inspection) -> Result<()> {
    write!(out, "{HEAD}process {} {}{HEAD:#}", inspection.pid, Plain(&inspection.name))?;
    if inspection.own_pid != inspection.pid {
        write!(out, " ({} in its container)", inspection.own_pid)?;
    }
    if let Some(parent) = &inspection.parent {
        write!(out, ", child of {} {}", parent.pid, Plain(&parent.name))?;
    }
    let still = inspection.stopped_us as f64 / 1000.0;
    writeln!(out, ", {}{FAINT} · stood still for {still:.1} ms{FAINT:#}", counted(inspection.threads.len(), "thread"))
}

fn print_thread(out: &mut dyn Write, thread: &Inspected, columns: Option<usize>) -> Result<()> {
    writeln!(out, "{HEAD}thread {} {}{HEAD:#} {}", thread.tid, Plain(&thread.name), waits_for(thread))?;
    if let Some(descriptor) = thread.shared_socket {
        let text =
            format!("descriptor {descriptor} is a socket that the parent has open, too: whoever reads first gets what comes");
        writeln!(out, "  {}", wrapped(text, "", 2, columns))?;
    }
    if let Some(Judged { certainty, text }) = &thread.verdict {
        let (severity, word) = match certainty {
            Sure::Proved | Sure::UnlessSignalled => (Severity::Error, "stuck"),
            Sure::Suspected => (Severity::Warning, "perhaps stuck"),
        };
        let style = style(severity);
        writeln!(out, "  {style}{word}{style:#}: {}", wrapped(Plain(text), "", 2, columns))?;
    }
    frames(out, &thread.frames)
}

fn waits_for(thread: &Inspected) -> String {
    let Some(lock) = &thread.lock else {
        return match thread.wait.as_str() {
            "running" => "runs".to_owned(),
            "kernel" => format!("is in the kernel (state {})", thread.state),
            call => format!("waits in {call}"),
        };
    };
    let variable = lock.variable.as_ref().map(|name| format!(" {}", Plain(name))).unwrap_or_default();
    let function = lock.function.as_ref().map(|name| format!(" inside {}", Plain(name))).unwrap_or_default();
    let limit = if thread.timed { "for a limited time" } else { "without a limit of time" };
    format!("waits for the {}{variable} at {}{function}, {limit}", lock.kind, lock.address)
}

/// The application's line ahead of all.
fn frames(out: &mut dyn Write, frames: &[Frame]) -> Result<()> {
    if let Some(line) = frames.iter().find(|frame| frame.is_application()) {
        writeln!(out, "  at {HEAD}{line:#}{HEAD:#}")?;
    }
    for frame in frames.iter().take(SHOWN) {
        writeln!(out, "    {FAINT}{frame}{FAINT:#}")?;
    }
    let more = frames.len().saturating_sub(SHOWN);
    if more > 0 {
        writeln!(out, "    {FAINT}and {} (--json has all){FAINT:#}", counted(more, "more frame"))?;
    }
    Ok(())
}

fn lost_threads(out: &mut dyn Write, inspection: &Inspection) -> Result<()> {
    let Some(parent) = inspection.parent.as_ref().filter(|_| !inspection.lost_threads.is_empty()) else { return Ok(()) };
    writeln!(out, "\n{HEAD}threads of the parent {} that this process does not have, where they are now{HEAD:#}", parent.pid)?;
    let mut lost: Vec<_> = inspection.lost_threads.iter().collect();
    lost.sort_by_key(|thread| !thread.holds);
    for thread in lost {
        let holds = if thread.holds { " holds it" } else { "" };
        writeln!(out, "  thread {} {}{holds}", thread.tid, Plain(&thread.name))?;
        frames(out, &thread.frames)?;
    }
    Ok(())
}

fn findings(out: &mut dyn Write, inspection: &Inspection, columns: Option<usize>) -> Result<()> {
    if inspection.findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{HEAD}what the library has reported{HEAD:#}")?;
    for finding in &inspection.findings {
        let style = style(finding.severity);
        writeln!(out, "  {style}{}{style:#}: {}", finding.kind.name(), Plain(&finding.subject))?;
        for site in finding.story() {
            if let Some(line) = site.application().or_else(|| site.innermost()) {
                let role = serde_json::to_value(site.role).unwrap_or_default();
                writeln!(out, "    {} at {HEAD}{line:#}{HEAD:#}", role.as_str().unwrap_or_default())?;
            }
        }
        writeln!(out, "{}", wrapped(Plain(&finding.cure), "    ", 4, columns))?;
    }
    Ok(())
}

fn next(out: &mut dyn Write, inspection: &Inspection) -> Result<()> {
    let next = match inspection.findings.first() {
        Some(finding) => format!("forkguard explain {}", finding.kind.name()),
        None if inspection.is_suspect() => "forkguard explain lock-deadlock".to_owned(),
        None => return Ok(()),
    };
    writeln!(out, "\n{FAINT}next:{FAINT:#} {COMMAND}{next}{COMMAND:#}")
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
