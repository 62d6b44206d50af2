//! Lost threads that a child starts again.
use crate::describe;
use crate::entry::Scratch;
use crate::guards;
use crate::ledger;
use crate::sites;
use forkguard_core::fixed::Text;
use forkguard_core::fork::{ThreadRecord, lost_threads};
use forkguard_core::registry::threads::STARTED;
use forkguard_report::event::{FindingKind, State};
use std::sync::atomic::Ordering::Relaxed;

/// A thread that was just started: its routine, code and site.
#[derive(Clone, Copy)]
pub(crate) struct StartedThread {
    pub(crate) start: usize,
    pub(crate) code: usize,
    pub(crate) site: usize,
}

/// True for a thread that runs what the lost one ran: the same code of its language, or the same routine, started at the same place.
fn is_same(lost: &ThreadRecord, started: StartedThread) -> bool {
    // A thread that a library starts for its callers (std::thread) is known by the caller.
    let starter = |site| {
        let address = sites::address_of(site);
        (address, if sites::is_installed(address) { sites::frames_of(site).next() } else { None })
    };
    let alike = || match started.code {
        0 => starter(lost.site) == starter(started.site),
        code => {
            describe::interpreted_frames(code).next().is_some_and(|code| code.party().is_some())
                || have_one_party(lost.site, started.site)
        }
    };
    lost.start == started.start && lost.code == started.code && alike()
}

/// A thread that a language's own library runs for its callers (an executor's worker) is known by the caller: gunicorn's executor is not the
/// application's.
fn have_one_party(one: usize, other: usize) -> bool {
    let starter = |site| describe::interpreted_frames(site).find(|frame| frame.party().is_some());
    match (starter(one), starter(other)) {
        (Some(one), Some(other)) => one.party() == other.party(),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// A thread of this child runs under this pthread_t, which is no lost thread's any more: one lost thread like it is resolved.
pub(crate) fn report_restarted(scratch: &Scratch, handle: usize, started: StartedThread) {
    lost_threads().filter(|(_, thread)| thread.handle == handle).for_each(|(_, thread)| thread.slot.handle.store(0, Relaxed));
    let id = |thread: &ThreadRecord| Text::<64>::of(format_args!("{}", thread.tid));
    if guards::restarted_here().is_some() {
        return;
    }
    let open = |thread: &ThreadRecord| {
        thread.slot.again.load(Relaxed) == 0 && ledger::find(FindingKind::ThreadLost, id(thread).as_str()).is_none()
    };
    if let Some((fork, thread)) = lost_threads().find(|(_, thread)| thread.tid != 0 && is_same(thread, started) && open(thread)) {
        thread.slot.again.store(STARTED, Relaxed);
        let because = "the child started it again";
        ledger::report_state_of(scratch, fork, FindingKind::ThreadLost, id(thread).as_str(), State::Resolved, None, because);
    }
}
