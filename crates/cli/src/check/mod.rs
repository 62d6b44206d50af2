//! `forkguard check`: the gate. A server is started, forks, answers and is stopped; what its workers inherit broken fails the check.
mod baseline;
mod exercise;
mod render;
mod requests;
mod try_guards;
mod verdict;
mod what_if;
mod worst;

use crate::input::{Error, shown};
use crate::outcome::Finding;
use crate::report::{junit, sarif};
use crate::server::{Place, Setup};
use crate::terminal::columns;
use baseline::Baseline;
use clap::ValueEnum;
use exercise::{Aim, Exercise, Failure};
use render::Checked;
use rustix::fs::Access;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use verdict::{Judged, Level, Verdict};
use what_if::WhatIf;
use worst::Trials;

/// Checks a server: starts it, lets it fork and answer, stops it, and fails when its workers inherit something broken.
///
/// Ends with 0 when nothing is found, 1 with findings, 2 when it is used wrongly, 3 when the server fails, 4 when nothing was exercised: no
/// fork, or no request answered.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  forkguard check -- gunicorn --preload --bind 127.0.0.1:8000 app:app
  forkguard check --request http://127.0.0.1:8000/ -- gunicorn --preload --bind 127.0.0.1:8000 app:app
  forkguard check --baseline forkguard-baseline.json --update-baseline -- unicorn -c unicorn.rb
  forkguard check --format sarif --output forkguard.sarif -- gunicorn --preload app:app
  forkguard check --worst --request http://127.0.0.1:8000/ -- unicorn -c unicorn.rb
  forkguard check --what-if-preload -- gunicorn --workers 4 --bind 127.0.0.1:8000 app:app
  forkguard check --try --request http://127.0.0.1:8000/ -- puma -C puma.rb")]
pub(crate) struct Args {
    #[command(flatten)]
    exercise: Exercise,

    /// From which findings on the check fails
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = Level::Warning)]
    fail_on: Level,

    /// A file of findings that are known and accepted
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Write that file anew with what is found now
    #[arg(long, requires = "baseline")]
    update_baseline: bool,

    /// Run the server again with each guard that may help, and tell which does
    #[arg(long = "try", conflicts_with_all = ["update_baseline", "format"])]
    try_guards: bool,

    /// Run the server again for each lock that threads take beside the forking one: forks wait until another thread holds it, MS at most
    #[arg(long, value_name = "MS", num_args = 0..=1, require_equals = true, default_missing_value = "2000",
        value_parser = clap::value_parser!(u64).range(1..=10_000), conflicts_with_all = ["update_baseline", "try_guards"])]
    worst: Option<u64>,

    /// Of a server whose workers load the application themselves: tell what preload would save, and what it would break
    #[arg(long, conflicts_with_all = ["update_baseline", "try_guards", "worst"])]
    what_if_preload: bool,

    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Print to a file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    setup: Setup,
}

/// What is printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One object
    Json,
    /// SARIF 2.1.0, for code scanning: a result for each finding that fails the check; paths below the current directory are relative
    Sarif,
    /// JUnit's XML: a test case for each finding that fails the check
    Junit,
}

/// Checks what `args` name.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Error> {
    let baseline = args.baseline.as_deref().map(|path| Baseline::read(path, args.update_baseline)).transpose()?;
    args.output.as_deref().map_or(Ok(()), can_be_made)?;
    let place = Place::of(args.setup.report.as_deref(), &args.setup.name())?;
    let preload = args.what_if_preload.then(what_if::setting);
    let more: Vec<_> = args.worst.map(|_| worst::first()).into_iter().chain(preload).collect();
    let exercised = match exercise::exercise(&args.setup, &args.exercise, &more, &place, Aim::Whole) {
        Ok(exercised) => exercised,
        Err(failure) => return refused(args, &place, failure),
    };
    if let Some(signal) = exercised.interrupted {
        interrupted(&place);
        return Ok(signal.as_own());
    }
    let judged = Judged::of(&exercised.outcome.findings, args.fail_on, baseline.as_ref());
    let at_worst = |ms| worst::run(&args.setup, &args.exercise, args.fail_on, ms, (&exercised, &place));
    let worst = args.worst.map(at_worst).transpose()?;
    let what_if = args.what_if_preload.then(|| WhatIf::of(&place, args.fail_on)).transpose()?;
    let more = worst.as_ref().map_or(0, Trials::findings) + what_if.as_ref().map_or(0, WhatIf::findings);
    let verdict = Verdict::of(&exercised, judged.new.len() + more);
    let updated = args.update_baseline && update(baseline.as_ref(), &judged, &verdict)?;
    let path = args.baseline.as_deref().map(shown);
    let checked = Checked {
        name: &args.setup.name(),
        verdict: &verdict,
        exercised: &exercised,
        judged: &judged,
        worst: worst.as_ref(),
        what_if: what_if.as_ref(),
        report: &shown(&place.directory),
        baseline: path.as_deref().map(|path| (path, updated)),
    };
    print(args, &checked)?;
    if args.format != Format::Text {
        anstream::eprintln!("forkguard: {}", render::sentence(&checked));
    }
    place.remove_if_empty();
    if args.try_guards && !judged.new.is_empty() {
        try_guards::run(&args.setup, &args.exercise, args.fail_on, &exercised)?;
    }
    Ok(ExitCode::from(if updated { 0 } else { verdict.status() }))
}

/// What was reported until then stays, and where it lies is told.
fn interrupted(place: &Place) {
    place.remove_if_empty();
    if place.directory.exists() {
        anstream::eprintln!("forkguard: interrupted; what was reported until then: forkguard report {}", shown(&place.directory));
    }
}

fn refused(args: &Args, place: &Place, failure: Failure) -> Result<ExitCode, Error> {
    place.remove_if_empty();
    let verdict = match failure {
        Failure::Report(error) => return Err(error),
        Failure::Start(error) if error.status() == 2 => {
            anstream::eprintln!("forkguard: {error}");
            return Ok(ExitCode::from(2));
        }
        Failure::Start(error) => Verdict::Failed(error.to_string()),
        Failure::Unfit(why) => Verdict::NotExercised(why.to_owned()),
    };
    let (Verdict::Failed(why) | Verdict::NotExercised(why)) = &verdict else { return Ok(ExitCode::SUCCESS) };
    anstream::eprintln!("forkguard: {} was not checked: {why}", args.setup.name());
    Ok(ExitCode::from(verdict.status()))
}

/// True when the baseline was written: not after a run that has shown nothing.
fn update(baseline: Option<&Baseline>, judged: &Judged, verdict: &Verdict) -> Result<bool, Error> {
    let Some(baseline) = baseline.filter(|_| matches!(verdict, Verdict::Passed | Verdict::Findings(_))) else { return Ok(false) };
    let all: Vec<&Finding> = judged.new.iter().chain(&judged.known).copied().collect();
    baseline.update(&all).map(|()| true)
}

fn print(args: &Args, checked: &Checked) -> Result<(), Error> {
    let mut out = output(args)?;
    let new = || checked.exercised.outcome.story_of(&checked.judged.new);
    let columns = if args.output.is_some() { None } else { columns() };
    match args.format {
        Format::Text => render::text(&mut out, checked, columns),
        Format::Json => writeln!(out, "{:#}", render::json(checked)),
        Format::Sarif => sarif::write(&mut out, &new(), std::env::current_dir().ok().as_deref()),
        Format::Junit => junit::write(&mut out, &new()),
    }
    .and_then(|()| out.flush())
    .map_err(Error::Output)
}

/// Nobody wants to learn after minutes that the result has no place.
fn can_be_made(path: &Path) -> Result<(), Error> {
    let unwritable = |error: io::Error| Error::Unwritable(path.to_owned(), error);
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match rustix::fs::access(directory, Access::WRITE_OK | Access::EXEC_OK) {
        _ if path.is_dir() => Err(unwritable(io::ErrorKind::IsADirectory.into())),
        // A file or a device that is there, /dev/stdout for one, needs no new name.
        _ if path.exists() => rustix::fs::access(path, Access::WRITE_OK).map_err(|error| unwritable(error.into())),
        made => made.map_err(|error| unwritable(error.into())),
    }
}

/// The file that is named, or standard output.
fn output(args: &Args) -> Result<Box<dyn Write>, Error> {
    match &args.output {
        Some(path) => {
            let file = File::create(path).map_err(|error| Error::Unwritable(path.clone(), error))?;
            Ok(Box::new(anstream::StripStream::new(file)))
        }
        None => Ok(Box::new(anstream::AutoStream::auto(io::stdout()))),
    }
}
