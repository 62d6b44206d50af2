//! Children that their leaders killed, and where they were stuck.
use super::words::{Style, in_children};
use crate::terminal::{FAINT, HEAD, wrapped};
use forkguard_report::story::Killed;
use std::io::{Result, Write};

/// Frames of a stack that are shown, where all are not asked for.
const SHOWN: usize = 6;

pub(super) fn write(out: &mut dyn Write, killed: &[Killed], style: Style) -> Result<()> {
    if !killed.is_empty() {
        writeln!(out, "\n{HEAD}Killed by their leader{HEAD:#}")?;
    }
    killed.iter().try_for_each(|place| one(out, place, style))
}

fn one(out: &mut dyn Write, place: &Killed, style: Style) -> Result<()> {
    let line = place.site.as_ref().and_then(|site| site.application().or_else(|| site.innermost()));
    let line = line.map_or_else(|| "at a place that is unknown".to_owned(), |frame| format!("{frame:#}"));
    writeln!(out, "  {HEAD}{}{HEAD:#}  {line}", place.signal)?;
    writeln!(
        out,
        "{}",
        wrapped(format!("stuck here when killed, {}", in_children(&place.children, place.count)), "    ", 6, style.columns)
    )?;
    let does = match place.state.as_str() {
        "runs" => "it ran: the stack is read as it goes, and may be of two moments",
        "disk" => "it waited in a call that nothing interrupts",
        _ => "it waited",
    };
    writeln!(out, "    {FAINT}{does}{FAINT:#}")?;
    let frames = place.site.iter().flat_map(|site| site.frames.iter());
    let shown = if style.stacks { usize::MAX } else { SHOWN };
    frames.clone().take(shown).try_for_each(|frame| writeln!(out, "      {FAINT}{frame}{FAINT:#}"))?;
    match frames.count().saturating_sub(shown) {
        0 => Ok(()),
        more => writeln!(out, "      {FAINT}and {more} more (--stacks shows all){FAINT:#}"),
    }
}
