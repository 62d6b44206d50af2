//! Threads of Python's `threading`: the same Thread object is started again. The interpreter tells what they were doing at the fork: os.fork
//! calls our code right before the fork; a server that forks past Python (uWSGI) leaves the lost threads' states in the child as they were,
//! until the child starts a thread.
use super::restart::{is_enabled, is_named, name_of, restart, restartable, restarted_here};
use crate::entry::{errno, record};
use crate::sites;
use crate::sites::python::{while_held, while_taken};
use forkguard_core::fork::{Snapshot, ThreadRecord};
use forkguard_core::registry::threads::Slot;
use forkguard_core::{gate, kernel, tls};
use forkguard_loader::program_path;
use std::ffi::CStr;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

const NAME: &CStr = c"forkguard.threads";
const SOURCE: &CStr = match CStr::from_bytes_with_nul(concat!(include_str!("restart.py"), "\0").as_bytes()) {
    Ok(source) => source,
    Err(_) => panic!("a text without NUL"),
};

/// Not zero once the interpreter has our code.
#[unsafe(link_section = "forkguard_words")]
static INSTALLED: AtomicU8 = AtomicU8::new(0);
/// Not zero in a child that may still start Python's lost threads again.
#[unsafe(link_section = "forkguard_words")]
static PENDING: AtomicU8 = AtomicU8::new(0);
/// Not zero while it does.
#[unsafe(link_section = "forkguard_words")]
static RESTARTING: AtomicU8 = AtomicU8::new(0);

/// In the hook of pthread_create, outside of its bookkeeping: Python starts a thread, holds the GIL, and has imported `threading`.
pub(crate) fn before_thread_start(slot: &Slot) {
    if slot.label.load(Relaxed) == 0 || !is_enabled() || restarted_here().is_some() {
        return;
    }
    let install = || while_held(NAME, |running| running.is_installed() || running.install(SOURCE));
    if errno::preserve(install) == Some(true) {
        INSTALLED.store(1, Relaxed);
    }
}

/// See [`super::in_child`].
pub(super) fn in_child() {
    let any = || restartable().any(|(_, thread)| thread.label != 0);
    let pending = INSTALLED.load(Relaxed) != 0 && (sites::holds_interpreter() || is_uwsgi()) && any();
    RESTARTING.store(0, Relaxed);
    PENDING.store(u8::from(pending), Relaxed);
}

/// A server that forks without the GIL may never need it in the child, where a lost thread may hold it for good; but uWSGI takes it at once.
fn is_uwsgi() -> bool {
    program_path().as_str().rsplit('/').next().is_some_and(|program| program.contains("uwsgi"))
}

/// True while threads are being started again: their waits do not settle the child.
pub(crate) fn is_restarting() -> bool {
    RESTARTING.load(Relaxed) != 0
}

/// From here on this process starts none again.
pub(crate) fn cancel_restarts() {
    PENDING.store(0, Relaxed);
}

/// True while threads are still to be started again, before the next wait.
pub(crate) fn restarts_before_wait() -> bool {
    PENDING.load(Relaxed) != 0
}

/// In a hook, outside of its bookkeeping: this thread is about to wait, or to start a thread.
#[inline(always)]
pub(crate) fn before_wait() {
    if restarts_before_wait() {
        restart_all();
    }
}

#[cold]
fn restart_all() {
    if !gate::awake() || tls::inside() != 0 || gate::is_guest() || !gate::owns_registries() {
        return;
    }
    let errno = errno::get();
    while_taken(NAME, true, |running| {
        // The threads that are started here wait, too.
        if PENDING.swap(0, Relaxed) != 0 {
            RESTARTING.store(1, Relaxed);
            if kernel::kernel_threads() == 1 {
                running.call(c"adopt_lost_threads", None);
            }
            in_order(|fork, thread| {
                let named = is_named(name_of(thread).as_str());
                restart(fork, thread, || running.call(c"restart", Some((thread.handle, named))).then_some(Ok(())));
            });
            running.call(c"forget_lost_threads", None);
            RESTARTING.store(0, Relaxed);
        }
    });
    errno::set(errno);
}

/// Calls `each` with Python's lost threads in the order in which the kernel numbered them, which is nearly always that of their start: a pool's
/// workers before the thread that would replace them.
fn in_order(mut each: impl FnMut(&'static Snapshot, &'static ThreadRecord)) {
    let mut last = 0;
    loop {
        let next = record(|_| restartable().filter(|(_, t)| t.label != 0 && t.tid > last).min_by_key(|(_, t)| t.tid)).flatten();
        let Some((fork, thread)) = next else { return };
        last = thread.tid;
        each(fork, thread);
    }
}
