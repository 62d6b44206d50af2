//! `forkguard report`: any number of reports as one story, in the format that is asked for.
mod follow;
mod html;
mod json;
pub(crate) mod junit;
mod otlp;
pub(crate) mod sarif;
mod tail;
mod text;

use crate::input::{Error, Input, ReportFile};
use crate::story::tell;
use crate::symbols::DebugFiles;
use crate::terminal;
use forkguard_report::story::Story;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Once;
use std::time::Duration;

/// Shows reports of any number of processes as one story.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  forkguard report                              what was reported to the default place
  forkguard report /srv/reports --all --stacks
  forkguard report /srv/reports --follow
  forkguard report /srv/reports --format json | jq .findings
  forkguard report /srv/reports --format html > report.html
  forkguard report /srv/reports --format sarif --root \"$PWD\" > forkguard.sarif")]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,

    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Go on and print events as they come, in text or otlp
    #[arg(long, conflicts_with_all = ["root", "source"])]
    follow: bool,

    /// List the findings that are resolved or moot, too
    #[arg(long)]
    all: bool,

    /// Show stacks whole instead of the application's innermost frames
    #[arg(long)]
    stacks: bool,

    /// The application's directory: paths below it are relative to it, in sarif
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,

    /// Put lines of source files below --root, or else below the current directory, into html
    #[arg(long)]
    source: bool,

    #[command(flatten)]
    debug_files: DebugFiles,
}

/// How a story is written.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    /// For a person
    Text,
    /// For programs: docs/story.schema.json
    Json,
    /// For a browser: one file that needs nothing else
    Html,
    /// For code scanning: SARIF 2.1.0, a result a line and kind
    Sarif,
    /// For CI: a test case a finding, warnings and errors fail
    Junit,
    /// For the OpenTelemetry Collector: OTLP JSON lines, a log record a finding
    Otlp,
}

/// How long reading may take before a bar is shown.
const LONG: Duration = Duration::from_secs(1);

/// Reads what `args` name and prints it.
pub(crate) fn run(args: &Args) -> Result<(), Error> {
    if args.follow {
        return follow(args);
    }
    let files = args.input.files()?;
    let story = read(&files, &args.debug_files)?;
    write(&story, args).map_err(Error::Output)
}

fn follow(args: &Args) -> Result<(), Error> {
    let form = match args.format {
        Format::Text => follow::Form::Text(style(args)),
        Format::Otlp => follow::Form::Otlp,
        _ => return Err(Error::NoFollow),
    };
    let mut out = BufWriter::new(anstream::AutoStream::auto(io::stdout().lock()));
    follow::run(&mut out, &args.input, form)
}

fn style(args: &Args) -> text::Style {
    text::Style { all: args.all, stacks: args.stacks, columns: terminal::columns() }
}

/// The story of the files; on a terminal a bar shows how far it is when that takes long.
fn read(files: &[ReportFile], debug_files: &DebugFiles) -> Result<Story, Error> {
    let bytes = files.iter().filter_map(|file| file.path.metadata().ok()).map(|metadata| metadata.len()).sum();
    let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::hidden());
    bar.set_style(ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes}, {eta} left").expect("a template"));
    let show = Once::new();
    let story = tell(files, debug_files, |read| {
        bar.inc(read);
        if bar.elapsed() > LONG {
            // Draws nothing where stderr is no terminal.
            show.call_once(|| bar.set_draw_target(ProgressDrawTarget::stderr()));
        }
    });
    bar.finish_and_clear();
    story
}

/// The directory of which source files may be shown; none when nobody asked for them.
fn source_below(args: &Args) -> Option<PathBuf> {
    args.source.then(|| args.root.clone().unwrap_or_else(|| ".".into()))
}

fn write(story: &Story, args: &Args) -> io::Result<()> {
    let out = anstream::AutoStream::auto(io::stdout().lock());
    let mut out = BufWriter::new(out);
    match args.format {
        Format::Text => text::write(&mut out, story, style(args))?,
        Format::Json => json::write(&mut out, story)?,
        Format::Html => html::write(&mut out, story, source_below(args).as_deref())?,
        Format::Sarif => sarif::write(&mut out, story, args.root.as_deref())?,
        Format::Junit => junit::write(&mut out, story)?,
        Format::Otlp => otlp::write(&mut out, story, args.all)?,
    }
    out.flush()
}
