//! Children that their leaders killed, by where they stood.
use super::forks::Forks;
use super::keep::{Keep, Stack, Text};
use super::records::{CHILDREN, KilledRecord, Records, StateRecord};
use crate::symbols::Symbols;
use forkguard_report::event::{Role, Site, State};
use forkguard_report::story::Killed;
use indexmap::IndexMap;
use std::cmp::Reverse;
use std::collections::HashMap;

/// Places that are listed.
const PLACES: usize = 100;
/// Seconds within which a child ends that was killed.
const DYING: f64 = 10.0;

/// The places at which children stood, the most frequent first.
pub(crate) fn killed(records: Vec<KilledRecord>, keep: &Keep, symbols: &mut Symbols) -> Vec<Killed> {
    let mut places: IndexMap<(Text, Text, Stack), Vec<KilledRecord>> = IndexMap::new();
    for record in records {
        places.entry((record.signal, record.state, record.stack)).or_default().push(record);
    }
    let mut all: Vec<_> = places.into_values().collect();
    all.sort_by_key(|records| Reverse(records.len()));
    all.into_iter().take(PLACES).map(|records| one(&records, keep, symbols)).collect()
}

/// Those at one place.
fn one(records: &[KilledRecord], keep: &Keep, symbols: &mut Symbols) -> Killed {
    let shown = &records[0];
    let site = (!shown.stack.is_empty()).then(|| {
        let (frames, _) = symbols.frames(keep.frames(shown.stack));
        Site { role: Role::Stood, thread: None, frames: frames.into() }
    });
    let times = records.iter().map(|record| record.time);
    Killed {
        signal: keep.read(shown.signal),
        state: keep.read(shown.state),
        site,
        count: records.len() as u64,
        children: records.iter().map(|record| record.child).take(CHILDREN).collect(),
        first: times.clone().fold(f64::INFINITY, f64::min),
        last: times.fold(0.0, f64::max),
    }
}

/// Takes out of what changed in the lives of findings that a wait came to its end in a child after its leader had killed it: the signal ended it.
pub(crate) fn keep_hits(records: &mut Records, forks: &Forks) {
    let mut killed: HashMap<u32, Vec<f64>> = HashMap::new();
    records.killed.iter().for_each(|record| killed.entry(record.child).or_default().push(record.time));
    if killed.is_empty() {
        return;
    }
    let is_of_signal = |change: &StateRecord| {
        let child = forks.at(change.fork, change.time).and_then(|fork| forks.all[fork].child);
        let times = child.and_then(|child| killed.get(&child));
        change.state == State::Resolved
            && times.is_some_and(|times| times.iter().any(|&time| (time..time + DYING).contains(&change.time)))
    };
    records.states.retain(|change| !is_of_signal(change));
}
