//! Measurements of a leader and its workers, and what happens between them.
use super::args::Args;
use super::copiers::{self, Copier};
use super::facts::{Look, Moment};
use super::server::Load;
use crate::symbols::Symbols;
use forkguard_process::sharing;
use std::time::Duration;

/// Seconds that are watched where neither a time nor requests are given.
pub(super) const SECONDS: u64 = 5;
/// Copied pages of a worker that are compared with the leader's.
const COMPARED: usize = 2000;

/// Measures before and after the workers are watched or asked.
pub(super) fn observe(args: &Args, leader: u32, workers: &[u32], seconds: Option<u64>) -> Result<Look, String> {
    let first = moment(leader, workers, 0.0, 0)?;
    let load = match (&args.url, seconds) {
        (Some(url), _) => Load::Requests(url, args.requests),
        (None, Some(seconds)) => Load::Time(Duration::from_secs(seconds)),
        (None, None) => return Ok(Look { moments: vec![first], ..Look::default() }),
    };
    let watched = copiers::while_watched(leader, workers, args.frequency, || load.run());
    let last = moment(leader, workers, watched.load.seconds, watched.load.answered)?;
    let copiers = Copier::all(&watched.samples, &mut Symbols::new(&args.debug_files));
    let samples = watched.samples.len();
    Ok(Look { moments: vec![first, last], copiers, samples, unwatched: watched.why_not, failures: watched.load.failures })
}

/// One measurement, after so many seconds and requests.
pub(super) fn moment(leader: u32, workers: &[u32], seconds: f64, requests: usize) -> Result<Moment, String> {
    let family = sharing::measure(leader, workers).map_err(|error| error.to_string())?;
    if family.workers.is_empty() {
        return Err(format!("the workers of {leader} have ended, or may not be read: as root, or as the user that they run as"));
    }
    let equal = |worker: u32| sharing::equal_again(leader, worker, COMPARED);
    Ok(Moment::of(&family, seconds, requests, equal))
}
