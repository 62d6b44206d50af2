//! Events as they come: a finding whole for the first child that has it, of the others a line.
use super::otlp;
use super::tail::Tail;
use super::text::{self, Style, date};
use crate::input::{Error, Input, shown};
use crate::story::single::{plain_line, single};
use crate::terminal::{FAINT, style};
use forkguard_report::event::{Event, FindingState, Fork, Severity, State};
use forkguard_report::story::{Finding, Identity, Process};
use forkguard_report::{Line, after_torn};
use std::collections::{HashMap, HashSet};
use std::io::{Result, Write};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

/// How long nothing may come before the files are looked at again.
const PAUSE: Duration = Duration::from_millis(200);

/// How many findings are remembered as printed.
const REMEMBERED: usize = 100_000;

/// How events are written.
pub(super) enum Form {
    Text(Style),
    Otlp,
}

/// What was written so far.
struct Follower<'a> {
    out: &'a mut dyn Write,
    form: Form,
    /// Fingerprints of findings that were printed whole.
    whole: HashSet<String>,
    /// Ids of findings of which something was printed.
    told: HashSet<String>,
    processes: HashMap<u32, Process>,
}

/// Writes what comes until the reader or the user ends it.
pub(super) fn run(out: &mut dyn Write, input: &Input, form: Form) -> std::result::Result<(), Error> {
    if input.present().is_empty() {
        let paths: Vec<String> = input.paths().iter().map(|path| shown(path)).collect();
        anstream::eprintln!("forkguard: no report in {} yet", paths.join(", "));
    }
    let (whole, told, processes) = (HashSet::new(), HashSet::new(), HashMap::new());
    let mut follower = Follower { out, form, whole, told, processes };
    let mut tail = Tail::default();
    loop {
        let any = tail.turn(input, |path, line| follower.line(path, line)).map_err(Error::Output)?;
        follower.out.flush().map_err(Error::Output)?;
        if !any {
            sleep(PAUSE);
        }
    }
}

impl Follower<'_> {
    fn line(&mut self, path: &Path, line: &[u8]) -> Result<()> {
        if let Ok(line) = plain_line(line) {
            return self.event(&line);
        }
        if matches!(self.form, Form::Text(_)) {
            writeln!(self.out, "{}: a line is torn, or not of this version of forkguard", shown(path))?;
        }
        match after_torn(line).map(plain_line) {
            Some(Ok(whole)) => self.event(&whole),
            Some(Err(_)) | None => Ok(()),
        }
    }

    fn event(&mut self, line: &Line<'static>) -> Result<()> {
        if let Event::Process(process) = &line.event {
            let identity = Identity {
                name: process.name.to_string(),
                executable: process.executable.to_string(),
                mode: process.mode.to_string(),
                forkguard: process.forkguard.to_string(),
            };
            let process = Process { pid: line.pid, identity: Some(identity), since: line.time, ..Process::default() };
            self.processes.insert(line.pid, process);
        }
        match (&line.event, single(line), &self.form) {
            (_, Some(finding), _) => self.finding(&finding),
            (Event::FindingState(change), _, Form::Text(_)) => self.change(line, change),
            (Event::Fork(fork), _, Form::Text(_)) => self.fork(line, fork),
            (Event::LastWords(words), _, Form::Text(_)) => {
                let place = words.site.as_ref().and_then(|site| site.application().or_else(|| site.innermost()));
                let place = place.map(|frame| format!(", stuck at {frame:#}")).unwrap_or_default();
                writeln!(self.out, "{} child {} is killed by {}{place}", clock(line.time), words.child, words.signal)
            }
            (Event::Lost(lost), _, Form::Text(_)) => {
                writeln!(
                    self.out,
                    "{} process {}: {} events not written: {}",
                    clock(line.time),
                    line.pid,
                    lost.events,
                    lost.because
                )
            }
            _ => Ok(()),
        }
    }

    fn finding(&mut self, finding: &Finding) -> Result<()> {
        let Form::Text(shown) = self.form else { return self.record(finding) };
        if !shown.all && (finding.severity == Severity::Info || finding.suppressed) {
            return Ok(());
        }
        remember(&mut self.told, &finding.id);
        if remember(&mut self.whole, &finding.fingerprint) {
            write!(self.out, "{}", clock(finding.first))?;
            return text::finding(self.out, finding, shown);
        }
        let (style, name) = (style(finding.severity), finding.severity.name());
        let place = finding.place.as_ref().map(text::line).unwrap_or_default();
        let child = finding.lives.iter().flat_map(|life| &life.children).map(|child| format!(", in {child}, too"));
        let child: String = child.collect();
        writeln!(self.out, "{}  {style}{name}{style:#} {}  {place}{child}", clock(finding.first), finding.kind.name())
    }

    fn record(&mut self, finding: &Finding) -> Result<()> {
        let process = finding.leaders.first().and_then(|leader| self.processes.get(leader));
        otlp::write_one(self.out, finding, process, env!("CARGO_PKG_VERSION"))
    }

    /// The end of what was printed; that a hazard was hit is told by the hit itself.
    fn change(&mut self, line: &Line, change: &FindingState) -> Result<()> {
        if change.state == State::Hit || !self.told.contains(&*change.id) {
            return Ok(());
        }
        let (id, state) = (&change.id, change.state.name());
        writeln!(self.out, "{}  {FAINT}{id} is {state}: {}{FAINT:#}", clock(line.time), change.because)
    }

    fn fork(&mut self, line: &Line, fork: &Fork) -> Result<()> {
        let Some(child) = fork.child else { return Ok(()) };
        let leader = self.processes.get(&line.pid).map_or_else(|| format!("process {}", line.pid), Process::title);
        let like = fork.like.as_ref().map(|like| format!(", like fork {like}")).unwrap_or_default();
        writeln!(self.out, "{}  {FAINT}{leader} forked {child}{like}{FAINT:#}", clock(line.time))
    }
}

/// True for what is new; what was forgotten is new again.
fn remember(known: &mut HashSet<String>, it: &str) -> bool {
    if known.len() > REMEMBERED {
        known.clear();
    }
    known.insert(it.to_owned())
}

/// The time of day, in UTC.
fn clock(time: f64) -> String {
    date(time).split_once(' ').map(|(_, time)| time[..8].to_owned()).unwrap_or_default()
}
