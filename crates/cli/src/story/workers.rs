//! Children one by one, as many as are listed: what hit comes before the others.
use super::forks::{Forks, Outcome};
use super::keep::Keep;
use forkguard_report::event::ForkKind;
use forkguard_report::story::Worker;
use std::collections::{BTreeMap, BTreeSet};

/// Children that are listed.
const LISTED: usize = 1000;

/// The children of `forks`, whose kinds `kind` tells and whose processes `process`; `hits` are the groups that hit each, `places` where those stand among the findings.
pub(crate) fn workers(
    forks: &Forks,
    keep: &Keep,
    hits: &BTreeMap<usize, BTreeSet<usize>>,
    places: &[u32],
    kind: impl Fn(usize) -> Option<ForkKind>,
    process: impl Fn(usize) -> u32,
) -> (Vec<Worker>, u64) {
    let has_child = |&position: &usize| forks.all[position].child.is_some();
    let total = (0..forks.all.len()).filter(has_child).count();
    let mut listed: BTreeSet<usize> = hits.keys().copied().filter(has_child).take(LISTED).collect();
    let others = (0..forks.all.len()).filter(has_child).filter(|position| !hits.contains_key(position));
    let free = LISTED - listed.len();
    listed.extend(others.take(free));
    let unlisted = (total - listed.len()) as u64;
    let mut workers: Vec<Worker> = listed
        .into_iter()
        .map(|position| {
            let fork = &forks.all[position];
            let hits = hits.get(&position).into_iter().flatten().map(|&group| places[group]).collect();
            Worker {
                pid: fork.child.unwrap_or_default(),
                process: process(position),
                fork: fork.id.to_string(),
                begin: fork.time,
                end: fork.became.end,
                outcome: Outcome::of(fork, kind(position)).map(|outcome| outcome.words(keep)),
                hits,
            }
        })
        .collect();
    workers.sort_by(|a, b| a.begin.total_cmp(&b.begin));
    (workers, unlisted)
}
