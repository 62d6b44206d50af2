//! What a run has shown: the findings of its story with all that a person or a gate needs.
mod identity;

pub(crate) use identity::Identity;

use crate::input::{Error, ReportFile};
use crate::server::Place;
use crate::story::tell;
use crate::symbols::DebugFiles;
use forkguard_report::cure::{self, Program};
use forkguard_report::event::{self, FindingKind, Severity, State};
use forkguard_report::story::{self, Story};
use serde_json::{Value, json};

/// What a run has shown.
#[derive(Default)]
pub(crate) struct Outcome {
    /// None where nothing was reported.
    pub(crate) story: Option<Story>,
    /// Processes that were made.
    pub(crate) forks: u64,
    /// Children that lived on.
    pub(crate) workers: u64,
    /// The worst first.
    pub(crate) findings: Vec<Finding>,
    /// What could not be read.
    pub(crate) notes: Vec<String>,
}

/// One finding, in all workers that have it.
pub(crate) struct Finding {
    /// Its position in the story.
    pub(crate) position: usize,
    pub(crate) identity: Identity,
    pub(crate) kind: FindingKind,
    pub(crate) severity: Severity,
    pub(crate) state: State,
    pub(crate) suppressed: bool,
    /// What it is about, and where that was made: "thread … started at wrong.py:15 in <module>".
    pub(crate) subject: String,
    /// The lines to edit.
    pub(crate) at: Vec<String>,
    pub(crate) explain: String,
    /// In one line, for the program at hand.
    pub(crate) cure: String,
    /// The option that would deal with it.
    pub(crate) option: Option<String>,
    /// How many workers have it.
    pub(crate) workers: u64,
}

/// Reads the reports of a run.
pub(crate) fn read(place: &Place) -> Result<Outcome, Error> {
    let files: Vec<ReportFile> = place.files().into_iter().map(|path| ReportFile { path, listed: false }).collect();
    if files.is_empty() {
        return Ok(Outcome::default());
    }
    let story = match tell(&files, &DebugFiles::default(), |_| ()) {
        Err(Error::NoEvents(..)) => return Ok(Outcome::default()),
        told => told?,
    };
    let stands = |finding: &story::Finding| finding.stands() || finding.state == State::Untouched;
    let standing = story.findings.iter().enumerate().filter(|(_, finding)| stands(finding));
    let mut findings: Vec<Finding> = standing.map(|(position, finding)| Finding::of(position, finding, &story)).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let (forks, workers, notes) = (story.totals.forks, place.settled() as u64, story.notes.clone());
    Ok(Outcome { forks, workers, findings, notes, story: Some(story) })
}

impl Outcome {
    /// The story with these findings alone.
    pub(crate) fn story_of(&self, findings: &[&Finding]) -> Story {
        let mut story = self.story.clone().unwrap_or_else(nothing);
        let mut position = 0;
        story.findings.retain(|_| {
            position += 1;
            findings.iter().any(|finding| finding.position + 1 == position)
        });
        story
    }

    /// How many findings have a severity.
    pub(crate) fn count(&self, severity: Severity) -> u64 {
        self.findings.iter().filter(|finding| finding.severity == severity).count() as u64
    }
}

/// The story of a program that never forked.
fn nothing() -> Story {
    Story {
        story: story::STORY,
        forkguard: env!("CARGO_PKG_VERSION").to_owned(),
        totals: story::Totals::default(),
        findings: Vec::new(),
        processes: Vec::new(),
        killed: Vec::new(),
        workers: Vec::new(),
        workers_unlisted: 0,
        broken: Vec::new(),
        broken_unlisted: 0,
        notes: Vec::new(),
    }
}

impl Finding {
    fn of(position: usize, finding: &story::Finding, story: &Story) -> Finding {
        let as_event = as_event(finding);
        let frame = finding.sites.iter().find_map(|site| Some((site.role.deed(), site.application()?)));
        let made = frame.map(|(deed, frame)| format!(", {deed} at {frame}")).unwrap_or_default();
        let others = match finding.other_subjects.len() {
            0 => String::new(),
            count => format!(" and {count} more"),
        };
        Finding {
            position,
            identity: Identity::of(finding),
            kind: finding.kind,
            severity: finding.severity,
            state: finding.state,
            suppressed: finding.suppressed,
            subject: format!("{}{others}{made}", finding.subject),
            at: finding.at.clone(),
            explain: finding.explain.clone(),
            cure: cure::short(&as_event, program(finding, story)).to_string(),
            option: option(&as_event, &finding.other_subjects),
            workers: finding.lives.iter().filter(|life| life.state == finding.state).map(|life| life.count).sum(),
        }
    }

    /// As data.
    pub(crate) fn json(&self) -> Value {
        json!({
            "kind": self.kind.name(),
            "severity": self.severity.name(),
            "state": self.state.name(),
            "subject": self.subject,
            "at": self.at,
            "explain": self.explain,
            "cure": self.cure,
            "option": self.option,
            "workers": self.workers,
            "docs": self.kind.docs().to_string(),
            "identity": self.identity,
        })
    }

    /// True for what a person should deal with.
    pub(crate) fn is_grave(&self) -> bool {
        self.severity >= Severity::Warning && !self.suppressed
    }
}

/// The option that would deal with all of it: of threads that one line started, the first is named in the cure.
fn option(finding: &event::Finding<'_>, other_subjects: &[String]) -> Option<String> {
    let first = cure::option(finding)?;
    let others: Vec<String> = other_subjects.iter().filter_map(|subject| cure::renamed_option(first, subject)).collect();
    let mut text = String::new();
    cure::write_options(&mut text, std::iter::once(first).chain(others.iter().map(String::as_str))).ok()?;
    Some(text)
}

/// As the library wrote it: its texts are made of that.
fn as_event(finding: &story::Finding) -> event::Finding<'static> {
    event::Finding {
        id: finding.id.clone().into(),
        kind: finding.kind,
        severity: finding.severity,
        state: finding.state,
        child: None,
        subject: finding.subject.clone().into(),
        at: finding.at.iter().map(|line| line.clone().into()).collect(),
        sites: finding.sites.clone().into(),
        explain: finding.explain.clone().into(),
        cure: finding.cure.clone().into(),
        suppressed: finding.suppressed,
    }
}

/// What the leader runs.
fn program(finding: &story::Finding, story: &Story) -> Program {
    let leaders = story.processes.iter().filter(|process| finding.leaders.contains(&process.pid));
    let identity = leaders.filter_map(|process| process.identity.as_ref()).next();
    identity.map_or_else(|| Program::recognise("", ""), |identity| Program::recognise(&identity.executable, &identity.name))
}
