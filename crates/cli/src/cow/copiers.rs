//! Who copies: the samples of several workers, by the line of the application that wrote.
use super::server::Loaded;
use crate::symbols::Symbols;
use forkguard_process::sharing::{CopiedPage, Watch, watch};
use forkguard_report::event::Frame;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Workers that are watched at once.
const WATCHED: usize = 4;

/// What a load came to, and who copied meanwhile.
pub(super) struct Watched {
    pub(super) load: Loaded,
    pub(super) samples: Vec<CopiedPage>,
    pub(super) why_not: Option<String>,
}

/// Watches some of the workers while the load runs; `frequency` 0: none.
pub(super) fn while_watched(leader: u32, workers: &[u32], frequency: u32, load: impl FnOnce() -> Loaded) -> Watched {
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let is_done = &is_done;
        let watched = workers.iter().take(if frequency == 0 { 0 } else { WATCHED });
        let watches: Vec<_> =
            watched.map(|&worker| scope.spawn(move || watch(Watch { leader, worker, frequency }, is_done))).collect();
        let load = load();
        is_done.store(true, Relaxed);
        let (mut samples, mut why_not) = (Vec::new(), None);
        for watch in watches {
            match watch.join() {
                Ok(Ok(found)) => samples.extend(found.samples),
                Ok(Err(why)) => why_not = Some(why.to_string()),
                Err(_) => {}
            }
        }
        Watched { load, samples, why_not }
    })
}

/// A line by whose writes pages were copied.
#[derive(Serialize)]
pub(super) struct Copier {
    /// Of all samples.
    pub(super) share: f64,
    pub(super) samples: usize,
    /// The line of the application, or the innermost function that has a name.
    pub(super) at: String,
    /// What was written there most often, as far as it is known.
    pub(super) what: Option<String>,
}

impl Copier {
    /// Those of all samples, the greatest first.
    pub(super) fn all(samples: &[CopiedPage], symbols: &mut Symbols) -> Vec<Copier> {
        let mut lines: HashMap<String, (usize, HashMap<&str, usize>)> = HashMap::new();
        for sample in samples {
            let (stack, _) = symbols.frames(sample.stack.clone());
            let (count, written) = lines.entry(place(&stack)).or_default();
            *count += 1;
            if let Some(what) = &sample.what {
                *written.entry(what).or_default() += 1;
            }
        }
        let most = |written: HashMap<&str, usize>| {
            written.into_iter().max_by_key(|&(what, count)| (count, std::cmp::Reverse(what))).map(|(what, _)| what.to_owned())
        };
        let share = |count: usize| count as f64 / samples.len() as f64;
        let mut all: Vec<Copier> = lines
            .into_iter()
            .map(|(at, (samples, written))| Copier { share: share(samples), samples, at, what: most(written) })
            .collect();
        all.sort_by(|one, other| other.samples.cmp(&one.samples).then_with(|| one.at.cmp(&other.at)));
        all
    }
}

fn place(stack: &[Frame]) -> String {
    let named = || stack.iter().find(|frame| frame.function.is_some()).or(stack.first());
    stack.iter().find(|frame| frame.is_application()).or_else(named).map_or_else(|| "?".to_owned(), |frame| format!("{frame:#}"))
}
