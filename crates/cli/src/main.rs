//! The forkguard tool: one subcommand a file; it reads what the library reports and never links its hooks.
mod check;
mod clean;
mod closing;
mod completions;
mod cow;
mod explain;
mod hangs;
mod input;
mod inspect;
mod man;
mod outcome;
mod page;
mod report;
mod resolve;
mod run;
mod server;
mod story;
mod symbols;
mod terminal;
mod top;

use clap::{ColorChoice, CommandFactory, Parser, Subcommand};
use input::Error;
use std::io::ErrorKind;
use std::process::ExitCode;

/// Tells what the children of prefork servers inherit broken.
#[derive(Parser)]
#[command(name = "forkguard", version, about, propagate_version = true, after_help = EXAMPLES)]
struct Tool {
    /// When to use colours: auto looks at the terminal, NO_COLOR and CLICOLOR
    #[arg(long, global = true, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    color: ColorChoice,

    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  forkguard run -- gunicorn --preload app:app   a server, and what its workers inherit broken
  forkguard report                              all that was reported, with stacks
  forkguard explain lock-orphaned               what that means, and how to cure it";

/// The subcommands, one a line.
#[derive(Subcommand)]
enum Command {
    Check(check::Args),
    Clean(clean::Args),
    Completions(completions::Args),
    Cow(cow::Args),
    Explain(explain::Args),
    Inspect(inspect::Args),
    Man(man::Args),
    Report(report::Args),
    Resolve(resolve::Args),
    Run(run::Args),
    Top(top::Args),
}

/// Status of a command that could not do its work.
const FAILED: u8 = 2;

fn main() -> ExitCode {
    let tool = Tool::parse();
    colour(tool.color);
    let done = match tool.command {
        Command::Check(args) => check::run(&args),
        Command::Clean(args) => clean::run(&args).map(success),
        Command::Completions(args) => completions::run(&args, Tool::command()).map(success),
        Command::Cow(args) => cow::run(&args).map(success),
        Command::Explain(args) => explain::run(&args).map(success),
        Command::Inspect(args) => inspect::run(&args),
        Command::Man(args) => man::run(&args, Tool::command()).map(success),
        Command::Report(args) => report::run(&args).map(success),
        Command::Resolve(args) => resolve::run(&args).map(success),
        Command::Run(args) => run::run(&args),
        Command::Top(args) => top::run(&args),
    };
    done.unwrap_or_else(|error| match error {
        // The reader (head, less) has seen enough.
        Error::Output(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        error => {
            anstream::eprintln!("forkguard: {error}");
            ExitCode::from(FAILED)
        }
    })
}

fn success((): ()) -> ExitCode {
    ExitCode::SUCCESS
}

/// Lets all that is printed through `anstream` follow the choice.
fn colour(choice: ColorChoice) {
    match choice {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    }
    .write_global();
}

#[cfg(test)]
mod tests {
    use super::Tool;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_sound() {
        Tool::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        for command in Tool::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Examples:\n  forkguard "), "{}", command.get_name());
        }
    }
}
