//! `forkguard report`: reports as text for a person.
mod gather;
mod index;
mod render;

use forkguard_report::SUFFIX;
use std::ffi::OsString;
use std::fmt::{Display, Formatter};
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Shows reports as text.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Report files, or directories of them [default: where the library writes without FORKGUARD_REPORT]
    paths: Vec<PathBuf>,
}

/// Why there is nothing to show.
#[derive(Debug)]
pub(crate) enum Error {
    Unreadable(PathBuf, io::Error),
    NoFiles(PathBuf),
    /// Of these paths; what was met instead.
    NoEvents(Vec<PathBuf>, Vec<String>),
    Output(io::Error),
}

impl Display for Error {
    fn fmt(&self, out: &mut Formatter) -> std::fmt::Result {
        match self {
            Error::Unreadable(path, error) => write!(out, "cannot read {}: {error}", path.display()),
            Error::NoFiles(path) => write!(out, "no report (*{SUFFIX}) in {}", path.display()),
            Error::NoEvents(paths, notes) => {
                let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
                write!(out, "no event of forkguard in {}", paths.join(", "))?;
                notes.iter().try_for_each(|note| write!(out, "\n  {note}"))
            }
            Error::Output(error) => write!(out, "cannot write: {error}"),
        }
    }
}

/// Reads what `args` name and prints it.
pub(crate) fn run(args: &Args) -> Result<(), Error> {
    let default = [default_directory()];
    let paths = if args.paths.is_empty() { &default[..] } else { &args.paths };
    let mut gathered = gather::Gathered::default();
    for path in paths {
        let files = files(path).map_err(|error| Error::Unreadable(path.clone(), error))?;
        if files.is_empty() {
            return Err(Error::NoFiles(path.clone()));
        }
        for file in files {
            let read = File::open(&file).and_then(|open| gathered.read(&file, BufReader::new(open)));
            match read {
                // Of a directory's files some may be another user's.
                Err(error) if file != *path => gathered.note(&file, error.to_string()),
                read => read.map_err(|error| Error::Unreadable(file, error))?,
            }
        }
    }
    if gathered.events == 0 {
        return Err(Error::NoEvents(paths.to_vec(), gathered.notes));
    }
    let mut out = anstream::AutoStream::auto(io::stdout().lock());
    match render::render(&mut out, &gathered.join()).and_then(|()| out.flush()) {
        // The reader (head, less) has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(Error::Output),
    }
}

/// The private directory that the library makes when it is given none.
fn default_directory() -> PathBuf {
    let variable = |name| std::env::var_os(name).filter(|value| Path::new(value).is_absolute());
    match variable("XDG_RUNTIME_DIR") {
        Some(runtime) => Path::new(&runtime).join("forkguard"),
        None => {
            let temporary = variable("TMPDIR").unwrap_or_else(|| OsString::from("/tmp"));
            Path::new(&temporary).join(format!("forkguard-{}", rustix::process::geteuid().as_raw()))
        }
    }
}

/// The file itself, or the reports of a directory, by name. Links in a directory are not followed.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.metadata()?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in path.read_dir()? {
        let entry = entry?;
        if entry.file_type()?.is_file() && entry.file_name().as_encoded_bytes().ends_with(SUFFIX.as_bytes()) {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}
