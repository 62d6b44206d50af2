//! Processes as bars over time.
use crate::report::text::date;
use forkguard_report::event::Severity;
use forkguard_report::story::{Process, Story, Worker};

/// Rows of a page.
const ROWS: usize = 300;

/// The narrowest bar that can be seen, in percent.
const NARROWEST: f64 = 0.4;

/// A process.
pub(super) struct Row {
    pub(super) label: String,
    pub(super) is_leader: bool,
    /// Percent of the whole time.
    pub(super) left: f64,
    pub(super) width: f64,
    /// The worst that hit it.
    pub(super) severity: &'static str,
    /// It wrote of no end: it lives on, or was killed.
    pub(super) is_open: bool,
    pub(super) title: String,
    /// Positions of the findings that hit it.
    pub(super) hits: Vec<u32>,
}

/// From when to when, in seconds since the epoch.
#[derive(Clone, Copy)]
struct Span {
    begin: f64,
    end: f64,
}

/// Leaders, each with its children; how many are left out; and the time that they span.
pub(super) fn rows(story: &Story) -> (Vec<Row>, u64, String) {
    let begins = story.processes.iter().map(|it| it.since).chain(story.workers.iter().map(|it| it.begin));
    let ends = story.processes.iter().filter_map(|it| Some(it.end.as_ref()?.time));
    let ends = ends.chain(story.workers.iter().filter_map(|it| it.end)).chain(story.findings.iter().map(|it| it.last));
    let begin = begins.clone().fold(f64::INFINITY, f64::min);
    let whole = Span { begin, end: begins.chain(ends).fold(begin, f64::max).max(begin + 0.001) };
    let mut rows = Vec::new();
    let mut workers = story.workers.iter().collect::<Vec<_>>();
    workers.sort_by_key(|worker| worker.process);
    for (position, process) in story.processes.iter().enumerate() {
        let first = workers.partition_point(|worker| (worker.process as usize) < position);
        let own = workers[first..].iter().take_while(|worker| worker.process as usize == position);
        rows.push(leader(process, whole));
        rows.extend(own.map(|worker| child(worker, story, whole)));
    }
    let left_out = rows.len().saturating_sub(ROWS) as u64 + story.workers_unlisted;
    rows.truncate(ROWS);
    (rows, left_out, format!("{} to {} UTC", date(whole.begin), date(whole.end)))
}

fn leader(process: &Process, whole: Span) -> Row {
    let end = process.end.as_ref().map(|end| end.time);
    let (left, width) = bar(process.since, end, whole);
    let label = process.title();
    let title = format!("{label}, since {} UTC", date(process.since));
    Row { label, is_leader: true, left, width, severity: "", is_open: end.is_none(), title, hits: Vec::new() }
}

fn child(worker: &Worker, story: &Story, whole: Span) -> Row {
    let (left, width) = bar(worker.begin, worker.end, whole);
    let worst = worker.hits.iter().map(|&hit| story.findings[hit as usize].severity).max();
    let outcome = worker.outcome.as_deref().map(|outcome| format!(", {outcome}")).unwrap_or_default();
    Row {
        label: worker.pid.to_string(),
        is_leader: false,
        left,
        width,
        severity: worst.map_or("", Severity::name),
        is_open: worker.end.is_none(),
        title: format!("{}, fork {} at {} UTC{outcome}", worker.pid, worker.fork, date(worker.begin)),
        hits: worker.hits.iter().copied().filter(|&hit| story.findings[hit as usize].kind.is_bite()).collect(),
    }
}

/// Where a bar begins, and how wide it is, in percent.
fn bar(begin: f64, end: Option<f64>, whole: Span) -> (f64, f64) {
    let percent = |time: f64| ((time - whole.begin) / (whole.end - whole.begin) * 100.0).clamp(0.0, 100.0);
    let left = percent(begin).min(100.0 - NARROWEST);
    let width = (percent(end.unwrap_or(whole.end)) - left).max(NARROWEST);
    (hundredth(left), hundredth(width))
}

fn hundredth(percent: f64) -> f64 {
    (percent * 100.0).round() / 100.0
}
