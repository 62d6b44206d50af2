//! Events to what they say together: leaders, their forks, what became of the children, the findings.
use super::index::Index;
use crate::input::shown;
use crate::symbols::Symbols;
use forkguard_report::event::{
    Cure, Detail, Disposition, Event, Finding, FindingKind, Fixup, Fork, ForkKind, Frame, Lock, Memory, Progress, Severity, Site,
    SocketRole, State,
};
use forkguard_report::text::{Count, Plain};
use forkguard_report::{Line, SCHEMA};
use serde_json::Value;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;
use std::io::{self, BufRead};
use std::mem;
use std::path::Path;
use std::rc::Rc;

/// Names in a list before the others are counted.
const NAMED: usize = 8;

/// All that the files say, event by event.
#[derive(Default)]
pub(crate) struct Gathered {
    /// Lines that are events.
    pub(crate) events: u64,
    /// What could not be read.
    pub(crate) notes: Vec<String>,
    processes: Vec<Process>,
    forks: Vec<ForkRecord>,
    findings: Vec<FindingRecord>,
    states: Vec<StateRecord>,
    children: Vec<ChildRecord>,
    deeds: Vec<DeedRecord>,
    lost: Vec<(u32, f64, String)>,
    fork_shapes: HashSet<Rc<ForkShape>>,
    finding_shapes: HashSet<Rc<FindingShape>>,
    /// Forks that later ones of the same file may refer to, by their id.
    earlier: HashMap<String, Earlier>,
}

/// What a fork that is like this one has, too.
struct Earlier {
    shape: Rc<ForkShape>,
    descriptors: u32,
    /// Its findings, by what follows the fork in their ids.
    findings: Vec<(String, Rc<FindingShape>, Severity)>,
}

/// A process that reported.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) time: f64,
    /// The fork that made it.
    pub(crate) fork: Option<String>,
    pub(crate) name: String,
    /// Program, mode, version.
    pub(crate) about: String,
    pub(crate) limits: Vec<String>,
}

/// What forks that differ only in their child share.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct ForkShape {
    pub(crate) kind: ForkKind,
    pub(crate) failed: Option<i32>,
    pub(crate) site: Option<String>,
    /// What the child inherits, a line each.
    pub(crate) inherits: Vec<String>,
}

/// One fork.
pub(crate) struct ForkRecord {
    id: String,
    leader: u32,
    pub(crate) time: f64,
    pub(crate) child: Option<u32>,
    /// None when no file holds its event.
    pub(crate) shape: Option<Rc<ForkShape>>,
    pub(crate) descriptors: u32,
    /// Microseconds of the whole call, and of forkguard's own work.
    pub(crate) cost: (f64, f64),
    /// It is like an earlier one: a short-lived child of it writes nothing.
    pub(crate) unsaid: bool,
    pub(crate) memory: Option<Memory>,
    pub(crate) became: Became,
    pub(crate) deeds: Deeds,
}

/// What was done about a fork in its child; or, about its own forks, in a leader.
#[derive(Default)]
pub(crate) struct Deeds {
    /// What guards did.
    pub(crate) guards: Vec<String>,
    /// How many more deeds no event lists.
    pub(crate) unlisted: u64,
    pub(crate) fixups: Vec<FixupRun>,
}

/// One run of a fixup.
pub(crate) struct FixupRun {
    pub(crate) name: String,
    /// Still [`Progress::Begins`] for one that did not come back.
    pub(crate) progress: Progress,
    /// Microseconds.
    pub(crate) took: Option<f64>,
}

/// What became of a child.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Became {
    pub(crate) settled: bool,
    pub(crate) exec: Option<String>,
    pub(crate) status: Option<i32>,
    pub(crate) forked: bool,
    /// It lived long enough to be bitten.
    pub(crate) bit: bool,
    /// Its fork is one whose short-lived children write nothing.
    pub(crate) unsaid: bool,
}

/// What equal findings of several forks share.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct FindingShape {
    pub(crate) kind: FindingKind,
    pub(crate) subject: String,
    /// The lines to edit.
    pub(crate) at: Vec<String>,
    /// What was done, and the frames where, from cause to effect.
    pub(crate) sites: Vec<(&'static str, Vec<String>)>,
    pub(crate) explain: String,
    pub(crate) cure: String,
}

/// Where a finding's life stands.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Life {
    pub(crate) severity: Severity,
    pub(crate) state: State,
    pub(crate) because: String,
}

struct FindingRecord {
    id: String,
    fork: Option<String>,
    pid: u32,
    time: f64,
    child: Option<u32>,
    shape: Rc<FindingShape>,
    life: Life,
}

struct StateRecord {
    id: String,
    time: f64,
    state: State,
    severity: Option<Severity>,
    because: String,
}

/// An event of a child about itself.
struct ChildRecord {
    fork: Option<String>,
    pid: u32,
    time: f64,
    became: Became,
    forks: u64,
    spawns: u64,
}

/// What was done in a process about a fork.
struct DeedRecord {
    fork: Option<String>,
    pid: u32,
    time: f64,
    deed: Deed,
}

enum Deed {
    Guard(String),
    Unlisted(u32),
    Fixup(FixupRun),
}

/// All that the files say, put together.
pub(crate) struct Report {
    pub(crate) leaders: Vec<Leader>,
    /// What could not be read or placed.
    pub(crate) notes: Vec<String>,
}

/// A process that forked.
pub(crate) struct Leader {
    pub(crate) pid: u32,
    /// None when no file holds its own events.
    pub(crate) process: Option<Process>,
    /// How it ended.
    pub(crate) end: Option<String>,
    /// Events that could not be written.
    pub(crate) lost: Vec<String>,
    pub(crate) forks: Vec<ForkRecord>,
    pub(crate) findings: Vec<Found>,
    /// What guards did in it about forks of its own.
    pub(crate) deeds: Deeds,
}

/// A finding with its child.
pub(crate) struct Found {
    pub(crate) shape: Rc<FindingShape>,
    pub(crate) life: Life,
    pub(crate) child: Option<u32>,
    pub(crate) ended: bool,
}

impl Gathered {
    /// Takes the events of one file.
    pub(crate) fn read(&mut self, file: &Path, reader: impl BufRead, symbols: &mut Symbols) -> io::Result<()> {
        let mut unread = 0;
        for line in reader.split(b'\n') {
            let line = line?;
            let line = symbols.resolve(&line);
            match parsed(&line) {
                Some(line) if line.schema == SCHEMA => self.take(line),
                _ if line.trim_ascii().is_empty() => {}
                _ => unread += 1,
            }
        }
        if unread > 0 {
            self.note(file, format!("{} torn, or not of this version of forkguard", Count(unread, "line")));
        }
        Ok(())
    }

    /// Keeps what is to be said of `file`.
    pub(crate) fn note(&mut self, file: &Path, what: String) {
        self.notes.push(format!("{}: {what}", shown(file)));
    }

    fn take(&mut self, line: Line) {
        self.events += 1;
        let Line { time, pid, .. } = line;
        let fork = line.fork.map(String::from);
        let child = |became| ChildRecord { fork: fork.clone(), pid, time, became, forks: 0, spawns: 0 };
        match line.event {
            Event::Process(process) => self.processes.push(Process {
                pid,
                time,
                fork,
                name: plain(&process.name),
                about: format!(
                    "{}, mode {}, forkguard {}",
                    Plain(&process.executable),
                    Plain(&process.mode),
                    Plain(&process.forkguard)
                ),
                limits: process.limits.iter().map(|limit| plain(limit)).collect(),
            }),
            Event::Fork(event) => {
                let id = fork.unwrap_or_default();
                let (shape, descriptors) = match &event.like {
                    Some(earlier) => self.take_like(&id, pid, time, earlier, &event),
                    None => self.take_whole(&id, &event),
                };
                self.forks.push(ForkRecord {
                    id,
                    leader: pid,
                    time,
                    child: event.child,
                    shape,
                    descriptors,
                    cost: (event.cost_us.fork, event.cost_us.prepare + event.cost_us.report),
                    unsaid: event.detail == Detail::Like,
                    memory: event.memory,
                    became: Became::default(),
                    deeds: Deeds::default(),
                });
            }
            Event::Finding(finding) => {
                let shape = intern(&mut self.finding_shapes, finding_shape(&finding));
                let life = Life { severity: finding.severity, state: finding.state, because: String::new() };
                self.keep_for_likes(&finding, fork.as_deref(), &shape);
                self.findings.push(FindingRecord { id: finding.id.into(), fork, pid, time, child: finding.child, shape, life });
            }
            Event::FindingState(change) => self.states.push(StateRecord {
                id: change.id.into(),
                time,
                state: change.state,
                severity: change.severity,
                because: plain(&change.because),
            }),
            Event::Guarded(cure) => self.deeds.push(DeedRecord { fork, pid, time, deed: Deed::Guard(guard(&cure)) }),
            Event::Fixup(Fixup { name, progress, us }) => {
                let deed = Deed::Fixup(FixupRun { name: plain(&name), progress, took: us });
                self.deeds.push(DeedRecord { fork, pid, time, deed });
            }
            Event::Child(event) => {
                self.children.push(child(Became { settled: true, ..Became::default() }));
                let listed = event.cures.iter().map(|cure| Deed::Guard(guard(cure)));
                let unlisted = (event.cures_unlisted > 0).then_some(Deed::Unlisted(event.cures_unlisted));
                let deeds = listed.chain(unlisted).map(|deed| DeedRecord { fork: fork.clone(), pid, time, deed });
                self.deeds.extend(deeds);
            }
            Event::Exec(exec) => {
                self.children.push(child(Became { exec: Some(plain(&exec.program)), ..Became::default() }));
            }
            Event::Exit(exit) => {
                let became = Became { status: Some(exit.status), forked: exit.forks > 0, ..Became::default() };
                self.children.push(ChildRecord { forks: exit.forks, spawns: exit.spawns, ..child(became) });
            }
            Event::Lost(lost) => {
                self.lost.push((pid, time, format!("{} not written: {}", Count(lost.events, "event"), Plain(&lost.because))));
            }
        }
    }

    /// A fork that tells of itself: what it shares with others, and how many descriptors it had.
    fn take_whole(&mut self, id: &str, event: &Fork) -> (Option<Rc<ForkShape>>, u32) {
        let shape = intern(&mut self.fork_shapes, fork_shape(event));
        let descriptors = event.counts.descriptors.max(event.descriptors.len() as u32 + event.truncated.descriptors);
        self.earlier.insert(id.to_owned(), Earlier { shape: shape.clone(), descriptors, findings: Vec::new() });
        (Some(shape), descriptors)
    }

    /// The same of a fork that is like an `earlier` one of the same file: its findings are those of that one.
    fn take_like(&mut self, id: &str, pid: u32, time: f64, earlier: &str, event: &Fork) -> (Option<Rc<ForkShape>>, u32) {
        let Some(earlier) = self.earlier.get(earlier) else { return (None, 0) };
        self.findings.extend(earlier.findings.iter().map(|(what, shape, severity)| FindingRecord {
            id: format!("{id}:{what}"),
            fork: Some(id.to_owned()),
            pid,
            time,
            child: event.child,
            shape: shape.clone(),
            life: Life { severity: *severity, state: State::Open, because: String::new() },
        }));
        let shape = match &event.site {
            Some(_) => intern(&mut self.fork_shapes, ForkShape { site: called_at(event), ..(*earlier.shape).clone() }),
            None => earlier.shape.clone(),
        };
        (Some(shape), earlier.descriptors)
    }

    /// Keeps a finding of a fork for later forks that are like it. What bit a child is that child's own.
    fn keep_for_likes(&mut self, finding: &Finding, fork: Option<&str>, shape: &Rc<FindingShape>) {
        let earlier =
            fork.and_then(|fork| Some((self.earlier.get_mut(fork)?, finding.id.strip_prefix(fork)?.strip_prefix(':')?)));
        if let Some((earlier, what)) = earlier.filter(|_| !finding.kind.is_bite() && finding.state != State::Hit) {
            earlier.findings.push((what.to_owned(), shape.clone(), finding.severity));
        }
    }

    /// Puts together what the events say.
    pub(crate) fn join(mut self) -> Report {
        self.add_unseen_forks();
        self.forks.sort_by(|a, b| a.time.total_cmp(&b.time));
        self.children.sort_by(|a, b| a.time.total_cmp(&b.time));
        let forks = Index::new(self.forks.iter().map(|fork| (fork.id.clone(), fork.time)));
        let at = |fork: &Option<String>, time| fork.as_ref().and_then(|id| forks.at(id, time));
        for child in &self.children {
            let Some(fork) = at(&child.fork, child.time).map(|position| &mut self.forks[position]) else { continue };
            fork.child = fork.child.or(Some(child.pid));
            fork.became.settled |= child.became.settled;
            fork.became.exec = child.became.exec.clone().or(fork.became.exec.take());
            fork.became.status = child.became.status.or(fork.became.status);
            fork.became.forked |= child.became.forked;
        }
        self.forks.iter_mut().for_each(|fork| fork.became.unsaid = fork.unsaid);
        for bite in self.findings.iter().filter(|finding| finding.shape.kind.is_bite()) {
            if let Some(position) = at(&bite.fork, bite.time) {
                self.forks[position].became.bit = true;
            }
        }
        self.let_live(&forks);
        let mut deeds = mem::take(&mut self.deeds);
        deeds.sort_by(|a, b| a.time.total_cmp(&b.time));
        let (of_children, of_leaders): (Vec<_>, Vec<_>) =
            deeds.into_iter().map(|deed| (at(&deed.fork, deed.time), deed)).partition(|(position, _)| position.is_some());
        for (position, record) in of_children {
            position.into_iter().for_each(|position| self.forks[position].deeds.take(&record.deed));
        }

        let mut leaders = Leaders::new(&self.processes);
        // A process that no fork made is worth its line even when it forked nothing.
        for process in self.processes.iter().filter(|process| process.fork.is_none() || !process.limits.is_empty()) {
            leaders.of(process.pid, process.time);
        }
        for (pid, time, lost) in self.lost {
            leaders.of(pid, time).lost.push(lost);
        }
        for (_, DeedRecord { pid, time, deed, .. }) in of_leaders {
            leaders.of(pid, time).deeds.take(&deed);
        }
        for finding in self.findings {
            let fork = at(&finding.fork, finding.time).map(|position| &self.forks[position]);
            let became = fork.map(|fork| fork.became.clone()).unwrap_or_default();
            leaders.of(fork.map_or(finding.pid, |fork| fork.leader), finding.time).findings.push(Found {
                life: outlived(finding.life, &became),
                child: finding.child.or_else(|| fork?.child),
                ended: became.status.is_some(),
                shape: finding.shape,
            });
        }
        for fork in self.forks {
            leaders.of(fork.leader, fork.time).forks.push(fork);
        }
        for child in &self.children {
            let Some(status) = child.became.status else { continue };
            if let Some(leader) = leaders.known(child.pid, child.time) {
                let (forks, spawns) = (Count(child.forks, "fork"), Count(child.spawns, "spawn"));
                leader.end = Some(format!("ended with status {status} after {forks} and {spawns}"));
            }
        }
        let mut leaders: Vec<Leader> = leaders.known.into_values().collect();
        leaders.sort_by(|a, b| a.begin().total_cmp(&b.begin()));
        Report { leaders, notes: self.notes }
    }

    /// Stands in for forks that children or findings name, but of which no file has the event.
    fn add_unseen_forks(&mut self) {
        let mut seen: HashSet<String> = self.forks.iter().map(|fork| fork.id.clone()).collect();
        let children = self.children.iter().map(|child| (&child.fork, child.time, Some(child.pid)));
        let findings = self.findings.iter().map(|finding| (&finding.fork, finding.time, finding.child));
        let deeds = self.deeds.iter().map(|deed| (&deed.fork, deed.time, Some(deed.pid)));
        for (id, time, child) in children.chain(findings).chain(deeds) {
            let Some(id) = id else { continue };
            let Some(leader) = id.split('.').next().and_then(|pid| pid.parse().ok()) else { continue };
            if seen.insert(id.clone()) {
                self.forks.push(ForkRecord {
                    id: id.clone(),
                    leader,
                    time,
                    child,
                    shape: None,
                    descriptors: 0,
                    cost: (0.0, 0.0),
                    unsaid: false,
                    memory: None,
                    became: Became::default(),
                    deeds: Deeds::default(),
                });
            }
        }
    }

    /// Lets every finding reach its last state. Lines of a child may come before the finding's own.
    fn let_live(&mut self, forks: &Index<String>) {
        let mut changes = mem::take(&mut self.states);
        let mut known: HashMap<(String, Option<usize>), usize> = HashMap::new();
        let key = |id: &str, time| (id.to_owned(), forks.at(&id.split(':').next().unwrap_or_default().to_owned(), time));
        let mut findings = mem::take(&mut self.findings);
        findings.sort_by(|a, b| a.time.total_cmp(&b.time));
        for finding in findings {
            match known.entry(key(&finding.id, finding.time)) {
                Entry::Vacant(place) => {
                    place.insert(self.findings.len());
                    self.findings.push(finding);
                }
                Entry::Occupied(_) if finding.life.state == State::Open => {}
                // It bit again.
                Entry::Occupied(place) => {
                    self.findings[*place.get()].shape = finding.shape.clone();
                    let FindingRecord { id, time, life: Life { severity, state, because }, .. } = finding;
                    changes.push(StateRecord { id, time, state, severity: Some(severity), because });
                }
            }
        }
        changes.sort_by(|a, b| a.time.total_cmp(&b.time));
        for change in changes {
            let Some(&position) = known.get(&key(&change.id, change.time)) else {
                let (id, state) = (Plain(&change.id), change.state.name());
                self.notes.push(format!("{id} is {state} ({}); the finding itself is in none of these files", change.because));
                continue;
            };
            let life = &mut self.findings[position].life;
            *life = Life { severity: change.severity.unwrap_or(life.severity), state: change.state, because: change.because };
        }
    }
}

/// One line of a report. A report may be anybody's: none of its texts reaches a terminal as it is.
fn parsed(line: &[u8]) -> Option<Line<'static>> {
    let mut value = serde_json::from_slice(line).ok()?;
    make_plain(&mut value);
    serde_json::from_value(value).ok()
}

fn make_plain(value: &mut Value) {
    match value {
        Value::String(text) => *text = plain(text),
        Value::Array(list) => list.iter_mut().for_each(make_plain),
        Value::Object(object) => object.values_mut().for_each(make_plain),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The processes that are worth a chapter, each by its own events where there are any.
struct Leaders<'a> {
    processes: &'a [Process],
    index: Index<u32>,
    known: BTreeMap<(Option<usize>, u32), Leader>,
}

impl Leaders<'_> {
    fn new(processes: &[Process]) -> Leaders<'_> {
        let index = Index::new(processes.iter().map(|process| (process.pid, process.time)));
        Leaders { processes, index, known: BTreeMap::new() }
    }

    /// The process that had `pid` at `time`.
    fn of(&mut self, pid: u32, time: f64) -> &mut Leader {
        let position = self.index.at(&pid, time);
        self.known.entry((position, pid)).or_insert_with(|| Leader {
            pid,
            process: position.map(|position| self.processes[position].clone()),
            end: None,
            lost: Vec::new(),
            forks: Vec::new(),
            findings: Vec::new(),
            deeds: Deeds::default(),
        })
    }

    /// The same, if it has its chapter already.
    fn known(&mut self, pid: u32, time: f64) -> Option<&mut Leader> {
        self.known.get_mut(&(self.index.at(&pid, time), pid))
    }
}

impl Deeds {
    fn take(&mut self, deed: &Deed) {
        match deed {
            Deed::Guard(deed) => self.guards.push(deed.clone()),
            Deed::Unlisted(count) => self.unlisted += u64::from(*count),
            Deed::Fixup(run) => self.go_on(run),
        }
    }

    /// What began ends; a child that was forked inside a fixup sees only its end.
    fn go_on(&mut self, run: &FixupRun) {
        let began = |earlier: &&mut FixupRun| earlier.name == run.name && earlier.progress == Progress::Begins;
        match self.fixups.iter_mut().rev().find(began).filter(|_| run.progress != Progress::Begins) {
            Some(earlier) => (earlier.progress, earlier.took) = (run.progress, run.took),
            None => self.fixups.push(FixupRun { name: run.name.clone(), ..*run }),
        }
    }
}

impl Leader {
    /// When its first event was written.
    fn begin(&self) -> f64 {
        self.process.as_ref().map(|process| process.time).or(self.forks.first().map(|fork| fork.time)).unwrap_or_default()
    }
}

/// What became of a child that wrote nothing, where a short-lived one does so.
pub(crate) const GONE_UNSAID: &str = "the child exec'd or ended at once, or has not settled yet";

/// A hazard that still stood when its child exec'd, or ended before it had settled without a fork of its own, is moot.
fn outlived(life: Life, became: &Became) -> Life {
    let because = match became {
        Became { exec: Some(program), .. } => format!("the child exec'd {program}"),
        Became { settled: false, status: Some(_), forked: false, .. } => "the child ended at once".to_owned(),
        Became { settled: false, status: None, forked: false, bit: false, unsaid: true, .. } => GONE_UNSAID.to_owned(),
        _ => return life,
    };
    if life.state == State::Open { Life { state: State::Moot, because, ..life } } else { life }
}

/// The one copy of a shape.
fn intern<T: Eq + Hash>(known: &mut HashSet<Rc<T>>, shape: T) -> Rc<T> {
    if let Some(known) = known.get(&shape) {
        return known.clone();
    }
    let shape = Rc::new(shape);
    known.insert(shape.clone());
    shape
}

/// What a guard did, in words.
fn guard(cure: &Cure) -> String {
    let failed = cure.failed.map(|errno| format!(", which failed: {}", io::Error::from_raw_os_error(errno)));
    format!("{}: {}{}", Plain(&cure.subject), Plain(&cure.action), failed.unwrap_or_default())
}

fn plain(text: &str) -> String {
    Plain(text).to_string()
}

fn frames(site: &Site) -> Vec<String> {
    site.frames.iter().filter(|frame| !frame.is_forkguard()).map(|frame: &Frame| format!("{frame:#}")).collect()
}

fn finding_shape(finding: &Finding) -> FindingShape {
    FindingShape {
        kind: finding.kind,
        subject: plain(&finding.subject),
        at: finding.at.iter().map(|line| plain(line)).collect(),
        sites: finding.story().map(|site| (site.role.deed(), frames(site))).collect(),
        explain: plain(&finding.explain),
        cure: plain(&finding.cure),
    }
}

fn fork_shape(fork: &Fork) -> ForkShape {
    ForkShape { kind: fork.kind, failed: fork.failed, site: called_at(fork), inherits: inherits(fork) }
}

/// Where a fork was called.
fn called_at(fork: &Fork) -> Option<String> {
    fork.site.as_ref().and_then(Site::innermost).map(|frame| format!("{frame:#}"))
}

/// What the child inherits, and what it does not, a line each.
fn inherits(fork: &Fork) -> Vec<String> {
    let mut lines = Vec::new();
    let mut say = |what: &str, names: Vec<String>, left_out: u32| {
        if names.is_empty() && left_out == 0 {
            return;
        }
        let more = names.len().saturating_sub(NAMED) + left_out as usize;
        let more = (more > 0).then(|| format!("{more} more"));
        let names: Vec<String> = names.into_iter().take(NAMED).chain(more).collect();
        lines.push(format!("{what}: {}", names.join(", ")));
    };
    if fork.detail == Detail::Counts {
        let counts = &fork.counts;
        say(
            "counts only",
            vec![Count(counts.threads.into(), "thread").to_string(), Count(counts.locks.into(), "held lock").to_string()],
            0,
        );
    }
    if fork.counts.spawns > 0 {
        say("processes made without atfork handlers since the fork before", vec![fork.counts.spawns.to_string()], 0);
    }
    let lost = fork.threads.iter().filter(|thread| !thread.forking);
    say(
        "threads lost",
        lost.map(|thread| format!("{} (tid {})", Plain(&thread.name), thread.tid)).collect(),
        fork.truncated.threads,
    );
    let locks = fork.locks.iter().filter(|lock| !lock.signal);
    say("locks held", locks.map(lock).collect(), fork.truncated.locks);
    for (what, role) in [
        ("connections", SocketRole::Connected),
        ("connections of unknown origin", SocketRole::Peer),
        ("accepted", SocketRole::Accepted),
        ("listening", SocketRole::Listening),
    ] {
        let sockets = fork.descriptors.iter().filter_map(|descriptor| descriptor.socket.as_ref());
        let sockets = sockets.filter(|socket| socket.role == role).map(|socket| {
            let address = if role == SocketRole::Listening { &socket.local } else { &socket.peer };
            let service = socket.service.as_ref().map(|service| format!(" ({})", Plain(service))).unwrap_or_default();
            format!("{}{service}", Plain(address.as_deref().unwrap_or("no address")))
        });
        say(what, sockets.collect(), 0);
    }
    let signals = |disposition| {
        let signals = fork.signals.iter().filter(move |signal| signal.disposition == disposition);
        signals.map(|signal| plain(&signal.signal)).collect()
    };
    say("signals handled", signals(Disposition::Handler), 0);
    say("signals ignored", signals(Disposition::Ignore), 0);
    say("signals blocked", fork.blocked.iter().map(|signal| plain(signal)).collect(), 0);
    say("timers lost", fork.timers.iter().map(|timer| format!("{} ({})", Plain(&timer.call), Plain(&timer.clock))).collect(), 0);
    let libraries = fork.atfork.iter().map(|atfork| plain(atfork.library.rsplit('/').next().unwrap_or_default()));
    say("atfork handlers", libraries.collect(), fork.truncated.atfork);
    if fork.truncated.findings > 0 {
        say("findings not written", vec![fork.truncated.findings.to_string()], 0);
    }
    lines
}

fn lock(lock: &Lock) -> String {
    let place = lock.name.as_deref().or(lock.address.as_deref()).unwrap_or("without address");
    format!("{} {} by {} (tid {})", lock.kind.name(), Plain(place), Plain(&lock.holder_name), lock.holder)
}
