//! Threads of Python's `threading`: the same Thread object is started again. Where they stood is asked of the interpreter: os.fork calls us right
//! before the fork; a server that forks without a word to Python (uWSGI) leaves the lost threads' states in the child as they were, until that
//! starts a thread.
use super::*;
use crate::entry::record;
use crate::sites::python::{while_held, while_taken};
use forkguard_core::gate;
use forkguard_core::thread::Slot;
use forkguard_loader::program_path;
use std::ffi::CStr;
use std::sync::atomic::AtomicU8;

const NAME: &CStr = c"forkguard.threads";
const SOURCE: &CStr = match CStr::from_bytes_with_nul(concat!(include_str!("revive.py"), "\0").as_bytes()) {
    Ok(source) => source,
    Err(_) => panic!("a text without NUL"),
};

/// Not zero once the code is there.
#[unsafe(link_section = "forkguard_words")]
static INSTALLED: AtomicU8 = AtomicU8::new(0);
/// Not zero in a child that may still start Python's lost threads again.
#[unsafe(link_section = "forkguard_words")]
static PENDING: AtomicU8 = AtomicU8::new(0);
/// Not zero while it does.
#[unsafe(link_section = "forkguard_words")]
static STARTING: AtomicU8 = AtomicU8::new(0);

/// In the hook of pthread_create, outside of its bookkeeping: Python starts a thread, holds the GIL, and has imported `threading`.
pub(crate) fn starts(slot: &Slot) {
    if slot.label.load(Relaxed) == 0 || !is_on() || revived().is_some() {
        return;
    }
    let errno = crate::entry::errno::get();
    let there = while_held(NAME, |running| running.is_installed() || running.install(SOURCE));
    if there == Some(true) {
        INSTALLED.store(1, Relaxed);
    }
    crate::entry::errno::set(errno);
}

/// In a child's first handler.
pub(super) fn in_child() {
    let some = || restartable().any(|(_, thread)| thread.label != 0);
    let pending = INSTALLED.load(Relaxed) != 0 && (sites::holds_interpreter() || is_uwsgi()) && some();
    STARTING.store(0, Relaxed);
    PENDING.store(u8::from(pending), Relaxed);
}

/// Who forks without the GIL may never need it in the child, where a lost thread may have it for good. uWSGI takes it at once.
fn is_uwsgi() -> bool {
    program_path().as_str().rsplit('/').next().is_some_and(|program| program.contains("uwsgi"))
}

/// True while they are being started: that they wait does not settle the child.
pub(crate) fn is_starting() -> bool {
    STARTING.load(Relaxed) != 0
}

/// None is started again here any more.
pub(crate) fn give_up() {
    PENDING.store(0, Relaxed);
}

/// True while a wait may be the one before which threads are started.
pub(crate) fn is_pending() -> bool {
    PENDING.load(Relaxed) != 0
}

/// In a hook, outside of its bookkeeping: this thread is about to wait, or to start a thread.
#[inline(always)]
pub(crate) fn before_wait() {
    if is_pending() {
        start_again();
    }
}

#[cold]
fn start_again() {
    if !gate::awake() || tls::inside() != 0 || gate::is_guest() || !core_fork::owned() {
        return;
    }
    let errno = crate::entry::errno::get();
    while_taken(NAME, true, |running| {
        // What is started here waits, too.
        if PENDING.swap(0, Relaxed) != 0 {
            STARTING.store(1, Relaxed);
            if raw::kernel_threads() == 1 {
                running.call(c"adopt", None);
            }
            in_order(|fork, thread| {
                let named = is_named(name_of(thread).as_str());
                revive(fork, thread, || running.call(c"revive", Some((thread.handle, named))).then_some(Ok(())));
            });
            running.call(c"end", None);
            STARTING.store(0, Relaxed);
        }
    });
    crate::entry::errno::set(errno);
}

/// Calls `each` with Python's lost threads in the order in which the kernel numbered them, which is nearly always that of their start: a pool's
/// workers before the thread that would replace them.
fn in_order(mut each: impl FnMut(&'static Inner, &'static ThreadRecord)) {
    let mut last = 0;
    loop {
        let next = record(|_| restartable().filter(|(_, t)| t.label != 0 && t.tid > last).min_by_key(|(_, t)| t.tid)).flatten();
        let Some((fork, thread)) = next else { return };
        last = thread.tid;
        each(fork, thread);
    }
}
