//! The report file: found, opened and written so that nothing a server does (closing all descriptors, changing user or root,
//! filling the disk) loses more than it must, and nothing we do harms the server.
//!
//! It is opened for each group of lines and closed again: the host has all its descriptors to itself. Only a process that changes its user
//! or root, and could not open it any more, keeps it open.
use super::directory::{self, Directory, Refused, refuse};
use super::host_signals::without_signals;
use crate::entry::scratch::aside;
use crate::options;
use forkguard_core::fixed::Text;
use forkguard_core::fork::shared_page;
use forkguard_core::kernel::{self, AsFd, BorrowedFd, ErrorText, OwnedFd, borrow};
use forkguard_core::registry::descriptors::OWN;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::fmt::{Arguments, Display, Formatter, Write};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering::*};

/// The numbers under which it is kept open: high, so that it is in nobody's way.
const NUMBERS: [i32; 3] = [400, 100, 3];
/// What the file must be: device, inode and the time of its birth (an inode's number is given anew when a file is removed).
static DEVICE: AtomicU64 = AtomicU64::new(0);
static INODE: AtomicU64 = AtomicU64::new(0);
static CREATED_AT: AtomicU64 = AtomicU64::new(0);
/// The process that made the file, 0 while there is none; another one writes into it until it has a file of its own.
static OPENER: AtomicU32 = AtomicU32::new(0);
/// No file will be had: said once.
static GIVEN_UP: AtomicBool = AtomicBool::new(false);
/// The last lines found no room.
static CUT_SHORT: AtomicBool = AtomicBool::new(false);
/// The last write was cut short: the next one begins a new line.
static TORN: AtomicBool = AtomicBool::new(false);
/// Events that could not be written, and why the first of them could not (`Because::word`).
#[unsafe(link_section = "forkguard_words")]
static LOST: AtomicU32 = AtomicU32::new(0);
static LOST_WHY: AtomicI32 = AtomicI32::new(0);

static PATH: Path = Path(std::cell::UnsafeCell::new(Text::new()));
struct Path(std::cell::UnsafeCell<Text<1200>>);
// SAFETY: written by the thread that makes the file (one: `MAKING`), read afterwards.
unsafe impl Sync for Path {}
#[unsafe(link_section = "forkguard_words")]
static MAKING: AtomicBool = AtomicBool::new(false);

/// The number under which the file is kept; negative: none.
#[inline(always)]
pub(crate) fn own_descriptor() -> i32 {
    OWN.load(Relaxed)
}

/// The same, if the file there still is ours: it does not exist for the host. (By a way that no hook sees the host may have closed it
/// and opened something of its own there: then that is the host's.)
pub(crate) fn hidden_descriptor() -> i32 {
    let kept = OWN.load(Relaxed);
    if kept >= 0 && !is_ours(borrow(kept)) {
        let _ = OWN.compare_exchange(kept, -1, Relaxed, Relaxed);
        return -1;
    }
    kept
}

/// True when there is a file to write into.
pub(crate) fn exists() -> bool {
    OPENER.load(Relaxed) != 0
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
        keep_instead(old, high(borrow(old), old + 1));
    }
}

/// Puts a number in place of another, and closes the one that is not used any more: the new one, if another thread was quicker.
fn keep_instead(old: i32, new: i32) {
    let unused = OWN.compare_exchange(old, new, Relaxed, Relaxed).map_or(new, |old| old);
    if unused >= 0 {
        kernel::close(unused);
    }
}

/// Keeps the file open from now on: this process is about to lose its way to it.
pub(crate) fn keep() {
    if hidden_descriptor() < 0
        && let Some(file) = reopen()
    {
        // A table that is nearly full has no high number: then the one that it got.
        let number = high(&file, 0);
        keep_instead(-1, if number >= 0 { number } else { file.into_number() });
    }
}

/// Lets go of a file that is kept.
fn drop_kept() {
    let kept = hidden_descriptor();
    if kept >= 0 {
        keep_instead(kept, -1);
    }
}

/// A copy of the borrow at a high number; the lowest free one where the limit is low.
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
    drop_kept();
}

/// True while there is no room for whole reports.
pub(crate) fn is_cut_short() -> bool {
    CUT_SHORT.load(Relaxed)
}

/// True when this process writes into the file of the process that forked it.
pub(crate) fn borrowed() -> bool {
    OPENER.load(Relaxed) != kernel::process_id()
}

/// Makes this process's own file, unless it has one or another thread does; true when it did. Says so when there is none to be had.
pub(crate) fn make_own() -> bool {
    let wanted = || (!exists() || borrowed()) && !GIVEN_UP.load(Relaxed);
    if !wanted() || MAKING.swap(true, Acquire) {
        return false;
    }
    // Another thread may have made it between the first look and this one.
    let making = wanted();
    if making {
        make_or_give_up();
    }
    MAKING.store(false, Release);
    making
}

fn make_or_give_up() {
    let had_file = exists();
    let mut refused = Refused::new();
    let made = aside(|| make_somewhere(&mut refused)).flatten().is_some();
    match (made, had_file) {
        (true, true) if hidden_descriptor() >= 0 => {
            drop_kept();
            keep();
        }
        (true, false) if !refused.as_str().is_empty() && !is_said() => {
            super::stderr::print_line(format_args!("the report is {}: {}", path(), refused.as_str()));
        }
        (true, _) => {}
        // A child that changed its user or root goes on in the file that it came with.
        (false, true) => OPENER.store(kernel::process_id(), Relaxed),
        (false, false) => give_up_because(format_args!("no report is written: {}", refused.as_str())),
    }
}

/// True when the process that started this program could not use the given directory either.
fn is_said() -> bool {
    match options::get().report {
        options::Report::Directory(given) => super::error_output::is_said_by_starter(given.as_str()),
        _ => false,
    }
}

/// In a forked child: no thread is making one.
pub(crate) fn reset_in_child() {
    MAKING.store(false, Relaxed);
    LOST.store(0, Relaxed);
}

/// Forks of one program image in a process: the next one's numbers begin above them.
const NUMBERS_OF_AN_IMAGE: u64 = 1_000_000;

fn make_somewhere(refused: &mut Refused) -> Option<()> {
    let inherited: Text<1200> = Text::from_bytes(path().as_bytes());
    let inherited = inherited.as_str().rsplit_once('/').map(|(directory, _)| directory);
    directory::first(inherited, refused, make)
}

/// Makes this process's file in a directory.
fn make(directory: Directory, refused: &mut Refused) -> Option<()> {
    let place = directory.path.as_str();
    let pid = kernel::process_id();
    let stem = stem(pid);
    let image = directory::number_of_image(&directory.opened, pid);
    for turn in 1..1000 {
        let mut name = Text::<160>::new();
        let _ = match turn {
            1 => write!(name, "{}.jsonl", stem.as_str()),
            _ => write!(name, "{}.{turn}.jsonl", stem.as_str()),
        };
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match OwnedFd::at(directory.opened.as_fd(), name.as_cstr().unwrap_or(c"x"), flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => {
                adopt(&file);
                forkguard_core::registry::generation::continue_from(image * NUMBERS_OF_AN_IMAGE);
                // SAFETY: see `Path`.
                unsafe { *PATH.0.get() = Text::of(format_args!("{place}/{}", name.as_str())) };
                OPENER.store(pid, Relaxed);
                return Some(());
            }
            Err(Errno::EXIST) => {}
            Err(e) => return refuse(refused, format_args!("cannot make a file in {place}: {}", ErrorText(e))),
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

fn adopt(file: &OwnedFd) {
    if let Ok(stat) = rustix::fs::fstat(file) {
        DEVICE.store(stat.st_dev, Relaxed);
        INODE.store(stat.st_ino, Relaxed);
        CREATED_AT.store(creation_time(file), Relaxed);
    }
}

/// Nanoseconds from the epoch to a file's birth; 0 where the file system does not tell (statx(2), STATX_BTIME).
fn creation_time(file: impl AsFd) -> u64 {
    use rustix::fs::{AtFlags, StatxFlags, statx};
    let told = statx(file, c"", AtFlags::EMPTY_PATH, StatxFlags::BTIME).ok();
    let time = told.filter(|told| told.stx_mask & StatxFlags::BTIME.bits() != 0).map(|told| told.stx_btime);
    time.map_or(0, |time| time.tv_sec as u64 * 1_000_000_000 + u64::from(time.tv_nsec))
}

/// The process name in the kernel, fit for a file's name.
fn process_name() -> Text<16> {
    let mut bytes = [0u8; 16];
    let read = kernel::read_file(c"/proc/self/comm", &mut bytes).len();
    for byte in &mut bytes[..read] {
        if !byte.is_ascii_alphanumeric() && !b"._-+".contains(byte) {
            *byte = if *byte == b'\n' { 0 } else { b'_' };
        }
    }
    Text::from_bytes(&bytes[..read])
}

fn is_ours(file: impl AsFd) -> bool {
    let times = [creation_time(&file), CREATED_AT.load(Relaxed)];
    rustix::fs::fstat(file).is_ok_and(|s| s.st_dev == DEVICE.load(Relaxed) && s.st_ino == INODE.load(Relaxed))
        && (times[0] == times[1] || times.contains(&0))
}

/// Opens our file by its path. What lies there now may be anything: it is opened without waiting (a FIFO), and taken only if it is the
/// very file.
fn reopen() -> Option<OwnedFd> {
    let text: Text<1200> = Text::from_bytes(path().as_bytes());
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let path = text.as_cstr().filter(|path| !path.is_empty())?;
    OwnedFd::new(path, flags).ok().filter(|file| is_ours(file))
}

/// Does something with our file, the one that is kept or the one at its path.
fn with_file<R>(work: impl FnOnce(BorrowedFd<'_>) -> Result<R, Because>) -> Result<R, Because> {
    match hidden_descriptor() {
        kept @ 0.. => work(borrow(kept)),
        _ => aside(|| work(reopen().ok_or(Because::Gone)?.as_fd())).unwrap_or(Err(Because::Gone)),
    }
}

/// Why events are not written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Because {
    /// The kernel refused.
    Kernel(Errno),
    /// It is another file by now.
    Gone,
    /// It has been removed.
    Removed,
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
    const GONE: i32 = -4;
    const REMOVED: i32 = -5;

    fn code(self) -> i32 {
        match self {
            Because::Kernel(errno) => errno.raw_os_error(),
            Because::Limit => Self::LIMIT,
            Because::Space => Self::SPACE,
            Because::Size => Self::SIZE,
            Because::Gone => Self::GONE,
            Because::Removed => Self::REMOVED,
        }
    }

    fn of(code: i32) -> Because {
        match code {
            Self::LIMIT => Because::Limit,
            Self::SPACE => Because::Space,
            Self::SIZE => Because::Size,
            Self::GONE => Because::Gone,
            Self::REMOVED => Because::Removed,
            errno => Because::Kernel(Errno::from_raw_os_error(errno)),
        }
    }
}

impl Display for Because {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Because::Kernel(errno) => ErrorText(*errno).fmt(out),
            Because::Limit => write!(out, "the report has reached FORKGUARD_REPORT_LIMIT"),
            Because::Space => write!(out, "the file system had less than 1 GiB or 5 % (4 GiB at most) free"),
            Because::Size => write!(out, "the event was too large"),
            Because::Gone => write!(out, "the report is gone, or another file"),
            Because::Removed => write!(out, "the report was removed"),
        }
    }
}

/// Counts events that could not be written.
pub(crate) fn lose(events: u32, why: Because) {
    if LOST.fetch_add(events, Relaxed) == 0 {
        LOST_WHY.store(why.code(), Relaxed);
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
    let written = with_file(|file| {
        room(file, group.counts)?;
        let lost = LOST.swap(0, Relaxed);
        if lost > 0 {
            let why = Because::of(LOST_WHY.load(Relaxed));
            if tell_lost(lost, why, &|lines| write_whole(file, lines)).is_err() {
                lose(lost, why);
            }
        }
        write_whole(file, group.lines)
    });
    CUT_SHORT.store(matches!(written, Err(Because::Limit | Because::Space)), Relaxed);
    if let Err(why) = written {
        lose(group.events, why);
        announce(why);
    }
    written.is_ok()
}

/// What counts may take beyond the limit.
const COUNTS: u64 = 64 << 10;

/// Whether there is room for lines. The group of lines that reaches the limit is whole.
fn room(file: BorrowedFd<'_>, counts: bool) -> Result<(), Because> {
    let stat = rustix::fs::fstat(file).map_err(Because::Kernel)?;
    if stat.st_nlink == 0 {
        return Err(Because::Removed);
    }
    // What a child says of itself does not count: there may be any number of them.
    let more = if counts && !borrowed() { COUNTS } else { 0 };
    if stat.st_size as u64 >= options::get().report_limit.saturating_add(more) {
        return Err(Because::Limit);
    }
    if !counts && is_nearly_full(file) { Err(Because::Space) } else { Ok(()) }
}

/// Says why lines are not written: the first time, and where it is not for once.
fn announce(why: Because) {
    let (path, limit) = (path(), options::get().report_limit);
    let nothing_more =
        |what: &str| give_up_because(format_args!("{path} {what}: process {} reports nothing more", kernel::process_id()));
    match why {
        Because::Gone => nothing_more("is gone, or another file"),
        Because::Removed => nothing_more("was removed"),
        Because::Limit => announce_once(
            Announcement::Limit,
            format_args!("{path} has reached {limit} bytes (FORKGUARD_REPORT_LIMIT): from here on it has counts only"),
        ),
        Because::Space => announce_once(
            Announcement::Space,
            format_args!(
                "less than 1 GiB or 5 % (4 GiB at most) is free where {path} lies: it has counts only until there is more"
            ),
        ),
        Because::Kernel(_) | Because::Size => {}
    }
}

/// True for a file system on which too little is free for reports; false for one that does not tell.
fn is_nearly_full(fd: BorrowedFd<'_>) -> bool {
    rustix::fs::fstatfs(fd).is_ok_and(|system| {
        let bytes = |blocks: u64| blocks.saturating_mul(system.f_bsize as u64);
        system.f_blocks != 0 && bytes(system.f_bavail) < kept_free(bytes(system.f_blocks))
    })
}

/// What reports leave free on a file system of so many bytes: 5 %, 1 GiB at least. 4 GiB at most: 5 % of a large disk is more than its other
/// users ever wait for.
fn kept_free(all: u64) -> u64 {
    const GIB: u64 = 1 << 30;
    (all / 20).clamp(GIB, 4 * GIB)
}

/// Nothing more is written by this process and its children, and that is said.
fn give_up_because(why: Arguments<'_>) {
    if !GIVEN_UP.swap(true, Relaxed) {
        announce_once(Announcement::GivenUp, why);
    }
}

/// What is said about the report once, by a leader or one of its children.
#[repr(u64)]
enum Announcement {
    GivenUp = 1,
    Limit = 2,
    Space = 4,
}

fn announce_once(announcement: Announcement, what: Arguments<'_>) {
    if shared_page::announce_once(announcement as u64) {
        super::stderr::print_line(what);
    }
}

fn write_whole(fd: BorrowedFd<'_>, bytes: &[u8]) -> Result<(), Because> {
    let written = without_signals(|| {
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

#[cfg(test)]
mod tests {
    use super::kept_free;

    #[test]
    fn one_to_four_gib_stay_free() {
        let gib = |n: u64| n << 30;
        assert_eq!(kept_free(gib(1) / 4), gib(1));
        assert_eq!(kept_free(gib(20)), gib(1));
        assert_eq!(kept_free(gib(40)), gib(2));
        assert_eq!(kept_free(gib(80)), gib(4));
        assert_eq!(kept_free(gib(4000)), gib(4));
    }
}
