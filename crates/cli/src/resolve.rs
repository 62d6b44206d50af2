//! `forkguard resolve`: reports as they are, with the source of native code filled in.
use crate::input::{Error, Input};
use crate::symbols::{DebugFiles, Symbols};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Write};
use std::path::Path;
use tempfile::NamedTempFile;

/// Fills function, file and line of native code into reports, from debug information installed here.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  forkguard resolve /srv/reports/gunicorn-1467.jsonl | jq .
  forkguard resolve --in-place /srv/reports
  forkguard resolve --debug-files /srv/debug /srv/reports")]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,

    #[command(flatten)]
    debug_files: DebugFiles,

    /// Rewrite the files (of processes that have ended) instead of printing their lines
    #[arg(long)]
    in_place: bool,
}

/// Reads what `args` name; prints it resolved, or puts that in its place.
pub(crate) fn run(args: &Args) -> Result<(), Error> {
    let mut symbols = Symbols::new(&args.debug_files);
    let mut out = BufWriter::new(io::stdout().lock());
    for file in args.input.files()? {
        let lines = File::open(&file.path).map(BufReader::new).map_err(|error| Error::Unreadable(file.path.clone(), error))?;
        if args.in_place {
            replace(&file.path, lines, &mut symbols).map_err(|error| Error::Unwritable(file.path.clone(), error))?;
            continue;
        }
        match copy(lines, &mut out, &mut symbols) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            copied => copied.map_err(Error::Output)?,
        }
    }
    out.flush().map_err(Error::Output)
}

/// All at once or not at all. A temporary file is readable by its owner only, as a report is.
fn replace(path: &Path, lines: impl BufRead, symbols: &mut Symbols) -> io::Result<()> {
    let path = path.canonicalize()?;
    let mut new = NamedTempFile::new_in(path.parent().unwrap_or(&path))?;
    copy(lines, &mut BufWriter::new(&mut new), symbols)?;
    new.as_file().sync_all()?;
    new.persist(path)?;
    Ok(())
}

fn copy(lines: impl BufRead, out: &mut impl Write, symbols: &mut Symbols) -> io::Result<()> {
    for line in lines.split(b'\n') {
        out.write_all(&symbols.resolve(&line?))?;
        out.write_all(b"\n")?;
    }
    out.flush()
}
