//! The report as text.
use super::gather::{Became, Deeds, FindingShape, ForkRecord, Found, Leader, Life, Report};
use crate::terminal::{FAINT, HEAD, style};
use forkguard_report::event::{FindingKind, ForkKind, Memory, Progress, Severity, State};
use forkguard_report::text::Count;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;
use std::io::{Error, Result, Write};
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

/// Children in a list before the others are counted.
const CHILDREN: usize = 16;

/// Deeds in a list before the others are counted.
const DEEDS: usize = 8;

/// Writes the whole report; what is resolved or moot is listed when `all` is.
pub(crate) fn render(out: &mut dyn Write, report: &Report, all: bool) -> Result<()> {
    for (number, leader) in report.leaders.iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        head(out, leader)?;
        forks(out, leader)?;
        findings(out, leader, all)?;
    }
    if !report.notes.is_empty() {
        writeln!(out, "\n{HEAD}Notes{HEAD:#}")?;
    }
    report.notes.iter().try_for_each(|note| writeln!(out, "  {note}"))
}

/// Who forks.
fn head(out: &mut dyn Write, leader: &Leader) -> Result<()> {
    match &leader.process {
        Some(process) => {
            writeln!(out, "{HEAD}{} {}{HEAD:#}: {}", process.name, leader.pid, process.about)?;
            let made = process.fork.as_ref().map(|fork| format!(", made by fork {fork}")).unwrap_or_default();
            let end = leader.end.as_ref().map(|end| format!(", {end}")).unwrap_or_default();
            writeln!(out, "reports since {} UTC{made}{end}", date(process.time))?;
            process.limits.iter().try_for_each(|limit| writeln!(out, "limit: {limit}"))?;
        }
        None => writeln!(out, "{HEAD}process {}{HEAD:#}: its own events are in none of these files", leader.pid)?,
    }
    leader.lost.iter().try_for_each(|lost| writeln!(out, "{lost}"))
}

/// The forks, equal ones together.
fn forks(out: &mut dyn Write, leader: &Leader) -> Result<()> {
    writeln!(out, "\n{HEAD}Forks{HEAD:#}")?;
    if leader.forks.is_empty() {
        writeln!(out, "  none")?;
    }
    guards(out, "  ", &[&leader.deeds])?;
    for (shape, forks) in fold(leader.forks.iter().map(|fork| (&fork.shape, fork))) {
        let kind = shape.as_ref().map_or(ForkKind::Fork, |shape| shape.kind);
        match shape.as_ref().and_then(|shape| shape.failed) {
            Some(errno) => {
                let times = if forks.len() == 1 { "once".to_owned() } else { format!("{} times", forks.len()) };
                writeln!(out, "  {}, failed {times}: {}", kind.name(), Error::from_raw_os_error(errno))?;
            }
            None => writeln!(out, "  {}{}", kind.name(), in_children(&children(&forks), forks.len()))?,
        }
        writeln!(out, "    {}", period(&forks))?;
        match shape {
            Some(shape) => {
                shape.site.iter().try_for_each(|site| writeln!(out, "    called at {site}"))?;
                shape.inherits.iter().try_for_each(|line| writeln!(out, "    {line}"))?;
                figures(out, &forks)?;
            }
            None => writeln!(out, "    the leader's event is in none of these files")?,
        }
        guards(out, "    ", &forks.iter().map(|fork| &fork.deeds).collect::<Vec<_>>())?;
        fixups(out, &forks)?;
        for (fate, forks) in fold(forks.into_iter().filter_map(|fork| Some((outcome(fork)?, fork)))) {
            writeln!(out, "    {FAINT}{fate}:{}{FAINT:#}", names(&children(&forks)))?;
        }
    }
    Ok(())
}

/// What guards did, a line for equal deeds.
fn guards(out: &mut dyn Write, indent: &str, deeds: &[&Deeds]) -> Result<()> {
    let folded = fold(deeds.iter().flat_map(|deeds| &deeds.guards).map(|deed| (deed, ())));
    let left_out: usize = folded.iter().skip(DEEDS).map(|(_, times)| times.len()).sum();
    let more = left_out as u64 + deeds.iter().map(|deeds| deeds.unlisted).sum::<u64>();
    for (deed, times) in folded.iter().take(DEEDS) {
        writeln!(out, "{indent}guarded {} x {deed}", times.len())?;
    }
    if more > 0 { writeln!(out, "{indent}guarded {more} x more") } else { Ok(()) }
}

/// What fixups came to: those that are done in one line, each of the others in one of its own.
fn fixups(out: &mut dyn Write, forks: &[&ForkRecord]) -> Result<()> {
    let runs = || forks.iter().flat_map(|fork| fork.deeds.fixups.iter().map(move |run| (*fork, run)));
    let in_progress =
        |progress| fold(runs().filter(move |(_, run)| run.progress == progress).map(|(fork, run)| (&run.name, (fork, run))));
    let done: Vec<String> = in_progress(Progress::Done)
        .iter()
        .map(|(name, runs)| {
            let took: Vec<f64> = runs.iter().filter_map(|(_, run)| run.took).collect();
            let mean = took.iter().sum::<f64>() / took.len() as f64;
            let mean = if took.is_empty() { String::new() } else { format!(" ({mean:.0} µs)") };
            format!("{} x {name}{mean}", runs.len())
        })
        .collect();
    if !done.is_empty() {
        writeln!(out, "    fixups: {}", done.join(", "))?;
    }
    for (progress, severity, what) in [
        (Progress::Begins, Severity::Error, "did not come back"),
        (Progress::Raised, Severity::Error, "raised an exception"),
        (Progress::Failed, Severity::Warning, "could not be run"),
    ] {
        for (name, runs) in in_progress(progress) {
            let style = style(severity);
            let children = children(&runs.iter().map(|(fork, _)| *fork).collect::<Vec<_>>());
            writeln!(out, "    {style}{}{style:#} fixup {name} {what}{}", severity.name(), in_children(&children, runs.len()))?;
        }
    }
    Ok(())
}

/// What became of the child; nothing where nobody could tell.
fn outcome(fork: &ForkRecord) -> Option<String> {
    let Became { settled, exec, status, bit, .. } = &fork.became;
    let kind = fork.shape.as_ref().map(|shape| shape.kind);
    Some(match (exec, status, *settled || *bit) {
        (Some(program), _, _) => format!("exec'd {program}"),
        (None, Some(status), true) => format!("lived on, ended with status {status}"),
        (None, Some(status), false) => format!("ended at once with status {status}"),
        (None, None, true) => "live on, or were killed".to_owned(),
        (None, None, false) if fork.became.unsaid => "exec'd or ended at once, or without a word yet".to_owned(),
        (None, None, false) if kind == Some(ForkKind::Fork) && fork.child.is_some() => "without a word yet".to_owned(),
        (None, None, false) => return None,
    })
}

fn children(forks: &[&ForkRecord]) -> Vec<String> {
    forks.iter().filter_map(|fork| fork.child).map(|child| child.to_string()).collect()
}

/// Numbers that differ from fork to fork.
fn figures(out: &mut dyn Write, forks: &[&ForkRecord]) -> Result<()> {
    let mut figures = Vec::new();
    let descriptors = forks.iter().map(|fork| fork.descriptors);
    match (descriptors.clone().min().unwrap_or(0), descriptors.max().unwrap_or(0)) {
        (_, 0) => {}
        (least, most) if least == most => figures.push(Count(most.into(), "descriptor").to_string()),
        (least, most) => figures.push(format!("{least} to {most} descriptors")),
    }
    let mean = |cost: fn(&ForkRecord) -> f64| forks.iter().map(|fork| cost(fork)).sum::<f64>() / forks.len() as f64;
    let whole = mean(|fork| fork.cost.0);
    if whole > 0.0 {
        figures.push(format!("{whole:.0} µs for the call, {:.0} µs for forkguard", mean(|fork| fork.cost.1)));
    }
    if let Some(Memory { rss, private, .. }) = forks.last().and_then(|fork| fork.memory) {
        let private = private.map(|private| format!(", {} of it private", megabytes(private))).unwrap_or_default();
        figures.push(format!("the leader has {}{private}", megabytes(rss)));
    }
    if figures.is_empty() { Ok(()) } else { writeln!(out, "    {}", figures.join("; ")) }
}

/// What bit first, then what may bite, what did not this time, those that went by last.
fn findings(out: &mut dyn Write, leader: &Leader, all: bool) -> Result<()> {
    if leader.forks.is_empty() {
        return Ok(());
    }
    let in_state = |states: &[State]| leader.findings.iter().filter(|it| states.contains(&it.life.state)).collect::<Vec<_>>();
    let (hit, open, untouched) = (in_state(&[State::Hit]), in_state(&[State::Open]), in_state(&[State::Untouched]));
    let gone = in_state(&[State::Resolved, State::Moot]);
    if hit.is_empty() && open.is_empty() && untouched.is_empty() {
        writeln!(out, "\n{HEAD}Findings{HEAD:#}\n  none stands")?;
    }
    standing(out, "What bit", hit)?;
    standing(out, "Findings", open)?;
    standing(out, "Not touched in this run", untouched)?;
    if all { past(out, &gone) } else { count(out, &gone) }
}

/// Findings by kind, the worst first, bites before the hazards behind them, equal ones together.
fn standing(out: &mut dyn Write, title: &str, standing: Vec<&Found>) -> Result<()> {
    if standing.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{HEAD}{title}{HEAD:#}")?;
    let order = |kind: FindingKind| (!kind.is_bite(), FindingKind::ALL.iter().position(|&other| other == kind));
    let mut kinds = fold(standing.into_iter().map(|found| (found.shape.kind, found)));
    kinds.sort_by_key(|(kind, found)| (Reverse(found.iter().map(|found| found.life.severity).max()), order(*kind)));
    for (number, (kind, found)) in kinds.into_iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        writeln!(out, "  {HEAD}{}{HEAD:#}", kind.name())?;
        // Equal texts once, under all that they are about.
        let texts = fold(found.into_iter().map(|found| ((&found.shape.explain, &found.shape.cure), found)));
        for ((explain, cure), found) in texts {
            let mut equal = fold(found.into_iter().map(|found| ((found.shape.clone(), found.life.clone()), found)));
            equal.sort_by_key(|((_, life), _)| Reverse(life.severity));
            for ((shape, life), found) in equal {
                one(out, &shape, &life, &found)?;
            }
            for (label, text) in [("what happens", explain), ("cure", cure)] {
                if !text.is_empty() {
                    writeln!(out, "    {HEAD}{label}:{HEAD:#} {text}")?;
                }
            }
        }
    }
    Ok(())
}

/// One finding, in all the children that have it.
fn one(out: &mut dyn Write, shape: &Rc<FindingShape>, life: &Life, found: &[&Found]) -> Result<()> {
    let style = style(life.severity);
    writeln!(out, "    {style}{}{style:#} {}", life.severity.name(), shape.subject)?;
    let mark = |found: &Found| if found.ended { " (ended)" } else { "" };
    let children: Vec<_> = found.iter().filter_map(|found| Some(format!("{}{}", found.child?, mark(found)))).collect();
    writeln!(out, "      {}", in_children(&children, found.len()).trim_start_matches(", "))?;
    if !life.because.is_empty() {
        writeln!(out, "      {style}{}{style:#}: {}", life.state.name(), life.because)?;
    }
    if !shape.at.is_empty() {
        writeln!(out, "      edit {}", shape.at.join(", or "))?;
    }
    for (deed, frames) in &shape.sites {
        for (depth, frame) in frames.iter().enumerate() {
            match depth {
                0 => writeln!(out, "      {deed} at {frame}")?,
                _ => writeln!(out, "      {:width$} at {frame}", "", width = deed.len())?,
            }
        }
    }
    Ok(())
}

/// How many nobody has to care for any more.
fn count(out: &mut dyn Write, gone: &[&Found]) -> Result<()> {
    let of = |state| gone.iter().filter(|found| found.life.state == state).count();
    match (of(State::Resolved), of(State::Moot)) {
        (0, 0) => Ok(()),
        (resolved, moot) => writeln!(out, "\n{FAINT}{resolved} resolved, {moot} moot (--all lists them){FAINT:#}"),
    }
}

/// Findings that nobody has to care for any more, by what became of them.
fn past(out: &mut dyn Write, gone: &[&Found]) -> Result<()> {
    if gone.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{HEAD}Resolved or moot{HEAD:#}")?;
    for ((state, because), found) in fold(gone.iter().map(|found| ((found.life.state, &found.life.because), *found))) {
        let because = if because.is_empty() { String::new() } else { format!(": {because}") };
        writeln!(out, "  {}{because}", state.name())?;
        for (kind, found) in fold(found.into_iter().map(|found| (found.shape.kind, found))) {
            writeln!(out, "    {FAINT}{}{FAINT:#}", kind.name())?;
            for ((shape, severity), found) in fold(found.into_iter().map(|found| ((&found.shape, found.life.severity), found))) {
                one(out, shape, &Life { severity, state, because: String::new() }, &found)?;
            }
        }
    }
    Ok(())
}

/// ", in 3 children: 12 13 14", or only their number where nobody knows them.
fn in_children(children: &[String], count: usize) -> String {
    let child = if count == 1 { "child" } else { "children" };
    let colon = if children.is_empty() { "" } else { ":" };
    format!(", in {count} {child}{colon}{}", names(children))
}

/// " 12 13 14", or the first of very many.
fn names(children: &[String]) -> String {
    let more = children.len().saturating_sub(CHILDREN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    children.iter().take(CHILDREN).fold(String::new(), |names, child| names + " " + child) + &more
}

/// From the first to the last of `forks`.
fn period(forks: &[&ForkRecord]) -> String {
    let (Some(first), Some(last)) = (forks.first(), forks.last()) else { return String::new() };
    let (first, last) = (date(first.time), date(last.time));
    match (first == last, first.split_once(' '), last.split_once(' ')) {
        (true, _, _) => format!("at {first} UTC"),
        (false, Some((day, _)), Some((same, time))) if day == same => format!("from {first} to {time} UTC"),
        _ => format!("from {first} to {last} UTC"),
    }
}

/// The date and time of day, in UTC; what no clock shows is shown as the nearest that one does.
fn date(time: f64) -> String {
    const LAST: f64 = 253_402_300_799.0;
    let since = Duration::from_millis((time.clamp(0.0, LAST) * 1000.0).round() as u64);
    humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string().replace('T', " ").replace('Z', "")
}

fn megabytes(kilobytes: u64) -> String {
    format!("{:.1} MB", kilobytes as f64 / 1024.0)
}

/// Things by their key, in the order in which the keys first came.
fn fold<K: Eq + Hash + Clone, T>(things: impl Iterator<Item = (K, T)>) -> Vec<(K, Vec<T>)> {
    let mut places: HashMap<K, usize> = HashMap::new();
    let mut folded: Vec<(K, Vec<T>)> = Vec::new();
    for (key, thing) in things {
        let place = *places.entry(key.clone()).or_insert_with(|| {
            folded.push((key, Vec::new()));
            folded.len() - 1
        });
        folded[place].1.push(thing);
    }
    folded
}
