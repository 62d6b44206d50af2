//! `forkguard cow`: what a leader and its workers share, what was copied since the fork, and who copies it.
mod args;
mod compare;
mod copiers;
mod csv;
mod facts;
mod observe;
mod server;
mod text;

use crate::input::Error;
use crate::terminal::columns;
pub(crate) use args::Args;
use args::Format;
use facts::Look;
use forkguard_process::sharing;
use observe::{SECONDS, observe};
use std::io::{self, Write};

/// Measures, and prints it.
pub(crate) fn run(args: &Args) -> Result<(), Error> {
    let mut out = anstream::AutoStream::auto(io::stdout().lock());
    let written = if args.compare {
        let table = compare::run(args).map_err(Error::Unmeasured)?;
        match args.format {
            Format::Text => compare::print(&mut out, &table, columns()),
            Format::Json => writeln!(out, "{}", serde_json::to_string(&table).unwrap_or_default()),
            Format::Csv => csv::table(&mut out, &table),
        }
    } else {
        let look = look(args).map_err(Error::Unmeasured)?;
        match args.format {
            Format::Text => text::print(&mut out, &look, columns()),
            Format::Json => writeln!(out, "{}", serde_json::to_string(&look).unwrap_or_default()),
            Format::Csv => csv::look(&mut out, &look),
        }
    };
    written.and_then(|()| out.flush()).map_err(Error::Output)
}

fn look(args: &Args) -> Result<Look, String> {
    let Some(pid) = args.pid else {
        let server = server::start(&args.command, &[], args.url.as_deref())?;
        return observe(args, server.leader, &server.workers, args.watch.or(Some(SECONDS)));
    };
    let (leader, workers) = sharing::family(pid).map_err(|error| error.to_string())?;
    observe(args, leader, &workers, args.watch)
}
