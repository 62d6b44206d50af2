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

/// A thread that was just started: its routine, name, code and site.
#[derive(Clone, Copy)]
pub(crate) struct StartedThread {
    pub(crate) start: usize,
    pub(crate) label: usize,
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
                || have_one_party(lost.site, started.site) && may_succeed(name_of(lost.label), name_of(started.label))
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

fn name_of(label: usize) -> &'static str {
    sites::label(label).0
}

/// False for the name of another executor's thread: one that was given another name, or that Python numbered earlier than the lost one's.
fn may_succeed(lost: &'static str, started: &'static str) -> bool {
    const EXECUTOR: &str = "ThreadPoolExecutor-";
    let letters = |name: &'static str| name.bytes().filter(|byte| !byte.is_ascii_digit());
    let number = |name: &str| name.strip_prefix(EXECUTOR)?.split('_').next()?.parse::<u32>().ok();
    let is_earlier = number(lost).zip(number(started)).is_some_and(|(lost, started)| started < lost);
    lost.is_empty() || started.is_empty() || letters(lost).eq(letters(started)) && !is_earlier
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
    let is_it = |thread: &ThreadRecord| thread.tid != 0 && is_same(thread, started) && open(thread);
    let has_name = |thread: &ThreadRecord| name_of(thread.label) == name_of(started.label);
    let all = || lost_threads().filter(|(_, thread)| is_it(thread));
    if let Some((fork, thread)) = all().find(|(_, thread)| has_name(thread)).or_else(|| all().next()) {
        thread.slot.again.store(STARTED, Relaxed);
        let because = "the child started it again";
        ledger::report_state_of(scratch, fork, FindingKind::ThreadLost, id(thread).as_str(), State::Resolved, None, because);
    }
}

#[cfg(test)]
mod tests {
    use super::may_succeed;

    #[test]
    fn an_executors_thread_may_follow_those_of_its_name() {
        assert!(may_succeed("io_0", "io_3"));
        assert!(may_succeed("ThreadPoolExecutor-1_2", "ThreadPoolExecutor-1_0"), "the same executor's");
        assert!(may_succeed("ThreadPoolExecutor-1_0", "ThreadPoolExecutor-2_0"), "a newer executor's");
        assert!(may_succeed("shard-2_0", "shard-1_0"), "the program's own numbers tell nothing");
        assert!(may_succeed("", "io_0") && may_succeed("io_0", ""));
        assert!(!may_succeed("io_0", "cpu_0"));
        assert!(!may_succeed("ThreadPoolExecutor-1_0", "ThreadPoolExecutor-0_0"), "an older executor's");
    }
}
