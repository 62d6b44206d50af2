//! Descendants of a server that hang, seen from outside while it runs: the waits that the library in them cannot see, because they cross no symbol
//! (Rust's, Go's, an inlined futex) or the leader itself is in a call without a hook.
//!
//! A thread of the tool's own goes round every other second. It reads files of /proc only; a process that is found in the same endless wait three times is
//! looked into, once, by a process of its own: the program's parent is told nothing of its stops.
mod finding;
mod rounds;
mod tell;

use crate::inspect::{self, Inspection};
use crate::server::{Place, Tree};
pub(crate) use finding::Hang;
use finding::Record;
use parking_lot::{Condvar, Mutex};
pub(crate) use rounds::{News, Rounds};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Between two rounds.
const ROUND: Duration = Duration::from_secs(2);
/// Between the last two: a server is about to be stopped.
const LAST_ROUND: Duration = Duration::from_millis(500);

/// Who is told of a hang.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Telling {
    /// The report, and whoever reads standard error.
    Print,
    /// The report alone.
    Record,
}

/// The thread that looks for hangs.
pub(crate) struct Hangs {
    ends: Arc<(Mutex<bool>, Condvar)>,
    thread: JoinHandle<Watch>,
}

/// What it knows.
struct Watch {
    rounds: Rounds,
    record: Record,
    telling: Telling,
    suspicions: Vec<Suspicion>,
    /// The places of hangs that were told whole.
    told: Vec<String>,
}

/// What may be a hang.
struct Suspicion {
    pid: u32,
    place: String,
    sentence: String,
}

impl Hangs {
    /// Starts to look at all descendants of this process; what is found goes into the report at `place`.
    pub(crate) fn watch(place: &Place, telling: Telling) -> Hangs {
        Hangs::start(place.directory.clone(), telling)
    }

    fn start(directory: PathBuf, telling: Telling) -> Hangs {
        let ends = Arc::<(Mutex<bool>, Condvar)>::default();
        let told = ends.clone();
        let thread = thread::spawn(move || {
            let mut watch = Watch::new(directory, telling);
            let mut end = told.0.lock();
            while !*end {
                let round_is_due = told.1.wait_for(&mut end, ROUND).timed_out();
                if round_is_due {
                    parking_lot::MutexGuard::unlocked(&mut end, || watch.round());
                }
            }
            watch
        });
        Hangs { ends, thread }
    }

    /// Looks a last time, where the server still runs; then what may be hangs, in a sentence each.
    pub(crate) fn finish(self, still_runs: bool) -> Vec<String> {
        *self.ends.0.lock() = true;
        self.ends.1.notify_all();
        let Ok(mut watch) = self.thread.join() else { return Vec::new() };
        if still_runs {
            watch.last_round();
        }
        watch.suspicions.into_iter().map(|suspicion| suspicion.sentence).collect()
    }
}

impl Watch {
    fn new(directory: PathBuf, telling: Telling) -> Watch {
        let record = Record::new(directory);
        Watch { rounds: Rounds::default(), record, telling, suspicions: Vec::new(), told: Vec::new() }
    }

    fn round(&mut self) {
        let news = self.rounds.go(&Tree::now().pids());
        self.take(news);
    }

    fn last_round(&mut self) {
        self.rounds.go(&Tree::now().pids());
        if self.rounds.any() {
            thread::sleep(LAST_ROUND);
            let news = self.rounds.go_last(&Tree::now().pids());
            self.take(news);
        }
    }

    fn take(&mut self, news: Vec<News>) {
        for news in news {
            match news {
                News::Hangs(pid) => {
                    if let Some(inspection) = inspect::apart(pid) {
                        self.hangs(&inspection);
                    }
                }
                News::GoesOn(pid) => self.goes_on(pid),
            }
        }
    }

    fn hangs(&mut self, inspection: &Inspection) {
        // The library has seen it itself, and said so.
        if finding::is_known(inspection) {
            return;
        }
        let Some(hang) = Hang::of(inspection) else { return };
        if !hang.is_sure {
            self.suspect(inspection, hang);
            return;
        }
        self.record.hangs(inspection, &hang);
        if self.telling == Telling::Print {
            let is_new = !self.told.contains(&hang.place);
            self.told.extend(is_new.then(|| hang.place.clone()));
            tell::hangs(inspection, &hang, is_new);
        }
    }

    /// One of several at the same place is enough.
    fn suspect(&mut self, inspection: &Inspection, hang: Hang) {
        if self.suspicions.iter().all(|known| known.place != hang.place) {
            let sentence = tell::suspicion(inspection, &hang);
            self.suspicions.push(Suspicion { pid: inspection.pid, place: hang.place, sentence });
        }
    }

    fn goes_on(&mut self, pid: u32) {
        self.suspicions.retain(|known| known.pid != pid);
        if self.record.goes_on(pid) && self.telling == Telling::Print {
            tell::goes_on(pid);
        }
    }
}
