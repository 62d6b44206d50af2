//! Findings by kind and line of the application: one for all children that have it.
use super::forks::{Forks, Reason};
use super::instances::Instance;
use super::keep::Text;
use super::line::Shared;
use super::places::{application_lines, fingerprint, innermost, place, without_numbers};
use super::records::{CHILDREN, ForkId};
use crate::symbols::Symbols;
use forkguard_report::event::{FindingKind, Severity, Site, State};
use forkguard_report::story::{Finding, Life, Place};
use indexmap::IndexMap;
use std::cmp::Reverse;
use std::collections::HashMap;

/// Things that one finding is about, one of which is shown first.
const SUBJECTS: usize = 9;

/// What findings of one shape share, with native code resolved.
struct Shape {
    /// Position of the group that it is of.
    group: usize,
    at: Vec<String>,
    sites: Vec<Site<'static>>,
    explain: String,
    cure: String,
    suppressed: bool,
}

/// A finding in all children that have it.
struct Group {
    kind: FindingKind,
    line: String,
    place: Option<Place>,
    /// The instance that is as bad as any, which is shown.
    worst: Option<Worst>,
    subjects: Vec<Text>,
    suppressed: bool,
    lives: Vec<LifeSoFar>,
    children: Distinct,
    leaders: Vec<u32>,
    first: f64,
    last: f64,
}

struct Worst {
    shape: usize,
    subject: Text,
    fork: Option<ForkId>,
    what: Text,
    severity: Severity,
    state: State,
}

struct LifeSoFar {
    because: Reason,
    children: Distinct,
    life: Life,
}

/// Counts children, whose findings come one after the other.
#[derive(Default)]
struct Distinct {
    count: u64,
    last: Option<usize>,
}

impl Distinct {
    /// True for a child that is new.
    fn add(&mut self, fork: Option<usize>) -> bool {
        let new = fork.is_none() || fork != self.last;
        self.count += u64::from(new);
        self.last = fork;
        new
    }
}

/// The findings so far.
pub(crate) struct Groups<'a> {
    shared: &'a Shared,
    symbols: Symbols<'a>,
    /// Positions of shapes by the number of what is kept and the subject; and by the subject without its numbers.
    known: HashMap<(u32, Text), usize>,
    alike: HashMap<(u32, String), usize>,
    shapes: Vec<Shape>,
    /// By kind, and the line or else the subject.
    groups: IndexMap<(FindingKind, String), Group>,
}

impl<'a> Groups<'a> {
    pub(crate) fn new(shared: &'a Shared, symbols: Symbols<'a>) -> Groups<'a> {
        let (known, alike) = (HashMap::new(), HashMap::new());
        Groups { shared, symbols, known, alike, shapes: Vec::new(), groups: IndexMap::new() }
    }

    /// Adds a finding in one child; returns the position of its group.
    pub(crate) fn add(&mut self, instance: &Instance, forks: &Forks) -> usize {
        let number = self.shape(instance);
        let shape = &self.shapes[number];
        let group = &mut self.groups[shape.group];
        group.suppressed &= shape.suppressed;
        group.add(instance, number, forks);
        shape.group
    }

    /// The findings, the worst first; and by position of each group its place among them.
    pub(crate) fn finish(self) -> (Vec<Finding>, Vec<u32>) {
        let Groups { shared, shapes, groups, .. } = self;
        let mut findings: Vec<(usize, Finding)> =
            groups.into_values().map(|group| group.finish(&shapes, shared)).enumerate().collect();
        let kind = |kind: FindingKind| FindingKind::ALL.iter().position(|&other| other == kind);
        findings.sort_by_key(|(_, it)| {
            let turn = (!it.kind.is_bite(), kind(it.kind), it.first.to_bits());
            (Reverse((rank(it.state).min(STANDS), it.severity, rank(it.state))), turn)
        });
        let mut places = vec![0; findings.len()];
        findings.iter().enumerate().for_each(|(place, (group, _))| places[*group] = place as u32);
        (findings.into_iter().map(|(_, finding)| finding).collect(), places)
    }

    /// Position of the instance's shape.
    fn shape(&mut self, instance: &Instance) -> usize {
        let (shape, text) = (instance.finding.shape, instance.finding.subject);
        if let Some(&known) = self.known.get(&(shape, text)) {
            return known;
        }
        let subject = without_numbers(&self.shared.keep.read(text));
        let alike = self.alike.get(&(shape, subject.clone())).copied();
        let number = alike.unwrap_or_else(|| self.add_shape(shape, subject));
        self.known.insert((shape, text), number);
        number
    }

    fn add_shape(&mut self, number: u32, subject: String) -> usize {
        let keep = &self.shared.keep;
        let kept = self.shared.finding_shapes.get(number);
        let mut resolved = false;
        let mut sites = Vec::new();
        for (role, thread, stack) in kept.sites {
            let (frames, any) = self.symbols.frames(keep.frames(stack));
            resolved |= any;
            sites.push(Site { role, thread, frames: frames.into() });
        }
        let said = kept.at.iter().map(|&line| keep.read(line));
        let at = if resolved { application_lines(&sites) } else { said.collect() };
        let place = place(&sites);
        let line = match &place {
            Some(Place { file, line: Some(line), .. }) => format!("{file}:{line}"),
            _ if !at.is_empty() => at[0].clone(),
            _ => format!("{subject} {}", innermost(&sites).map(|frame| frame.to_string()).unwrap_or_default()),
        };
        let entry = self.groups.entry((kept.kind, line.clone()));
        let group = entry.index();
        entry.or_insert_with(|| Group::new(kept.kind, line, place));
        let (explain, cure) = (keep.read(kept.explain), keep.read(kept.cure));
        self.shapes.push(Shape { group, at, sites, explain, cure, suppressed: kept.suppressed });
        self.alike.insert((number, subject), self.shapes.len() - 1);
        self.shapes.len() - 1
    }
}

impl Group {
    fn new(kind: FindingKind, line: String, place: Option<Place>) -> Group {
        Group {
            kind,
            line,
            place,
            worst: None,
            subjects: Vec::new(),
            suppressed: true,
            lives: Vec::new(),
            children: Distinct::default(),
            leaders: Vec::new(),
            first: f64::INFINITY,
            last: 0.0,
        }
    }

    fn add(&mut self, instance: &Instance, shape: usize, forks: &Forks) {
        let (finding, state, severity) = (instance.finding, instance.state, instance.severity);
        let fork = instance.fork.map(|fork| &forks.all[fork]);
        let worse = |worst: &Worst| (rank(state), severity) > (rank(worst.state), worst.severity);
        if self.worst.as_ref().is_none_or(worse) {
            let (subject, what, fork) = (finding.subject, finding.what, fork.map(|fork| fork.id));
            self.worst = Some(Worst { shape, subject, fork, what, severity, state });
        }
        if self.subjects.len() < SUBJECTS && !self.subjects.contains(&finding.subject) {
            self.subjects.push(finding.subject);
        }
        let leader = fork.map_or(finding.pid, |fork| fork.id.leader);
        if self.leaders.len() < CHILDREN && !self.leaders.contains(&leader) {
            self.leaders.push(leader);
        }
        self.first = self.first.min(instance.time);
        self.last = self.last.max(instance.time);
        self.children.add(instance.fork);
        let LifeSoFar { life, children, .. } = self.life(instance);
        if !children.add(instance.fork) {
            return;
        }
        life.count += 1;
        life.ended += u64::from(fork.is_some_and(|fork| fork.became.status.is_some()));
        life.children.extend(instance.child.filter(|_| life.children.len() < CHILDREN));
    }

    /// The life that an instance is in.
    fn life(&mut self, instance: &Instance) -> &mut LifeSoFar {
        let &Instance { state, severity, because, .. } = instance;
        let found = self.lives.iter().position(|it| (it.life.state, it.life.severity) == (state, severity));
        let position = found.unwrap_or_else(|| {
            let life = Life { state, severity, because: String::new(), count: 0, children: Vec::new(), ended: 0 };
            self.lives.push(LifeSoFar { because, children: Distinct::default(), life });
            self.lives.len() - 1
        });
        &mut self.lives[position]
    }

    fn finish(self, shapes: &[Shape], shared: &Shared) -> Finding {
        let keep = &shared.keep;
        let worst = self.worst.expect("a group has an instance");
        let shape = &shapes[worst.shape];
        let others = self.subjects.iter().filter(|&&subject| subject != worst.subject);
        let mut lives: Vec<Life> = self.lives.into_iter().map(|it| Life { because: it.because.words(keep), ..it.life }).collect();
        lives.sort_by_key(|life| Reverse((rank(life.state), life.severity)));
        // The hazard that bit and its bite, both of this kind.
        lives.dedup_by(|hazard, bite| (hazard.state, &hazard.children, hazard.count) == (bite.state, &bite.children, bite.count));
        let fork = worst.fork.map(|fork| format!("{fork}:")).unwrap_or_default();
        Finding {
            id: format!("{fork}{}", keep.read(worst.what)),
            fingerprint: fingerprint(self.kind, &self.line, self.place.as_ref()),
            kind: self.kind,
            severity: worst.severity,
            state: worst.state,
            subject: keep.read(worst.subject),
            other_subjects: others.map(|&subject| keep.read(subject)).collect(),
            at: shape.at.clone(),
            place: self.place,
            sites: shape.sites.clone(),
            explain: shape.explain.clone(),
            cure: shape.cure.clone(),
            suppressed: self.suppressed,
            lives,
            children: self.children.count,
            leaders: self.leaders,
            first: self.first,
            last: self.last,
        }
    }
}

/// From this rank on somebody has to care.
const STANDS: u8 = 3;

/// Which state matters more.
fn rank(state: State) -> u8 {
    match state {
        State::Hit => 4,
        State::Open => STANDS,
        State::Untouched => 2,
        State::Resolved => 1,
        State::Moot => 0,
    }
}
