//! The report file: found, opened and written so that nothing a server does (closing all descriptors, changing user or root,
//! filling the disk) loses more than it must, and nothing we do harms the server.
use super::directory::{self, Directory, Refused, refuse};
use crate::child::fate;
use crate::options;
use forkguard_core::fixed::Text;
use forkguard_core::raw::{self, AsFd, BorrowedFd, Opened, descriptor};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::fmt::{Arguments, Display, Formatter, Write};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering::Relaxed};

/// Our descriptor's number; negative: none. High, so that it is in nobody's way.
static OWN: AtomicI32 = AtomicI32::new(-1);
const NUMBERS: [i32; 3] = [400, 100, 3];
/// What it must be: device and inode.
static DEVICE: AtomicU64 = AtomicU64::new(0);
static INODE: AtomicU64 = AtomicU64::new(0);
/// The process that opened the file; another one writes into it until it has a file of its own.
static OPENER: AtomicU32 = AtomicU32::new(0);
/// No file will be had: said once.
static GIVEN_UP: AtomicBool = AtomicBool::new(false);
/// The last lines found no room.
static CUT_SHORT: AtomicBool = AtomicBool::new(false);
/// The last write was cut short: the next one begins a new line.
static TORN: AtomicBool = AtomicBool::new(false);
/// Events that could not be written, and why the first of them could not (`Because::word`).
static LOST: AtomicU32 = AtomicU32::new(0);
static LOST_WHY: AtomicI32 = AtomicI32::new(0);

static PATH: Path = Path(std::cell::UnsafeCell::new(Text::new()));
struct Path(std::cell::UnsafeCell<Text<1200>>);
// SAFETY: written by the thread that opens the file (one: `OPENING`), read afterwards.
unsafe impl Sync for Path {}
static OPENING: AtomicBool = AtomicBool::new(false);

/// Our number; negative: none.
#[inline(always)]
pub(crate) fn own_descriptor() -> i32 {
    OWN.load(Relaxed)
}

/// Our number, if the file there still is ours: it does not exist for the host. (By a way that no hook sees the host may have closed
/// it and opened something of its own there: then that is the host's.)
pub(crate) fn hidden_descriptor() -> i32 {
    let own = OWN.load(Relaxed);
    if own >= 0 && !still_ours(own) {
        let _ = OWN.compare_exchange(own, -1, Relaxed, Relaxed);
        return -1;
    }
    own
}

/// The report file's path; empty before there is one.
pub(crate) fn path() -> &'static str {
    // SAFETY: see `Path`.
    unsafe { (*PATH.0.get()).as_str() }
}

/// Makes room at our number for the host.
pub(crate) fn move_own() {
    let old = hidden_descriptor();
    if old >= 0 {
        OWN.store(high(descriptor(old), old + 1), Relaxed);
        raw::close(old);
    }
}

/// A copy of the descriptor at a high number; the lowest free one where the limit is low.
fn high(fd: impl AsFd, above: i32) -> i32 {
    use rustix::fd::IntoRawFd;
    NUMBERS.iter().find_map(|&n| rustix::io::fcntl_dupfd_cloexec(&fd, n.max(above)).ok()).map_or(-1, |fd| fd.into_raw_fd())
}

/// True when no file is to be had.
pub(crate) fn given_up() -> bool {
    GIVEN_UP.load(Relaxed)
}

/// Nothing more is written, and the number is the host's.
pub(crate) fn give_up() {
    GIVEN_UP.store(true, Relaxed);
    let own = hidden_descriptor();
    if own >= 0 {
        OWN.store(-1, Relaxed);
        raw::close(own);
    }
}

/// True while there is no room for whole reports.
pub(crate) fn is_cut_short() -> bool {
    CUT_SHORT.load(Relaxed)
}

/// True when this process writes into the file of the process that forked it.
pub(crate) fn borrowed() -> bool {
    OPENER.load(Relaxed) != raw::process_id()
}

/// Opens this process's own file, unless it has one or another thread does; true when it did. Says so when there is none to be had.
pub(crate) fn open_own() -> bool {
    if (OWN.load(Relaxed) >= 0 && !borrowed()) || GIVEN_UP.load(Relaxed) || OPENING.swap(true, Relaxed) {
        return false;
    }
    let mut refused = Refused::new();
    match open(&mut refused) {
        Some(()) => {}
        // A child that changed its user or root goes on in the file that it came with.
        None if OWN.load(Relaxed) >= 0 => OPENER.store(raw::process_id(), Relaxed),
        None => {
            give_up_because(format_args!("no report is written: {}", refused.as_str()));
        }
    }
    OPENING.store(false, Relaxed);
    true
}

/// In a forked child: no thread is opening anything.
pub(crate) fn reset_in_child() {
    OPENING.store(false, Relaxed);
    LOST.store(0, Relaxed);
}

/// Forks of one program image in a process: the next one's numbers begin above them.
const NUMBERS_OF_AN_IMAGE: u64 = 1_000_000;

fn open(refused: &mut Refused) -> Option<()> {
    let inherited: Text<1200> = Text::from_bytes(path().as_bytes());
    let inherited = inherited.as_str().rsplit_once('/').map(|(directory, _)| directory);
    directory::first(inherited, refused, make)?;
    if inherited.is_none() && !refused.as_str().is_empty() {
        super::say(format_args!("the report is {}: {}", path(), refused.as_str()));
    }
    Some(())
}

/// Makes this process's file in a directory.
fn make(directory: Directory, refused: &mut Refused) -> Option<()> {
    let place = directory.path.as_str();
    let pid = raw::process_id();
    let stem = stem(pid);
    let image = directory::number_of_image(&directory.opened, pid);
    for turn in 1..1000 {
        let mut file = Text::<160>::new();
        let _ = match turn {
            1 => write!(file, "{}.jsonl", stem.as_str()),
            _ => write!(file, "{}.{turn}.jsonl", stem.as_str()),
        };
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match Opened::at(directory.opened.as_fd(), file.as_cstr().unwrap_or(c"x"), flags, Mode::RUSR | Mode::WUSR) {
            Ok(opened) => {
                adopt(opened, pid);
                forkguard_core::fork::number_from(image * NUMBERS_OF_AN_IMAGE);
                let mut path = Text::new();
                let _ = write!(path, "{place}/{}", file.as_str());
                // SAFETY: see `Path`.
                unsafe { *PATH.0.get() = path };
                return Some(());
            }
            Err(Errno::EXIST) => {}
            Err(e) => return refuse(refused, format_args!("cannot make a file in {place}: {e}")),
        }
    }
    refuse(refused, format_args!("{place} holds a thousand reports of process {pid}"))
}

/// How the name of this process's file begins: `NAME-PID`, or the leader's and `_PID`. So the files of a directory, in the order of their
/// names, tell what was found at a fork before they tell what the child made of it.
fn stem(pid: u32) -> Text<128> {
    const LONGEST: usize = 100;
    let leaders = path().rsplit('/').next().and_then(|file| file.strip_suffix(".jsonl")).unwrap_or_default();
    match leaders.len() {
        1..=LONGEST => Text::of(format_args!("{leaders}_{pid}")),
        _ => Text::of(format_args!("{}-{pid}", process_name().as_str())),
    }
}

fn adopt(file: Opened, pid: u32) {
    if let Ok(stat) = rustix::fs::fstat(&file) {
        DEVICE.store(stat.st_dev, Relaxed);
        INODE.store(stat.st_ino, Relaxed);
    }
    // A table that is nearly full has no high number: then the one that it got.
    let number = match high(&file, 0) {
        -1 => file.into_number(),
        number => number,
    };
    let old = OWN.swap(number, Relaxed);
    if old >= 0 {
        raw::close(old);
    }
    OPENER.store(pid, Relaxed);
}

/// The process name in the kernel, fit for a file's name.
fn process_name() -> Text<16> {
    let mut bytes = [0u8; 16];
    let read = raw::read_file(c"/proc/self/comm", &mut bytes).len();
    for byte in &mut bytes[..read] {
        if !byte.is_ascii_alphanumeric() && !b"._-+".contains(byte) {
            *byte = if *byte == b'\n' { 0 } else { b'_' };
        }
    }
    Text::from_bytes(&bytes[..read])
}

/// What the file at our number is, if it still is ours: a raw system call may have closed it.
fn own_stat(fd: i32) -> Option<rustix::fs::Stat> {
    let stat = rustix::fs::fstat((fd >= 0).then(|| descriptor(fd))?).ok()?;
    (stat.st_dev == DEVICE.load(Relaxed) && stat.st_ino == INODE.load(Relaxed)).then_some(stat)
}

fn still_ours(fd: i32) -> bool {
    own_stat(fd).is_some()
}

/// Opens our file again by its path after the host closed our number by a way that no hook sees. What lies there now may be anything: it is
/// opened without waiting (a FIFO), and taken only if it is the very file.
fn reopen() -> bool {
    let text: Text<1200> = Text::from_bytes(path().as_bytes());
    let Some(path) = text.as_cstr().filter(|p| !p.is_empty()) else { return false };
    let flags = OFlags::RDWR | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = Opened::new(path, flags) else { return false };
    let same = rustix::fs::fstat(&file).is_ok_and(|s| s.st_dev == DEVICE.load(Relaxed) && s.st_ino == INODE.load(Relaxed));
    if same {
        // The old number is not ours any more.
        OWN.store(-1, Relaxed);
        adopt(file, OPENER.load(Relaxed));
    }
    same
}

/// Why events are not written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Because {
    /// The kernel refused.
    Kernel(Errno),
    /// The file has reached the size that the option allows.
    Limit,
    /// The file system is nearly full.
    Space,
    /// An event is larger than all room for lines.
    Size,
}

impl Because {
    const LIMIT: i32 = -1;
    const SPACE: i32 = -2;
    const SIZE: i32 = -3;

    fn word(self) -> i32 {
        match self {
            Because::Kernel(errno) => errno.raw_os_error(),
            Because::Limit => Self::LIMIT,
            Because::Space => Self::SPACE,
            Because::Size => Self::SIZE,
        }
    }

    fn of(word: i32) -> Because {
        match word {
            Self::LIMIT => Because::Limit,
            Self::SPACE => Because::Space,
            Self::SIZE => Because::Size,
            errno => Because::Kernel(Errno::from_raw_os_error(errno)),
        }
    }
}

impl Display for Because {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Because::Kernel(errno) => write!(out, "{errno}"),
            Because::Limit => write!(out, "the report has reached FORKGUARD_REPORT_LIMIT"),
            Because::Space => write!(out, "the file system had less than 1 GiB or 5 % free"),
            Because::Size => write!(out, "the event was too large"),
        }
    }
}

/// Counts events that could not be written.
pub(crate) fn lose(events: u32, why: Because) {
    if LOST.fetch_add(events, Relaxed) == 0 {
        LOST_WHY.store(why.word(), Relaxed);
    }
}

/// Whole lines that are to be written.
pub(super) struct Group<'l> {
    pub(super) lines: &'l [u8],
    pub(super) events: u32,
    /// They tell of the process itself and of counts: these few are written where nothing else is.
    pub(super) counts: bool,
}

/// Appends lines in one write. What could not be written is counted, and `tell_lost` says so in front of what can be: with the count, the
/// first reason, and how to write. False when these lines were not written.
pub(super) fn append(
    group: &Group<'_>,
    tell_lost: impl FnOnce(u32, Because, &dyn Fn(&[u8]) -> Result<(), Because>) -> Result<(), Because>,
) -> bool {
    if GIVEN_UP.load(Relaxed) {
        return false;
    }
    let room = room(group.counts);
    CUT_SHORT.store(room.is_err(), Relaxed);
    if let Err(why) = room {
        lose(group.events, why);
        return false;
    }
    let lost = LOST.swap(0, Relaxed);
    if lost > 0 {
        let why = Because::of(LOST_WHY.load(Relaxed));
        if tell_lost(lost, why, &write_whole).is_err() {
            lose(lost, why);
        }
    }
    let written = write_whole(group.lines);
    if let Err(why) = written {
        lose(group.events, why);
    }
    written.is_ok()
}

/// What counts may take beyond the limit.
const COUNTS: u64 = 64 << 10;

/// Whether there is room for lines; the first time that there is none, it is said. The group of lines that reaches the limit is whole.
fn room(counts: bool) -> Result<(), Because> {
    let Some(stat) = own_stat(OWN.load(Relaxed)).or_else(|| reopen().then(|| own_stat(OWN.load(Relaxed)))?) else {
        give_up_because(format_args!("{} is gone, or another file: process {} reports nothing more", path(), raw::process_id()));
        return Err(Because::Kernel(Errno::BADF));
    };
    if stat.st_nlink == 0 {
        give_up_because(format_args!("{} was removed: process {} reports nothing more", path(), raw::process_id()));
        return Err(Because::Kernel(Errno::NOENT));
    }
    // What a child says of itself does not count: there may be any number of them.
    let more = if counts && !borrowed() { COUNTS } else { 0 };
    let limit = options::get().report_limit;
    if stat.st_size as u64 >= limit.saturating_add(more) {
        say_once(
            Said::Limit,
            format_args!("{} has reached {limit} bytes (FORKGUARD_REPORT_LIMIT): from here on it has counts only", path()),
        );
        return Err(Because::Limit);
    }
    if !counts && is_nearly_full(descriptor(OWN.load(Relaxed))) {
        say_once(
            Said::Space,
            format_args!("less than 1 GiB or 5 % is free where {} lies: it has counts only until there is more", path()),
        );
        return Err(Because::Space);
    }
    Ok(())
}

/// True for a file system with less than 1 GiB or 5 % free; false for one that does not tell.
fn is_nearly_full(fd: BorrowedFd<'_>) -> bool {
    const LEAST: u64 = 1 << 30;
    rustix::fs::fstatfs(fd).is_ok_and(|system| {
        let (free, all) = (system.f_bavail, system.f_blocks);
        all != 0 && (free.saturating_mul(system.f_bsize as u64) < LEAST || free.saturating_mul(20) < all)
    })
}

/// Nothing more is written by this process and its children, and that is said.
fn give_up_because(why: Arguments<'_>) {
    if !GIVEN_UP.swap(true, Relaxed) {
        say_once(Said::GivenUp, why);
    }
}

/// What is said about the report once, by a leader or one of its children.
#[repr(u64)]
enum Said {
    GivenUp = 1,
    Limit = 2,
    Space = 4,
}

fn say_once(said: Said, what: Arguments<'_>) {
    if fate::is_first_to_say(said as u64) {
        super::say(what);
    }
}

fn write_whole(bytes: &[u8]) -> Result<(), Because> {
    let fd = descriptor(OWN.load(Relaxed));
    let written = quietly(|| {
        if TORN.load(Relaxed) {
            rustix::io::write(fd, b"\n")?;
            TORN.store(false, Relaxed);
        }
        match rustix::io::retry_on_intr(|| rustix::io::write(fd, bytes))? {
            n if n == bytes.len() => Ok(()),
            n => {
                TORN.store(!take_back(fd, n as u64), Relaxed);
                Err(Errno::NOSPC)
            }
        }
    });
    written.map_err(Because::Kernel)
}

/// Cuts off the beginning of a line that did not fit; false when another process wrote behind it meanwhile.
fn take_back(fd: BorrowedFd<'_>, written: u64) -> bool {
    let end = rustix::fs::seek(fd, rustix::fs::SeekFrom::Current(0));
    let size = rustix::fs::fstat(fd).map(|s| s.st_size as u64);
    match (end, size) {
        (Ok(end), Ok(size)) if end == size => rustix::fs::ftruncate(fd, end - written).is_ok(),
        _ => false,
    }
}

/// Runs a write that must not reach the host as a signal: by its failure (SIGPIPE, SIGXFSZ), or because its terminal stops processes in the
/// background that write (SIGTTOU).
pub(super) fn quietly<R>(write: impl FnOnce() -> Result<R, Errno>) -> Result<R, Errno> {
    let ours = 1u64 << (libc::SIGPIPE - 1) | 1 << (libc::SIGXFSZ - 1) | 1 << (libc::SIGTTOU - 1);
    let blocked = raw::blocked_signals();
    let pending = raw::pending_signals();
    raw::set_blocked_signals(blocked | ours);
    let result = write();
    let raised = match result {
        Err(Errno::PIPE) => 1 << (libc::SIGPIPE - 1),
        Err(Errno::FBIG) => 1 << (libc::SIGXFSZ - 1),
        _ => 0,
    };
    if raised & !pending != 0 {
        raw::take_pending_signal(raised);
    }
    raw::set_blocked_signals(blocked);
    result
}
