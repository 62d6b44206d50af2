//! Where libforkguard.so is.
use std::env;
use std::fmt::{Display, Formatter};
use std::path::{Path, PathBuf};

/// The variable that names it.
pub(crate) const VARIABLE: &str = "FORKGUARD_LIBRARY";
pub(super) const NAME: &str = "libforkguard.so";

/// Why there is none to preload.
#[derive(Debug)]
pub(crate) enum Missing {
    /// The variable names no file.
    Named(PathBuf),
    /// It is in none of these directories.
    Nowhere(Vec<PathBuf>),
    /// LD_PRELOAD separates its entries by blanks and colons.
    Inexpressible(PathBuf),
}

impl Display for Missing {
    fn fmt(&self, out: &mut Formatter) -> std::fmt::Result {
        match self {
            Missing::Named(path) => write!(out, "{VARIABLE}={} is no file", path.display()),
            Missing::Nowhere(places) => {
                let places: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
                write!(out, "{NAME} is not in {}\n  next: {VARIABLE}=/path/to/{NAME} forkguard …", places.join(" or "))
            }
            Missing::Inexpressible(path) => {
                write!(out, "LD_PRELOAD cannot name {}: its path has a blank or a colon; copy it elsewhere", path.display())
            }
        }
    }
}

/// The library: the one that the variable names, beside this program, or in ../lib/forkguard.
pub(crate) fn find() -> Result<PathBuf, Missing> {
    let found = match env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
        Some(named) => absolute(Path::new(&named)).ok_or(Missing::Named(named.into()))?,
        None => {
            let places = places();
            let found = places.iter().find_map(|place| absolute(&place.join(NAME)));
            found.ok_or(Missing::Nowhere(places))?
        }
    };
    let is_separator = |byte: &u8| *byte == b':' || byte.is_ascii_whitespace();
    match found.as_os_str().as_encoded_bytes().iter().any(is_separator) {
        true => Err(Missing::Inexpressible(found)),
        false => Ok(found),
    }
}

fn places() -> Vec<PathBuf> {
    let own = env::current_exe().ok().and_then(|path| path.parent().map(Path::to_owned)).unwrap_or_default();
    let installed = own.parent().map(|prefix| prefix.join("lib/forkguard"));
    [own].into_iter().chain(installed).collect()
}

fn absolute(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().filter(|path| path.is_file())
}
