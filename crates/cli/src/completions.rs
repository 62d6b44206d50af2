//! `forkguard completions`: the shell completes subcommands and options, from the same source as `--help`.
use crate::input::Error;
use clap::Command;
use clap_complete::{Shell, generate};
use std::io::{self, Write};

/// Prints a script by which a shell completes the tool's commands and options.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  forkguard completions bash > /etc/bash_completion.d/forkguard
  forkguard completions zsh > ~/.zfunc/_forkguard
  forkguard completions fish > ~/.config/fish/completions/forkguard.fish")]
pub(crate) struct Args {
    shell: Shell,
}

/// Prints the script for the shell that `args` name.
pub(crate) fn run(args: &Args, mut tool: Command) -> Result<(), Error> {
    let mut script = Vec::new();
    generate(args.shell, &mut tool, "forkguard", &mut script);
    io::stdout().write_all(&script).map_err(Error::Output)
}
