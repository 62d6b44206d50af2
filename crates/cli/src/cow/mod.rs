//! `forkguard cow`: what a leader and its workers share, what was copied since the fork, and who copies it.
mod answers;
mod args;
mod compare;
mod copiers;
mod csv;
mod facts;
mod html;
mod observe;
mod picture;
mod server;
mod text;
mod trials;

use crate::input::Error;
use crate::terminal::columns;
pub(crate) use args::Args;
use args::Format;
use facts::Look;
use forkguard_process::sharing;
use observe::{SECONDS, observe};
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

/// Measures, and prints it.
pub(crate) fn run(args: &Args) -> Result<(), Error> {
    if args.format == Format::Html && !args.compare {
        return Err(Error::Unmeasured("--format html shows a comparison: add --compare".to_owned()));
    }
    let mut out = anstream::AutoStream::auto(io::stdout().lock());
    let written = if args.compare { print_comparison(args, &mut out)? } else { print_look(args, &mut out)? };
    written.and_then(|()| out.flush()).map_err(Error::Output)
}

fn print_comparison(args: &Args, out: &mut dyn Write) -> Result<io::Result<()>, Error> {
    // A file that cannot be written is told before the servers run.
    let create = |path: &PathBuf| File::create(path).map_err(|error| Error::Unwritable(path.clone(), error));
    let picture = args.picture.as_ref().map(create).transpose()?;
    let table = compare::run(args).map_err(Error::Unmeasured)?;
    if let Some(mut file) = picture {
        file.write_all(picture::of(&table).as_bytes()).map_err(Error::Output)?;
    }
    Ok(match args.format {
        Format::Text => compare::print(out, &table, columns()),
        Format::Json => writeln!(out, "{}", serde_json::to_string(&table).unwrap_or_default()),
        Format::Csv => csv::table(out, &table),
        Format::Html => html::table(out, &table, &args.command),
    })
}

fn print_look(args: &Args, out: &mut dyn Write) -> Result<io::Result<()>, Error> {
    let look = look(args).map_err(Error::Unmeasured)?;
    Ok(match args.format {
        Format::Text => text::print(out, &look, columns()),
        Format::Json => writeln!(out, "{}", serde_json::to_string(&look).unwrap_or_default()),
        // The arguments were checked.
        Format::Csv | Format::Html => csv::look(out, &look),
    })
}

fn look(args: &Args) -> Result<Look, String> {
    let Some(pid) = args.pid else {
        let server = server::start(&args.command, &[], args.url.as_deref())?;
        return observe(args, server.leader, &server.workers, args.watch.or(Some(SECONDS)));
    };
    let (leader, workers) = sharing::family(pid).map_err(|error| error.to_string())?;
    observe(args, leader, &workers, args.watch)
}
