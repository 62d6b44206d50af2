//! What the thread that looks and the one that shows share.
use super::details;
use super::gather::Gatherer;
use super::rows::Row;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// What is known, and what is asked for.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) rows: Vec<Row>,
    /// The process whose details are asked for.
    pub(super) wanted: Option<u32>,
    /// The process whose details are known, and its lines.
    pub(super) details: Option<(u32, Vec<String>)>,
    ends: bool,
}

/// Both threads' copy.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<(Mutex<Seen>, Condvar)>);

impl Shared {
    /// Starts to look. The thread ends when it is told to, after its look.
    pub(super) fn watch(root: Option<u32>) -> Shared {
        let shared = Shared::default();
        let told = shared.clone();
        thread::spawn(move || told.look(Gatherer::new(root)));
        shared
    }

    /// Does something with what is known; nothing blocks meanwhile.
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut Seen) -> R) -> R {
        work(&mut self.0.0.lock())
    }

    /// Asks for the details of a process, or for none.
    pub(super) fn ask(&self, pid: Option<u32>) {
        self.with(|seen| {
            seen.wanted = pid;
            if pid.is_none() {
                seen.details = None;
            }
        });
        self.0.1.notify_all();
    }

    /// Nobody looks at it any more.
    pub(super) fn end(&self) {
        self.with(|seen| seen.ends = true);
        self.0.1.notify_all();
    }

    fn look(&self, mut gatherer: Gatherer) {
        loop {
            let rows = gatherer.look();
            let wanted = self.with(|seen| {
                seen.rows = rows;
                seen.wanted.filter(|wanted| seen.details.as_ref().is_none_or(|(known, _)| known != wanted))
            });
            self.tell(wanted);
            let mut seen = self.0.0.lock();
            if seen.ends {
                return;
            }
            self.0.1.wait_for(&mut seen, PAUSE);
        }
    }

    fn tell(&self, wanted: Option<u32>) {
        if let Some(pid) = wanted {
            let lines = details::lines(pid);
            self.with(|seen| seen.details = Some((pid, lines)));
        }
    }
}
