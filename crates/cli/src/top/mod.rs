//! `forkguard top`: leaders and their workers as they are now: memory, processor time, findings, and which of them hang.
mod details;
mod figures;
mod findings;
mod gather;
mod keys;
mod plain;
mod rows;
#[cfg(test)]
mod samples;
mod screen;
mod shared;
mod terminal;

use crate::input::Error;
use rustix::termios::isatty;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

/// Leaders and their workers: age, memory, processor time, findings, and which of them hang.
///
/// q ends, arrows or j and k move, s sorts, Enter shows a process with its stacks, ? helps.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  forkguard top           all leaders that have the library loaded
  forkguard top 4711      a process and its descendants, with the library or without
  forkguard top --once    one table, for a file or a script")]
pub(crate) struct Args {
    /// The leader, by the number that it has here [default: all that have the library loaded]
    #[arg(value_name = "PID")]
    pid: Option<u32>,

    /// Print one table and end; so it is where standard output is no terminal
    #[arg(long)]
    once: bool,
}

/// Between the two looks of a single table, from which processor time is told.
const MOMENT: Duration = Duration::from_millis(500);
/// Status where the process that was named is not there.
const NO_PROCESS: u8 = 2;

/// Shows the processes until a key or a signal ends it, or once.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Error> {
    if let Some(error) = args.pid.and_then(|pid| forkguard_process::status(pid).err()) {
        anstream::eprintln!("forkguard: {error}");
        return Ok(ExitCode::from(NO_PROCESS));
    }
    if args.once || !isatty(io::stdout()) || !isatty(io::stdin()) {
        return plain::print(args.pid, MOMENT).map(|()| ExitCode::SUCCESS);
    }
    terminal::show(args.pid)
}
