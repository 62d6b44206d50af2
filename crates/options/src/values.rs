//! What each option may be.
use forkguard_core::fixed::Text;
use forkguard_report::event::FindingKind;

/// What forkguard does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Records, reports and guards.
    Guard,
    /// Records and reports.
    Observe,
    /// Passes everything through.
    Off,
}

/// Where the report goes.
#[derive(Clone, Copy, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there is one of it, in a static")]
pub enum Report {
    /// A private directory of the user's: `emit/directory.rs` chooses it.
    Private,
    /// This directory.
    Directory(Text<1024>),
    /// Nowhere.
    None,
}

/// When a summary is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Summary {
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
pub enum Locks {
    /// It is reported.
    Report,
    /// Its process ends by SIGABRT after the report.
    Abort,
    /// The locks were made usable in the child before.
    Reset,
}

/// Whose signal handlers return to the default in a child.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Signals {
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
pub enum Sockets {
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
pub enum Shared {
    /// It stays shared.
    Share,
    /// The child gets its own.
    Own,
}

/// What a program gets that a child executes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Exec {
    /// All that exec leaves it.
    Inherit,
    /// No descriptor that nobody gave it, and every signal.
    Clean,
}

/// What happens to periodic timers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Timers {
    /// They are lost, as fork has it.
    Lose,
    /// They run on in the child.
    Rearm,
}

/// What happens to signals that the forking thread blocks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SignalsMask {
    /// The child blocks them, too.
    Keep,
    /// Those that only lost threads took are unblocked.
    Unblock,
}

/// What happens to output that waits in the leader's streams at a fork.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Buffers {
    /// The child writes its copy, too.
    Keep,
    /// The child's copy is dropped.
    Drop,
}

/// What keeps more of a leader's memory shared with its children.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// The collector of an interpreter runs before the fork, and leaves what is there alone afterwards.
    pub freeze: bool,
    /// What allocators keep free is given back before the fork.
    pub trim: bool,
    /// The kernel may merge pages that are equal.
    pub ksm: bool,
    /// Children get no huge pages.
    pub nothp: bool,
    /// It was left to forkguard: what a host does not offer is not asked for.
    pub is_auto: bool,
}

/// Which lock forks wait for until another thread holds it: a test's, of what may happen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Worst {
    /// None.
    Off,
    /// None: the report tells who takes which lock.
    List,
    /// The one with this identity, for so many milliseconds.
    Lock(u64, u32),
}

/// What happens to libgomp's pools.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum OpenMp {
    /// Nothing.
    Keep,
    /// The forking thread's is released before the fork.
    Pause,
    /// The child's regions run with one thread.
    Single,
}

/// Which lost threads a child starts again.
#[derive(Clone, Copy, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there is one of it, in a static")]
pub enum Threads {
    /// None.
    Report,
    /// Those that wait for work in a queue of this process.
    Consumers,
    /// Those whose name matches one of these patterns, separated by commas.
    Named(Text<256>),
}

/// All options.
#[derive(Clone, Copy, PartialEq)]
pub struct Options {
    pub mode: Mode,
    pub report: Report,
    /// Bytes from which on a report file has counts only.
    pub report_limit: u64,
    pub summary: Summary,
    pub signals: Signals,
    pub sockets: Sockets,
    /// Patterns of descriptors that no guard touches, separated by commas.
    pub keep: Text<1024>,
    pub locks: Locks,
    /// Milliseconds that a fork waits for a moment without held locks.
    pub safe_point: u32,
    /// `library:function` pairs that are called in the child, separated by commas.
    pub fixups: Text<1024>,
    pub threads: Threads,
    pub openmp: OpenMp,
    pub epoll: Shared,
    pub files: Shared,
    pub timers: Timers,
    pub buffers: Buffers,
    pub memory: Memory,
    pub exec: Exec,
    /// Signals whose handler survives the worker's own reset (bit n: signal n + 1).
    pub signals_keep: u64,
    pub signals_mask: SignalsMask,
    /// The rules that silence findings: see `forkguard_report::suppress`.
    pub suppress: Text<RULES>,
    pub follow_exec: bool,
    pub worst: Worst,
    /// A child that settles reports what a child of its own would inherit broken.
    pub what_if: bool,
}

/// The longest file of them.
pub(crate) const RULES: usize = 4096;

/// What holds where nothing is said.
pub const DEFAULTS: Options = Options {
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
    pub(crate) const KEEP: Memory = Memory { freeze: false, trim: false, ksm: false, nothp: false, is_auto: false };

    /// True where nothing is done about it.
    pub fn is_kept(self) -> bool {
        self == Memory::KEEP
    }
}

impl Sockets {
    /// True where copies are replaced by dead ones.
    pub fn severs(self) -> bool {
        matches!(self, Sockets::Sever | Sockets::Spare)
    }
}

impl Options {
    /// True where a guard that is not on by default may act in a child.
    pub fn asks_for_guards(&self) -> bool {
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
    pub fn unused_guard(&self, kind: FindingKind) -> Option<&'static str> {
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
