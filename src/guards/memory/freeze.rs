//! `freeze`: before its first fork a leader's interpreter collects its garbage once, and then leaves what is there alone: a collection in a worker
//! writes to every object that it looks at.
//!
//! CPython: gc.collect and gc.freeze, in the audit event of os.fork, where any code may run; of a server that forks past Python (uWSGI) in the hook of
//! fork, with the GIL. MRI: Process.warmup (3.3), else GC.start, in `Process._fork`. Both are asked to call us when a file is opened for the first
//! time in their life: every program that imports something does.
use crate::entry::{errno, record};
use crate::ledger::log_action;
use crate::options;
use crate::sites;
use crate::sites::python::{self, PythonCall, Running, while_held, while_taken};
use forkguard_core::{flags, kernel};
use forkguard_report::event::Guard;
use std::ffi::CStr;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering::Relaxed};

const NAME: &CStr = c"forkguard.memory";
const SOURCE: &CStr = match CStr::from_bytes_with_nul(concat!(include_str!("freeze.py"), "\0").as_bytes()) {
    Ok(source) => source,
    Err(_) => panic!("a text without NUL"),
};

/// 1: after Process.warmup, 2: after GC.start, 0: the program has switched the collector off.
const RUBY: &CStr = c"GC.disable ? 0 : (GC.enable; Process.respond_to?(:warmup) ? (Process.warmup; 1) : (GC.start; 2))";

/// Not zero until an interpreter is asked to call us.
static PENDING: AtomicU8 = AtomicU8::new(0);

/// What was done in this process or, until its child has reported it, in its leader: [`NOTHING`], [`FAILED`], a number of Python's, or that and
/// [`OF_RUBY`].
static DONE: AtomicI64 = AtomicI64::new(NOTHING);
/// How long it took.
static NS: AtomicU64 = AtomicU64::new(0);

const NOTHING: i64 = -1;
const FAILED: i64 = -2;
const OF_RUBY: i64 = 1 << 62;

/// See [`super::prepare`].
pub(super) fn prepare() {
    PENDING.store(1, Relaxed);
}

/// In the hooks that open files.
#[inline(always)]
pub(crate) fn at_open() {
    if PENDING.load(Relaxed) != 0 {
        watch_forks();
    }
}

#[cold]
fn watch_forks() {
    record(|_| {
        if !sites::is_in_signal_handler(sites::Start::here()) && sites::watch_forks_soon() {
            PENDING.store(0, Relaxed);
        }
    });
}

fn once(freeze: impl FnOnce() -> Option<i64>) {
    if DONE.load(Relaxed) == NOTHING {
        let start = kernel::monotonic();
        let done = freeze().unwrap_or(FAILED);
        NS.store(kernel::monotonic() - start, Relaxed);
        DONE.store(done, Relaxed);
    }
}

/// Where Python calls us. A pseudoterminal's child executes a shell.
pub(crate) fn in_python(call: PythonCall) {
    match call {
        _ if !options::get().memory.freeze => {}
        PythonCall::Begin => _ = while_held(NAME, install),
        PythonCall::Fork => once(|| while_held(NAME, freeze).flatten()),
        PythonCall::Forkpty => {}
    }
}

/// In the hook of fork. Where Python's code forks, its audit event came before; in its own fork it is too late to run any.
pub(super) fn before_servers_fork(caller: usize) {
    let is_servers = || python::is_python_thread() && !python::may_run_code();
    if DONE.load(Relaxed) != NOTHING || !python::is_known() || python::is_code(caller) || !is_servers() {
        return;
    }
    // In a child a lost thread may have the GIL for good.
    let take = || if flags::is_forked_child() { None } else { while_taken(NAME, true, freeze) };
    errno::preserve(|| once(|| while_held(NAME, freeze).or_else(take).flatten()));
}

fn install(running: &Running) -> bool {
    running.is_installed() || running.install(SOURCE)
}

fn freeze(running: &Running) -> Option<i64> {
    install(running).then(|| running.call_for_number(c"freeze")).flatten()
}

/// In Ruby's method. An exception that code of the program's raises meanwhile leaves it.
pub(crate) fn in_ruby() {
    if options::get().memory.freeze && DONE.load(Relaxed) == NOTHING {
        let start = kernel::monotonic();
        let done = sites::evaluate_ruby(RUBY);
        NS.store(kernel::monotonic() - start, Relaxed);
        DONE.store(done.map_or(FAILED, |done| done | OF_RUBY), Relaxed);
    }
}

/// See [`super::in_child`]: what comes of this process's own forks is another matter.
pub(super) fn in_child() {
    const FROZEN: &str = "frozen before the fork";
    const LEFT: &str = "left to the program, which does it by itself";
    const OLD: &str = "made old before the fork";
    let start = kernel::monotonic_by_syscall().saturating_sub(NS.load(Relaxed));
    let log = |action, subject, result| log_action(Guard::Memory, action, subject, start, result);
    match DONE.load(Relaxed) {
        NOTHING => {}
        FAILED => log(FROZEN, format_args!("objects of the interpreter"), Err(libc::EAGAIN)),
        0 | OF_RUBY => log(LEFT, format_args!("garbage collection"), Ok(())),
        count if count & OF_RUBY == 0 => log(FROZEN, format_args!("{count} objects of Python's"), Ok(())),
        done if done & !OF_RUBY == 1 => log(OLD, format_args!("Ruby's objects, by Process.warmup"), Ok(())),
        _ => log(OLD, format_args!("Ruby's objects, by GC.start"), Ok(())),
    }
}

/// In a forked child, when what its leader did is reported or was not worth it.
pub(super) fn reset_in_child() {
    DONE.store(NOTHING, Relaxed);
}
