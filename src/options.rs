//! Every option: one table of names, defaults, parsers and help. A bad value is one clear line, and the default holds.
mod unknown;

use forkguard_core::fixed::Text;
use forkguard_core::kernel;
use forkguard_core::registry::signals;
use forkguard_report::event::FindingKind;
use forkguard_report::suppress;
use std::ffi::{CStr, c_char};
use std::fmt::Arguments;
use std::sync::OnceLock;

/// What forkguard does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Records, reports and guards.
    Guard,
    /// Records and reports.
    Observe,
    /// Passes everything through.
    Off,
}

/// Where the report goes.
#[derive(Clone, Copy)]
#[expect(clippy::large_enum_variant, reason = "there is one of it, in a static")]
pub(crate) enum Report {
    /// A private directory of the user's: `emit/directory.rs` chooses it.
    Private,
    /// This directory.
    Directory(Text<1024>),
    /// Nowhere.
    None,
}

/// When a summary is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Summary {
    /// For children that live on and have an open warning, once a kind.
    Auto,
    /// For all children that live on.
    Always,
    /// As `Auto`, a line of JSON a finding.
    Json,
    /// Never.
    Never,
}

/// What happens to a thread that waits for a lock that nobody will release.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locks {
    /// It is reported.
    Report,
    /// Its process ends by SIGABRT after the report.
    Abort,
    /// The locks were made usable in the child before.
    Reset,
}

/// Whose signal handlers return to the default in a child.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signals {
    /// Those of a preloaded application, for the signals by which a server steers its workers.
    Auto,
    /// Nobody's.
    None,
    /// All that an application set, whoever forks.
    Application,
    /// Those of exactly these signals (bit n: signal n + 1).
    These(u64),
}

/// What happens to the child's copy of an inherited client connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sockets {
    /// It is closed when the child execs.
    Cloexec,
    /// It is replaced by a dead one.
    Sever,
    /// The same, unless the function that forks made it for this child.
    Spare,
    /// Nothing.
    Keep,
}

/// What happens to something that leader and child share.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shared {
    /// It stays shared.
    Share,
    /// The child gets its own.
    Own,
}

/// What a program gets that a child executes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exec {
    /// All that exec leaves it.
    Inherit,
    /// No descriptor that nobody gave it, and every signal.
    Clean,
}

/// What happens to periodic timers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timers {
    /// They are lost, as fork has it.
    Lose,
    /// They run on in the child.
    Rearm,
}

/// What happens to signals that the forking thread blocks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignalsMask {
    /// The child blocks them, too.
    Keep,
    /// Those that only lost threads took are unblocked.
    Unblock,
}

/// What happens to output that waits in the leader's streams at a fork.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Buffers {
    /// The child writes its copy, too.
    Keep,
    /// The child's copy is dropped.
    Drop,
}

/// What keeps more of a leader's memory shared with its children.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// The collector of an interpreter runs before the fork, and leaves what is there alone afterwards.
    pub(crate) freeze: bool,
    /// What allocators keep free is given back before the fork.
    pub(crate) trim: bool,
    /// The kernel may merge pages that are equal.
    pub(crate) ksm: bool,
    /// Children get no huge pages.
    pub(crate) nothp: bool,
    /// It was left to forkguard: what a host does not offer is not asked for.
    pub(crate) is_auto: bool,
}

/// Which lock forks wait for until another thread holds it: a test's, of what may happen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Worst {
    /// None.
    Off,
    /// None: the report tells who takes which lock.
    List,
    /// The one with this identity, for so many milliseconds.
    Lock(u64, u32),
}

/// What happens to libgomp's pools.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpenMp {
    /// Nothing.
    Keep,
    /// The forking thread's is released before the fork.
    Pause,
    /// The child's regions run with one thread.
    Single,
}

/// Which lost threads a child starts again.
#[derive(Clone, Copy)]
#[expect(clippy::large_enum_variant, reason = "there is one of it, in a static")]
pub(crate) enum Threads {
    /// None.
    Report,
    /// Those that wait for work in a queue of this process.
    Consumers,
    /// Those whose name matches one of these patterns, separated by commas.
    Named(Text<256>),
}

/// All options.
#[derive(Clone, Copy)]
pub(crate) struct Options {
    pub(crate) mode: Mode,
    pub(crate) report: Report,
    /// Bytes from which on a report file has counts only.
    pub(crate) report_limit: u64,
    pub(crate) summary: Summary,
    pub(crate) signals: Signals,
    pub(crate) sockets: Sockets,
    /// Patterns of descriptors that no guard touches, separated by commas.
    pub(crate) keep: Text<1024>,
    pub(crate) locks: Locks,
    /// Milliseconds that a fork waits for a moment without held locks.
    pub(crate) safe_point: u32,
    /// `library:function` pairs that are called in the child, separated by commas.
    pub(crate) fixups: Text<1024>,
    pub(crate) threads: Threads,
    pub(crate) openmp: OpenMp,
    pub(crate) epoll: Shared,
    pub(crate) files: Shared,
    pub(crate) timers: Timers,
    pub(crate) buffers: Buffers,
    pub(crate) memory: Memory,
    pub(crate) exec: Exec,
    /// Signals whose handler survives the worker's own reset (bit n: signal n + 1).
    pub(crate) signals_keep: u64,
    pub(crate) signals_mask: SignalsMask,
    /// The rules that silence findings: see `findings/suppress.rs`.
    pub(crate) suppress: Text<RULES>,
    pub(crate) follow_exec: bool,
    pub(crate) worst: Worst,
    /// A child that settles reports what a child of its own would inherit broken.
    pub(crate) what_if: bool,
}

/// The longest file of them.
const RULES: usize = 4096;

const DEFAULTS: Options = Options {
    mode: Mode::Guard,
    report: Report::Private,
    report_limit: 64 << 20,
    summary: Summary::Auto,
    signals: Signals::Auto,
    sockets: Sockets::Cloexec,
    keep: Text::new(),
    locks: Locks::Report,
    safe_point: 0,
    fixups: Text::new(),
    threads: Threads::Report,
    openmp: OpenMp::Keep,
    epoll: Shared::Share,
    files: Shared::Share,
    timers: Timers::Lose,
    buffers: Buffers::Keep,
    memory: Memory::KEEP,
    exec: Exec::Inherit,
    signals_keep: 0,
    signals_mask: SignalsMask::Keep,
    suppress: Text::new(),
    follow_exec: true,
    worst: Worst::Off,
    what_if: false,
};

impl Memory {
    const KEEP: Memory = Memory { freeze: false, trim: false, ksm: false, nothp: false, is_auto: false };

    /// True where nothing is done about it.
    pub(crate) fn is_kept(self) -> bool {
        self == Memory::KEEP
    }
}

impl Sockets {
    /// True where copies are replaced by dead ones.
    pub(crate) fn severs(self) -> bool {
        matches!(self, Sockets::Sever | Sockets::Spare)
    }
}

impl Options {
    /// True where a guard that is not on by default may act in a child.
    pub(crate) fn asks_for_guards(&self) -> bool {
        self.locks == Locks::Reset
            || self.safe_point != 0
            || self.openmp != OpenMp::Keep
            || [self.epoll, self.files].contains(&Shared::Own)
            || self.timers == Timers::Rearm
            || !self.memory.is_kept()
            || !matches!(self.threads, Threads::Report)
            || !matches!(self.signals, Signals::Auto | Signals::None)
    }

    /// The option, not yet given, that would deal with what such a finding is about.
    pub(crate) fn unused_guard(&self, kind: FindingKind) -> Option<&'static str> {
        let (is_given, option) = match kind {
            FindingKind::ThreadLost => (matches!(self.threads, Threads::Named(_)), "FORKGUARD_THREADS=revive:NAME"),
            FindingKind::LockOrphaned | FindingKind::LockDeadlock => {
                (self.safe_point != 0 || self.locks == Locks::Reset, "FORKGUARD_SAFE_POINT=100 or FORKGUARD_LOCKS=reset")
            }
            FindingKind::ConnectionInherited | FindingKind::ConnectionSharedUse => {
                (self.sockets.severs(), "FORKGUARD_SOCKETS=sever")
            }
            FindingKind::EpollInherited | FindingKind::EpollSharedUse => (self.epoll == Shared::Own, "FORKGUARD_EPOLL=own"),
            FindingKind::FileOffsetShared | FindingKind::LockFileShared | FindingKind::ExitHandlerInherited => {
                (self.files == Shared::Own, "FORKGUARD_FILES=own")
            }
            FindingKind::TimerLost => (self.timers == Timers::Rearm, "FORKGUARD_TIMERS=rearm"),
            FindingKind::BufferDuplicated => (self.buffers == Buffers::Drop, "FORKGUARD_BUFFERS=drop"),
            FindingKind::RuntimeUnsafe => (self.openmp != OpenMp::Keep, "FORKGUARD_OPENMP=pause"),
            FindingKind::FdLeakedExec => (self.exec == Exec::Clean, "FORKGUARD_EXEC=clean"),
            FindingKind::HandlerDropped => (self.signals_keep != 0, "FORKGUARD_SIGNALS_KEEP=NAME"),
            _ => return None,
        };
        (!is_given).then_some(option)
    }
}

/// The longest that a fork may be asked to wait.
const SAFE_POINT_MS: u32 = 10_000;
/// What the profile `cure` gives a fork.
const CURE_SAFE_POINT_MS: u32 = 100;

/// Functions that FORKGUARD_FIXUPS may name.
pub(crate) const FIXUPS: usize = 64;

/// One option: its name, what it takes, and how a value is taken (false: not one of the allowed).
struct Row {
    name: &'static CStr,
    allowed: &'static str,
    take: fn(&mut Options, &str) -> bool,
}

const TABLE: &[Row] = &[
    Row {
        name: c"FORKGUARD",
        allowed: "guard, observe or off",
        take: |o, v| choose(&mut o.mode, v, &[("guard", Mode::Guard), ("observe", Mode::Observe), ("off", Mode::Off)]),
    },
    Row { name: c"FORKGUARD_REPORT", allowed: "a directory (absolute path, at most 1000 bytes) or none", take: take_report },
    Row {
        name: c"FORKGUARD_REPORT_LIMIT",
        allowed: "bytes, such as 500000, 64M or 2G",
        take: |o, v| set(&mut o.report_limit, bytes(v)),
    },
    Row {
        name: c"FORKGUARD_SUMMARY",
        allowed: "auto, always, json or never",
        take: |o, v| {
            let printed = [("auto", Summary::Auto), ("always", Summary::Always), ("json", Summary::Json)];
            choose(&mut o.summary, v, &printed) || choose(&mut o.summary, v, &[("never", Summary::Never)])
        },
    },
    // Before the options of single guards: what they say counts.
    Row { name: c"FORKGUARD_PROFILE", allowed: "cure", take: take_profile },
    Row {
        name: c"FORKGUARD_SIGNALS",
        allowed: "auto, none, application or a list of signals such as TERM,USR1 (KILL and STOP cannot be set)",
        take: take_signals,
    },
    Row {
        name: c"FORKGUARD_SIGNALS_KEEP",
        allowed: "a list of signals such as USR2 (KILL and STOP cannot be set)",
        take: |o, v| set(&mut o.signals_keep, signals(v)),
    },
    Row {
        name: c"FORKGUARD_SIGNALS_MASK",
        allowed: "keep or unblock",
        take: |o, v| choose(&mut o.signals_mask, v, &[("keep", SignalsMask::Keep), ("unblock", SignalsMask::Unblock)]),
    },
    Row {
        name: c"FORKGUARD_SOCKETS",
        allowed: "cloexec, sever, spare or keep",
        take: |o, v| {
            let severed = [("sever", Sockets::Sever), ("spare", Sockets::Spare)];
            let left = [("cloexec", Sockets::Cloexec), ("keep", Sockets::Keep)];
            choose(&mut o.sockets, v, &severed) || choose(&mut o.sockets, v, &left)
        },
    },
    Row {
        name: c"FORKGUARD_KEEP",
        allowed: "a list of HOST:PORT, unix paths and fd:NUMBER, in which * and ? stand for anything (at most 1000 bytes)",
        take: |o, v| set(&mut o.keep, list(v)),
    },
    Row {
        name: c"FORKGUARD_LOCKS",
        allowed: "report, abort or reset",
        take: |o, v| choose(&mut o.locks, v, &[("report", Locks::Report), ("abort", Locks::Abort), ("reset", Locks::Reset)]),
    },
    Row {
        name: c"FORKGUARD_SAFE_POINT",
        allowed: "milliseconds, 0 to 10000",
        take: |o, v| set(&mut o.safe_point, v.parse().ok().filter(|ms| *ms <= SAFE_POINT_MS)),
    },
    Row {
        name: c"FORKGUARD_FIXUPS",
        allowed: "a list of at most 64 LIBRARY:FUNCTION, such as libcrypto.so.3:RAND_poll (at most 1000 bytes)",
        take: |o, v| set(&mut o.fixups, list(v).filter(|_| v.split(',').count() <= FIXUPS && v.split(',').all(is_pair))),
    },
    Row { name: c"FORKGUARD_THREADS", allowed: "report, revive or revive:NAME-PATTERN,…", take: take_threads },
    Row {
        name: c"FORKGUARD_OPENMP",
        allowed: "keep, pause or single",
        take: |o, v| choose(&mut o.openmp, v, &[("keep", OpenMp::Keep), ("pause", OpenMp::Pause), ("single", OpenMp::Single)]),
    },
    Row { name: c"FORKGUARD_EPOLL", allowed: "share or own", take: |o, v| choose(&mut o.epoll, v, SHARED) },
    Row { name: c"FORKGUARD_FILES", allowed: "share or own", take: |o, v| choose(&mut o.files, v, SHARED) },
    Row {
        name: c"FORKGUARD_TIMERS",
        allowed: "lose or rearm",
        take: |o, v| choose(&mut o.timers, v, &[("lose", Timers::Lose), ("rearm", Timers::Rearm)]),
    },
    Row {
        name: c"FORKGUARD_BUFFERS",
        allowed: "keep or drop",
        take: |o, v| choose(&mut o.buffers, v, &[("keep", Buffers::Keep), ("drop", Buffers::Drop)]),
    },
    Row { name: c"FORKGUARD_MEMORY", allowed: "keep, auto or a list of freeze, trim, ksm and nothp", take: take_memory },
    Row {
        name: c"FORKGUARD_EXEC",
        allowed: "inherit or clean",
        take: |o, v| choose(&mut o.exec, v, &[("inherit", Exec::Inherit), ("clean", Exec::Clean)]),
    },
    Row {
        name: c"FORKGUARD_SUPPRESS",
        allowed: "a file of rules that can be read (absolute path; less than 4000 bytes)",
        take: take_suppress,
    },
    Row {
        name: c"FORKGUARD_FOLLOW_EXEC",
        allowed: "0 or 1",
        take: |o, v| choose(&mut o.follow_exec, v, &[("0", false), ("1", true)]),
    },
    Row {
        name: c"FORKGUARD_WORST",
        allowed: "list, or LOCK or LOCK:MILLISECONDS (at most 10000) with a lock's identity from a report",
        take: |o, v| choose(&mut o.worst, v, &[("list", Worst::List)]) || set(&mut o.worst, lock(v)),
    },
    Row { name: c"FORKGUARD_WHAT_IF", allowed: "fork", take: |o, v| choose(&mut o.what_if, v, &[("fork", true)]) },
];

const SHARED: &[(&str, Shared)] = &[("share", Shared::Share), ("own", Shared::Own)];

fn choose<T: Copy>(place: &mut T, value: &str, choices: &[(&str, T)]) -> bool {
    match choices.iter().find(|(name, _)| *name == value) {
        Some((_, choice)) => {
            *place = *choice;
            true
        }
        None => false,
    }
}

fn set<T>(place: &mut T, value: Option<T>) -> bool {
    value.map(|value| *place = value).is_some()
}

/// A number of bytes; K, M and G stand for powers of 1024.
fn bytes(value: &str) -> Option<u64> {
    let units = [("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30)];
    let (number, unit) = units.iter().find_map(|(name, unit)| Some((value.strip_suffix(name)?, *unit))).unwrap_or((value, 1));
    // The parser would take a sign.
    number.bytes().all(|digit| digit.is_ascii_digit()).then(|| number.parse::<u64>().ok()?.checked_mul(unit))?
}

/// What was written, if there is room for it.
fn list<const N: usize>(value: &str) -> Option<Text<N>> {
    (value.len() < N - 24).then(|| Text::of(format_args!("{value}")))
}

/// A lock's identity, and how long forks wait for it.
fn lock(value: &str) -> Option<Worst> {
    const DEFAULT_MS: u32 = 2000;
    let (id, ms) = value.split_once(':').map_or(Some((value, DEFAULT_MS)), |(id, ms)| Some((id, ms.parse().ok()?)))?;
    (id.len() == 16 && ms <= SAFE_POINT_MS).then(|| Some(Worst::Lock(u64::from_str_radix(id, 16).ok()?, ms)))?
}

fn is_pair(text: &str) -> bool {
    text.split_once(':').is_some_and(|(library, function)| !library.is_empty() && !function.is_empty())
}

/// The bits of signals, by name or number.
fn signals(value: &str) -> Option<u64> {
    let bit = |name: &str| {
        let number = signals::number(name).or_else(|| name.parse().ok())?;
        (matches!(number, 1..=64) && !matches!(number, libc::SIGKILL | libc::SIGSTOP | 32 | 33)).then(|| 1 << (number - 1))
    };
    value.split(',').try_fold(0, |bits, name| Some(bits | bit(name.trim())?))
}

fn take_signals(options: &mut Options, value: &str) -> bool {
    let named = [("auto", Signals::Auto), ("none", Signals::None), ("application", Signals::Application)];
    choose(&mut options.signals, value, &named) || set(&mut options.signals, signals(value).map(Signals::These))
}

fn take_threads(options: &mut Options, value: &str) -> bool {
    let named = || list(value.strip_prefix("revive:").filter(|patterns| !patterns.is_empty())?).map(Threads::Named);
    choose(&mut options.threads, value, &[("report", Threads::Report), ("revive", Threads::Consumers)])
        || set(&mut options.threads, named())
}

fn take_memory(options: &mut Options, value: &str) -> bool {
    let add = |mut memory: Memory, name: &str| {
        let place = match name.trim() {
            "freeze" => &mut memory.freeze,
            "trim" => &mut memory.trim,
            "ksm" => &mut memory.ksm,
            "nothp" => &mut memory.nothp,
            _ => return None,
        };
        *place = true;
        Some(memory)
    };
    let auto = Memory { trim: true, ksm: true, is_auto: true, ..Memory::KEEP };
    choose(&mut options.memory, value, &[("keep", Memory::KEEP), ("auto", auto)])
        || set(&mut options.memory, value.split(',').try_fold(Memory::KEEP, add))
}

fn take_suppress(options: &mut Options, value: &str) -> bool {
    let path = Text::<1024>::of(format_args!("{value}"));
    let Some(path) = path.as_cstr().filter(|_| value.starts_with('/') && value.len() <= 1000) else { return false };
    let mut bytes = [0; RULES];
    let read = kernel::read_file(path, &mut bytes);
    if read.len() >= RULES - 96 || !kernel::is_readable(path) {
        return false;
    }
    options.suppress = Text::from_bytes(read);
    true
}

/// Every guard that is safe together with the others.
fn take_profile(options: &mut Options, value: &str) -> bool {
    if value != "cure" {
        return false;
    }
    options.sockets = Sockets::Spare;
    options.locks = Locks::Reset;
    options.safe_point = CURE_SAFE_POINT_MS;
    options.threads = Threads::Consumers;
    options.openmp = OpenMp::Pause;
    options.epoll = Shared::Own;
    options.files = Shared::Own;
    options.timers = Timers::Rearm;
    options.buffers = Buffers::Drop;
    options.exec = Exec::Clean;
    options.signals_mask = SignalsMask::Unblock;
    options.signals_keep = 1 << (libc::SIGUSR1 - 1) | 1 << (libc::SIGUSR2 - 1);
    true
}

fn take_report(options: &mut Options, value: &str) -> bool {
    options.report = match value {
        "none" => Report::None,
        path if path.starts_with('/') && path.len() <= 1000 => {
            let mut text = Text::new();
            text.append(path.strip_suffix('/').filter(|p| !p.is_empty()).unwrap_or(path));
            Report::Directory(text)
        }
        _ => return false,
    };
    true
}

static OPTIONS: OnceLock<Options> = OnceLock::new();

/// The options; the defaults until they were read.
pub(crate) fn get() -> &'static Options {
    OPTIONS.get().unwrap_or(&DEFAULTS)
}

/// True where guards act.
pub(crate) fn guards() -> bool {
    get().mode == Mode::Guard
}

/// Reads them from the environment, once, in the constructor, and prints one line for each bad one. A process with changed privileges honours none.
pub(crate) fn read(print: fn(Arguments<'_>)) {
    // Most programs that are executed have none, and need no copy of their own.
    if !unknown::names().any(|name| name.starts_with("FORKGUARD")) {
        return;
    }
    let mut options = DEFAULTS;
    // SAFETY: reads the auxiliary vector.
    if unsafe { libc::getauxval(libc::AT_SECURE) } == 0 {
        for row in TABLE {
            if options.mode == Mode::Off {
                break;
            }
            if let Some(value) = variable(row.name).filter(|v| !v.is_empty())
                && !(row.take)(&mut options, value)
            {
                let name = row.name.to_str().unwrap_or_default();
                print(format_args!("{name}={value}: allowed is {}; the default holds", row.allowed));
            }
        }
        if options.mode != Mode::Off {
            let names = || TABLE.iter().filter_map(|row| row.name.to_str().ok());
            unknown::print_all(names, print);
        }
    }
    if !options.follow_exec {
        leave_preload();
    }
    let _ = OPTIONS.set(options);
    if get().mode != Mode::Off {
        print_invalid_rules(print);
    }
}

/// Prints a line for each line of the file of FORKGUARD_SUPPRESS that is no rule.
fn print_invalid_rules(print: fn(Arguments<'_>)) {
    for line in suppress::invalid_lines(get().suppress.as_str()) {
        let file = variable(c"FORKGUARD_SUPPRESS").unwrap_or_default();
        print(format_args!(
            "FORKGUARD_SUPPRESS={file}: line {line} is no rule, and ignored: a rule is a kind of finding, or *, and a pattern"
        ));
    }
}

/// A variable of the environment; None when it is not set or no UTF-8.
pub(crate) fn variable(name: &CStr) -> Option<&'static str> {
    // SAFETY: called while the process has one thread, or for variables that nobody changes: the strings stay where they are.
    unsafe {
        let value = libc::getenv(name.as_ptr());
        if value.is_null() { None } else { CStr::from_ptr(value).to_str().ok() }
    }
}

/// Takes this library out of LD_PRELOAD, in place: programs that are exec'd from here run without it.
fn leave_preload() {
    // SAFETY: as in `variable`; the string only becomes shorter.
    unsafe {
        let value = libc::getenv(c"LD_PRELOAD".as_ptr());
        if value.is_null() {
            return;
        }
        let length = CStr::from_ptr(value).count_bytes();
        let text = std::slice::from_raw_parts_mut(value.cast::<u8>(), length);
        let mut kept = 0;
        let mut start = 0;
        while start < length {
            let end = start + text[start..].iter().position(|b| matches!(b, b':' | b' ')).unwrap_or(length - start);
            let own = text[start..end].ends_with(b"libforkguard.so");
            if !own && end > start {
                if kept > 0 {
                    text[kept] = b':';
                    kept += 1;
                }
                text.copy_within(start..end, kept);
                kept += end - start;
            }
            start = end + 1;
        }
        *value.add(kept) = 0 as c_char;
    }
}
