//! Who set each signal's handler.
use super::generation;
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::*, fence};

/// Signals are numbered 1 to 64.
pub const COUNT: usize = 64;

/// Settings of one signal that are remembered.
pub const REMEMBERED: usize = 8;

/// One setting.
struct Setting {
    handler: AtomicUsize,
    site: AtomicUsize,
    code: AtomicUsize,
    thread: AtomicU32,
    /// The process's generation when it was set.
    generation: AtomicU32,
}

/// A copy of it.
#[derive(Clone, Copy)]
pub struct SignalSetting {
    /// The handler that was set.
    pub handler: usize,
    /// The word of the call that set it; 0 when no hook saw one.
    pub site: usize,
    /// The word of the function that runs in the language that set it; 0 unknown.
    pub code: usize,
    /// Kernel id of the thread that set it.
    pub thread: u32,
    /// Set before the fork that made this process.
    pub inherited: bool,
}

impl Setting {
    const fn new() -> Setting {
        Setting {
            handler: AtomicUsize::new(0),
            site: AtomicUsize::new(0),
            code: AtomicUsize::new(0),
            thread: AtomicU32::new(0),
            generation: AtomicU32::new(0),
        }
    }

    fn get(&self) -> SignalSetting {
        SignalSetting {
            handler: self.handler.load(Relaxed),
            site: self.site.load(Relaxed),
            code: self.code.load(Relaxed),
            thread: self.thread.load(Relaxed),
            inherited: self.generation.load(Relaxed) < generation::current(),
        }
    }

    fn put(&self, set: SignalSetting, generation: u32) {
        self.handler.store(set.handler, Relaxed);
        self.site.store(set.site, Relaxed);
        self.code.store(set.code, Relaxed);
        self.thread.store(set.thread, Relaxed);
        self.generation.store(generation, Relaxed);
    }
}

/// The settings of one signal.
struct History {
    /// Counts the changes, odd during one; above that the generation of the process that made the last one.
    version: AtomicU64,
    /// The latest first.
    settings: [Setting; REMEMBERED],
}

const GENERATION_SHIFT: u32 = 32;

static HISTORIES: [History; COUNT + 1] =
    [const { History { version: AtomicU64::new(0), settings: [const { Setting::new() }; REMEMBERED] } }; COUNT + 1];

/// See [`noted`].
#[unsafe(link_section = "forkguard_words")]
static NOTED: AtomicU64 = AtomicU64::new(0);

impl History {
    /// Changes it, unless another thread does, or this one where a signal handler interrupted it: then the latest handler is nobody's.
    fn change(&self, change: impl FnOnce(&[Setting; REMEMBERED])) {
        let own = u64::from(generation::current()) << GENERATION_SHIFT;
        let seen = self.version.load(Relaxed);
        // A change of an older generation was of a thread that this process lost.
        let under_way = seen & 1 != 0 && seen >> GENERATION_SHIFT == own >> GENERATION_SHIFT;
        let begun = own | u64::from(seen as u32 | 1);
        if under_way || self.version.compare_exchange(seen, begun, Acquire, Relaxed).is_err() {
            return;
        }
        fence(Release);
        change(&self.settings);
        self.version.store(own | u64::from((begun as u32).wrapping_add(1)), Release);
    }

    /// What was noted, the latest first; nothing while it is changed.
    fn read(&self) -> [SignalSetting; REMEMBERED] {
        let seen = self.version.load(Acquire);
        let sets = self.settings.each_ref().map(Setting::get);
        fence(Acquire);
        let whole = seen & 1 == 0 && self.version.load(Relaxed) == seen;
        if whole { sets } else { [Setting::new().get(); REMEMBERED] }
    }
}

/// Records that a disposition was set now. The same call made again is not remembered twice.
pub fn record(signal: i32, set: SignalSetting) {
    let Some(history) = HISTORIES.get(signal as usize) else { return };
    NOTED.fetch_or(bit(signal), Relaxed);
    history.change(|settings| {
        if settings[0].get().site != set.site {
            for i in (1..REMEMBERED).rev() {
                settings[i].put(settings[i - 1].get(), settings[i - 1].generation.load(Relaxed));
            }
        }
        settings[0].put(set, generation::current());
    });
}

/// Records that the latest setting was undone by this one: what was before it is not forgotten for that.
pub fn record_undone(signal: i32, set: SignalSetting) {
    let Some(history) = HISTORIES.get(signal as usize) else { return };
    NOTED.fetch_or(bit(signal), Relaxed);
    history.change(|settings| {
        if settings[1].get().site != set.site {
            return settings[0].put(set, generation::current());
        }
        for i in 1..REMEMBERED {
            settings[i - 1].put(settings[i].get(), settings[i].generation.load(Relaxed));
        }
        settings[REMEMBERED - 1].put(Setting::new().get(), 0);
    });
}

/// The signals that were blocked when the program began: nothing that it did.
#[unsafe(link_section = "forkguard_words")]
static BLOCKED_AT_START: AtomicU64 = AtomicU64::new(0);

/// In the constructor.
pub fn begin() {
    BLOCKED_AT_START.store(crate::kernel::blocked_signals(), Relaxed);
}

/// See [`begin`]; bit n is signal n + 1.
pub fn blocked_at_start() -> u64 {
    BLOCKED_AT_START.load(Relaxed)
}

/// What was noted last, if its handler is the one that the kernel has: a raw system call may have set another since.
pub fn setter(signal: i32, handler: usize) -> Option<SignalSetting> {
    let [set, ..] = HISTORIES.get(signal as usize)?.read();
    (set.site != 0 && set.handler == handler).then_some(set)
}

/// All that was noted, the latest first.
pub fn settings(signal: i32) -> impl Iterator<Item = SignalSetting> {
    let history = HISTORIES.get(signal as usize);
    history.into_iter().flat_map(|history| history.read()).filter(|set| set.site != 0)
}

/// A word that changes whenever a signal's disposition is noted, and its address: it is the same in a forked child that has noted none since.
pub fn version(signal: i32) -> Option<(usize, u64)> {
    let version = &HISTORIES.get(signal as usize)?.version;
    Some((version.as_ptr().addr(), version.load(Acquire)))
}

/// What was noted before that, the latest first.
pub fn earlier(signal: i32) -> impl Iterator<Item = SignalSetting> {
    let history = HISTORIES.get(signal as usize);
    history.into_iter().flat_map(|history| history.read().into_iter().skip(1)).filter(|set| set.site != 0)
}

/// Signals of which something was noted (bit n: signal n + 1): known without a look at what that is.
pub fn recorded() -> u64 {
    NOTED.load(Relaxed)
}

fn bit(signal: i32) -> u64 {
    1u64.unbounded_shl((signal - 1) as u32)
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

/// The number of a signal by its name, with or without `SIG`.
pub fn number(name: &str) -> Option<i32> {
    let bare = |name: &str| name.strip_prefix("SIG").filter(|rest| !rest.is_empty()).unwrap_or(name).len();
    let tail = |text: &'static str| &text[text.len() - bare(text)..];
    let wanted = &name[name.len() - bare(name)..];
    NAMES.iter().skip(1).position(|known| tail(known) == wanted).map(|index| index as i32 + 1)
}

/// The name of a signal; real-time signals have one name for all.
pub fn name(signal: i32) -> &'static str {
    match signal {
        1..=31 => NAMES[signal as usize],
        32..=64 => "real-time signal",
        _ => "unknown signal",
    }
}
