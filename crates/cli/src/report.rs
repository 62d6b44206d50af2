//! `forkguard report`: reports as text for a person.
mod gather;
mod index;
mod render;

use crate::input::{Error, Input};
use crate::symbols::{DebugFiles, Symbols};
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Write};

/// Shows reports as text.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  forkguard report                             what was reported to the default place
  forkguard report /srv/reports --all
  forkguard report gunicorn-1467.jsonl other.jsonl")]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,

    #[command(flatten)]
    debug_files: DebugFiles,

    /// List the findings that are resolved or moot, too
    #[arg(long)]
    all: bool,
}

/// Reads what `args` name and prints it.
pub(crate) fn run(args: &Args) -> Result<(), Error> {
    let mut gathered = gather::Gathered::default();
    let mut symbols = Symbols::new(&args.debug_files);
    for file in args.input.files()? {
        let read = File::open(&file.path).and_then(|open| gathered.read(&file.path, BufReader::new(open), &mut symbols));
        match read {
            Err(error) if file.listed => gathered.note(&file.path, error.to_string()),
            read => read.map_err(|error| Error::Unreadable(file.path, error))?,
        }
    }
    if gathered.events == 0 {
        return Err(Error::NoEvents(args.input.paths(), gathered.notes));
    }
    let mut out = anstream::AutoStream::auto(io::stdout().lock());
    match render::render(&mut out, &gathered.join(), args.all).and_then(|()| out.flush()) {
        // The reader (head, less) has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(Error::Output),
    }
}
