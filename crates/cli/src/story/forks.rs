//! The forks by id and time, each with what became of its child.
use super::keep::{Keep, Text};
use super::records::{Became, ChildRecord, FindingRecord, ForkId, ForkRecord, News, Records};
use forkguard_report::event::{FindingKind, ForkKind, State};
use std::collections::HashSet;

/// A child may write before its leader does, by this many seconds.
pub(crate) const AHEAD: f64 = 1.0;

/// All forks, by id and time.
pub(crate) struct Forks {
    pub(crate) all: Vec<ForkRecord>,
}

impl Forks {
    /// The forks of `records`, with those of which other events tell; what children say of themselves is added to them.
    pub(crate) fn of(records: &mut Records) -> Forks {
        let mut all = std::mem::take(&mut records.forks);
        add_unseen(&mut all, records);
        all.sort_by(|a, b| a.id.cmp(&b.id).then(a.time.total_cmp(&b.time)));
        let mut forks = Forks { all };
        records.children.sort_by(|a, b| a.time.total_cmp(&b.time));
        records.children.iter().for_each(|child| forks.take(child));
        // A program that is given a descriptor too many shows that the child execs, not that it lived.
        let is_of_life = |finding: &&FindingRecord| finding.kind.is_bite() && finding.kind != FindingKind::FdLeakedExec;
        let hits = records.findings.iter().filter(is_of_life);
        for hit in hits {
            if let Some(position) = forks.at(hit.fork, hit.time) {
                forks.all[position].became.hit = true;
            }
        }
        forks
    }

    /// Position of the last fork of this id that had begun at `time`, or else of the first one: ids are used again.
    pub(crate) fn at(&self, id: Option<ForkId>, time: f64) -> Option<usize> {
        let id = id?;
        let first = self.all.partition_point(|fork| fork.id < id);
        let begun = self.all[first..].partition_point(|fork| fork.id == id && fork.time <= time + AHEAD);
        let position = first + begun.saturating_sub(1);
        self.all.get(position).is_some_and(|fork| fork.id == id).then_some(position)
    }

    /// The fork that tells what the child of this one inherits: itself, or the one that it is like.
    pub(crate) fn whole(&self, position: usize) -> usize {
        let fork = &self.all[position];
        fork.like.and_then(|like| self.at(Some(like), fork.time)).unwrap_or(position)
    }

    fn take(&mut self, child: &ChildRecord) {
        let Some(position) = self.at(child.fork, child.time) else { return };
        let fork = &mut self.all[position];
        fork.child = fork.child.or(Some(child.pid));
        let became = &mut fork.became;
        match child.news {
            News::Settled => became.settled = true,
            News::Exec(program) => (became.exec, became.end) = (Some(program), Some(child.time)),
            News::Exit { status, forks, .. } => {
                (became.status, became.end) = (Some(status), Some(child.time));
                became.forked |= forks > 0;
            }
        }
    }
}

/// Stands in for forks that children or findings name, but of which no file has the event.
fn add_unseen(all: &mut Vec<ForkRecord>, records: &Records) {
    let mut seen: HashSet<ForkId> = all.iter().map(|fork| fork.id).collect();
    let children = records.children.iter().map(|child| (child.fork, child.time, Some(child.pid)));
    let findings = records.findings.iter().map(|finding: &FindingRecord| (finding.fork, finding.time, finding.child));
    let guarded = records.guarded.iter().map(|deed| (deed.fork, deed.time, Some(deed.pid)));
    let fixups = records.fixups.iter().map(|run| (run.fork, run.time, Some(run.pid)));
    for (id, time, child) in children.chain(findings).chain(guarded).chain(fixups) {
        if let Some(id) = id.filter(|&id| seen.insert(id)) {
            all.push(ForkRecord {
                id,
                time,
                child,
                shape: None,
                like: None,
                site: Default::default(),
                descriptors: 0,
                cost: (0.0, 0.0),
                memory: None,
                became: Became::default(),
            });
        }
    }
}

/// What became of a child, as far as anybody could tell.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    Exec(Text),
    Lived(i32),
    EndedAtOnce(i32),
    LivesOn,
    Unsaid,
    NoWord,
}

impl Outcome {
    /// None where nobody could tell.
    pub(crate) fn of(fork: &ForkRecord, kind: Option<ForkKind>) -> Option<Outcome> {
        let Became { settled, exec, status, hit, .. } = fork.became;
        match (exec, status, settled || hit) {
            (Some(program), ..) => Some(Outcome::Exec(program)),
            (None, Some(status), true) => Some(Outcome::Lived(status)),
            (None, Some(status), false) => Some(Outcome::EndedAtOnce(status)),
            (None, None, true) => Some(Outcome::LivesOn),
            (None, None, false) if fork.like.is_some() => Some(Outcome::Unsaid),
            (None, None, false) => (kind == Some(ForkKind::Fork) && fork.child.is_some()).then_some(Outcome::NoWord),
        }
    }

    /// In words.
    pub(crate) fn words(self, keep: &Keep) -> String {
        match self {
            Outcome::Exec(program) => format!("exec'd {}", keep.read(program)),
            Outcome::Lived(status) => format!("lived on, ended with status {status}"),
            Outcome::EndedAtOnce(status) => format!("ended at once with status {status}"),
            Outcome::LivesOn => "live on, or were killed".to_owned(),
            Outcome::Unsaid => "exec'd or ended at once, or without a word yet".to_owned(),
            Outcome::NoWord => "without a word yet".to_owned(),
        }
    }
}

/// Why a finding is in its state.
#[derive(Clone, Copy)]
pub(crate) enum Reason {
    /// The report says it.
    Said(Text),
    /// The child exec'd this program.
    Exec(Text),
    /// The child ended before it had settled.
    EndedAtOnce,
    /// The child wrote nothing, and short-lived ones write nothing.
    Unsaid,
}

impl Reason {
    /// In words; empty where there is nothing to say.
    pub(crate) fn words(self, keep: &Keep) -> String {
        match self {
            Reason::Said(text) => keep.read(text),
            Reason::Exec(program) => format!("the child exec'd {}", keep.read(program)),
            Reason::EndedAtOnce => "the child ended at once".to_owned(),
            Reason::Unsaid => "the child exec'd or ended at once, or has not settled yet".to_owned(),
        }
    }
}

/// Why an open hazard of this fork's child is moot, if it is: the child exec'd, or ended before it had settled without a fork of its own. What
/// needs no call to be met is so for a child that did nothing but exec.
pub(crate) fn moot(fork: &ForkRecord, kind: FindingKind, state: State) -> Option<Reason> {
    if state != State::Open {
        return None;
    }
    match fork.became {
        Became { exec: Some(program), settled, .. } => (!settled || !kind.is_met_unseen()).then_some(Reason::Exec(program)),
        Became { settled: false, status: Some(_), .. } if kind.is_met_unseen() => None,
        Became { settled: false, status: Some(_), forked: false, .. } => Some(Reason::EndedAtOnce),
        Became { settled: false, status: None, forked: false, hit: false, .. } => fork.like.map(|_| Reason::Unsaid),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_at_hand_is_found() {
        let mut records = Records::default();
        for (sequence, time) in [(1, 200.0), (1, 100.0), (2, 101.0)] {
            let exit = News::Exit { status: 0, forks: 0, spawns: 0 };
            let fork = Some(ForkId { leader: 1, sequence });
            records.children.push(ChildRecord { fork, pid: 9, time, news: exit });
        }
        let id = |sequence| Some(ForkId { leader: 1, sequence });
        let mut forks = Forks::of(&mut records);
        let again = ForkRecord { time: 200.0, ..forks.all[0].clone() };
        forks.all.insert(1, again);
        assert_eq!(forks.at(id(1), 150.0), Some(0));
        assert_eq!(forks.at(id(1), 199.5), Some(1));
        assert_eq!(forks.at(id(1), 5.0), Some(0));
        assert_eq!(forks.at(id(2), 500.0), Some(2));
        assert_eq!(forks.at(id(3), 500.0), None);
        assert_eq!(forks.at(None, 500.0), None);
    }
}
