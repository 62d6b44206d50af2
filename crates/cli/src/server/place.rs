//! Where the report of a run lies: in a directory of its own, or in the one that was named.
use crate::input::{Error, RUN, candidate_directories, report_files};
use crate::story::single::{event, lines};
use forkguard_report::Line;
use std::collections::{HashMap, HashSet};
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The report of one run.
pub(crate) struct Place {
    pub(crate) directory: PathBuf,
    /// Reports that lay there before.
    before: HashSet<PathBuf>,
    /// It was made for this run.
    own: bool,
}

impl Place {
    /// The directory that was named, made when it is missing, or one for a run of `program`.
    pub(crate) fn of(named: Option<&Path>, program: &str) -> Result<Place, Error> {
        match named {
            None => Ok(Place { directory: own_directory(program)?, before: HashSet::new(), own: true }),
            Some(path) => {
                let unwritable = |error| Error::Unwritable(path.to_owned(), error);
                let directory = std::path::absolute(path).map_err(unwritable)?;
                make(&directory).map_err(unwritable)?;
                let before = report_files(&directory).unwrap_or_default().into_iter().collect();
                Ok(Place { directory, before, own: false })
            }
        }
    }

    /// The reports of this run.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = report_files(&self.directory).unwrap_or_default();
        files.retain(|file| !self.before.contains(file));
        files
    }

    /// Calls `each` for every line of them. Lines of other versions are none: the run's own story names them.
    pub(crate) fn each_line(&self, mut each: impl FnMut(Line<'static>)) -> Result<(), Error> {
        for path in self.files() {
            let file = File::open(&path).map_err(|error| Error::Unreadable(path.clone(), error))?;
            lines(file).filter_map(|line| event(&line)).for_each(&mut each);
        }
        Ok(())
    }

    /// How many children wait for work, or did.
    pub(crate) fn settled(&self) -> usize {
        Settled::default().count(self)
    }

    /// Removes a directory that was made for this run, and all in it.
    pub(crate) fn remove(&self) {
        if self.own {
            // What cannot be removed, `forkguard clean` removes later.
            let _ = fs::remove_dir_all(&self.directory);
        }
    }

    /// Removes a directory that was made for this run and has nothing in it.
    pub(crate) fn remove_if_empty(&self) {
        if self.own {
            // One with a report in it is not removed.
            let _ = fs::remove_dir(&self.directory);
        }
    }
}

/// Workers that wait for work, and those that hang, by their events in the report.
#[derive(Default)]
pub(crate) struct Settled {
    read: HashMap<PathBuf, u64>,
    count: usize,
    hits: usize,
}

impl Settled {
    /// How many wait for work by now, or did.
    pub(crate) fn count(&mut self, place: &Place) -> usize {
        self.read_on(place);
        self.count
    }

    /// How often one was found to hang.
    pub(crate) fn hits(&mut self, place: &Place) -> usize {
        self.read_on(place);
        self.hits
    }

    fn read_on(&mut self, place: &Place) {
        const HANGS: [&[u8]; 3] = [br#""kind":"lock-deadlock""#, br#""kind":"join-lost-thread""#, br#""kind":"atfork-stuck""#];
        for path in place.files() {
            let read = self.read.entry(path.clone()).or_default();
            let mut new = Vec::new();
            let opened = File::open(&path).and_then(|mut file| file.seek(SeekFrom::Start(*read)).map(|_| file));
            if opened.and_then(|mut file| file.read_to_end(&mut new)).is_err() {
                continue;
            }
            // The last line may be incomplete.
            let whole = new.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            *read += whole as u64;
            let times = |what: &[u8]| memchr::memmem::find_iter(&new[..whole], what).count();
            self.count += times(br#""event":"child""#);
            self.hits += HANGS.into_iter().map(times).sum::<usize>();
        }
    }
}

fn own_directory(program: &str) -> Result<PathBuf, Error> {
    let program: String = program.chars().filter(|letter| letter.is_ascii_alphanumeric() || "._-".contains(*letter)).collect();
    let (prefix, mut refused) = (format!("{RUN}{program}-"), None);
    for place in candidate_directories() {
        let made = make(&place).and_then(|()| {
            let mut builder = tempfile::Builder::new();
            builder.prefix(&prefix).rand_bytes(4).permissions(Permissions::from_mode(0o700));
            builder.disable_cleanup(true).tempdir_in(&place)
        });
        match made {
            Ok(made) => return Ok(made.path().to_owned()),
            Err(error) => refused = refused.or(Some(Error::Unwritable(place, error))),
        }
    }
    Err(refused.unwrap_or(Error::NoFiles(PathBuf::new())))
}

/// Makes a private directory, if it is not there. One of somebody else's, or a link, is none.
fn make(directory: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let metadata = directory.symlink_metadata()?;
            let owner = [rustix::process::geteuid().as_raw(), 0];
            match metadata.is_dir() && owner.contains(&metadata.uid()) {
                true => Ok(()),
                false => Err(io::Error::new(ErrorKind::PermissionDenied, "it is no directory of this user's")),
            }
        }
        made => made,
    }
}
