//! `--compare`: the same server and load without preload, with it, and with each value of FORKGUARD_MEMORY.
use super::args::Args;
use super::facts::Moment;
use super::observe::{SECONDS, moment};
use super::server::{self, Load};
use super::text::megabytes;
use crate::server::library_path;
use crate::terminal::{FAINT, HEAD, wrapped};
use serde::Serialize;
use std::ffi::OsString;
use std::io::{Result as Written, Write};
use std::path::Path;
use std::time::Duration;

/// Values of FORKGUARD_MEMORY that are tried.
const TRIED: [&str; 4] = ["trim", "freeze", "nothp", "ksm"];
/// The first row, and requests before it is measured.
const WITHOUT: &str = "without preload";
const FIRST: usize = 32;
/// ksmd gets this long before it is measured.
const MERGING: Duration = Duration::from_secs(30);

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
    let mut notes = Vec::new();
    let mut rows = vec![measure(args, WITHOUT, &without, &[])?, measure(args, "with preload", &with, &[])?];
    for value in TRIED.iter().filter(|_| args.tries) {
        if *value == "ksm" && !is_ksmd_running() {
            notes.push(
                "ksm was not tried: ksmd does not run on this host; root starts it: echo 1 > /sys/kernel/mm/ksm/run".to_owned(),
            );
            continue;
        }
        let library = library_path().map_err(|error| error.to_string())?;
        let environment =
            [("LD_PRELOAD", library.into_os_string()), ("FORKGUARD_MEMORY", value.into()), ("FORKGUARD_REPORT", "none".into())];
        rows.push(measure(args, &format!("with preload, FORKGUARD_MEMORY={value}"), &with, &environment)?);
    }
    let first: Vec<i64> = WORKERS.iter().map(|&workers| rows[0].total_with(workers)).collect();
    for row in rows.iter_mut().skip(1) {
        row.saved = Some([0, 1, 2].map(|index| first[index] - row.total_with(WORKERS[index])));
    }
    Ok(Table { requests: if args.url.is_some() { args.requests } else { 0 }, rows, notes })
}

fn is_ksmd_running() -> bool {
    std::fs::read_to_string("/sys/kernel/mm/ksm/run").is_ok_and(|text| text.trim() == "1")
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

fn measure(args: &Args, variant: &str, command: &[OsString], environment: &[(&str, OsString)]) -> Result<Row, String> {
    let mut server = server::start(command, environment, args.url.as_deref())?;
    // Without preload each worker loads the application by itself, some only when they are asked.
    if let Some(url) = args.url.as_deref().filter(|_| variant == WITHOUT) {
        Load::Requests(url, FIRST).run();
        server.wait_until_steady()?;
    }
    let start = moment(server.leader, &server.workers, 0.0, 0)?;
    let load = match &args.url {
        Some(url) => Load::Requests(url, args.requests),
        None => Load::Time(Duration::from_secs(args.watch.unwrap_or(SECONDS))),
    };
    let loaded = load.run();
    if variant.ends_with("ksm") {
        std::thread::sleep(MERGING);
    }
    let after = moment(server.leader, &server.workers, loaded.seconds, loaded.answered)?;
    Ok(Row::of(variant, server.ready, &start, &after))
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

fn signed(kilobytes: i64) -> String {
    format!("{}{}", if kilobytes < 0 { "-" } else { "" }, megabytes(kilobytes.unsigned_abs()))
}
