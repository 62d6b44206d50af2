//! What the command takes.
use super::server::address;
use crate::symbols::DebugFiles;
use clap::ValueEnum;
use std::ffi::OsString;
use std::path::PathBuf;

/// Measures what workers share with the process that forked them, what was copied since, and which lines copy it.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  forkguard cow 4711                        a leader, or one of its workers, as it is now
  forkguard cow 4711 --watch 30             how it grows in half a minute, and which lines copy
  forkguard cow --url http://127.0.0.1:8000/ -- gunicorn --preload app:app
  forkguard cow --compare --try --url http://127.0.0.1:8000/ -- gunicorn --workers 4 app:app

Sizes are of resident memory; 1 MB is 1024 kB. The library need not be loaded.")]
pub(crate) struct Args {
    /// A leader, or one of its workers
    #[arg(value_name = "PID", required_unless_present = "command", conflicts_with = "command")]
    pub(super) pid: Option<u32>,

    /// Seconds that the workers are watched: their growth, and who copies
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(super) watch: Option<u64>,

    /// What is asked for while they are watched: http://HOST:PORT/PATH
    #[arg(long, value_name = "URL", value_parser = address)]
    pub(super) url: Option<String>,

    /// How often
    #[arg(long, value_name = "NUMBER", default_value_t = 1000, requires = "url")]
    pub(super) requests: usize,

    /// Start the program with and without preload, the same load on both, and print the table
    #[arg(long, requires = "command")]
    pub(super) compare: bool,

    /// With --compare: what the same program is called without preload (gunicorn and uWSGI are known)
    #[arg(long, value_name = "COMMAND", requires = "compare")]
    pub(super) without: Option<String>,

    /// With --compare: also with preload and each value of FORKGUARD_MEMORY, with MALLOC_ARENA_MAX, and what Python and Ruby can do
    #[arg(long = "try", requires = "compare")]
    pub(super) tries: bool,

    /// With --compare: also draw the table into this file (SVG)
    #[arg(long, value_name = "FILE", requires = "compare")]
    pub(super) picture: Option<PathBuf>,

    /// Page faults a second and thread that are looked at, at most; 0 does not look who copies
    #[arg(long, value_name = "NUMBER", default_value_t = 200)]
    pub(super) frequency: u32,

    /// The format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,

    #[command(flatten)]
    pub(super) debug_files: DebugFiles,

    /// A server that is started for the measurement, and ended
    #[arg(last = true, value_name = "PROGRAM")]
    pub(super) command: Vec<OsString>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
    Csv,
    /// With --compare: a page with the table and its picture
    Html,
}
