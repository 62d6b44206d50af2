//! The story as one HTML file that needs nothing else: no network, no source files. The template escapes every text.
mod source;
mod timeline;

use super::text::{date, in_children, line};
use crate::page;
use askama::Template;
use forkguard_report::event::{Frame, Severity, Site, State};
use forkguard_report::story::{Finding, Process, Story};
use source::SourceLine;
use std::io::{Error, Result, Write};
use std::path::Path;
use timeline::Row;

/// Findings on a page.
const FINDINGS: usize = 1000;

/// The parts of an explanation that a page has beside what the finding says itself.
const PARTS: [&str; 3] = ["When", "Severity", "Cannot know"];

/// The whole page.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    story: &'a Story,
    findings: Vec<FindingView<'a>>,
    findings_left_out: usize,
    kinds: Vec<&'static str>,
    rows: Vec<Row>,
    rows_left_out: u64,
    period: String,
    processes: Vec<ProcessView<'a>>,
}

/// A finding.
struct FindingView<'a> {
    finding: &'a Finding,
    place: String,
    children: u64,
    lives: Vec<String>,
    sites: Vec<SiteView<'a>>,
    /// The application's line and those around it, where that was asked for.
    source: Vec<SourceLine>,
    explanation: Vec<(&'static str, String)>,
    stands: bool,
}

/// Where something was done.
struct SiteView<'a> {
    deed: &'static str,
    /// The application's frames, or the one that tells most.
    shown: Vec<String>,
    all: Vec<FrameView<'a>>,
}

struct FrameView<'a> {
    frame: &'a Frame<'static>,
    text: String,
}

/// A process, and how deep in the tree it stands.
struct ProcessView<'a> {
    process: &'a Process,
    depth: usize,
    since: String,
}

/// Writes the page; with `source` it has lines of source files below `root`.
pub(crate) fn write(out: &mut dyn Write, story: &Story, source_below: Option<&Path>) -> Result<()> {
    let findings: Vec<FindingView> = story.findings.iter().take(FINDINGS).map(|it| finding(it, source_below)).collect();
    let mut kinds: Vec<&str> = story.findings.iter().map(|finding| finding.kind.name()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let (rows, rows_left_out, period) = timeline::rows(story);
    let mut depths: Vec<usize> = Vec::new();
    for process in &story.processes {
        depths.push(process.parent.map_or(0, |parent| depths[parent as usize] + 1));
    }
    let tree = story.processes.iter().zip(&depths);
    let processes = tree.map(|(process, &depth)| ProcessView { process, depth, since: date(process.since) });
    let findings_left_out = story.findings.len() - findings.len();
    let processes = processes.collect();
    let page = Page { story, findings, findings_left_out, kinds, rows, rows_left_out, period, processes };
    page.write_into(out).map_err(Error::other)?;
    writeln!(out)
}

fn finding<'a>(finding: &'a Finding, source_below: Option<&Path>) -> FindingView<'a> {
    let lived = finding.lives.iter().map(|life| {
        let because = if life.because.is_empty() { String::new() } else { format!(": {}", life.because) };
        let ended = if life.ended > 0 { format!(" ({} ended)", life.ended) } else { String::new() };
        format!("{} {}{ended}{because}", life.state.name(), in_children(&life.children, life.count))
    });
    let explained = PARTS.into_iter().filter_map(|label| Some((label, page::part(finding.kind, label)?)));
    let place = finding.place.as_ref();
    FindingView {
        finding,
        place: place.map(line).unwrap_or_default(),
        children: finding.children,
        lives: lived.collect(),
        sites: finding.sites.iter().map(site).collect(),
        source: place.zip(source_below).and_then(|(place, below)| source::around(place, below)).unwrap_or_default(),
        explanation: explained.collect(),
        stands: finding.stands(),
    }
}

fn site<'a>(site: &'a Site<'static>) -> SiteView<'a> {
    let own: Vec<String> = site.application_frames().map(|frame| format!("{frame:#}")).collect();
    let innermost = || site.innermost().map(|frame| format!("{frame:#}")).into_iter().collect();
    SiteView {
        deed: site.role.deed(),
        shown: if own.is_empty() { innermost() } else { own },
        all: site.frames.iter().map(|frame| FrameView { frame, text: format!("{frame:#}") }).collect(),
    }
}

impl FindingView<'_> {
    fn severity(&self) -> &'static str {
        self.finding.severity.name()
    }

    fn state(&self) -> &'static str {
        self.finding.state.name()
    }

    fn kind(&self) -> &'static str {
        self.finding.kind.name()
    }

    /// Opened at once: what somebody has to read.
    fn is_open(&self) -> bool {
        self.finding.severity == Severity::Error && self.finding.state == State::Hit
    }
}

impl SiteView<'_> {
    fn hidden(&self) -> usize {
        self.all.len() - self.shown.len()
    }
}

impl FrameView<'_> {
    fn is_application(&self) -> bool {
        self.frame.is_application()
    }
}
