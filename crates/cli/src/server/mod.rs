//! A program under forkguard: the library is set up in it, signals reach it as if it had been started without the tool, and how it ends is told.
mod ended;
mod library;
mod place;
mod process;
mod program;
mod setup;
mod signals;
mod tree;
mod watched;

pub(crate) use ended::Ended;
pub(crate) use library::{VARIABLE as LIBRARY_VARIABLE, find as library_path};
pub(crate) use place::{Place, Settled};
pub(crate) use process::{NotStarted, Prepared, prepare};
pub(crate) use setup::{Setting, Setup};
pub(crate) use tree::{Tree, adopt_orphans};
pub(crate) use watched::Watched;
