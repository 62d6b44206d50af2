//! The processes that are worth a chapter, each by its own events where there are any, and their forks, equal ones together.
use super::forks::{AHEAD, Forks, Outcome};
use super::keep::{Stack, Text};
use super::line::Shared;
use super::places::called_at;
use super::records::{CHILDREN, FixupRecord, ForkRecord, GuardRecord, InheritedShape, News, ProcessRecord, Records};
use crate::symbols::Symbols;
use forkguard_report::event::{ForkKind, Progress};
use forkguard_report::story::{self, Counted, End, Fixups, Identity, Inherited, Process};
use indexmap::IndexMap;
use std::collections::HashMap;

/// A process: position of its own record, if there is one, and its id.
type Key = (Option<usize>, u32);

/// Forks that are told together: their shape and where they were called.
type ForksKey = (Option<u32>, Stack);

/// The processes so far.
pub(crate) struct Leaders {
    /// By id and time.
    records: Vec<ProcessRecord>,
    leaders: IndexMap<Key, Leader>,
}

#[derive(Default)]
struct Leader {
    end: Option<End>,
    lost: Vec<Text>,
    guarded: Guarded,
    forks: IndexMap<ForksKey, ForksSoFar>,
    begin: f64,
}

/// What guards did, by what; and how many deeds are not listed.
#[derive(Default)]
struct Guarded(IndexMap<Option<Text>, u64>);

/// Runs of a fixup: how many, what each took in microseconds, in which children.
type Runs = (u64, Vec<f32>, Vec<u32>);

#[derive(Default)]
struct ForksSoFar {
    count: u64,
    first: f64,
    last: f64,
    descriptors: Option<(u32, u32)>,
    cost: (f64, f64),
    memory: Option<super::records::LeaderMemory>,
    guarded: Guarded,
    fixups: IndexMap<(Progress, Text), Runs>,
    children: Vec<u32>,
    outcomes: IndexMap<Outcome, (u64, Vec<u32>)>,
}

impl Leaders {
    pub(crate) fn of(records: &mut Records, forks: &Forks) -> Leaders {
        let mut own = std::mem::take(&mut records.processes);
        own.sort_by(|a, b| a.pid.cmp(&b.pid).then(a.time.total_cmp(&b.time)));
        let mut leaders = Leaders { records: own, leaders: IndexMap::new() };
        for position in 0..leaders.records.len() {
            let record = &leaders.records[position];
            // A process that no fork made is worth its line even when it forked nothing.
            if record.fork.is_none() || !record.limits.is_empty() {
                leaders.leader(record.pid, record.time);
            }
        }
        for lost in &records.lost {
            leaders.leader(lost.pid, lost.time).lost.push(lost.text);
        }
        let places = leaders.take_forks(forks);
        leaders.take_guarded(&records.guarded, forks, &places);
        leaders.take_fixups(&mut records.fixups, forks, &places);
        for child in &records.children {
            let News::Exit { status, forks, spawns } = child.news else { continue };
            if let Some(leader) = leaders.known(child.pid, child.time) {
                leader.end = Some(End { time: child.time, status, forks: forks.into(), spawns: spawns.into() });
            }
        }
        leaders
    }

    /// Adds every fork to those of its leader; returns where each is.
    fn take_forks(&mut self, forks: &Forks) -> Vec<(usize, usize)> {
        let mut order: Vec<usize> = (0..forks.all.len()).collect();
        order.sort_by(|&a, &b| forks.all[a].time.total_cmp(&forks.all[b].time));
        let mut places = vec![(0, 0); forks.all.len()];
        for position in order {
            let fork = &forks.all[position];
            let whole = &forks.all[forks.whole(position)];
            let site = if fork.site.is_empty() { whole.site } else { fork.site };
            let leader = self.position(fork.id.leader, fork.time);
            let entry = self.leaders[leader].forks.entry((whole.shape, site));
            places[position] = (leader, entry.index());
            entry.or_default().take(fork, whole);
        }
        places
    }

    fn take_guarded(&mut self, deeds: &[GuardRecord], forks: &Forks, places: &[(usize, usize)]) {
        for deed in deeds {
            let guarded = match forks.at(deed.fork, deed.time).map(|fork| places[fork]) {
                Some((leader, forks)) => &mut self.leaders[leader].forks[forks].guarded,
                None => &mut self.leader(deed.pid, deed.time).guarded,
            };
            *guarded.0.entry(deed.deed).or_default() += u64::from(deed.count);
        }
    }

    /// What began ends; a child that was forked inside a fixup sees only its end.
    fn take_fixups(&mut self, runs: &mut [FixupRecord], forks: &Forks, places: &[(usize, usize)]) {
        runs.sort_by(|a, b| a.time.total_cmp(&b.time));
        let mut last: HashMap<(usize, Text), &FixupRecord> = HashMap::new();
        for run in runs.iter() {
            if let Some(fork) = forks.at(run.fork, run.time) {
                last.insert((fork, run.name), run);
            }
        }
        let mut ended: Vec<_> = last.into_iter().collect();
        ended.sort_by(|((a, _), one), ((b, _), other)| a.cmp(b).then(one.time.total_cmp(&other.time)));
        for ((fork, name), run) in ended {
            let (leader, group) = places[fork];
            let fixups = &mut self.leaders[leader].forks[group].fixups;
            let (count, took, children) = fixups.entry((run.progress, name)).or_default();
            *count += 1;
            took.extend(run.took);
            children.extend(forks.all[fork].child.filter(|_| children.len() < CHILDREN));
        }
    }

    /// The process that had `pid` at `time`: the last one that had begun by then.
    fn key(&self, pid: u32, time: f64) -> Key {
        let first = self.records.partition_point(|record| record.pid < pid);
        let begun = self.records[first..].partition_point(|record| record.pid == pid && record.time <= time + AHEAD);
        let position = first + begun.saturating_sub(1);
        (self.records.get(position).filter(|record| record.pid == pid).map(|_| position), pid)
    }

    fn position(&mut self, pid: u32, time: f64) -> usize {
        let key = self.key(pid, time);
        let begin = key.0.map_or(time, |own| self.records[own].time);
        let entry = self.leaders.entry(key);
        let position = entry.index();
        let leader = entry.or_insert_with(|| Leader { begin, ..Leader::default() });
        leader.begin = leader.begin.min(begin);
        position
    }

    fn leader(&mut self, pid: u32, time: f64) -> &mut Leader {
        let position = self.position(pid, time);
        &mut self.leaders[position]
    }

    /// The same, if it has its chapter already.
    fn known(&mut self, pid: u32, time: f64) -> Option<&mut Leader> {
        let key = self.key(pid, time);
        self.leaders.get_mut(&key)
    }

    /// The processes as they are told: parents before their children, in the order of time; and where each fork's stands.
    pub(crate) fn finish(mut self, forks: &Forks, shared: &Shared, symbols: &mut Symbols) -> (Vec<Process>, Vec<u32>) {
        let parents: Vec<Option<usize>> = (0..self.leaders.len()).map(|leader| self.parent(leader, forks)).collect();
        let order = self.order(&parents);
        let mut place = vec![0; order.len()];
        order.iter().enumerate().for_each(|(at, &leader)| place[leader] = at as u32);
        let of_forks = forks.all.iter().map(|fork| {
            let key = self.key(fork.id.leader, fork.time);
            self.leaders.get_index_of(&key).map_or(0, |leader| place[leader])
        });
        let of_forks = of_forks.collect();
        let processes = order.iter().map(|&leader| {
            let parent = parents[leader].map(|parent| place[parent]);
            let (&(own, pid), leader) = self.leaders.get_index_mut(leader).expect("a leader");
            let record = own.map(|own| &self.records[own]);
            std::mem::take(leader).finish(pid, parent, record, shared, symbols)
        });
        (processes.collect(), of_forks)
    }

    /// The leader that forked this one.
    fn parent(&self, leader: usize, forks: &Forks) -> Option<usize> {
        let (&(own, _), _) = self.leaders.get_index(leader)?;
        let record = &self.records[own?];
        let fork = &forks.all[forks.at(record.fork, record.time)?];
        let parent = self.leaders.get_index_of(&self.key(fork.id.leader, fork.time))?;
        (self.leaders[parent].begin < self.leaders[leader].begin).then_some(parent)
    }

    /// Depth first, each level by time. A parent has begun before its children: there is no circle.
    fn order(&self, parents: &[Option<usize>]) -> Vec<usize> {
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); parents.len()];
        let mut open: Vec<usize> = Vec::new();
        for (leader, parent) in parents.iter().enumerate() {
            parent.map_or(&mut open, |parent| &mut children[parent]).push(leader);
        }
        let latest_first = |leaders: &mut Vec<usize>| {
            leaders.sort_by(|&a, &b| self.leaders[b].begin.total_cmp(&self.leaders[a].begin));
        };
        children.iter_mut().for_each(latest_first);
        latest_first(&mut open);
        let mut order = Vec::new();
        while let Some(leader) = open.pop() {
            order.push(leader);
            open.append(&mut children[leader]);
        }
        order
    }
}

impl Leader {
    fn finish(
        self,
        pid: u32,
        parent: Option<u32>,
        record: Option<&ProcessRecord>,
        shared: &Shared,
        symbols: &mut Symbols,
    ) -> Process {
        let keep = &shared.keep;
        let limits = record.into_iter().flat_map(|record| &record.limits).map(|&limit| format!("limit: {}", keep.read(limit)));
        let identity = record.map(|record| Identity {
            name: keep.read(record.name),
            executable: keep.read(record.executable),
            mode: keep.read(record.mode),
            forkguard: keep.read(record.forkguard),
        });
        Process {
            pid,
            parent,
            identity,
            since: self.begin,
            end: self.end,
            limits: limits.chain(self.lost.iter().map(|&lost| keep.read(lost))).collect(),
            guarded: self.guarded.finish(shared),
            forks: self.forks.into_iter().map(|(key, forks)| forks.finish(key, shared, symbols)).collect(),
        }
    }
}

impl Guarded {
    fn finish(self, shared: &Shared) -> Vec<Counted> {
        let (unlisted, mut listed): (Vec<_>, Vec<_>) = self.0.into_iter().partition(|(deed, _)| deed.is_none());
        listed.extend(unlisted);
        let words = |deed: Option<Text>| deed.map_or_else(|| "not listed".to_owned(), |deed| shared.keep.read(deed));
        listed.into_iter().map(|(deed, count)| Counted { what: words(deed), count }).collect()
    }
}

impl ForksSoFar {
    /// Adds a fork; `whole` tells what its child inherits.
    fn take(&mut self, fork: &ForkRecord, whole: &ForkRecord) {
        if self.count == 0 {
            self.first = fork.time;
        }
        self.count += 1;
        self.last = fork.time;
        let (least, most) = self.descriptors.unwrap_or((u32::MAX, 0));
        self.descriptors = Some((least.min(whole.descriptors), most.max(whole.descriptors)));
        self.cost.0 += f64::from(fork.cost.0);
        self.cost.1 += f64::from(fork.cost.1);
        self.memory = fork.memory.or(self.memory);
        self.children.extend(fork.child.filter(|_| self.children.len() < CHILDREN));
        if let Some(outcome) = Outcome::of(fork, Some(ForkKind::Fork).filter(|_| whole.shape.is_some())) {
            let (count, children) = self.outcomes.entry(outcome).or_default();
            *count += 1;
            children.extend(fork.child.filter(|_| children.len() < CHILDREN));
        }
    }

    fn finish(self, (shape, site): ForksKey, shared: &Shared, symbols: &mut Symbols) -> story::Forks {
        let keep = &shared.keep;
        let shape = shape.map(|shape| shared.fork_shapes.get(shape));
        let kind = shape.as_ref().map(|shape| shape.kind);
        let inherited = |list: &InheritedShape| Inherited {
            what: list.what.to_owned(),
            names: list.names.iter().map(|&name| keep.read(name)).collect(),
            more: list.more,
        };
        // Of a vfork and the like no word of the child is to be expected.
        let told = |outcome: &Outcome| kind == Some(ForkKind::Fork) || *outcome != Outcome::NoWord;
        let outcome = |(outcome, (count, children)): (Outcome, _)| story::Outcome { what: outcome.words(keep), count, children };
        story::Forks {
            kind,
            failed: shape.as_ref().and_then(|shape| shape.failed),
            count: self.count,
            first: self.first,
            last: self.last,
            called_at: called_at(keep, site, symbols),
            inherits: shape.iter().flat_map(|shape| &shape.inherits).map(inherited).collect(),
            descriptors: self.descriptors.unwrap_or_default(),
            cost_us: (self.cost.0 / self.count as f64, self.cost.1 / self.count as f64),
            memory: self.memory.map(Into::into),
            guarded: self.guarded.finish(shared),
            fixups: self.fixups.into_iter().map(|((progress, name), runs)| fixups(keep.read(name), progress, runs)).collect(),
            children: self.children,
            outcomes: self.outcomes.into_iter().filter(|(outcome, _)| told(outcome)).map(outcome).collect(),
        }
    }
}

fn fixups(name: String, progress: Progress, (count, took, children): Runs) -> Fixups {
    let mean = || took.iter().copied().map(f64::from).sum::<f64>() / took.len() as f64;
    Fixups { name, progress, count, took_us: (!took.is_empty()).then(mean), children }
}
