//! Who set each signal's handler.
use crate::generation;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

/// Signals are numbered 1 to 64.
pub const COUNT: usize = 64;

/// What the hooks saw of one signal.
pub struct Setting {
    handler: AtomicUsize,
    site: AtomicUsize,
    thread: AtomicU32,
    /// The process's generation when it was set.
    generation: AtomicU32,
}

/// A copy of it.
#[derive(Clone, Copy)]
pub struct Set {
    /// The handler that was set last.
    pub handler: usize,
    /// Return address of the call that set it; 0 when no hook saw one.
    pub site: usize,
    /// Kernel id of the thread that set it.
    pub thread: u32,
    /// Set before the fork that made this process.
    pub inherited: bool,
}

static SETTINGS: [Setting; COUNT + 1] = [const {
    Setting { handler: AtomicUsize::new(0), site: AtomicUsize::new(0), thread: AtomicU32::new(0), generation: AtomicU32::new(0) }
}; COUNT + 1];

/// Notes that a disposition was set.
pub fn note(signal: i32, handler: usize, site: usize, thread: u32) {
    if let Some(setting) = SETTINGS.get(signal as usize) {
        setting.handler.store(handler, Relaxed);
        setting.site.store(site, Relaxed);
        setting.thread.store(thread, Relaxed);
        setting.generation.store(generation::current(), Relaxed);
    }
}

/// What was noted last, if its handler is the one that the kernel has: a raw system call may have set another since.
pub fn setter(signal: i32, handler: usize) -> Option<Set> {
    let setting = SETTINGS.get(signal as usize)?;
    let site = setting.site.load(Relaxed);
    (site != 0 && setting.handler.load(Relaxed) == handler).then(|| Set {
        handler,
        site,
        thread: setting.thread.load(Relaxed),
        inherited: setting.generation.load(Relaxed) < generation::current(),
    })
}

/// The names of signals 1 to 31.
const NAMES: [&str; 32] = [
    "",
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

/// The name of a signal; real-time signals have one name for all.
pub fn name(signal: i32) -> &'static str {
    match signal {
        1..=31 => NAMES[signal as usize],
        32..=64 => "real-time signal",
        _ => "unknown signal",
    }
}
