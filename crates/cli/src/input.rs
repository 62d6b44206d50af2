//! The report files that a command is given, and why it cannot do its work.
use forkguard_report::text::Plain;
use forkguard_report::{SUFFIX, directories};
use std::fmt::{Display, Formatter};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Why a command ends without its result.
#[derive(Debug)]
pub(crate) enum Error {
    Unreadable(PathBuf, io::Error),
    NoFiles(PathBuf),
    /// Of these paths; what was met instead.
    NoEvents(Vec<PathBuf>, Vec<String>),
    Unwritable(PathBuf, io::Error),
    Output(io::Error),
    /// A format that needs all events before it is written.
    NoFollow,
    /// Why memory cannot be measured.
    Unmeasured(String),
    /// A kind that is none, and one that may have been meant.
    NoKind(String, Option<&'static str>),
}

impl Display for Error {
    fn fmt(&self, out: &mut Formatter) -> std::fmt::Result {
        match self {
            Error::Unreadable(path, error) => write!(out, "cannot read {}: {error}", shown(path)),
            Error::NoFiles(path) => {
                write!(out, "no report (*{SUFFIX}) in {}\n  next: forkguard run -- SERVER ARGUMENTS…", shown(path))
            }
            Error::NoEvents(paths, notes) => {
                let paths: Vec<_> = paths.iter().map(|path| shown(path)).collect();
                write!(out, "no event of forkguard in {}", paths.join(", "))?;
                notes.iter().try_for_each(|note| write!(out, "\n  {note}"))
            }
            Error::Unwritable(path, error) => write!(out, "cannot write {}: {error}", shown(path)),
            Error::Output(error) => write!(out, "cannot write: {error}"),
            Error::Unmeasured(why) => out.write_str(why),
            Error::NoFollow => {
                write!(
                    out,
                    "only text and otlp can be followed\n  next: forkguard report --follow, or without --follow once the run is over"
                )
            }
            Error::NoKind(name, alike) => {
                write!(out, "no kind of finding is called {}", Plain(name))?;
                alike.map_or(Ok(()), |alike| write!(out, "; {alike}?"))?;
                write!(out, "\n  next: forkguard explain {}", alike.unwrap_or("--list"))
            }
        }
    }
}

/// A path, fit for a terminal.
pub(crate) fn shown(path: &Path) -> String {
    Plain(&path.display().to_string()).to_string()
}

/// Report files, or directories of them.
#[derive(clap::Args)]
pub(crate) struct Input {
    /// Report files, or directories of them [default: where the library writes without FORKGUARD_REPORT]
    paths: Vec<PathBuf>,
}

/// A file to read.
pub(crate) struct ReportFile {
    pub(crate) path: PathBuf,
    /// It was found in a directory: some of those may be another user's.
    pub(crate) listed: bool,
}

impl Input {
    /// The paths that were given, or else the library's own.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        if self.paths.is_empty() { default_directories() } else { self.paths.clone() }
    }

    /// The files that are there by now.
    pub(crate) fn present(&self) -> Vec<ReportFile> {
        let listed = |path: PathBuf| report_files(&path).unwrap_or_default().into_iter().map(move |file| (file != path, file));
        self.paths().into_iter().flat_map(listed).map(|(listed, path)| ReportFile { path, listed }).collect()
    }

    /// All files of these paths, by name; each path has one.
    pub(crate) fn files(&self) -> Result<Vec<ReportFile>, Error> {
        let all = self.all()?;
        let has_none = |path: &&PathBuf| !all.iter().any(|file| file.path.starts_with(path));
        match self.paths.iter().find(has_none) {
            Some(path) => Err(Error::NoFiles(path.clone())),
            // Of the default places one is enough.
            None if all.is_empty() => Err(Error::NoFiles(self.paths().swap_remove(0))),
            None => Ok(all),
        }
    }

    /// All files of these paths, by name, if there are any.
    pub(crate) fn all(&self) -> Result<Vec<ReportFile>, Error> {
        let mut all = Vec::new();
        for path in self.paths() {
            let files = match report_files(&path) {
                // Nothing was ever reported to the default place.
                Err(error) if error.kind() == ErrorKind::NotFound && self.paths.is_empty() => Vec::new(),
                files => files.map_err(|error| Error::Unreadable(path.clone(), error))?,
            };
            all.extend(files.into_iter().map(|file| ReportFile { listed: file != path, path: file }));
        }
        Ok(all)
    }

    /// The directories of single runs, in these paths or named by them.
    pub(crate) fn runs(&self) -> Vec<PathBuf> {
        let inside = |path: &PathBuf| {
            let entries = path.read_dir().into_iter().flatten().flatten();
            let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            directories.map(|entry| entry.path()).collect::<Vec<_>>()
        };
        let paths = self.paths();
        paths.iter().flat_map(inside).chain(paths.iter().cloned()).filter(|path| is_run(path)).collect()
    }
}

/// Where the library writes when nobody says where: of the places that it tries those that are there, the first one if none is.
pub(crate) fn default_directories() -> Vec<PathBuf> {
    let mut all = candidate_directories();
    let first = all[0].clone();
    all.retain(|path| path.is_dir());
    if all.is_empty() { vec![first] } else { all }
}

/// The places that the library tries when nobody says where it is to write.
pub(crate) fn candidate_directories() -> Vec<PathBuf> {
    let variable = |name| std::env::var(name).ok().filter(|value| Path::new(value).is_absolute());
    let (state, temporary) = (variable("XDG_STATE_HOME"), variable("TMPDIR"));
    let user = rustix::process::geteuid().as_raw();
    let mut all = Vec::new();
    directories::default_directories(state.as_deref(), temporary.as_deref(), user, |path| {
        all.push(PathBuf::from(path.to_string()))
    });
    all
}

/// How directories of single runs begin, in the directory where reports lie by default.
pub(crate) const RUN: &str = "run-";

/// True for the name of a single run's directory.
pub(crate) fn is_run(directory: &Path) -> bool {
    directory.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(RUN.as_bytes()))
}

/// The file itself, or the reports of a directory and of the runs in it, by name. Links in a directory are not followed.
pub(crate) fn report_files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.metadata()?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in path.read_dir()? {
        let entry = entry?;
        let (kind, name) = (entry.file_type()?, entry.file_name());
        if kind.is_file() && name.as_encoded_bytes().ends_with(SUFFIX.as_bytes()) {
            files.push(entry.path());
        } else if kind.is_dir() && is_run(&entry.path()) {
            // Another user's, in a directory that was named, is none of this one's.
            files.extend(report_files(&entry.path()).unwrap_or_default());
        }
    }
    files.sort();
    Ok(files)
}
