//! The events of a report: one JSON object a line, each complete in itself.
//!
//! All types borrow (`Cow`) so that the library can write them without allocating and the tool can own what it reads.
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Version of the schema, in every line.
pub const SCHEMA: u32 = 1;

/// A string that is borrowed when written and owned when read.
pub type Text<'a> = Cow<'a, str>;
/// A list that is borrowed when written and owned when read.
pub type List<'a, T> = Cow<'a, [T]>;

/// One line of a report.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Line<'a> {
    /// Version of this schema: [`SCHEMA`].
    #[cfg_attr(feature = "schema", schemars(extend("const" = SCHEMA)))]
    pub schema: u32,
    /// Seconds since the epoch.
    #[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 0)))]
    pub time: f64,
    /// The process that the event is about and that wrote it.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub pid: u32,
    /// Its parent when the line was written.
    pub ppid: u32,
    /// The fork that the event belongs to, as `LEADER.SEQUENCE`: in `fork` and `finding` the fork itself, elsewhere the one
    /// that made this process; null in a process that was not made by a fork that forkguard saw.
    #[cfg_attr(feature = "schema", schemars(extend("pattern" = r"^[0-9]+\.[0-9]+$")))]
    pub fork: Option<Text<'a>>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event<'a>,
}

/// What happened, tagged by `event`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all = "kebab-case")]
#[allow(clippy::large_enum_variant, reason = "a box would be allocated")]
pub enum Event<'a> {
    /// A process began to report: written before its first other event.
    Process(Process<'a>),
    /// A process made another one.
    Fork(Fork<'a>),
    /// A forked child lives on: written by it when it settles.
    Child(Child<'a>),
    /// A guard acted in a child that had settled.
    Guarded(Cure<'a>),
    /// A registered fixup begins, or has ended, in a child.
    Fixup(Fixup<'a>),
    /// Something in a child is, or may become, broken.
    Finding(Finding<'a>),
    /// A finding's life went on.
    FindingState(FindingState<'a>),
    /// A leader is about to end a child by a signal that leaves it no time: where the child is.
    LastWords(LastWords<'a>),
    /// A forked child is about to replace itself.
    Exec(Exec<'a>),
    /// A forked child or a leader ends by itself.
    Exit(Exit<'a>),
    /// A thread took a lock: with FORKGUARD_WORST=list, once for each lock and the first two threads that take it.
    LockTaken(LockTaken<'a>),
    /// A fork waited for another thread to hold a lock: with FORKGUARD_WORST.
    WorstMoment(WorstMoment<'a>),
    /// With FORKGUARD_WHAT_IF, of a child that settles: what would be broken in a child of its own if it forked now.
    WhatIf(Finding<'a>),
    /// Events that could not be written.
    Lost(Lost<'a>),
}

/// The process that reports.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Process<'a> {
    /// forkguard's version.
    pub forkguard: Text<'a>,
    /// The process name in the kernel (at most 15 bytes), or of a server that an interpreter was told to run (`python3 -m gunicorn`) the server's.
    pub name: Text<'a>,
    /// The program file.
    pub executable: Text<'a>,
    /// `guard` or `observe`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["guard", "observe"])))]
    pub mode: Text<'a>,
    /// What forkguard cannot do in this process, in words; empty when all is well.
    pub limits: List<'a, Text<'a>>,
}

/// How a process was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ForkKind {
    /// `fork(3)`.
    Fork,
    /// `daemon(3)`: forks inside libc, seen by atfork handlers only.
    Daemon,
    /// `forkpty(3)`: likewise.
    Forkpty,
    /// A fork inside a library that only the atfork handlers saw.
    Internal,
    /// `_Fork(3)`: runs no atfork handlers.
    RawFork,
    /// `vfork(2)`.
    Vfork,
    /// `clone(2)` that makes a process.
    Clone,
    /// `posix_spawn(3)`.
    PosixSpawn,
    /// `system(3)`.
    System,
    /// `popen(3)`.
    Popen,
    /// fork, vfork, clone or clone3 through `syscall(2)`.
    Syscall,
}

/// How much a `fork` event tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Detail {
    /// All lists are filled and findings were worked out.
    Full,
    /// What the child inherits is what the child of the earlier fork `like` did: its lists and its findings hold here, too, the findings
    /// as `LEADER.SEQUENCE:KIND:WHAT` of this fork.
    Like,
    /// Counts only: the way runs no atfork handlers, or forks come faster than full reports are made.
    Counts,
}

/// One fork as the leader saw it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fork<'a> {
    /// How the child was made.
    pub kind: ForkKind,
    /// The child, where the call tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child: Option<u32>,
    /// The errno of a fork that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<i32>,
    /// How much this event tells.
    pub detail: Detail,
    /// The earlier fork of this process that it is like, which is written above in the same file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("pattern" = r"^[0-9]+\.[0-9]+$")))]
    pub like: Option<Text<'a>>,
    /// Kernel id of the forking thread; left out of a fork that is like an earlier one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub thread: u32,
    /// Where the fork was called; left out where it is as in the earlier fork.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Site<'a>>,
    /// How many of each there were.
    #[serde(default, skip_serializing_if = "is_default")]
    pub counts: Counts,
    /// Threads at the fork, the forking one included.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub threads: List<'a, Thread<'a>>,
    /// Locks held at the fork.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub locks: List<'a, Lock<'a>>,
    /// Open descriptors.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub descriptors: List<'a, Descriptor<'a>>,
    /// Signals that are not at their default.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub signals: List<'a, Signal<'a>>,
    /// Names of the signals that the forking thread blocks.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub blocked: List<'a, Text<'a>>,
    /// Where it, or the thread that started it, blocked those that servers are steered by.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub blocked_at: List<'a, Site<'a>>,
    /// Armed timers.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub timers: List<'a, Timer<'a>>,
    /// Handlers registered with pthread_atfork, in the order of registration.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub atfork: List<'a, Atfork<'a>>,
    /// The leader's memory after the fork.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// What forkguard's work for this fork cost.
    pub cost_us: Cost,
    /// Entries that did not fit or were left out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub truncated: Truncated,
}

/// How many there were, whether listed or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Counts {
    /// Threads, the forking one included.
    pub threads: u32,
    /// Locks held by other threads.
    pub locks: u32,
    /// Open descriptors that the hooks know of.
    pub descriptors: u32,
    /// Processes made by ways that run no atfork handlers since the last `fork` event, beyond those reported singly.
    pub spawns: u32,
}

/// How many entries a list lacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Truncated {
    /// Threads that are not listed.
    pub threads: u32,
    /// Held locks that are not listed.
    pub locks: u32,
    /// Descriptors that are not listed.
    pub descriptors: u32,
    /// Atfork handlers that are not listed.
    pub atfork: u32,
    /// Findings that were not written.
    pub findings: u32,
    /// Sites that were left out of this event, and those of this process that lack the application's frames: too many at once, or too many
    /// different ones.
    pub sites: u32,
}

/// What forkguard's work cost the leader, in microseconds.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cost {
    /// In the prepare handler, before the fork.
    pub prepare: f64,
    /// Describing and writing, after the fork.
    pub report: f64,
    /// The whole call of fork, all handlers and the system call included.
    pub fork: f64,
}

/// What a site is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Where the fork was called.
    Fork,
    /// Where the thread was started.
    Started,
    /// Where the lock was taken.
    Taken,
    /// Where the descriptor was made.
    Opened,
    /// Where the last function was called that wrote into the stream.
    Written,
    /// Where the signal's handler was set.
    Set,
    /// Where the timer was armed.
    Armed,
    /// Where the timer, or the directory, was created.
    Created,
    /// Where the signals were blocked.
    Blocked,
    /// Where a descriptor was added to those that an epoll instance watches.
    Added,
    /// Where the handler was registered.
    Registered,
    /// Where the child used it.
    Used,
    /// Where a thread of the child waits.
    Waits,
    /// Where the signal was reset.
    Reset,
    /// Where the thread stood at the fork, or when its process was killed.
    Stood,
    /// Where the runtime or generator lives.
    Loaded,
    /// The code that the signal or the thread runs.
    Code,
}

/// Where in the program something was done.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Site<'a> {
    /// What was done here.
    pub role: Role,
    /// Kernel id of the thread that did it, where known.
    pub thread: Option<u32>,
    /// Innermost first.
    pub frames: List<'a, Frame<'a>>,
}

/// One frame of a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Frame<'a> {
    /// `native`, `python`, `ruby`, `php`, `perl`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["native", "python", "ruby", "php", "perl"])))]
    pub language: Text<'a>,
    /// The function; for native code the nearest exported symbol at or below the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<Text<'a>>,
    /// Source file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Text<'a>>,
    /// Line in the source file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The library or program file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<Text<'a>>,
    /// Address within the module, as its file numbers addresses (what addr2line takes). For a return address: of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The module's GNU build id in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("pattern" = "^[0-9a-f]+$")))]
    pub build_id: Option<Text<'a>>,
}

/// One thread at the fork.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Thread<'a> {
    /// Kernel id; 0 for one that had not begun to run.
    pub tid: u32,
    /// Name, as its language knows it, or as pthread_setname_np or prctl set it; the kernel's otherwise.
    pub name: Text<'a>,
    /// True for the thread that forked: the only one the child has.
    pub forking: bool,
    /// False when no hook saw it start: found in the kernel's list only.
    pub recorded: bool,
    /// Detached.
    pub detached: bool,
    /// The program said that children do without it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fork_safe: bool,
    /// Kernel id of the thread that started it, where recorded.
    pub creator: Option<u32>,
    /// Its class in its language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Text<'a>>,
    /// Its start routine: the application's function where its language tells.
    pub start: Option<Frame<'a>>,
    /// Where it was started.
    pub site: Option<Site<'a>>,
    /// Where it stood at the fork.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stood: Option<Site<'a>>,
    /// It had not begun to run at the fork; `tid` is the one that it had when the report was made.
    #[serde(default, skip_serializing_if = "is_false")]
    pub starting: bool,
    /// It was about to end: it has ended in the leader since the fork, or its language had let go of it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ended: bool,
    /// It waits for an element of a queue, as its language tells beside `stood`.
    #[serde(skip)]
    pub awaits_work: bool,
    /// Tracked locks it holds.
    pub holds: u32,
    /// Address of the lock or condition it waits for.
    #[cfg_attr(feature = "schema", schemars(extend("pattern" = "^0x[0-9a-f]+$")))]
    pub waits_for: Option<Text<'a>>,
}

/// What kind of lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum LockKind {
    /// A mutex of the normal kinds.
    Mutex,
    /// PTHREAD_MUTEX_RECURSIVE.
    RecursiveMutex,
    /// PTHREAD_MUTEX_ERRORCHECK.
    ErrorcheckMutex,
    /// C11 mtx_t.
    C11Mutex,
    /// A read-write lock held for reading.
    RwlockRead,
    /// A read-write lock held for writing.
    RwlockWrite,
    /// pthread_spin_lock.
    SpinLock,
    /// A semaphore whose count the holder took.
    Semaphore,
    /// A lock inside the C library: the holder is inside the named function.
    Libc,
    /// A `threading.Lock` of CPython 3.13 or later.
    PythonLock,
    /// A `threading.RLock` of CPython 3.14 or later.
    PythonRlock,
}

/// One lock held at the fork.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Lock<'a> {
    /// Its address in hex; null for a lock inside the C library.
    #[cfg_attr(feature = "schema", schemars(extend("pattern" = "^0x[0-9a-f]+$")))]
    pub address: Option<Text<'a>>,
    /// Its kind.
    pub kind: LockKind,
    /// The symbol it lies in, or the C library function that the holder is inside.
    pub name: Option<Text<'a>>,
    /// Kernel id of the thread that holds it.
    pub holder: u32,
    /// That thread's name.
    pub holder_name: Text<'a>,
    /// True when the child's only thread is the holder (a mutex that names its owner is broken there all the same).
    pub own: bool,
    /// True for a semaphore that only its own waiter or no rule of ownership holds: a signal, not a lock.
    pub signal: bool,
    /// True for one in memory that processes share: its holder is still there, in the leader.
    pub shared: bool,
    /// Where it was taken.
    pub site: Option<Site<'a>>,
}

/// What a descriptor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DescriptorKind {
    /// A socket.
    Socket,
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A pipe or FIFO.
    Pipe,
    /// A terminal or another character device.
    Device,
    /// An epoll instance.
    Epoll,
    /// An io_uring instance.
    IoUring,
    /// An eventfd.
    Eventfd,
    /// A timerfd.
    Timerfd,
    /// A signalfd.
    Signalfd,
    /// An inotify or fanotify instance.
    Inotify,
    /// A memfd.
    Memfd,
    /// A pidfd.
    Pidfd,
    /// Anything else.
    Other,
}

/// How forkguard came to know a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A hook saw it made.
    Recorded,
    /// It was open when the program began.
    Start,
    /// It came from the process that forked this one.
    Forked,
    /// Made by a way that crosses no hook.
    Unknown,
}

/// One open descriptor.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Descriptor<'a> {
    /// Its number.
    pub fd: i32,
    /// What it is.
    pub kind: DescriptorKind,
    /// How it is known.
    pub origin: Origin,
    /// Closed on exec.
    pub cloexec: bool,
    /// Kernel id of the thread that made it.
    pub thread: Option<u32>,
    /// Where it was made.
    pub site: Option<Site<'a>>,
    /// A file's path, or a device's, or the kernel's name for an anonymous one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Text<'a>>,
    /// How a file was opened: `read`, `write`, `read-write`, with `append`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Text<'a>>,
    /// A file's position in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// A socket's details.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<Socket<'a>>,
    /// The descriptors that an epoll instance watches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<List<'a, i32>>,
    /// Where they were added, each place once.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub added: List<'a, Site<'a>>,
}

/// What a socket does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SocketRole {
    /// This process connect()ed it.
    Connected,
    /// It came from accept().
    Accepted,
    /// It listens.
    Listening,
    /// One end of a socketpair().
    Pair,
    /// It is bound, or nothing yet.
    Idle,
    /// It has a peer, but no hook saw how.
    Peer,
}

/// A socket's details.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Socket<'a> {
    /// `inet`, `inet6`, `unix`, `netlink`, … or the number.
    pub family: Text<'a>,
    /// `stream`, `datagram`, `seqpacket`, `raw` or the number.
    #[serde(rename = "type")]
    pub kind: Text<'a>,
    /// What it does.
    pub role: SocketRole,
    /// Its own address.
    pub local: Option<Text<'a>>,
    /// The other side's address.
    pub peer: Option<Text<'a>>,
    /// What usually answers at that peer (`PostgreSQL`, `redis`, …), from its port or path.
    pub service: Option<Text<'a>>,
}

/// What a signal does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Disposition {
    /// A handler runs.
    Handler,
    /// It is ignored.
    Ignore,
}

/// One signal that is not at its default.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Signal<'a> {
    /// Its name, such as `SIGUSR2`.
    #[cfg_attr(feature = "schema", schemars(extend("pattern" = "^SIG")))]
    pub signal: Text<'a>,
    /// Its number.
    pub number: u32,
    /// What it does.
    pub disposition: Disposition,
    /// The handler's code: the application's function where its language tells.
    pub handler: Option<Frame<'a>>,
    /// Who set it, where a hook saw it.
    pub site: Option<Site<'a>>,
    /// Who had set a handler before that, the latest first.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub earlier: List<'a, Site<'a>>,
}

/// One armed timer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Timer<'a> {
    /// `timer_create`, `setitimer` or `alarm`.
    pub call: Text<'a>,
    /// Its clock: `real`, `virtual`, `prof`, or timer_create's clock.
    pub clock: Text<'a>,
    /// The signal that it sends, if any.
    pub signal: Option<Text<'a>>,
    /// Where it was armed.
    pub site: Option<Site<'a>>,
    /// Where timer_create made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Site<'a>>,
}

/// One registration of pthread_atfork.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Atfork<'a> {
    /// The library that registered it.
    pub library: Text<'a>,
    /// Where it was registered.
    pub site: Option<Site<'a>>,
    /// Microseconds that its prepare handler took; null when it has none.
    pub prepare_us: Option<f64>,
    /// Microseconds that its parent handler took; null when it has none.
    pub parent_us: Option<f64>,
    /// It has a child handler (its time is in the `child` event).
    pub child: bool,
}

/// Memory in kilobytes; null where it was not read.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Memory {
    /// Resident.
    pub rss: u64,
    /// Proportional share.
    pub pss: Option<u64>,
    /// Resident and shared with others.
    pub shared: Option<u64>,
    /// Resident and private.
    pub private: Option<u64>,
}

/// A forked child that lives on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Child<'a> {
    /// What showed that it settled: the call it first waited in, or `time`.
    pub settled: Text<'a>,
    /// Seconds since its fork.
    pub age: f64,
    /// Microseconds that forkguard's child handler took.
    pub child_us: f64,
    /// Time of other libraries' child handlers, in the order of registration: null without one.
    pub atfork_us: List<'a, Option<f64>>,
    /// Its memory when it settled.
    pub memory: Option<Memory>,
    /// Findings of its fork that stand, by severity.
    pub findings: FindingCounts,
    /// Findings of its fork that guards have ended.
    pub cured: u32,
    /// Where the lost threads stood at the fork, when only the child could tell: the leader forked without the lock of their
    /// interpreter.
    pub stood: List<'a, Site<'a>>,
    /// What guards did in it until it settled, in order.
    pub cures: List<'a, Cure<'a>>,
    /// How many more they did.
    pub cures_unlisted: u32,
}

/// A guard: the option that asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// FORKGUARD_SIGNALS.
    Signals,
    /// FORKGUARD_SOCKETS.
    Sockets,
    /// FORKGUARD_LOCKS=reset.
    Locks,
    /// FORKGUARD_SAFE_POINT.
    SafePoint,
    /// FORKGUARD_THREADS=revive.
    Threads,
    /// FORKGUARD_OPENMP.
    Openmp,
    /// FORKGUARD_SIGNALS_KEEP.
    SignalsKeep,
    /// FORKGUARD_SIGNALS_MASK=unblock.
    SignalsMask,
    /// FORKGUARD_EPOLL=own.
    Epoll,
    /// FORKGUARD_FILES=own.
    Files,
    /// FORKGUARD_TIMERS=rearm.
    Timers,
    /// FORKGUARD_BUFFERS=drop.
    Buffers,
    /// FORKGUARD_MEMORY.
    Memory,
}

/// What a guard did, to one thing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cure<'a> {
    /// Which guard.
    pub guard: Guard,
    /// What was done.
    pub action: Text<'a>,
    /// To what, by name.
    pub subject: Text<'a>,
    /// Microseconds that it took.
    pub us: f64,
    /// The errno of what could not be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<i32>,
}

/// Where a fixup stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// It begins. The last word of one that crashes or blocks.
    Begins,
    /// It returned.
    Done,
    /// It raised an exception of its language.
    Raised,
    /// It could not be run.
    Failed,
}

/// A registered fixup in a child.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fixup<'a> {
    /// Its name.
    pub name: Text<'a>,
    /// Where it stands.
    pub progress: Progress,
    /// Microseconds that it took; null while it runs.
    pub us: Option<f64>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn is_empty<T: Clone>(list: &List<'_, T>) -> bool {
    list.is_empty()
}

/// How many findings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FindingCounts {
    /// It happened.
    pub error: u32,
    /// A hazard with evidence.
    pub warning: u32,
    /// Worth knowing.
    pub info: u32,
}

/// What is found; one section of docs/findings.md each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// A thread that the child does not have.
    ThreadLost,
    /// A lock held by a lost thread, or an owner-checking one of the forking thread.
    LockOrphaned,
    /// A socket that the leader connect()ed.
    ConnectionInherited,
    /// A connection that the leader accepted.
    SocketInherited,
    /// An epoll, io_uring or inotify instance shared with the leader.
    EpollInherited,
    /// A regular file whose position leader and child share.
    FileOffsetShared,
    /// An open SQLite database.
    SqliteInherited,
    /// A signal whose handler the application set.
    HandlerInherited,
    /// The child starts with blocked signals.
    SignalsBlocked,
    /// A timer that the child does not have.
    TimerLost,
    /// A runtime that does not survive a fork was started.
    RuntimeUnsafe,
    /// A random generator whose state every child shares.
    RngShared,
    /// Output that waits in a stream's buffer, of which the child has a copy.
    BufferDuplicated,
    /// An exit handler that the application registered.
    ExitHandlerInherited,
    /// An end of a pipe or pair of sockets that the child holds and does not use.
    PipeInherited,
    /// A lock on a file that was held at the fork.
    LockFileShared,
    /// A thread of the child waits for an orphaned lock.
    LockDeadlock,
    /// The child waits for what only a lost thread would do.
    JoinLostThread,
    /// The child does I/O on an inherited connection.
    ConnectionSharedUse,
    /// The child changes or waits on the leader's epoll or io_uring instance.
    EpollSharedUse,
    /// The worker reset a signal whose handler the application had set.
    HandlerDropped,
    /// An inherited socket survives an exec.
    FdLeakedExec,
    /// The child writes to a file of the leader's that it has closed with all other descriptors.
    ClosedDescriptorUsed,
    /// The child waits for the end of a process that its leader started.
    SiblingWaitedFor,
    /// Another library's atfork handler blocks.
    AtforkStuck,
}

/// How bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// A hazard with evidence.
    Warning,
    /// It happened.
    Error,
}

/// Where a finding's life stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The hazard stands.
    Open,
    /// It bit.
    Hit,
    /// The child dealt with it.
    Resolved,
    /// The child exec'd, or ended at once.
    Moot,
    /// The child lived, and ended in good order without touching it: true of this run only.
    Untouched,
}

/// A finding.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Finding<'a> {
    /// `LEADER.SEQUENCE:KIND:WHAT`, unique in a report.
    #[cfg_attr(feature = "schema", schemars(extend("pattern" = r"^[0-9]+\.[0-9]+:[a-z-]+:.")))]
    pub id: Text<'a>,
    /// What is found.
    pub kind: FindingKind,
    /// How bad.
    pub severity: Severity,
    /// Where its life stands.
    pub state: State,
    /// The child it is about; null when the fork did not tell.
    pub child: Option<u32>,
    /// What it is about, by name.
    pub subject: Text<'a>,
    /// The lines that a person would edit, as `file:line in function`: of each site the innermost frames of the application's own, at most four.
    pub at: List<'a, Text<'a>>,
    /// Where in the program it was made.
    pub sites: List<'a, Site<'a>>,
    /// What will happen.
    pub explain: Text<'a>,
    /// What to do, for the server at hand.
    pub cure: Text<'a>,
    /// A rule of FORKGUARD_SUPPRESS silences it: it would be worse than info, or be printed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suppressed: bool,
}

impl Finding<'_> {
    /// What stands for it in its id, beside fork and kind.
    pub fn what(&self) -> &str {
        self.id.splitn(3, ':').nth(2).unwrap_or_default()
    }
}

/// A change in the life of a finding.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FindingState<'a> {
    /// The finding.
    #[cfg_attr(feature = "schema", schemars(extend("pattern" = r"^[0-9]+\.[0-9]+:[a-z-]+:.")))]
    pub id: Text<'a>,
    /// Its new state.
    pub state: State,
    /// Its new severity, where that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Why.
    pub because: Text<'a>,
}

/// A child that its leader is about to end.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LastWords<'a> {
    /// The child.
    pub child: u32,
    /// The signal that is sent to it: `SIGABRT`, `SIGKILL` or `SIGQUIT`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["SIGABRT", "SIGKILL", "SIGQUIT"])))]
    pub signal: Text<'a>,
    /// Its main thread `runs`, `waits`, or waits for what nothing interrupts (`disk`).
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["runs", "waits", "disk"])))]
    pub state: Text<'a>,
    /// Where its main thread stands, read without stopping it: of one that runs the frames may be of two moments. Null where that is unknown.
    pub site: Option<Site<'a>>,
    /// Microseconds that reading it took, before the signal was sent.
    pub us: f64,
}

/// A forked child that replaces itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Exec<'a> {
    /// The program, as exec was given it.
    pub program: Text<'a>,
    /// Which call.
    pub call: Text<'a>,
}

/// A process that ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Exit<'a> {
    /// Its status.
    pub status: i32,
    /// Which call: `exit` or `_exit`.
    pub call: Text<'a>,
    /// Forks it made.
    pub forks: u64,
    /// Processes it made by ways that run no atfork handlers.
    pub spawns: u64,
}

/// A thread took a lock.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LockTaken<'a> {
    /// What the lock is known by in other runs of the program, as FORKGUARD_WORST takes it.
    #[cfg_attr(feature = "schema", schemars(extend("pattern" = "^[0-9a-f]{16}$")))]
    pub lock: Text<'a>,
    /// Its kind.
    pub kind: LockKind,
    /// The symbol it lies in, or the function of the C library that takes it.
    pub name: Option<Text<'a>>,
    /// Kernel id of the thread.
    pub thread: u32,
    /// That thread's name.
    pub thread_name: Text<'a>,
    /// Where it was taken.
    pub site: Option<Site<'a>>,
}

/// A fork that waited for another thread to hold a lock.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WorstMoment<'a> {
    /// The lock, as in `lock-taken`.
    #[cfg_attr(feature = "schema", schemars(extend("pattern" = "^[0-9a-f]{16}$")))]
    pub lock: Text<'a>,
    /// Kernel id of the thread that held it while the process forked; null: none did.
    pub holder: Option<u32>,
    /// The forking thread took the lock itself before the fork, as handlers of pthread_atfork do.
    pub taken_by_fork: bool,
    /// Microseconds that the fork waited.
    pub waited_us: f64,
}

/// Events that could not be written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Lost<'a> {
    /// How many since the last that could be.
    pub events: u64,
    /// Why, for the first of them.
    pub because: Text<'a>,
}
