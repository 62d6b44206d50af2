//! `forkguard run`: a server under forkguard, and at its end what was found.
use crate::closing;
use crate::hangs::{Hangs, Telling};
use crate::input::{Error, shown};
use crate::outcome;
use crate::server::{self, Place, Prepared, Setup};
use crate::terminal::columns_of;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Runs a server under forkguard: findings as they come, a summary at its end.
///
/// Signals, the terminal, standard input and output, and the exit status are the program's own.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  forkguard run -- gunicorn --preload app:app
  forkguard run --profile cure -- gunicorn --preload app:app
  forkguard run --observe --report /srv/reports -- uwsgi --ini app.ini
  forkguard run --set sockets=sever --set threads=revive -- puma -C puma.rb")]
pub(crate) struct Args {
    #[command(flatten)]
    setup: Setup,
}

/// Runs the program, and ends as it did.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Error> {
    let place = Place::of(args.setup.report.as_deref(), &args.setup.name())?;
    let started = server::prepare(&args.setup, &[], &place.directory).and_then(|prepared| {
        warn(&args.setup, &prepared);
        prepared.start()
    });
    let mut server = match started {
        Ok(server) => server,
        Err(error) => {
            place.remove_if_empty();
            anstream::eprintln!("forkguard: {error}");
            return Ok(ExitCode::from(error.status()));
        }
    };
    let begun = Instant::now();
    let hangs = Hangs::watch(&place, Telling::Print);
    let ended = server.run();
    let suspicions = hangs.finish(false);
    let ending = format!("{} {ended} after {}", args.setup.name(), rounded(begun.elapsed()));
    // Nobody may read it any more: the program's end is what counts.
    let _ = close(&place, &ending, suspicions);
    Ok(ended.as_own())
}

/// Says that nothing will be seen, and why.
fn warn(setup: &Setup, prepared: &Prepared) {
    if let Some(why) = prepared.unfit {
        anstream::eprintln!("forkguard: {} runs without forkguard: {why}", setup.name());
    }
}

fn close(place: &Place, ending: &str, suspicions: Vec<String>) -> Result<(), Error> {
    let mut outcome = outcome::read(place)?;
    outcome.notes.extend(suspicions);
    let mut out = anstream::AutoStream::auto(io::stderr().lock());
    let worst = outcome.findings.iter().find(|finding| finding.is_grave());
    let commands = closing::commands(&outcome, worst, &shown(&place.directory));
    let columns = columns_of(&io::stderr());
    closing::write(&mut out, ending, &outcome, columns).map_err(Error::Output)?;
    closing::next(&mut out, &commands, columns).and_then(|()| out.flush()).map_err(Error::Output)?;
    place.remove_if_empty();
    Ok(())
}

/// Of a length of time what people want to know.
fn rounded(time: Duration) -> String {
    match time.as_secs() {
        0..=9 => format!("{:.1} s", time.as_secs_f64()),
        seconds => humantime::format_duration(Duration::from_secs(seconds)).to_string(),
    }
}
