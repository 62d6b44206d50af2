//! The forkguard tool: resolves and renders what the library reports.
mod clean;
mod input;
mod report;
mod resolve;
mod symbols;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Tells what the children of prefork servers inherit broken.
#[derive(Parser)]
#[command(version, about, propagate_version = true)]
struct Tool {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Clean(clean::Args),
    Report(report::Args),
    Resolve(resolve::Args),
}

fn main() -> ExitCode {
    let done = match Tool::parse().command {
        Command::Clean(args) => clean::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Resolve(args) => resolve::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("forkguard: {error}");
            ExitCode::from(2)
        }
    }
}
