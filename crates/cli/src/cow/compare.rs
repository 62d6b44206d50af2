//! `--compare`: the same server and load without preload, with it, and with each trial.
use super::answers;
use super::args::Args;
use super::facts::Moment;
use super::observe::{SECONDS, moment};
use super::server::{self, Load, Server};
use super::trials::{self, Language, Trial};
use crate::terminal::megabytes;
use crate::terminal::{FAINT, HEAD, wrapped};
use serde::Serialize;
use std::ffi::OsString;
use std::io::{Result as Written, Write};
use std::path::Path;
use std::time::Duration;

/// Requests before a server without preload is measured, where it cannot be seen who answers.
const FIRST: usize = 32;
/// ksmd gets this long before it is measured.
const MERGING: Duration = Duration::from_secs(60);

/// The table. Sizes are kilobytes.
#[derive(Serialize)]
pub(super) struct Table {
    pub(super) requests: usize,
    pub(super) rows: Vec<Row>,
    /// What was left out, and why.
    pub(super) notes: Vec<String>,
}

impl Table {
    /// When the second figures were taken.
    pub(super) fn then(&self) -> String {
        if self.requests > 0 { format!("after {} requests", self.requests) } else { "at the end".to_owned() }
    }
}

/// A way of starting the server.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) variant: String,
    pub(super) workers: usize,
    /// From the start until all workers were there and did not grow any more.
    pub(super) ready_seconds: f64,
    /// PSS of a worker, on the average.
    pub(super) pss_at_start: u64,
    pub(super) pss_after: u64,
    /// PSS of leader and workers.
    pub(super) total_at_start: u64,
    pub(super) total_after: u64,
    /// What a further worker would take: its own memory.
    pub(super) own_after: u64,
    /// With 2, 8 and 32 workers, against the first row.
    pub(super) saved: Option<[i64; 3]>,
}

/// Numbers of workers for which the saving is worked out.
const WORKERS: [i64; 3] = [2, 8, 32];

impl Row {
    fn of(variant: &str, ready: Duration, start: &Moment, after: &Moment) -> Row {
        Row {
            variant: variant.to_owned(),
            workers: after.workers.len(),
            ready_seconds: ready.as_secs_f64(),
            pss_at_start: start.average(|worker| worker.pss),
            pss_after: after.average(|worker| worker.pss),
            total_at_start: start.total_pss,
            total_after: after.total_pss,
            own_after: after.average(|worker| worker.uss),
            saved: None,
        }
    }

    /// What it would take with so many workers.
    fn total_with(&self, workers: i64) -> i64 {
        self.total_after as i64 + (workers - self.workers as i64) * self.own_after as i64
    }
}

pub(super) fn run(args: &Args) -> Result<Table, String> {
    let (without, with) = commands(args)?;
    let mut comparison = Comparison { args, rows: Vec::new(), notes: Vec::new() };
    comparison.measure_without(&without)?;
    let language = comparison.measure(&with, &Trial { name: "with preload".to_owned(), ..Trial::default() })?;
    if args.tries {
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        let (trials, notes) = trials::all(language, &directory)?;
        comparison.notes.extend(notes);
        trials.iter().try_for_each(|trial| comparison.measure(&with, trial).map(drop))?;
    }
    let Comparison { mut rows, notes, .. } = comparison;
    let first: Vec<i64> = WORKERS.iter().map(|&workers| rows[0].total_with(workers)).collect();
    for row in rows.iter_mut().skip(1) {
        row.saved = Some([0, 1, 2].map(|index| first[index] - row.total_with(WORKERS[index])));
    }
    Ok(Table { requests: if args.url.is_some() { args.requests } else { 0 }, rows, notes })
}

/// The commands without preload and with it.
fn commands(args: &Args) -> Result<(Vec<OsString>, Vec<OsString>), String> {
    let given = args.command.clone();
    if let Some(without) = &args.without {
        return Ok((["sh", "-c", &format!("exec {without}")].map(OsString::from).to_vec(), given));
    }
    let is_called = |name: &str| given.iter().take(3).any(|word| Path::new(word).file_name().is_some_and(|file| file == name));
    let without = |word: &str| given.iter().filter(|other| *other != word).cloned().collect::<Vec<_>>();
    let mut with = given.clone();
    if is_called("gunicorn") {
        let place = given.iter().position(|word| Path::new(word).file_name().is_some_and(|file| file == "gunicorn")).unwrap_or(0);
        if !given.iter().any(|word| word == "--preload") {
            with.insert(place + 1, "--preload".into());
        }
        return Ok((without("--preload"), with));
    }
    if is_called("uwsgi") {
        let mut lazy = without("--lazy-apps");
        with = lazy.clone();
        lazy.push("--lazy-apps".into());
        return Ok((lazy, with));
    }
    Err("it is not known how this server is started without preload: tell it by --without 'COMMAND'".to_owned())
}

/// What was measured so far.
struct Comparison<'a> {
    args: &'a Args,
    rows: Vec<Row>,
    notes: Vec<String>,
}

impl Comparison<'_> {
    /// Each worker loads the application by itself, some only when they are asked: the start is when all have answered.
    fn measure_without(&mut self, command: &[OsString]) -> Result<(), String> {
        let mut server = server::start(command, &[], self.args.url.as_deref())?;
        if let Some(url) = self.args.url.as_deref() {
            let silent = answers::from_each(url, &server.workers).len();
            if silent > 0 {
                let all = server.workers.len();
                self.notes.push(format!(
                    "Without preload, at the start: {silent} of {all} workers were not seen to answer a request before."
                ));
                Load::Requests(url, FIRST).run();
            }
            server.wait_until_steady()?;
        }
        self.load("without preload", &server, Duration::ZERO)
    }

    /// Measures the server with preload, and tells what it runs.
    fn measure(&mut self, command: &[OsString], trial: &Trial) -> Result<Language, String> {
        let server = server::start(command, &trial.variables, self.args.url.as_deref())?;
        let language = Language::of(server.leader);
        self.load(&trial.name, &server, if trial.is_merged { MERGING } else { Duration::ZERO })?;
        Ok(language)
    }

    /// Measures before and after the load, and `pause` later.
    fn load(&mut self, variant: &str, server: &Server, pause: Duration) -> Result<(), String> {
        let start = moment(server.leader, &server.workers, 0.0, 0)?;
        let load = match &self.args.url {
            Some(url) => Load::Requests(url, self.args.requests),
            None => Load::Time(Duration::from_secs(self.args.watch.unwrap_or(SECONDS))),
        };
        let loaded = load.run();
        std::thread::sleep(pause);
        let after = moment(server.leader, &server.workers, loaded.seconds, loaded.answered)?;
        self.rows.push(Row::of(variant, server.ready, &start, &after));
        Ok(())
    }
}

pub(super) fn print(out: &mut dyn Write, table: &Table, columns: Option<usize>) -> Written<()> {
    let width = table.rows.iter().map(|row| row.variant.len()).max().unwrap_or(0);
    let then = table.then();
    writeln!(out, "{HEAD}PSS of a worker and of all, at the start and {then}; saved against the first row{HEAD:#}")?;
    writeln!(out, "{:width$}  workers   ready   worker    then       all      then   saved with 2        8       32", "")?;
    for row in &table.rows {
        write!(
            out,
            "{:width$}  {:>7}  {:>4.1} s  {:>7} {:>7}  {:>8}  {:>8}",
            row.variant,
            row.workers,
            row.ready_seconds,
            megabytes(row.pss_at_start),
            megabytes(row.pss_after),
            megabytes(row.total_at_start),
            megabytes(row.total_after)
        )?;
        if let Some([two, eight, many]) = row.saved {
            write!(out, "   {:>12} {:>8} {:>8}", signed(two), signed(eight), signed(many))?;
        }
        writeln!(out)?;
    }
    let told =
        "The numbers of workers that were not started are worked out: each further one takes what a worker has for itself alone.";
    writeln!(out, "{FAINT}{}{FAINT:#}", wrapped(told, "", 0, columns))?;
    table.notes.iter().try_for_each(|note| writeln!(out, "{}", wrapped(note, "", 0, columns)))
}

/// Megabytes, of kilobytes that may be less than none.
pub(super) fn signed(kilobytes: i64) -> String {
    format!("{}{}", if kilobytes < 0 { "-" } else { "" }, megabytes(kilobytes.unsigned_abs()))
}
