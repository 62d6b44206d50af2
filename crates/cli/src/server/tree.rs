//! All processes below this one: a check leaves none behind.
use super::signals;
use forkguard_process::{living_parent, processes};
use rustix::process::{Pid, getpid, set_child_subreaper};
use std::collections::{HashMap, HashSet};

/// Makes this process the parent of what its descendants leave behind (PR_SET_CHILD_SUBREAPER).
pub(crate) fn adopt_orphans() {
    let _ = set_child_subreaper(Some(getpid()));
}

/// The processes below this one, by number, with their parents.
pub(crate) struct Tree(HashMap<i32, i32>);

impl Tree {
    /// As it is now, without zombies.
    pub(crate) fn now() -> Tree {
        let parents: HashMap<i32, i32> = processes().filter_map(|pid| Some((pid as i32, living_parent(pid)? as i32))).collect();
        let own = getpid().as_raw_nonzero().get();
        let below: HashSet<i32> = parents.keys().copied().filter(|&pid| is_below(own, pid, &parents)).collect();
        Tree(parents.into_iter().filter(|(pid, _)| below.contains(pid)).collect())
    }

    /// True when there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their numbers, in order.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let mut pids: Vec<u32> = self.0.keys().map(|&pid| pid as u32).collect();
        pids.sort_unstable();
        pids
    }

    /// How many children a process has.
    pub(super) fn children(&self, of: Pid) -> usize {
        self.0.values().filter(|&&parent| parent == of.as_raw_nonzero().get()).count()
    }

    /// Sends all of them a signal.
    pub(super) fn send(&self, signal: i32) {
        self.0.keys().filter_map(|&pid| Pid::from_raw(pid)).for_each(|pid| signals::send(pid, signal));
    }
}

fn is_below(ancestor: i32, pid: i32, parents: &HashMap<i32, i32>) -> bool {
    const GENERATIONS: usize = 64;
    let line = std::iter::successors(Some(pid), |pid| parents.get(pid).copied());
    line.skip(1).take(GENERATIONS).any(|parent| parent == ancestor)
}
