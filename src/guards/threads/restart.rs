//! Which lost threads may be started again, and the report of each start.
use crate::describe;
use crate::entry::record_with_scratch;
use crate::ledger::{log_action, log_resolving_action, report_state_of};
use crate::options::{self, Threads};
use crate::sites;
use forkguard_core::fixed::Text;
use forkguard_core::fork::{self as core_fork, Snapshot, ThreadRecord, lost_threads};
use forkguard_core::kernel;
use forkguard_core::registry::threads::{STARTED, TRIED};
use forkguard_report::event::{FindingKind, Guard, State};
use forkguard_report::pattern;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering::Relaxed};

/// The lost thread that this process starts again right now, and the thread that does it.
#[unsafe(link_section = "forkguard_words")]
static RESTARTED: AtomicPtr<ThreadRecord> = AtomicPtr::new(std::ptr::null_mut());
#[unsafe(link_section = "forkguard_words")]
static RESTARTER: AtomicU32 = AtomicU32::new(0);

/// True where lost threads are started again.
pub(super) fn is_enabled() -> bool {
    options::guards() && !matches!(options::get().threads, Threads::Report)
}

/// True for a thread that the option names.
pub(super) fn is_named(name: &str) -> bool {
    match &options::get().threads {
        Threads::Named(patterns) => {
            patterns.as_str().split(',').any(|pattern| pattern::matches(pattern.trim().as_bytes(), name.as_bytes()))
        }
        _ => false,
    }
}

/// A lost thread's name in the report.
pub(super) fn name_of(thread: &ThreadRecord) -> Text<64> {
    let (name, _) = sites::label(thread.label);
    if name.is_empty() {
        Text::of(format_args!("{}", describe::name_of_lost(thread).as_str()))
    } else {
        Text::of(format_args!("{name}"))
    }
}

/// True for a thread that held a lock at the fork, or when that is unknown.
fn held_a_lock(fork: &Snapshot, thread: &ThreadRecord) -> bool {
    fork.locks.missed() > 0 || fork.locks.as_slice().iter().any(|lock| lock.holder == thread.tid && !lock.signal)
}

/// Threads that this process and its leaders lost, that were not started again since and can be.
pub(super) fn restartable() -> impl Iterator<Item = (&'static Snapshot, &'static ThreadRecord)> {
    lost_threads().filter(|(fork, thread)| {
        thread.tid != 0 && !thread.ending && thread.slot.again.load(Relaxed) == 0 && !held_a_lock(fork, thread)
    })
}

/// The lost thread that this thread starts again right now.
pub(crate) fn restarted_here() -> Option<&'static ThreadRecord> {
    // SAFETY: null or a record of a fork that made this process, which stays for as long as it lives.
    unsafe { RESTARTED.load(Relaxed).as_ref() }.filter(|_| RESTARTER.load(Relaxed) == kernel::thread_id())
}

/// Has `start` start a lost thread again and logs its result; None: the thread is not to be started.
pub(super) fn restart(fork: &'static Snapshot, thread: &'static ThreadRecord, start: impl FnOnce() -> Option<Result<(), i32>>) {
    let began = kernel::monotonic_by_syscall();
    thread.slot.again.store(STARTED, Relaxed);
    RESTARTER.store(kernel::thread_id(), Relaxed);
    RESTARTED.store(std::ptr::from_ref(thread).cast_mut(), Relaxed);
    let result = start();
    RESTARTED.store(std::ptr::null_mut(), Relaxed);
    if !matches!(result, Some(Ok(()))) {
        thread.slot.again.store(TRIED, Relaxed);
    }
    if let Some(result) = result {
        log_restart(fork, thread, began, result);
    }
}

fn log_restart(fork: &'static Snapshot, thread: &ThreadRecord, began: u64, result: Result<(), i32>) {
    const ACTION: &str = "started again";
    let name = name_of(thread);
    let subject = format_args!("thread \"{}\"", name.as_str());
    let (kind, id, because) = (FindingKind::ThreadLost, format_args!("{}", thread.tid), "forkguard started it again");
    if core_fork::birth().is_some_and(|birth| std::ptr::eq(birth, fork)) {
        return log_resolving_action(Guard::Threads, ACTION, subject, began, result, (kind, id, because));
    }
    log_action(Guard::Threads, ACTION, subject, began, result);
    if result.is_ok() {
        record_with_scratch(|scratch| report_state_of(scratch, fork, kind, id, State::Resolved, None, because));
    }
}
