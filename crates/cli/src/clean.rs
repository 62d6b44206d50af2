//! `forkguard clean`: removes old reports. The library itself never deletes anything.
use crate::input::{Error, Input, is_run, shown};
use forkguard_report::text::Count;
use std::collections::BTreeSet;
use std::fs::{DirEntry, Metadata};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Removes reports that are older than a while, but for those of processes that still run.
///
/// The directories of single runs go with their last report.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  forkguard clean                              older than 7 days, in the default place
  forkguard clean --older 12h --dry-run
  forkguard clean --older 4weeks /srv/reports")]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,

    /// How long ago a report was last written to, at least: 12h, 7d, 4weeks
    #[arg(long, default_value = "7d", value_parser = humantime::parse_duration)]
    older: Duration,

    /// Only list the files and directories that would be removed
    #[arg(long)]
    dry_run: bool,
}

/// What became of the files.
#[derive(Default)]
struct Tally {
    removed: u64,
    bytes: u64,
    newer: u64,
    in_use: u64,
    refused: Vec<String>,
    /// What is removed, or would be.
    gone: BTreeSet<PathBuf>,
}

/// Removes what `args` name; says how much, and what was kept why.
pub(crate) fn run(args: &Args) -> Result<(), Error> {
    let files = args.input.all()?;
    let empty: Vec<_> = args.input.runs().into_iter().filter(|run| is_old(args, run)).collect();
    let mut out = io::stdout().lock();
    let mut tally = Tally::default();
    for file in &files {
        // Never through a link: what the name itself stands for.
        match file.path.symlink_metadata() {
            Ok(metadata) => visit(args, &file.path, &metadata, &mut tally, &mut out).map_err(Error::Output)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => tally.refused.push(format!("{}: {error}", shown(&file.path))),
        }
    }
    let emptied = tally.gone.iter().filter_map(|path| path.parent().map(Path::to_owned));
    let runs: BTreeSet<PathBuf> = empty.into_iter().chain(emptied).filter(|directory| is_run(directory)).collect();
    match args.dry_run {
        true => list_runs(&runs, &tally.gone, &mut out).map_err(Error::Output)?,
        false => remove_runs(&runs),
    }
    print_tally(&tally, args, &mut out).map_err(Error::Output)
}

fn visit(args: &Args, path: &Path, metadata: &Metadata, tally: &mut Tally, out: &mut impl Write) -> io::Result<()> {
    if age(metadata) < args.older {
        tally.newer += 1;
        return Ok(());
    }
    if is_in_use(path) {
        tally.in_use += 1;
        return Ok(());
    }
    if args.dry_run {
        writeln!(out, "{}", shown(path))?;
    } else if let Err(error) = std::fs::remove_file(path) {
        tally.refused.push(format!("{}: {error}", shown(path)));
        return Ok(());
    }
    tally.gone.insert(path.to_owned());
    tally.removed += 1;
    tally.bytes += metadata.len();
    Ok(())
}

/// How long ago it was last written to.
fn age(metadata: &Metadata) -> Duration {
    metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH).elapsed().unwrap_or_default()
}

/// True for a directory in which nothing changed lately: a run that begins has an empty one.
fn is_old(args: &Args, directory: &Path) -> bool {
    directory.symlink_metadata().is_ok_and(|metadata| age(&metadata) >= args.older)
}

/// Removes the directories of single runs that are empty.
fn remove_runs(runs: &BTreeSet<PathBuf>) {
    for directory in runs {
        // One with something in it stays.
        let _ = std::fs::remove_dir(directory);
    }
}

/// Lists those that would be empty.
fn list_runs(runs: &BTreeSet<PathBuf>, gone: &BTreeSet<PathBuf>, out: &mut impl Write) -> io::Result<()> {
    let is_gone = |entry: io::Result<DirEntry>| entry.is_ok_and(|entry| gone.contains(&entry.path()));
    let would_be_empty = |run: &&PathBuf| run.read_dir().is_ok_and(|mut entries| entries.all(is_gone));
    runs.iter().filter(would_be_empty).try_for_each(|run| writeln!(out, "{}/", shown(run)))
}

/// True while there are processes of a number in the report's name: `NAME-LEADER_CHILD.TURN.jsonl`.
fn is_in_use(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let numbers = name.rsplit('-').next().and_then(|rest| rest.split('.').next()).unwrap_or_default();
    numbers
        .split('_')
        .filter_map(|number| number.parse::<u32>().ok())
        .any(|pid| Path::new("/proc").join(pid.to_string()).exists())
}

fn print_tally(tally: &Tally, args: &Args, out: &mut impl Write) -> io::Result<()> {
    let reports = |count| Count(count, "report");
    let verb = if args.dry_run { "would remove" } else { "removed" };
    let places: Vec<String> = args.input.paths().iter().map(|path| shown(path)).collect();
    write!(out, "{verb} {} ({:.1} MB) in {}", reports(tally.removed), tally.bytes as f64 / 1e6, places.join(", "))?;
    if tally.newer > 0 {
        write!(out, "; kept {} newer than {}", reports(tally.newer), humantime::format_duration(args.older))?;
    }
    if tally.in_use > 0 {
        write!(out, "; kept {} of process numbers that are in use", reports(tally.in_use))?;
    }
    writeln!(out)?;
    tally.refused.iter().try_for_each(|refused| writeln!(out, "not removed: {refused}"))
}
