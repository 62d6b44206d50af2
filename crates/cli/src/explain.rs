//! `forkguard explain`: what a kind of finding means; the text is `docs/findings.md`.
use crate::input::Error;
use crate::page::{self, Block};
use crate::terminal::{COMMAND, FAINT, HEAD, columns, wrapped};
use forkguard_report::event::FindingKind;
use std::io::{self, Result, Write};

/// Columns of prose where no terminal says how wide it is.
const COLUMNS: usize = 80;

/// How like a kind a name must be to be taken for a slip of the pen (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.75;

/// Explains a kind of finding: what it is, why it matters, how to see it, how to cure it under each server.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  forkguard explain --list
  forkguard explain lock-orphaned
  forkguard explain 1200.1:lock-orphaned:0x1b8e90")]
pub(crate) struct Args {
    /// A kind of finding, or the id of one in a report
    #[arg(required_unless_present = "list", value_name = "KIND|ID")]
    kind: Option<String>,

    /// List all kinds
    #[arg(long)]
    list: bool,
}

/// Prints what `args` ask for.
pub(crate) fn run(args: &Args) -> std::result::Result<(), Error> {
    let mut out = anstream::AutoStream::auto(io::stdout().lock());
    let columns = columns().unwrap_or(COLUMNS);
    match &args.kind {
        Some(name) if !args.list => explain(&mut out, known(name)?, columns),
        _ => list(&mut out, columns),
    }
    .map_err(Error::Output)
}

/// The kind that a name, or a finding's id, stands for.
fn known(name: &str) -> std::result::Result<FindingKind, Error> {
    let kind = name.split(':').nth(1).unwrap_or(name);
    let found = FindingKind::ALL.into_iter().find(|known| known.name() == kind);
    found.ok_or_else(|| Error::NoKind(kind.to_owned(), alike(kind)))
}

/// The kind that somebody may have meant.
fn alike(name: &str) -> Option<&'static str> {
    let distance = |kind: &str| strsim::jaro_winkler(&name.to_lowercase(), kind);
    let nearest = FindingKind::ALL.map(FindingKind::name).into_iter().max_by(|a, b| distance(a).total_cmp(&distance(b)));
    nearest.filter(|kind| distance(kind) >= ALIKE)
}

fn list(out: &mut dyn Write, columns: usize) -> Result<()> {
    let width = FindingKind::ALL.map(|kind| kind.name().len()).into_iter().max().unwrap_or_default() + 2;
    for (title, hits) in [("Hazards, found at the fork", false), ("Hits, found when it happens", true)] {
        writeln!(out, "{HEAD}{title}{HEAD:#}")?;
        for kind in FindingKind::ALL.into_iter().filter(|kind| kind.is_bite() == hits) {
            let (what, severity) = page::summary(kind);
            let name = format!("  {:width$}", kind.name());
            writeln!(out, "{}", wrapped(format_args!("{what} ({severity})"), &name, width + 2, Some(columns)))?;
        }
        writeln!(out)?;
    }
    writeln!(out, "{FAINT}One of them:{FAINT:#} {COMMAND}forkguard explain KIND{COMMAND:#}")
}

fn explain(out: &mut dyn Write, kind: FindingKind, columns: usize) -> Result<()> {
    let (what, severity) = page::summary(kind);
    let prose = |text: &str, indent: usize| wrapped(text, &" ".repeat(indent), indent, Some(columns));
    writeln!(out, "{HEAD}{}{HEAD:#}\n{}\n{}", kind.name(), prose(&what, 2), prose(&severity, 2))?;
    for block in page::blocks(kind) {
        match block {
            Block::Prose(label, text) => {
                writeln!(out)?;
                label.into_iter().try_for_each(|label| writeln!(out, "{HEAD}{label}{HEAD:#}"))?;
                if !text.is_empty() {
                    writeln!(out, "{}", prose(&text, 2))?;
                }
            }
            Block::Code(lines) => lines.iter().try_for_each(|line| writeln!(out, "    {line}"))?,
            Block::Item(name, text) => writeln!(out, "{}", wrapped(text, &format!("  {name} "), 4, Some(columns)))?,
        }
    }
    writeln!(out, "\n{HEAD}The place{HEAD:#}")?;
    for (server, place) in page::places() {
        writeln!(out, "{}", wrapped(place, &format!("  {server:17}"), 19, Some(columns)))?;
    }
    Ok(())
}
