//! `forkguard man`: the manual's pages, from the same source as `--help`.
use crate::input::Error;
use clap::Command;
use clap_mangen::Man;
use std::io::{self, Write};
use std::path::PathBuf;

/// Prints the manual page, or writes the pages of all commands.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  forkguard man | man -l -
  forkguard man --dir /usr/local/share/man/man1")]
pub(crate) struct Args {
    /// Write a page for each command into this directory
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// Prints the page of `tool`, or writes all pages.
pub(crate) fn run(args: &Args, mut tool: Command) -> Result<(), Error> {
    if let Some(dir) = &args.dir {
        // `forkguard help COMMAND` prints the same as `forkguard COMMAND --help`, and needs no pages.
        tool = tool.disable_help_subcommand(true);
        tool.build();
        return clap_mangen::generate_to(tool, dir).map_err(|error| Error::Unwritable(dir.clone(), error));
    }
    let mut page = Vec::new();
    Man::new(tool).render(&mut page).and_then(|()| io::stdout().write_all(&page)).map_err(Error::Output)
}
