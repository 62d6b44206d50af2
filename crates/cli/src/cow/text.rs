//! A look, for a person.
use super::facts::{Look, Moment, Process};
use crate::terminal::{COMMAND, FAINT, HEAD, megabytes, wrapped};
use forkguard_report::text::Plain;
use std::io::{Result, Write};

/// Lines that are shown of those that copy.
const SHOWN: usize = 8;

pub(super) fn print(out: &mut dyn Write, look: &Look, columns: Option<usize>) -> Result<()> {
    let Some(last) = look.moments.last() else { return Ok(()) };
    head(out, last)?;
    processes(out, last)?;
    kinds(out, last)?;
    growth(out, look, columns)?;
    copied(out, last, columns)?;
    copiers(out, look, columns)?;
    next(out, look)
}

fn head(out: &mut dyn Write, moment: &Moment) -> Result<()> {
    let (leader, count) = (&moment.leader, moment.workers.len());
    let plural = if count == 1 { "" } else { "s" };
    write!(out, "{HEAD}leader {} {}, {count} worker{plural}{HEAD:#}", leader.pid, Plain(&leader.name))?;
    match (moment.requests, moment.seconds) {
        (0, 0.0) => writeln!(out),
        (0, seconds) => writeln!(out, ", after {seconds:.0} s"),
        (requests, seconds) => writeln!(out, ", after {requests} requests in {seconds:.1} s"),
    }
}

fn processes(out: &mut dyn Write, moment: &Moment) -> Result<()> {
    let sizes = ["PSS", "RSS", "alone", "shared", "copied", "new"];
    writeln!(out, "{:16}{}", "", sizes.map(|name| format!("{name:>9}")).concat())?;
    process(out, "leader", &moment.leader)?;
    moment.workers.iter().try_for_each(|worker| process(out, "worker", worker))?;
    writeln!(out, "{:16}{:>9}", "all", megabytes(moment.total_pss))?;
    let told = "alone: in no other process. Of private memory, shared: as the leader has it; copied: since the fork; new: the leader has none there.";
    writeln!(out, "{FAINT}{told}{FAINT:#}")
}

fn process(out: &mut dyn Write, role: &str, process: &Process) -> Result<()> {
    write!(out, "{:16}", format!("{role} {}", process.pid))?;
    let sizes = [process.pss, process.rss, process.uss];
    let pages = process.pages.map(|pages| [pages.shared, pages.copied, pages.new]);
    let all = sizes.into_iter().chain(pages.into_iter().flatten()).map(|size| format!("{:>9}", megabytes(size)));
    writeln!(out, "{}", all.collect::<String>())
}

fn kinds(out: &mut dyn Write, moment: &Moment) -> Result<()> {
    writeln!(out, "\n{HEAD}a worker, by what the memory is{HEAD:#} (average)")?;
    let names: std::collections::BTreeSet<_> = moment.workers.iter().flat_map(|worker| worker.kinds.keys().copied()).collect();
    for name in names {
        let figure = |figure: fn(&super::facts::OfKind) -> u64| moment.average(|worker| worker.kinds.get(name).map_or(0, figure));
        let sizes = [figure(|kind| kind.pss), figure(|kind| kind.rss), figure(|kind| kind.uss)];
        if sizes[1] == 0 {
            continue;
        }
        let pages = [figure(|kind| kind.pages.shared), figure(|kind| kind.pages.copied), figure(|kind| kind.pages.new)];
        let is_private = pages.iter().any(|&size| size > 0);
        let all = sizes.into_iter().chain(pages.into_iter().filter(|_| is_private)).map(|size| format!("{:>9}", megabytes(size)));
        writeln!(out, "{name:16}{}", all.collect::<String>())?;
    }
    let huge = moment.average(|worker| worker.huge);
    if huge > 0 {
        writeln!(out, "{:16}{:>18} in huge pages", "", megabytes(huge))?;
    }
    Ok(())
}

fn growth(out: &mut dyn Write, look: &Look, columns: Option<usize>) -> Result<()> {
    let [first, last] = &look.moments[..] else { return Ok(()) };
    let [before, after] = [first, last].map(|moment| moment.average(|worker| worker.pss));
    let copied = |moment: &Moment| moment.average(|worker| worker.pages.map_or(0, |pages| pages.copied));
    let grown = after as f64 - before as f64;
    let each = match last.requests {
        0 => format!("{:.0} kB a second", grown / last.seconds.max(1.0)),
        requests => format!("{:.0} kB a request to one of them", grown * last.workers.len() as f64 / requests as f64),
    };
    let text = format!(
        "A worker's PSS went from {} to {} ({each}); of its leader's pages it had copied {} before, {} after.",
        megabytes(before),
        megabytes(after),
        megabytes(copied(first)),
        megabytes(copied(last)),
    );
    writeln!(out, "\n{}", wrapped(text, "", 0, columns))?;
    match look.failures {
        0 => Ok(()),
        failures => writeln!(out, "{failures} requests were not answered, or with a status of 500 and more."),
    }
}

fn copied(out: &mut dyn Write, moment: &Moment, columns: Option<usize>) -> Result<()> {
    if moment.workers.iter().any(|worker| worker.pages.is_none()) {
        let text =
            "What was copied is not known: /proc/PID/pagemap may not be read. Run it as the user of the workers, or as root.";
        return writeln!(out, "{}", wrapped(text, "", 0, columns));
    }
    let copied = moment.average(|worker| worker.pages.map_or(0, |pages| pages.copied));
    let Some(equal) = moment.equal_again().filter(|equal| *equal >= 0.01 && copied >= 1024) else { return Ok(()) };
    let text = format!(
        "{:.0} % of the copied pages are equal to the leader's again (a value was changed and changed back, such as a reference count): ksmd could merge about {} a worker.",
        equal * 100.0,
        megabytes((copied as f64 * equal) as u64),
    );
    writeln!(out, "{}", wrapped(text, "", 0, columns))
}

fn copiers(out: &mut dyn Write, look: &Look, columns: Option<usize>) -> Result<()> {
    if let Some(why) = &look.unwatched {
        return writeln!(out, "{}", wrapped(format!("Who copies is not known: {why}"), "", 0, columns));
    }
    if look.moments.len() < 2 {
        return Ok(());
    }
    if look.samples == 0 {
        return writeln!(out, "No page of the leader's was seen to be copied.");
    }
    writeln!(out, "\n{HEAD}who copies{HEAD:#} ({} pages that were copied meanwhile, sampled)", look.samples)?;
    for copier in look.copiers.iter().take(SHOWN) {
        let what = copier.what.as_ref().map(|what| format!(" ({})", Plain(what))).unwrap_or_default();
        writeln!(out, "{:>4.0} %  {HEAD}{}{HEAD:#}{what}", copier.share * 100.0, Plain(&copier.at))?;
    }
    match look.copiers.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(out, "        {FAINT}and {more} more lines (--format json has all){FAINT:#}"),
    }
}

fn next(out: &mut dyn Write, look: &Look) -> Result<()> {
    let Some(moment) = look.moments.first().filter(|_| look.moments.len() == 1) else { return Ok(()) };
    let command = format!("forkguard cow {} --watch 30", moment.leader.pid);
    writeln!(out, "\n{FAINT}next:{FAINT:#} {COMMAND}{command}{COMMAND:#}   its growth, and which lines copy")
}
