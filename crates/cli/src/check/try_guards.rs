//! `check --try`: the server is run again with each guard that may help, and with those that did together. What a guard cures here it cures in the
//! same run of the same program; nothing is promised beyond.
use super::exercise::{self, Aim, Exercise, Exercised};
use super::verdict::{Judged, Level};
use crate::input::Error;
use crate::outcome::{Finding, Identity};
use crate::server::{Place, Setting, Setup};
use crate::terminal::{COMMAND, FAINT, HEAD};
use forkguard_report::event::FindingKind::{self, *};
use forkguard_report::text::Count;
use std::collections::BTreeSet;
use std::io::{self, Result as Written, Write};

/// Guards (docs/guards), and the kinds of findings that they are for.
const GUARDS: [(&str, &str, &[FindingKind]); 13] = [
    ("FORKGUARD_THREADS", "revive", &[ThreadLost, JoinLostThread]),
    ("FORKGUARD_SAFE_POINT", "100", &[LockOrphaned, LockDeadlock]),
    ("FORKGUARD_LOCKS", "reset", &[LockOrphaned, LockDeadlock]),
    ("FORKGUARD_SOCKETS", "sever", &[ConnectionInherited, ConnectionSharedUse]),
    ("FORKGUARD_EPOLL", "own", &[EpollInherited, EpollSharedUse]),
    ("FORKGUARD_FILES", "own", &[FileOffsetShared, LockFileShared, ExitHandlerInherited]),
    ("FORKGUARD_TIMERS", "rearm", &[TimerLost]),
    ("FORKGUARD_BUFFERS", "drop", &[BufferDuplicated]),
    ("FORKGUARD_OPENMP", "pause", &[RuntimeUnsafe, JoinLostThread]),
    ("FORKGUARD_EXEC", "clean", &[FdLeakedExec, SignalsBlocked]),
    ("FORKGUARD_SIGNALS", "application", &[HandlerInherited]),
    ("FORKGUARD_SIGNALS_MASK", "unblock", &[SignalsBlocked]),
    ("FORKGUARD_SIGNALS_KEEP", "USR1,USR2", &[HandlerDropped]),
];

/// What a guard did to a finding.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Cured,
    None,
}

/// One run with guards.
struct Trial {
    settings: Vec<Setting>,
    /// For each finding.
    effects: Vec<Effect>,
    /// What was not there without them.
    worse: Vec<String>,
}

/// Tries the guards that are for what was found, and prints what each did.
pub(super) fn run(setup: &Setup, exercise: &Exercise, level: Level, before: &Exercised) -> Result<(), Error> {
    let mut out = anstream::AutoStream::auto(io::stdout());
    let judged = Judged::of(&before.outcome.findings, level, None);
    let attempt = |settings| attempt(setup, exercise, level, before, &judged.new, settings);
    writeln!(out, "\n{HEAD}Guards{HEAD:#}, each in a run of its own")
        .and_then(|()| legend(&mut out, &judged.new))
        .map_err(Error::Output)?;
    let mut trials = Vec::new();
    for setting in applicable(&judged.new) {
        let trial = attempt(vec![setting])?;
        row(&mut out, &trial).map_err(Error::Output)?;
        trials.push(trial);
    }
    let together = best_of(&trials);
    if together.len() > 1 {
        let trial = attempt(together)?;
        row(&mut out, &trial).map_err(Error::Output)?;
        trials.push(trial);
    }
    let best = trials.iter().filter(|trial| trial.helps()).max_by_key(|trial| trial.cured());
    advice(&mut out, &setup.name(), &judged, best).map_err(Error::Output)
}

/// The guards that are for kinds that were found, and those that the findings name, one by one.
fn applicable(findings: &[&Finding]) -> Vec<Setting> {
    let is_for = |of: &[FindingKind]| findings.iter().any(|finding| of.contains(&finding.kind));
    let fitting =
        GUARDS.into_iter().filter(|(_, _, of)| is_for(of)).map(|(option, value, _)| (option.to_owned(), value.to_owned()));
    let mut all: Vec<Setting> = fitting.collect();
    for setting in named(findings) {
        if !all.contains(&setting) {
            all.push(setting);
        }
    }
    all
}

/// The options that findings name; lists of names (`revive:a`, `revive:b`) become one.
fn named(findings: &[&Finding]) -> Vec<Setting> {
    let mut all: Vec<Setting> = Vec::new();
    let words = findings.iter().filter_map(|finding| finding.option.as_deref()).flat_map(str::split_whitespace);
    for (option, value) in words.filter(|word| word.starts_with("FORKGUARD_")).filter_map(|word| word.split_once('=')) {
        let list = value.split_once(':').map(|(verb, _)| format!("{verb}:"));
        let other = |(name, other): &&mut Setting| name == option && list.as_ref().is_some_and(|list| other.starts_with(list));
        match all.iter_mut().find(other).zip(value.split_once(':')) {
            Some(((_, names), (_, name))) if names.split([':', ',']).all(|known| known != name) => *names += &format!(",{name}"),
            Some(_) => {}
            None => all.push((option.to_owned(), value.to_owned())),
        }
    }
    all.dedup();
    all
}

/// Of the guards that helped those that cured most, one of each option.
fn best_of(trials: &[Trial]) -> Vec<Setting> {
    let mut helping: Vec<&Trial> = trials.iter().filter(|trial| trial.helps()).collect();
    helping.sort_by_key(|trial| std::cmp::Reverse(trial.cured()));
    let mut best: Vec<Setting> = Vec::new();
    for (option, value) in helping.into_iter().flat_map(|trial| &trial.settings) {
        if best.iter().all(|(known, _)| known != option) {
            best.push((option.clone(), value.clone()));
        }
    }
    best
}

/// Runs the server with these settings.
fn attempt(
    setup: &Setup,
    exercise: &Exercise,
    level: Level,
    before: &Exercised,
    findings: &[&Finding],
    settings: Vec<Setting>,
) -> Result<Trial, Error> {
    let place = Place::of(None, &setup.name())?;
    let after = exercise::exercise(setup, exercise, &settings, &place, Aim::Whole);
    place.remove();
    let Ok(after) = after else {
        return Ok(Trial { settings, effects: vec![Effect::None; findings.len()], worse: vec!["it does not start".to_owned()] });
    };
    let counting = Judged::of(&after.outcome.findings, level, None);
    let left: BTreeSet<&Identity> = counting.new.iter().map(|finding| &finding.identity).collect();
    let effect = |finding: &&Finding| if left.contains(&finding.identity) { Effect::None } else { Effect::Cured };
    let seen: BTreeSet<&Identity> = before.outcome.findings.iter().map(|finding| &finding.identity).collect();
    let new = counting.new.iter().filter(|finding| !seen.contains(&finding.identity));
    let worse = new.map(|finding| finding.kind.name().to_owned()).chain(went_worse(before, &after)).collect();
    Ok(Trial { settings, effects: findings.iter().map(effect).collect(), worse })
}

/// What the server did worse than without the guard.
fn went_worse(before: &Exercised, after: &Exercised) -> Vec<String> {
    let lost = |run: &Exercised| run.answers.as_ref().map_or(0, |answers| answers.sent - answers.answered);
    let failed = after.failed.clone().filter(|_| before.failed.is_none());
    let lost = (lost(after) > lost(before)).then(|| format!("{} unanswered", Count(lost(after) as u64, "request")));
    let unforked = (after.outcome.workers < before.outcome.workers.min(1)).then(|| "no worker".to_owned());
    failed.into_iter().chain(lost).chain(unforked).collect()
}

impl Trial {
    fn helps(&self) -> bool {
        self.worse.is_empty() && self.cured() > 0
    }

    fn cured(&self) -> usize {
        self.effects.iter().filter(|effect| **effect == Effect::Cured).count()
    }

    /// As a shell takes them.
    fn line(&self) -> String {
        let all: Vec<String> = self.settings.iter().map(|(option, value)| format!("{option}={value}")).collect();
        all.join(" ")
    }
}

/// The findings, numbered as the table's columns.
fn legend(out: &mut dyn Write, findings: &[&Finding]) -> Written<()> {
    for (index, finding) in findings.iter().enumerate() {
        writeln!(out, "  {FAINT}[{}]{FAINT:#} {}: {}", index + 1, finding.kind.name(), finding.subject)?;
    }
    Ok(())
}

/// A line of the table.
fn row(out: &mut dyn Write, trial: &Trial) -> Written<()> {
    write!(out, "  {:<32}", trial.line())?;
    for (index, effect) in trial.effects.iter().enumerate() {
        let effect = if *effect == Effect::Cured { "cured" } else { "no effect" };
        write!(out, "  {:<13}", format!("[{}] {effect}", index + 1))?;
    }
    match trial.worse.is_empty() {
        true => writeln!(out),
        false => writeln!(out, "  worse: {}", trial.worse.join(", ")),
    }
}

/// The line to paste.
fn advice(out: &mut dyn Write, name: &str, judged: &Judged, best: Option<&Trial>) -> Written<()> {
    let Some(best) = best else {
        let kind = judged.new.first().map_or("--list", |finding| finding.kind.name());
        writeln!(out, "\n  no guard cures it: change the program")?;
        return writeln!(out, "  {COMMAND}forkguard explain {kind}{COMMAND:#}");
    };
    let sets: Vec<String> = best.settings.iter().map(|(option, value)| format!("--set {option}={value}")).collect();
    writeln!(out, "\n  cures {} of {}:", best.cured(), Count(best.effects.len() as u64, "finding"))?;
    writeln!(out, "  {COMMAND}forkguard run {} -- {} …{COMMAND:#}", sets.join(" "), name)
}
