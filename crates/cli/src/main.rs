//! The forkguard tool: renders what the library reports.
mod report;

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
    Report(report::Args),
}

fn main() -> ExitCode {
    let Command::Report(args) = Tool::parse().command;
    match report::run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("forkguard: {error}");
            ExitCode::from(2)
        }
    }
}
