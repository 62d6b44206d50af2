//! The report file: found, opened and written so that nothing a server does (closing all descriptors, changing user or root,
//! filling the disk) loses more than it must, and nothing we do harms the server.
use crate::options::{self, Report};
use forkguard_core::fixed::Text;
use forkguard_core::raw::{self, AsFd, BorrowedFd, Opened, descriptor};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::ffi::CStr;
use std::fmt::Write;
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
/// The last write was cut short: the next one begins a new line.
static TORN: AtomicBool = AtomicBool::new(false);
/// Events that could not be written, and why the first of them could not (an errno).
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
            GIVEN_UP.store(true, Relaxed);
            super::say(format_args!("no report is written: {}", refused.as_str()));
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

/// Why there is no file to be had.
type Refused = Text<1300>;

/// Notes why, and gives up.
fn refuse<T>(refused: &mut Refused, why: std::fmt::Arguments<'_>) -> Option<T> {
    let _ = refused.write_fmt(why);
    None
}

/// Forks of one program image in a process: the next one's numbers begin above them.
const NUMBERS_OF_AN_IMAGE: u64 = 1_000_000;

fn open(refused: &mut Refused) -> Option<()> {
    let directory_path = directory();
    let directory = open_directory(&directory_path, refused)?;
    let pid = raw::process_id();
    let stem = stem(pid);
    let images = images(&directory, pid);
    for turn in 1..1000 {
        let mut file = Text::<160>::new();
        let _ = match turn {
            1 => write!(file, "{}.jsonl", stem.as_str()),
            _ => write!(file, "{}.{turn}.jsonl", stem.as_str()),
        };
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match Opened::at(directory.as_fd(), file.as_cstr().unwrap_or(c"x"), flags, Mode::RUSR | Mode::WUSR) {
            Ok(opened) => {
                adopt(opened, pid);
                forkguard_core::fork::number_from(images * NUMBERS_OF_AN_IMAGE);
                let mut path = Text::new();
                let _ = write!(path, "{}/{}", directory_path.as_str(), file.as_str());
                // SAFETY: see `Path`.
                unsafe { *PATH.0.get() = path };
                return Some(());
            }
            Err(Errno::EXIST) => {}
            Err(e) => return refuse(refused, format_args!("cannot make a file in {}: {e}", directory_path.as_str())),
        }
    }
    refuse(refused, format_args!("{} holds a thousand reports of process {pid}", directory_path.as_str()))
}

/// How many programs have reported under this process's number: those that exec'd it, or had its number before.
fn images(directory: &Opened, pid: u32) -> u64 {
    let pid = Text::<16>::of(format_args!("{pid}"));
    let mut count = 0;
    raw::each_entry_of(directory, |name| {
        let stem = name.to_str().ok().and_then(|name| name.strip_suffix(".jsonl")).unwrap_or_default();
        let last = |text: &str| text.rsplit(['-', '_']).next() == Some(pid.as_str());
        let numbered = stem.rsplit_once('.').filter(|(_, turn)| turn.bytes().all(|b| b.is_ascii_digit()));
        count += u64::from(last(stem) || numbered.is_some_and(|(stem, _)| last(stem)));
    });
    count
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

/// The directory that the options name, or the private one.
fn directory() -> Text<1024> {
    let mut path = Text::new();
    // SAFETY: reads the auxiliary vector.
    let trusted = unsafe { libc::getauxval(libc::AT_SECURE) } == 0;
    let variable = |name: &CStr| options::variable(name).filter(|p| trusted && p.starts_with('/') && p.len() < 900);
    let _ = match (options::get().report, variable(c"XDG_RUNTIME_DIR")) {
        (Report::Directory(given), _) => write!(path, "{}", given.as_str()),
        (_, Some(directory)) => write!(path, "{directory}/forkguard"),
        (_, None) => {
            let directory = variable(c"TMPDIR").unwrap_or("/tmp");
            write!(path, "{directory}/forkguard-{}", rustix::process::geteuid().as_raw())
        }
    };
    path
}

/// Opens the directory, made when it is missing. One that others may write to needs its sticky bit; the private one must be ours.
fn open_directory(path: &Text<1024>, refused: &mut Refused) -> Option<Opened> {
    let name = path.as_str();
    let Some(c_name) = path.as_cstr() else { return refuse(refused, format_args!("the directory's path is too long: {name}")) };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut opened = Opened::new(c_name, flags);
    if matches!(opened, Err(Errno::NOENT)) {
        match rustix::fs::mkdir(c_name, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => opened = Opened::new(c_name, flags),
            Err(e) => return refuse(refused, format_args!("cannot make the directory {name}: {e}")),
        }
    }
    let directory = match opened {
        Ok(directory) => directory,
        Err(Errno::LOOP | Errno::NOTDIR) => {
            return refuse(refused, format_args!("{name} is a link or no directory; links are not followed"));
        }
        Err(e) => return refuse(refused, format_args!("cannot open the directory {name}: {e}")),
    };
    let Ok(stat) = rustix::fs::fstat(&directory) else { return refuse(refused, format_args!("cannot stat {name}")) };
    if stat.st_mode & 0o022 != 0 && stat.st_mode & libc::S_ISVTX == 0 {
        let advice = "which lacks the sticky bit (chmod +t it, or go-w)";
        return refuse(refused, format_args!("others may write to {name}, {advice}"));
    }
    let own = rustix::process::geteuid().as_raw();
    if matches!(options::get().report, Report::Private) && stat.st_uid != own {
        return refuse(refused, format_args!("{name} belongs to user {}, not to {own}", stat.st_uid));
    }
    Some(directory)
}

/// True when the number still is our file: a raw system call may have closed it.
fn still_ours(fd: i32) -> bool {
    fd >= 0
        && rustix::fs::fstat(descriptor(fd)).is_ok_and(|s| s.st_dev == DEVICE.load(Relaxed) && s.st_ino == INODE.load(Relaxed))
}

/// Opens our file again by its path after the host closed our number by a way that no hook sees.
fn reopen() -> bool {
    let text: Text<1200> = Text::from_bytes(path().as_bytes());
    let Some(path) = text.as_cstr().filter(|p| !p.is_empty()) else { return false };
    let flags = OFlags::RDWR | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Ok(file) = Opened::new(path, flags) else { return false };
    // The old number is not ours any more.
    OWN.store(-1, Relaxed);
    adopt(file, OPENER.load(Relaxed));
    true
}

/// Counts events that could not be written.
pub(crate) fn lose(events: u32, why: Errno) {
    if LOST.fetch_add(events, Relaxed) == 0 {
        LOST_WHY.store(why.raw_os_error(), Relaxed);
    }
}

/// Appends whole lines in one write. What could not be written is counted, and `tell_lost` says so in front of what can be: with the
/// count, the first reason, and how to write.
pub(crate) fn append(
    lines: &[u8],
    events: u32,
    tell_lost: impl FnOnce(u32, Errno, &dyn Fn(&[u8]) -> Result<(), Errno>) -> Result<(), Errno>,
) {
    let lost = LOST.swap(0, Relaxed);
    if lost > 0 {
        let why = Errno::from_raw_os_error(LOST_WHY.load(Relaxed));
        if tell_lost(lost, why, &write_whole).is_err() {
            lose(lost, why);
        }
    }
    if let Err(e) = write_whole(lines) {
        lose(events, e);
    }
}

fn write_whole(bytes: &[u8]) -> Result<(), Errno> {
    let fd = OWN.load(Relaxed);
    if !still_ours(fd) && !reopen() {
        return Err(Errno::BADF);
    }
    let fd = descriptor(OWN.load(Relaxed));
    quietly(|| {
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
    })
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

/// Runs a write whose failure must not reach the host as a signal (SIGPIPE, SIGXFSZ).
pub(super) fn quietly<R>(write: impl FnOnce() -> Result<R, Errno>) -> Result<R, Errno> {
    let ours = 1u64 << (libc::SIGPIPE - 1) | 1 << (libc::SIGXFSZ - 1);
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
