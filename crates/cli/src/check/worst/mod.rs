//! `check --worst`: the server is run once more for each lock that threads took beside the forking one, and each fork of that run waits until
//! another thread holds the lock. What hangs once in thousands of starts hangs there.
mod locks;

use super::exercise::{self, Aim, Exercise, Exercised};
use super::verdict::Level;
use crate::input::Error;
use crate::outcome::{Finding, Identity};
use crate::server::{Place, Setting, Setup};
use crate::terminal::{FAINT, HEAD, style, wrapped};
use forkguard_report::event::State;
use forkguard_report::text::Count;
use locks::{Lock, Moments};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{Result as Written, Write};

/// The option of the library, and how it lists the locks.
const OPTION: &str = "FORKGUARD_WORST";
/// Locks that are tried; those of the application come first.
const MOST: usize = 24;

/// How the first run is to be done.
pub(super) fn first() -> Setting {
    (OPTION.to_owned(), "list".to_owned())
}

/// A lock, and what came of the run with it.
pub(super) struct Trial {
    lock: Lock,
    moments: Moments,
    /// What counts and was not there without it.
    findings: Vec<Finding>,
    /// Why the server was not run to its end.
    failed: Option<String>,
}

/// What came of all.
pub(super) struct Trials {
    all: Vec<Trial>,
    untried: usize,
    /// How long a fork waits.
    milliseconds: u64,
}

/// Runs the server once for each lock of the first run, whose report lies in `place`.
pub(super) fn run(
    setup: &Setup,
    exercise: &Exercise,
    level: Level,
    milliseconds: u64,
    (first, place): (&Exercised, &Place),
) -> Result<Trials, Error> {
    let mut locks = locks::learnt(place)?;
    let untried = locks.len().saturating_sub(MOST);
    locks.truncate(MOST);
    let known: BTreeSet<&Identity> = first.outcome.findings.iter().map(|finding| &finding.identity).collect();
    let count = locks.len();
    let mut all = Vec::new();
    for (index, lock) in locks.into_iter().enumerate() {
        anstream::eprintln!("forkguard: {} of {}: {}", index + 1, Count(count as u64, "lock"), lock.title());
        let trial = attempt(setup, exercise, level, milliseconds, &known, lock)?;
        let Some(trial) = trial else { break };
        all.push(trial);
    }
    Ok(Trials { all, untried, milliseconds })
}

/// None when the tool is told to end.
fn attempt(
    setup: &Setup,
    exercise: &Exercise,
    level: Level,
    milliseconds: u64,
    known: &BTreeSet<&Identity>,
    lock: Lock,
) -> Result<Option<Trial>, Error> {
    let place = Place::of(None, &setup.name())?;
    let setting = (OPTION.to_owned(), format!("{}:{milliseconds}", lock.id));
    let run = exercise::exercise(setup, exercise, &[setting], &place, Aim::FirstHit);
    let moments = locks::moments(&place);
    place.remove();
    let Ok(run) = run else {
        let failed = Some("the server did not start".to_owned());
        return Ok(Some(Trial { lock, moments: moments?, findings: Vec::new(), failed }));
    };
    if run.interrupted.is_some() {
        return Ok(None);
    }
    let is_new = |finding: &Finding| finding.state == State::Hit && level.counts(finding) && !known.contains(&finding.identity);
    let findings: Vec<Finding> = run.outcome.findings.into_iter().filter(is_new).collect();
    Ok(Some(Trial { lock, moments: moments?, findings, failed: run.failed }))
}

impl Trial {
    /// What became of it, in a word for programs.
    fn name(&self) -> &'static str {
        match self.moments {
            _ if !self.findings.is_empty() => "hit",
            Moments { held: 0, taken_by_fork: 0 } => "never-held",
            Moments { held: 0, .. } => "taken-by-fork",
            _ => "nothing",
        }
    }

    fn sentence(&self, milliseconds: u64) -> String {
        let held = || Count(self.moments.held, "fork");
        let sentence = match self.name() {
            "never-held" => format!("not tried: no other thread held it within {milliseconds} ms of a fork"),
            "taken-by-fork" => "nothing: the fork takes it itself first (pthread_atfork)".to_owned(),
            _ => format!("nothing: another thread held it at {}, and no worker missed it", held()),
        };
        self.failed.as_ref().map_or(sentence.clone(), |failed| format!("{sentence}; {failed}"))
    }
}

impl Trials {
    /// How many findings there are that the first run did not have.
    pub(super) fn findings(&self) -> usize {
        self.all.iter().map(|trial| trial.findings.len()).sum()
    }

    /// A lock after the other, and what then happened.
    pub(super) fn write(&self, out: &mut dyn Write, columns: Option<usize>) -> Written<()> {
        if self.all.is_empty() {
            return writeln!(out, "{HEAD}At the worst moment:{HEAD:#} no thread but the forking one took a lock");
        }
        writeln!(out, "{HEAD}At the worst moment{HEAD:#}, {} in a run of its own each", Count(self.all.len() as u64, "lock"))?;
        for trial in &self.all {
            writeln!(out, "{}", wrapped(trial.lock.title(), "  ", 4, columns))?;
            if trial.findings.is_empty() {
                writeln!(out, "{FAINT}{}{FAINT:#}", wrapped(trial.sentence(self.milliseconds), "    ", 6, columns))?;
            }
            for finding in &trial.findings {
                let (style, kind) = (style(finding.severity), finding.kind.name());
                writeln!(out, "    {style}{kind}{style:#}{}", at(finding))?;
                writeln!(out, "{}", wrapped(&finding.subject, "      ", 6, columns))?;
                writeln!(out, "{}", wrapped(&finding.cure, "      cure: ", 8, columns))?;
            }
        }
        match self.untried {
            0 => writeln!(out),
            more => writeln!(out, "  {FAINT}{more} more were not tried{FAINT:#}\n"),
        }
    }

    /// The same as JSON.
    pub(super) fn json(&self) -> Value {
        let trial = |trial: &Trial| {
            json!({
                "lock": trial.lock.id,
                "kind": trial.lock.kind,
                "name": trial.lock.name,
                "taken_at": trial.lock.at,
                "threads": trial.lock.threads,
                "outcome": trial.name(),
                "held_at_forks": trial.moments.held,
                "findings": trial.findings.iter().map(Finding::json).collect::<Vec<_>>(),
                "failed": trial.failed,
            })
        };
        json!(self.all.iter().map(trial).collect::<Vec<_>>())
    }
}

/// The line to edit first.
fn at(finding: &Finding) -> String {
    finding.at.first().map(|line| format!(" at {line}")).unwrap_or_default()
}
