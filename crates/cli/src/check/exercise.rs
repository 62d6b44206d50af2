//! A server is started, forks, answers, and is stopped.
use super::requests::{self, Answers};
use crate::hangs::{Hangs, Telling};
use crate::input::Error;
use crate::outcome::{self, Outcome};
use crate::server::{self, Ended, NotStarted, Place, Setting, Settled, Setup, Watched, adopt_orphans};
use forkguard_report::catalogue::Server;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::time::{Duration, Instant};

/// How long a server may take until its workers wait for work, where nobody says how long it is to run.
const START: Duration = Duration::from_secs(60);

/// How much longer further workers may take than the first one.
const OTHERS: Duration = Duration::from_secs(5);
/// For how long all children must have been waiting for work, and no other one come: servers start their workers one after the other.
const QUIET: Duration = Duration::from_secs(1);

/// How long a server may take to stop when it is asked to: gunicorn gives its workers 30 seconds. One whose worker hangs is not waited for.
const STOP: Duration = Duration::from_secs(40);
const STOP_HUNG: Duration = Duration::from_secs(1);

/// What a server is put through.
#[derive(clap::Args)]
pub(crate) struct Exercise {
    /// Let it run for so long: 30s, 2m [default: until its workers wait for work]
    #[arg(long = "for", value_name = "TIME", value_parser = time)]
    time: Option<Duration>,

    /// Let it run until so many workers wait for work [default: all that it has], or it ends, or a minute is over
    #[arg(long, value_name = "N")]
    until_workers: Option<usize>,

    /// A URL (http://) that it is asked for, several times for each worker, once they wait for work and somebody listens; may be repeated
    #[arg(long = "request", value_name = "URL", value_parser = requests::address)]
    requests: Vec<String>,
}

/// A number alone is one of seconds.
fn time(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<u32>().map(|seconds| Duration::from_secs(seconds.into()));
    seconds.or_else(|_| humantime::parse_duration(text)).map_err(|error| error.to_string())
}

/// What came of it.
pub(crate) struct Exercised {
    pub(crate) outcome: Outcome,
    pub(crate) answers: Option<Answers>,
    /// How it ended before it was asked to.
    pub(crate) failed: Option<String>,
    /// What is worth knowing of how it went.
    pub(crate) notes: Vec<String>,
    /// The signal by which the tool itself is to end.
    pub(crate) interrupted: Option<Ended>,
}

/// How far it goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aim {
    /// To its end.
    Whole,
    /// Until a worker hangs.
    FirstHit,
}

/// Puts a server through it, with `more` options of the library. What the library would print is left to the check.
pub(crate) fn exercise(
    setup: &Setup,
    exercise: &Exercise,
    more: &[Setting],
    place: &Place,
    aim: Aim,
) -> Result<Exercised, Failure> {
    let quiet = ("FORKGUARD_SUMMARY".to_owned(), "never".to_owned());
    let options: Vec<Setting> = [quiet].into_iter().chain(more.iter().cloned()).collect();
    let prepared = server::prepare(setup, &options, &place.directory).map_err(Failure::Start)?;
    if let Some(why) = prepared.unfit {
        return Err(Failure::Unfit(why));
    }
    adopt_orphans();
    let prepared = prepared.without_streams().map_err(|error| Failure::Report(Error::Output(error)))?;
    let begun = Instant::now();
    let mut server = Watched::start(prepared).map_err(Failure::Start)?;
    let mut run = Run { server: &server, place, settled: Settled::default(), aim };
    let hangs = Hangs::watch(place, Telling::Record);
    let answers = run.conduct(exercise, begun);
    let suspicions = hangs.finish(server.goes_on());
    let is_hung = run.is_hit();
    let failed = server.ended().filter(|ended| *ended != Ended::Status(0)).map(|ended| format!("{} {ended}", setup.name()));
    let signal = stop_signal(setup);
    let interrupted = server.interrupted().map(Ended::Signal);
    let mut notes = suspicions;
    if server.stop(signal, if is_hung { STOP_HUNG } else { STOP }) && !is_hung {
        notes.push(format!("{} did not stop when it was asked to, and was killed", setup.name()));
    }
    let outcome = outcome::read(place).map_err(Failure::Report)?;
    Ok(Exercised { outcome, answers, failed, notes, interrupted })
}

/// Why a server was not put through it.
pub(crate) enum Failure {
    Start(NotStarted),
    /// The library cannot be loaded into it.
    Unfit(&'static str),
    Report(Error),
}

/// A run under way.
struct Run<'r> {
    server: &'r Watched,
    place: &'r Place,
    settled: Settled,
    aim: Aim,
}

impl Run<'_> {
    fn conduct(&mut self, exercise: &Exercise, begun: Instant) -> Option<Answers> {
        let deadline = begun + exercise.time.unwrap_or(START);
        let server = self.server;
        server.wait_until(deadline, || self.is_hit() || self.workers() >= exercise.until_workers.unwrap_or(1));
        if exercise.until_workers.is_none() && self.workers() > 0 {
            self.await_others(deadline);
        }
        let asks = !exercise.requests.is_empty() && !self.is_hit();
        let answers = asks.then(|| requests::send(server, &exercise.requests, deadline));
        if let Some(time) = exercise.time {
            server.wait_until(begun + time, || self.is_hit());
        }
        answers
    }

    fn workers(&mut self) -> usize {
        self.settled.count(self.place)
    }

    /// True once there is what the run is for.
    fn is_hit(&mut self) -> bool {
        self.aim == Aim::FirstHit && self.settled.hits(self.place) > 0
    }

    /// Waits until no further worker comes. Not all children are workers: what else there is does not hold the check up for long.
    fn await_others(&mut self, deadline: Instant) {
        let mut since = (0, Instant::now());
        let server = self.server;
        server.wait_until(deadline.min(Instant::now() + OTHERS), || {
            let (count, children) = (self.workers(), server.children());
            if count < children || count != since.0 {
                since = (count, Instant::now());
            }
            self.is_hit() || since.1.elapsed() >= QUIET
        });
    }
}

/// The signal by which a server is asked to stop: uWSGI takes TERM for a reload.
fn stop_signal(setup: &Setup) -> i32 {
    if Server::recognise("", &setup.name()) == Server::Uwsgi { SIGINT } else { SIGTERM }
}
