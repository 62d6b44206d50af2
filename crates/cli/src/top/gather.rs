//! One look at all processes that are shown, after another.
use super::figures::{Figures, uptime};
use super::findings::Reported;
use super::rows::{Row, lately, tree};
use crate::hangs::{Hang, News, Rounds};
use crate::inspect;
use forkguard_process::{has_library, living_parent, processes};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Between two readings of the reports.
const READING: Duration = Duration::from_secs(5);

/// What was seen so far.
pub(super) struct Gatherer {
    /// None: all leaders that have the library.
    root: Option<u32>,
    before: HashMap<u32, Figures>,
    looked: Option<Instant>,
    /// Private memory when a process was first seen, in kilobytes, with its start.
    first: HashMap<u32, (Option<u64>, u64)>,
    reported: Reported,
    read: Option<Instant>,
    rounds: Rounds,
    hangs: HashMap<u32, String>,
}

impl Gatherer {
    pub(super) fn new(root: Option<u32>) -> Gatherer {
        Gatherer {
            root,
            before: HashMap::new(),
            looked: None,
            first: HashMap::new(),
            reported: Reported::default(),
            read: None,
            rounds: Rounds::default(),
            hangs: HashMap::new(),
        }
    }

    /// The rows as a tree.
    pub(super) fn look(&mut self) -> Vec<Row> {
        let shown = shown(self.root);
        let pids: Vec<u32> = shown.iter().map(|(pid, _)| *pid).collect();
        self.read_reports(&pids);
        let news = self.rounds.go(&pids);
        self.take(news);
        let time = self.looked.replace(Instant::now()).map(|looked| looked.elapsed()).unwrap_or_default();
        let uptime = uptime();
        let figures: HashMap<u32, Figures> = pids.iter().filter_map(|&pid| Some((pid, Figures::of(pid)?))).collect();
        let rows =
            shown.iter().filter_map(|&(pid, depth)| Some(self.row(pid, depth, figures.get(&pid)?, time, uptime))).collect();
        self.before = figures;
        rows
    }

    /// Looks into what waits now: a single table has no time for several rounds.
    pub(super) fn look_for_hangs(&mut self) {
        let pids: Vec<u32> = shown(self.root).into_iter().map(|(pid, _)| pid).collect();
        let news = self.rounds.go_last(&pids);
        self.take(news);
    }

    fn row(&mut self, pid: u32, depth: usize, figures: &Figures, time: Duration, uptime: Duration) -> Row {
        let now = (figures.private(), figures.stat.start);
        let first = self.first.entry(pid).or_insert(now);
        if first.1 != figures.stat.start {
            *first = now;
        }
        // Two looks are needed where the library has not told what it began with.
        let begun = self.reported.private.get(&pid).copied().or(first.0.filter(|_| !time.is_zero()));
        Row {
            pid,
            depth,
            age: figures.age(uptime),
            processor: lately(self.before.get(&pid), figures, time),
            growth: figures.private().zip(begun).map(|(now, begun)| now as i64 - begun as i64),
            findings: self.reported.findings.get(&pid).copied().unwrap_or_default(),
            hangs: self.hangs.get(&pid).cloned(),
            figures: figures.clone(),
        }
    }

    fn read_reports(&mut self, pids: &[u32]) {
        if self.read.is_none_or(|read| read.elapsed() >= READING) {
            self.reported = Reported::of(pids);
            self.read = Some(Instant::now());
        }
    }

    fn take(&mut self, news: Vec<News>) {
        for news in news {
            match news {
                News::Hangs(pid) => {
                    let what =
                        inspect::apart(pid).and_then(|it| Hang::of(&it).filter(|hang| hang.is_sure).map(|hang| hang.short()));
                    self.hangs.extend(what.map(|what| (pid, what)));
                }
                News::GoesOn(pid) => drop(self.hangs.remove(&pid)),
            }
        }
    }
}

/// The processes to show, with their depths.
fn shown(root: Option<u32>) -> Vec<(u32, usize)> {
    let all: Vec<(u32, u32)> = processes().filter_map(|pid| Some((pid, living_parent(pid)?))).collect();
    match root {
        Some(root) => tree(&[root], &all),
        None => {
            let own = std::process::id();
            let with: Vec<(u32, u32)> = all.into_iter().filter(|&(pid, _)| pid != own && has_library(pid)).collect();
            tree(&leaders(&with), &with)
        }
    }
}

/// Of processes with the library those that have children, and no parent with it.
fn leaders(with: &[(u32, u32)]) -> Vec<u32> {
    let is_parent = |pid: u32| with.iter().any(|(_, parent)| *parent == pid);
    let has_parent = |parent: u32| with.iter().any(|(pid, _)| *pid == parent);
    let mut leaders: Vec<u32> =
        with.iter().filter(|&&(pid, parent)| is_parent(pid) && !has_parent(parent)).map(|it| it.0).collect();
    leaders.sort_unstable();
    leaders
}

#[cfg(test)]
mod tests {
    #[test]
    fn leaders_have_children_and_no_leader() {
        let with = [(10, 1), (11, 10), (12, 11), (20, 1), (30, 5), (31, 30)];
        assert_eq!(super::leaders(&with), [10, 30]);
    }
}
