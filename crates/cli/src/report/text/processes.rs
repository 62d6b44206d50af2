//! The processes as a tree, each with its forks and what their children inherit.
use super::words::{Style, date, in_children, names};
use crate::terminal::{FAINT, HEAD, megabytes, style, wrapped};
use forkguard_report::event::{Memory, Progress, Severity};
use forkguard_report::story::{Counted, Forks, Process, Story};
use forkguard_report::text::Count;
use std::fmt::Display;
use std::io::{Error, Result, Write};

/// Deeds in a list before the others are counted.
const DEEDS: usize = 8;

/// Columns of a level of the tree.
const STEP: usize = 2;

/// Where text goes, and how far it is indented.
struct Page<'a> {
    out: &'a mut dyn Write,
    indent: usize,
    style: Style,
}

pub(super) fn write(out: &mut dyn Write, story: &Story, style: Style) -> Result<()> {
    writeln!(out, "\n{HEAD}Processes{HEAD:#}")?;
    let mut depths: Vec<usize> = Vec::new();
    for process in &story.processes {
        let depth = process.parent.map_or(0, |parent| depths[parent as usize] + 1);
        depths.push(depth);
        Page { out: &mut *out, indent: STEP + depth * 2 * STEP, style }.process(process)?;
    }
    Ok(())
}

impl Page<'_> {
    fn say(&mut self, text: impl Display) -> Result<()> {
        let indent = " ".repeat(self.indent);
        writeln!(self.out, "{}", wrapped(text, &indent, self.indent + STEP, self.style.columns))
    }

    /// Writes one level deeper.
    fn deeper(&mut self, write: impl FnOnce(&mut Page) -> Result<()>) -> Result<()> {
        write(&mut Page { out: &mut *self.out, indent: self.indent + STEP, style: self.style })
    }

    fn process(&mut self, process: &Process) -> Result<()> {
        let about = match &process.identity {
            Some(it) => format!("{}, mode {}, forkguard {}", it.executable, it.mode, it.forkguard),
            None => "its own events are in none of these files".to_owned(),
        };
        writeln!(self.out, "{:indent$}{HEAD}{}{HEAD:#}: {about}", "", process.title(), indent = self.indent)?;
        self.deeper(|page| {
            if process.identity.is_some() {
                page.say(since(process))?;
            }
            process.limits.iter().try_for_each(|limit| page.say(limit))?;
            page.guarded(&process.guarded)?;
            process.forks.iter().try_for_each(|forks| page.forks(forks))
        })
    }

    fn forks(&mut self, forks: &Forks) -> Result<()> {
        let kind = forks.kind.map_or("fork", |kind| kind.name());
        match forks.failed {
            Some(errno) => {
                let times = if forks.count == 1 { "once".to_owned() } else { format!("{} times", forks.count) };
                self.say(format_args!("{kind}, failed {times}: {}", Error::from_raw_os_error(errno)))?;
            }
            None => self.say(format_args!("{kind}, {}", in_children(&forks.children, forks.count)))?,
        }
        self.deeper(|page| {
            page.say(period(forks.first, forks.last))?;
            if forks.kind.is_none() {
                page.say("the leader's event is in none of these files")?;
            }
            forks.called_at.iter().try_for_each(|site| page.say(format_args!("called at {site}")))?;
            for list in &forks.inherits {
                let more = (list.more > 0).then(|| format!("{} more", list.more));
                let names: Vec<&str> = list.names.iter().chain(&more).map(String::as_str).collect();
                page.say(format_args!("{}: {}", list.what, names.join(", ")))?;
            }
            page.figures(forks)?;
            page.guarded(&forks.guarded)?;
            page.fixups(forks)?;
            for outcome in &forks.outcomes {
                let names = names(&outcome.children, outcome.count);
                page.say(format_args!("{FAINT}{}:{names}{FAINT:#}", outcome.what))?;
            }
            Ok(())
        })
    }

    /// Numbers that differ from fork to fork.
    fn figures(&mut self, forks: &Forks) -> Result<()> {
        let mut figures = Vec::new();
        match forks.descriptors {
            (_, 0) => {}
            (least, most) if least == most => figures.push(Count(most.into(), "descriptor").to_string()),
            (least, most) => figures.push(format!("{least} to {most} descriptors")),
        }
        let (call, own) = forks.cost_us;
        if call > 0.0 {
            figures.push(format!("{call:.0} µs for the call, {own:.0} µs for forkguard"));
        }
        if let Some(Memory { rss, private, .. }) = forks.memory {
            let private = private.map(|private| format!(", {} of it private", megabytes(private))).unwrap_or_default();
            figures.push(format!("the leader has {}{private}", megabytes(rss)));
        }
        if figures.is_empty() { Ok(()) } else { self.say(figures.join("; ")) }
    }

    /// What guards did.
    fn guarded(&mut self, deeds: &[Counted]) -> Result<()> {
        for Counted { what, count } in deeds.iter().take(DEEDS) {
            self.say(format_args!("guarded {count} x {what}"))?;
        }
        let more: u64 = deeds.iter().skip(DEEDS).map(|deed| deed.count).sum();
        if more > 0 { self.say(format_args!("guarded {more} x more")) } else { Ok(()) }
    }

    /// What fixups came to: those that are done in one line, each of the others in one of its own.
    fn fixups(&mut self, forks: &Forks) -> Result<()> {
        let done = forks.fixups.iter().filter(|runs| runs.progress == Progress::Done).map(|runs| {
            let mean = runs.took_us.map(|mean| format!(" ({mean:.0} µs)")).unwrap_or_default();
            format!("{} x {}{mean}", runs.count, runs.name)
        });
        let done: Vec<String> = done.collect();
        if !done.is_empty() {
            self.say(format_args!("fixups: {}", done.join(", ")))?;
        }
        for (progress, severity, what) in [
            (Progress::Begins, Severity::Error, "did not come back"),
            (Progress::Raised, Severity::Error, "raised an exception"),
            (Progress::Failed, Severity::Warning, "could not be run"),
        ] {
            for runs in forks.fixups.iter().filter(|runs| runs.progress == progress) {
                let (style, name) = (style(severity), severity.name());
                let children = in_children(&runs.children, runs.count);
                self.say(format_args!("{style}{name}{style:#} fixup {} {what}, {children}", runs.name))?;
            }
        }
        Ok(())
    }
}

fn since(process: &Process) -> String {
    let end = process.end.as_ref().map(|end| {
        let (forks, spawns) = (Count(end.forks, "fork"), Count(end.spawns, "spawn"));
        format!(", ended with status {} after {forks} and {spawns}", end.status)
    });
    format!("reports since {} UTC{}", date(process.since), end.unwrap_or_default())
}

/// From the first to the last.
fn period(first: f64, last: f64) -> String {
    let (first, last) = (date(first), date(last));
    match (first == last, first.split_once(' '), last.split_once(' ')) {
        (true, _, _) => format!("at {first} UTC"),
        (false, Some((day, _)), Some((same, time))) if day == same => format!("from {first} to {time} UTC"),
        _ => format!("from {first} to {last} UTC"),
    }
}
