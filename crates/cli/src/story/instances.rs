//! Every finding in every child, one after the other, each in the last state of its life. Lines of a child may come before the finding's own.
use super::forks::{Forks, Reason, moot};
use super::keep::{Keep, Text};
use super::records::{FindingRecord, ForkRecord, Records, StateRecord};
use forkguard_report::event::{Severity, State};
use std::collections::HashSet;

/// Findings of which no event is there that are named.
const NAMED: usize = 8;

/// A finding in one child.
pub(crate) struct Instance<'a> {
    pub(crate) finding: &'a FindingRecord,
    /// Position of the fork that made the child.
    pub(crate) fork: Option<usize>,
    pub(crate) child: Option<u32>,
    pub(crate) time: f64,
    pub(crate) severity: Severity,
    pub(crate) state: State,
    pub(crate) because: Reason,
}

/// A finding's place among all: its fork, and what follows that in its id.
type Key = (Option<usize>, Text);

/// The last change of a finding's life.
struct Change {
    key: Key,
    time: f64,
    state: State,
    severity: Option<Severity>,
    because: Text,
}

/// All findings by fork, and the last change of each.
pub(crate) struct Instances {
    findings: Vec<(Key, FindingRecord)>,
    changes: Vec<Change>,
}

impl Instances {
    pub(crate) fn of(records: &mut Records, forks: &Forks) -> Instances {
        let findings = std::mem::take(&mut records.findings).into_iter();
        let mut findings: Vec<(Key, FindingRecord)> =
            findings.map(|finding| ((forks.at(finding.fork, finding.time), finding.what), finding)).collect();
        findings.sort_by(|(a, one), (b, other)| a.cmp(b).then(one.time.total_cmp(&other.time)));
        let states = std::mem::take(&mut records.states).into_iter();
        let mut changes: Vec<Change> = states.map(|state| change(state, forks)).collect();
        changes.extend(hit_again(&mut findings));
        changes.sort_by(|a, b| a.key.cmp(&b.key).then(a.time.total_cmp(&b.time)));
        changes.dedup_by(|later, earlier| {
            let same = later.key == earlier.key;
            if same {
                // The last one stays, with the severity that was said last.
                later.severity = later.severity.or(earlier.severity);
                std::mem::swap(later, earlier);
            }
            same
        });
        Instances { findings, changes }
    }

    /// Calls `each` with every finding in every child: those of the fork itself, and for a fork like an earlier one that one's hazards.
    pub(crate) fn each(&self, forks: &Forks, mut each: impl FnMut(Instance)) {
        for (key, finding) in self.findings.iter().filter(|(key, _)| key.0.is_none()) {
            each(self.instance(finding, *key, None));
        }
        for (position, fork) in forks.all.iter().enumerate() {
            for (key, finding) in self.in_fork(position) {
                each(self.instance(finding, *key, Some(fork)));
            }
            for finding in self.like(position, forks) {
                let key = (Some(position), finding.what);
                each(Instance { time: fork.time, child: fork.child, ..self.instance(finding, key, Some(fork)) });
            }
        }
    }

    /// What changed in the lives of findings that are in none of the files.
    pub(crate) fn strays(&self, forks: &Forks, keep: &Keep) -> Vec<String> {
        let mut notes = Vec::new();
        let mut more = 0;
        for change in &self.changes {
            if self.is_known(change.key, forks) {
                continue;
            }
            if notes.len() == NAMED {
                more += 1;
                continue;
            }
            let id = change.key.0.map(|fork| format!("{}:", forks.all[fork].id)).unwrap_or_default();
            let (what, because) = (keep.read(change.what()), keep.read(change.because));
            notes
                .push(format!("{id}{what} is {} ({because}); the finding itself is in none of these files", change.state.name()));
        }
        if more > 0 {
            notes.push(format!("{more} more findings changed that are in none of these files"));
        }
        notes
    }

    fn is_known(&self, key: Key, forks: &Forks) -> bool {
        let own = self.findings.binary_search_by(|(other, _)| other.cmp(&key)).is_ok();
        own || key.0.is_some_and(|fork| self.like(fork, forks).any(|finding| finding.what == key.1))
    }

    fn in_fork(&self, position: usize) -> &[(Key, FindingRecord)] {
        let first = self.findings.partition_point(|(key, _)| key.0 < Some(position));
        let end = self.findings[first..].partition_point(|(key, _)| key.0 == Some(position));
        &self.findings[first..first + end]
    }

    /// The hazards of the earlier fork that this one is like. What hit a child is that child's own.
    fn like(&self, position: usize, forks: &Forks) -> impl Iterator<Item = &FindingRecord> {
        let whole = forks.whole(position);
        let earlier = if whole == position { &[] } else { self.in_fork(whole) };
        earlier.iter().map(|(_, finding)| finding).filter(|finding| !finding.kind.is_bite() && finding.state != State::Hit)
    }

    fn instance<'a>(&'a self, finding: &'a FindingRecord, key: Key, fork: Option<&ForkRecord>) -> Instance<'a> {
        let change = self.changes.binary_search_by(|change| change.key.cmp(&key)).ok().map(|found| &self.changes[found]);
        let mut instance = Instance {
            finding,
            fork: key.0,
            child: finding.child.or_else(|| fork?.child),
            time: finding.time,
            severity: change.and_then(|change| change.severity).unwrap_or(finding.severity),
            state: change.map_or(finding.state, |change| change.state),
            because: Reason::Said(change.map(|change| change.because).unwrap_or_default()),
        };
        if let Some(because) = fork.and_then(|fork| moot(fork, finding.kind, instance.state)) {
            (instance.state, instance.because) = (State::Moot, because);
        }
        instance
    }
}

impl Change {
    fn what(&self) -> Text {
        self.key.1
    }
}

fn change(record: StateRecord, forks: &Forks) -> Change {
    let StateRecord { fork, what, time, state, severity, because } = record;
    Change { key: (forks.at(fork, time), what), time, state, severity, because }
}

/// Findings that were written again: it hit again, of which the last tells most. The others go.
fn hit_again(findings: &mut Vec<(Key, FindingRecord)>) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut again = HashSet::new();
    for pair in findings.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
        let (key, finding) = &pair[1];
        if finding.state != State::Open {
            let FindingRecord { time, state, severity, .. } = *finding;
            changes.push(Change { key: *key, time, state, severity: Some(severity), because: Text::default() });
            again.insert(*key);
        }
    }
    findings.reverse();
    let mut last: Option<Key> = None;
    findings.retain(|(key, finding)| {
        let first_seen = last != Some(*key) && (finding.state != State::Open || !again.contains(key));
        if first_seen {
            last = Some(*key);
        }
        first_seen
    });
    findings.reverse();
    changes
}
