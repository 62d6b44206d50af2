//! Which processes have been in the same endless wait for several rounds.
use forkguard_process::{Still, still};
use std::collections::HashMap;

/// Rounds in a row that find a process in the same wait before it is looked into.
const ROUNDS: u32 = 3;
/// Processes that are looked into in one round; others wait for the next.
const LOOKS: usize = 4;

/// What a round brings.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// A process is worth a look.
    Hangs(u32),
    /// One that was looked into waits no more, or otherwise.
    GoesOn(u32),
}

/// All processes in endless waits.
#[derive(Default)]
pub(crate) struct Rounds(HashMap<u32, Known>);

struct Known {
    still: Still,
    rounds: u32,
    looked: bool,
}

impl Known {
    /// True when the process has not left its wait. The look stopped it for a moment.
    fn is_in(&self, now: &Still) -> bool {
        if self.looked { self.still.same_waits(now) } else { self.still == *now }
    }
}

impl Rounds {
    /// Goes round once.
    pub(crate) fn go(&mut self, pids: &[u32]) -> Vec<News> {
        self.step(pids, ROUNDS, still)
    }

    /// Goes round a last time: two rounds are enough.
    pub(crate) fn go_last(&mut self, pids: &[u32]) -> Vec<News> {
        self.step(pids, 2, still)
    }

    /// True when a process is in an endless wait.
    pub(crate) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    fn step(&mut self, pids: &[u32], enough: u32, still: impl Fn(u32) -> Option<Still>) -> Vec<News> {
        let mut news = Vec::new();
        let mut before = std::mem::take(&mut self.0);
        let mut looks = 0;
        for &pid in pids {
            let (now, known) = (still(pid), before.remove(&pid));
            let looked = known.as_ref().is_some_and(|known| known.looked);
            let same = known.filter(|known| now.as_ref().is_some_and(|now| known.is_in(now)));
            if looked && same.is_none() {
                news.push(News::GoesOn(pid));
            }
            let Some(now) = now else { continue };
            let rounds = same.as_ref().map_or(0, |known| known.rounds) + 1;
            let mut looked = same.is_some_and(|known| known.looked);
            if !looked && rounds >= enough && looks < LOOKS {
                news.push(News::Hangs(pid));
                (looked, looks) = (true, looks + 1);
            }
            self.0.insert(pid, Known { still: now, rounds, looked });
        }
        news
    }
}
