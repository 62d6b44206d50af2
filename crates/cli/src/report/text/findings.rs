//! Findings, one for all children that have it.
use super::words::{Style, in_children};
use crate::terminal::{FAINT, HEAD, style, wrapped};
use forkguard_report::event::{Site, State};
use forkguard_report::story::{Finding, Life, Place, Story};
use forkguard_report::text::Count;
use std::fmt::Display;
use std::io::{Result, Write};

/// Application frames of a stack that are shown when it is folded.
const FOLDED: usize = 3;

/// What stands by what it is, what is over on request.
pub(super) fn write(out: &mut dyn Write, story: &Story, style: Style) -> Result<()> {
    let of = |states: &[State]| story.findings.iter().filter(|it| states.contains(&it.state)).collect::<Vec<_>>();
    section(out, "It happened", &of(&[State::Hit]), style)?;
    section(out, "It may happen", &of(&[State::Open]), style)?;
    section(out, "Not touched in this run", &of(&[State::Untouched]), style)?;
    let over = of(&[State::Resolved, State::Moot]);
    if style.all {
        return section(out, "Resolved or moot", &over, style);
    }
    let count = |state| over.iter().filter(|it| it.state == state).count();
    match (count(State::Resolved), count(State::Moot)) {
        (0, 0) => Ok(()),
        (resolved, moot) => writeln!(out, "\n{FAINT}{resolved} resolved, {moot} moot (--all lists them){FAINT:#}"),
    }
}

fn section(out: &mut dyn Write, title: &str, findings: &[&Finding], style: Style) -> Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{HEAD}{title}{HEAD:#}")?;
    for (number, finding) in findings.iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        one(out, finding, style)?;
        // Equal texts once, under all that they are about.
        let next = findings.get(number + 1);
        let same = |next: &&Finding| (&next.explain, &next.cure) == (&finding.explain, &finding.cure);
        if !next.is_some_and(same) {
            texts(out, finding, style)?;
        }
    }
    Ok(())
}

/// A finding with what happens and what cures it.
pub(crate) fn whole(out: &mut dyn Write, finding: &Finding, style: Style) -> Result<()> {
    one(out, finding, style)?;
    texts(out, finding, style)
}

fn one(out: &mut dyn Write, finding: &Finding, shown: Style) -> Result<()> {
    let style = style(finding.severity);
    write!(out, "  {style}{}{style:#} {HEAD}{}{HEAD:#}", finding.severity.name(), finding.kind.name())?;
    let line = finding.place.as_ref().map(line);
    line.iter().try_for_each(|line| write!(out, "  {line}"))?;
    writeln!(out)?;
    let say = |out: &mut dyn Write, text: &dyn Display| writeln!(out, "{}", wrapped(text, "    ", 6, shown.columns));
    say(out, &finding.subject)?;
    if !finding.other_subjects.is_empty() {
        say(out, &format_args!("also {}", finding.other_subjects.join("; ")))?;
    }
    finding.lives.iter().try_for_each(|life| say(out, &lived(life)))?;
    if finding.suppressed {
        say(out, &"silenced by a rule of FORKGUARD_SUPPRESS")?;
    }
    if finding.at.iter().any(|at| Some(at) != line.as_ref()) {
        say(out, &format_args!("edit {}", finding.at.join(", or ")))?;
    }
    told(finding, shown).try_for_each(|site| stack(out, site, shown))
}

/// The sites that tell something: where the source of one cause is known, addresses of others say nothing more.
fn told(finding: &Finding, shown: Style) -> impl Iterator<Item = &Site<'static>> {
    let sourced = |site: &Site| site.innermost().is_some_and(|frame| frame.file.is_some());
    let any_sourced = finding.sites.iter().any(|site| !site.role.is_effect() && sourced(site));
    finding.sites.iter().filter(move |site| shown.stacks || site.role.is_effect() || !any_sourced || sourced(site))
}

/// A place as the field writes it.
pub(crate) fn line(place: &Place) -> String {
    let line = place.line.map(|line| format!(":{line}")).unwrap_or_default();
    let function = place.function.as_ref().map(|function| format!(" in {function}")).unwrap_or_default();
    format!("{}{line}{function}", place.file)
}

/// In how many children it is in this state, and why.
fn lived(life: &Life) -> String {
    let ended = if life.ended > 0 { format!(" ({} ended)", life.ended) } else { String::new() };
    let because = if life.because.is_empty() { String::new() } else { format!(": {}", life.because) };
    format!("{} {}{ended}{because}", life.state.name(), in_children(&life.children, life.count))
}

/// The frames of a site: folded to the application's own, or whole.
fn stack(out: &mut dyn Write, site: &Site, shown: Style) -> Result<()> {
    let mut frames: Vec<_> = site.frames.iter().collect();
    if !shown.stacks {
        let own: Vec<_> = site.application_frames().take(FOLDED).collect();
        frames = if own.is_empty() { site.innermost().into_iter().collect() } else { own };
    }
    let hidden = site.frames.len() - frames.len();
    let deed = site.role.deed();
    for (depth, frame) in frames.iter().enumerate() {
        let deed = if depth == 0 { deed } else { "" };
        write!(out, "    {deed:width$} at {frame:#}", width = site.role.deed().len())?;
        match hidden {
            hidden if hidden > 0 && depth + 1 == frames.len() => {
                writeln!(out, " {FAINT}(+{}){FAINT:#}", Count(hidden as u64, "frame"))?
            }
            _ => writeln!(out)?,
        }
    }
    Ok(())
}

fn texts(out: &mut dyn Write, finding: &Finding, style: Style) -> Result<()> {
    for (label, text) in [("what happens: ", &finding.explain), ("cure: ", &finding.cure)] {
        if text.is_empty() {
            continue;
        }
        let text = wrapped(text, &format!("    {label}"), 6, style.columns);
        writeln!(out, "    {HEAD}{label}{HEAD:#}{}", &text[4 + label.len()..])?;
    }
    Ok(())
}
