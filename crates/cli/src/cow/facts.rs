//! What is measured, as `--format json` writes it. Sizes are kilobytes.
use super::copiers::Copier;
use forkguard_process::sharing::{Family, Kind, Member, Pages, Sizes};
use serde::Serialize;
use std::collections::BTreeMap;

/// A leader and its workers, watched.
#[derive(Default, Serialize)]
pub(super) struct Look {
    pub(super) moments: Vec<Moment>,
    /// Lines by whose writes pages were copied, those of most samples first.
    pub(super) copiers: Vec<Copier>,
    pub(super) samples: usize,
    /// Why it is not known who copies.
    pub(super) unwatched: Option<String>,
    /// Requests that were not answered.
    pub(super) failures: usize,
}

/// One measurement.
#[derive(Serialize)]
pub(super) struct Moment {
    /// Since the first one.
    pub(super) seconds: f64,
    pub(super) requests: usize,
    pub(super) leader: Process,
    pub(super) workers: Vec<Process>,
    pub(super) total_pss: u64,
}

#[derive(Serialize)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) name: String,
    pub(super) rss: u64,
    pub(super) pss: u64,
    /// Of this process alone.
    pub(super) uss: u64,
    pub(super) huge: u64,
    pub(super) swap: u64,
    /// Beside the leader's; none in the leader, and where /proc/PID/pagemap cannot be read.
    pub(super) pages: Option<Compared>,
    /// Of the copied pages, the part that is equal to the leader's again.
    pub(super) equal_again: Option<f64>,
    pub(super) kinds: BTreeMap<&'static str, OfKind>,
}

/// Private pages of a worker, beside its leader's.
#[derive(Clone, Copy, Default, Serialize)]
pub(super) struct Compared {
    pub(super) shared: u64,
    pub(super) copied: u64,
    pub(super) new: u64,
}

#[derive(Clone, Copy, Default, Serialize)]
pub(super) struct OfKind {
    pub(super) rss: u64,
    pub(super) pss: u64,
    pub(super) uss: u64,
    pub(super) huge: u64,
    #[serde(flatten)]
    pub(super) pages: Compared,
}

impl From<Pages> for Compared {
    fn from(Pages { shared, copied, own }: Pages) -> Compared {
        Compared { shared, copied, new: own }
    }
}

impl Moment {
    pub(super) fn of(family: &Family, seconds: f64, requests: usize, equal: impl Fn(u32) -> Option<f64>) -> Moment {
        let leader = Process::of(&family.leader, None);
        let workers: Vec<_> = family.workers.iter().map(|worker| Process::of(worker, equal(worker.process.id))).collect();
        let total_pss = leader.pss + workers.iter().map(|worker| worker.pss).sum::<u64>();
        Moment { seconds, requests, leader, workers, total_pss }
    }

    /// A figure of the workers, on the average.
    pub(super) fn average(&self, figure: impl Fn(&Process) -> u64) -> u64 {
        self.workers.iter().map(figure).sum::<u64>() / (self.workers.len() as u64).max(1)
    }

    /// Of the pages that the workers have copied, the part that is equal to the leader's again.
    pub(super) fn equal_again(&self) -> Option<f64> {
        let known: Vec<f64> = self.workers.iter().filter_map(|worker| worker.equal_again).collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    }
}

impl Process {
    fn of(member: &Member, equal_again: Option<f64>) -> Process {
        let Sizes { rss, pss, uss, huge, swap, .. } = member.sizes;
        let of_kind = |(kind, (sizes, pages)): (&Kind, &(Sizes, Pages))| {
            let figures = OfKind { rss: sizes.rss, pss: sizes.pss, uss: sizes.uss, huge: sizes.huge, pages: (*pages).into() };
            (kind.name(), figures)
        };
        Process {
            pid: member.process.id,
            name: member.process.name.clone(),
            rss,
            pss,
            uss,
            huge,
            swap,
            pages: member.pages.map(Compared::from),
            equal_again,
            kinds: member.kinds.iter().map(of_kind).collect(),
        }
    }
}
