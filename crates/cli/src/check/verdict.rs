//! What a check comes to, by the findings that count and are not known, and by how the server went.
use super::baseline::Baseline;
use super::exercise::Exercised;
use crate::outcome::{Finding, Identity};
use clap::ValueEnum;
use forkguard_report::event::{Severity, State};

/// From which findings on a check fails.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Level {
    /// What has happened
    Error,
    /// Hazards that stand, too
    Warning,
    /// Hazards that this run did not touch, too
    Hazard,
}

impl Level {
    pub(super) fn counts(self, finding: &Finding) -> bool {
        match self {
            Level::Error => finding.is_grave() && finding.severity == Severity::Error,
            Level::Warning => finding.is_grave() && finding.state != State::Untouched,
            Level::Hazard => finding.is_grave(),
        }
    }
}

/// What a check comes to.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing counts.
    Passed,
    /// So many findings count and are not known.
    Findings(usize),
    /// The server did not start, or ended by itself.
    Failed(String),
    /// There was nothing to see.
    NotExercised(String),
}

impl Verdict {
    /// Findings count more than all else: a server that ends may do so because of them.
    pub(super) fn of(exercised: &Exercised, new: usize) -> Verdict {
        let unanswered = exercised.answers.as_ref().filter(|answers| answers.answered == 0);
        match (&exercised.failed, unanswered) {
            _ if new > 0 => Verdict::Findings(new),
            (Some(failed), _) => Verdict::Failed(failed.clone()),
            _ if exercised.outcome.forks == 0 => Verdict::NotExercised("the program never forked".to_owned()),
            _ if exercised.outcome.workers == 0 => {
                Verdict::NotExercised("no child lived on: each executed another program, or ended at once".to_owned())
            }
            (None, Some(answers)) => {
                let why = answers.failures.first().map(|why| format!(" ({why})")).unwrap_or_default();
                Verdict::NotExercised(format!("no request was answered{why}"))
            }
            (None, None) => Verdict::Passed,
        }
    }

    /// The status of the tool.
    pub(super) fn status(&self) -> u8 {
        match self {
            Verdict::Passed => 0,
            Verdict::Findings(_) => 1,
            Verdict::Failed(_) => 3,
            Verdict::NotExercised(_) => 4,
        }
    }

    /// Its name in data.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Findings(_) => "findings",
            Verdict::Failed(_) => "server-failed",
            Verdict::NotExercised(_) => "not-exercised",
        }
    }
}

/// The findings that count, parted by what a baseline knows.
pub(super) struct Judged<'o> {
    pub(super) new: Vec<&'o Finding>,
    pub(super) known: Vec<&'o Finding>,
    /// What the baseline knows and this run did not find.
    pub(super) stale: Vec<Identity>,
}

impl<'o> Judged<'o> {
    pub(super) fn of(findings: &'o [Finding], level: Level, baseline: Option<&Baseline>) -> Judged<'o> {
        let counting: Vec<&Finding> = findings.iter().filter(|finding| level.counts(finding)).collect();
        let stale = baseline.map(|baseline| baseline.stale(&counting)).unwrap_or_default();
        let stale = stale.into_iter().cloned().collect();
        let (known, new) = counting.into_iter().partition(|finding| baseline.is_some_and(|baseline| baseline.knows(finding)));
        Judged { new, known, stale }
    }
}
