//! Other processes, as /proc tells of them.
use super::fd::FileNumber;
use super::proc::{each_entry, is_readable, read_file};
use crate::fixed::Text;
use rustix::fs::{AtFlags, CWD, FileType, Mode};

/// A small file of another process, as text.
pub fn read<'b>(bytes: &'b mut [u8], process: impl core::fmt::Display, file: &str) -> &'b str {
    let path = Text::<48>::of(format_args!("/proc/{process}/{file}"));
    let read = path.as_cstr().map(|path| read_file(path, bytes)).unwrap_or_default();
    core::str::from_utf8(read).unwrap_or_default()
}

/// Of the words of /proc/PID/stat (proc_pid_stat(5)) behind the name in parentheses: the state.
pub const STATE: usize = 0;
/// The parent.
pub const PARENT: usize = 1;
/// The start, in ticks since boot.
pub const START: usize = 19;
/// Where the stack begins.
pub const STACK: usize = 25;

/// The words of /proc/PID/stat, by index; none of a process that is gone.
pub fn stat<'b>(bytes: &'b mut [u8], process: impl core::fmt::Display) -> impl Fn(usize) -> Option<&'b str> {
    let words = read(bytes, process, "stat").rsplit_once(')').map_or("", |(_, words)| words);
    move |index| words.split_ascii_whitespace().nth(index)
}

/// The parent of another process, as its number is in this one's namespace (0: it is not there); None for one that is gone.
pub fn parent_of(process: u32) -> Option<u32> {
    stat(&mut [0; 1024], process)(PARENT)?.parse().ok()
}

/// True for a process that was started no later than the other one, as far as the clock tells.
pub fn is_older(process: u32, other: u32) -> bool {
    let started = |process| stat(&mut [0; 1024], process)(START)?.parse::<u64>().ok();
    started(process).is_some_and(|start| started(other).is_some_and(|other| start <= other))
}

/// The state of a process, by its letter; None of one that is gone.
pub fn state(process: u32) -> Option<u8> {
    stat(&mut [0; 1024], process)(STATE)?.bytes().next()
}

/// The nanoseconds for which a thread has run, of schedstat (proc(5)); None of one that is gone, and where the kernel does not tell.
pub fn run_time(thread: u32) -> Option<u64> {
    read(&mut [0; 128], thread, "schedstat").split_ascii_whitespace().next()?.parse().ok()
}

/// A file that a process has open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenFile {
    /// What names it.
    pub number: FileNumber,
    /// Open for reading.
    pub reads: bool,
    /// Open for writing.
    pub writes: bool,
    /// A pipe, with a name in the file system (mkfifo(3)) or without.
    pub is_pipe: bool,
    /// A socket.
    pub is_socket: bool,
}

/// What a process has open under a number; None where it has nothing, or this one may not look.
pub fn open_file(process: u32, fd: i32) -> Option<OpenFile> {
    let path = Text::<48>::of(format_args!("/proc/{process}/fd/{fd}"));
    let path = path.as_cstr()?;
    let file = rustix::fs::stat(path).ok()?;
    // The rights of the link are those that the file was opened with (proc(5)).
    let rights = Mode::from_raw_mode(rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).ok()?.st_mode);
    let kind = FileType::from_raw_mode(file.st_mode);
    Some(OpenFile {
        number: FileNumber { device: file.st_dev, inode: file.st_ino },
        reads: rights.contains(Mode::RUSR),
        writes: rights.contains(Mode::WUSR),
        is_pipe: kind == FileType::Fifo,
        is_socket: kind == FileType::Socket,
    })
}

/// True for a file through which a process has a lock that is the open file's: of flock(2) that `owner` took, or of F_OFD_SETLK, which names
/// nobody (proc(5): fdinfo lists those of this very open file).
pub fn has_lock_of(process: u32, fd: i32, owner: u32) -> bool {
    let file = Text::<32>::of(format_args!("fdinfo/{fd}"));
    let is_of = |line: &str| {
        let mut words = line.strip_prefix("lock:")?.split_ascii_whitespace().skip(1);
        match (words.next()?, words.nth(2)?) {
            ("FLOCK", taker) => Some(taker.parse() == Ok(owner)),
            (kind, _) => Some(kind == "OFDLCK"),
        }
    };
    read(&mut [0; 2048], process, file.as_str()).lines().any(|line| is_of(line) == Some(true))
}

/// When a process, or a thread (`PID/task/TID`), was made, in nanoseconds since boot, a hundredth of a second too early at most.
pub fn made_at(process: impl core::fmt::Display) -> Option<u64> {
    const TICK_NS: u64 = 10_000_000;
    Some(stat(&mut [0; 1024], process)(START)?.parse::<u64>().ok()?.saturating_mul(TICK_NS))
}

/// Calls `each` for the numbers of a process's descriptors; false where this one may not look.
pub fn each_descriptor(process: u32, mut each: impl FnMut(i32)) -> bool {
    let path = Text::<48>::of(format_args!("/proc/{process}/fd"));
    let Some(path) = path.as_cstr().filter(|path| is_readable(path)) else { return false };
    each_entry(path, |name| name.to_str().ok().and_then(|name| name.parse().ok()).into_iter().for_each(&mut each));
    true
}

/// Calls `each` for the processes that there are.
pub fn each_process(mut each: impl FnMut(u32)) {
    each_entry(c"/proc", |name| name.to_str().ok().and_then(|name| name.parse().ok()).into_iter().for_each(&mut each));
}

/// Calls `each` for the children of a process's main thread; false where there were too many to read, or the kernel does not list them.
pub fn each_child(process: u32, each: impl FnMut(u32)) -> bool {
    let mut bytes = [0u8; 4096];
    let (room, file) = (bytes.len(), Text::<40>::of(format_args!("task/{process}/children")));
    let text = read(&mut bytes, process, file.as_str());
    text.split_ascii_whitespace().filter_map(|word| word.parse().ok()).for_each(each);
    text.len() < room
}

/// Calls `each` for the threads of a process, while they are few; false where there are more, or they may not be seen.
pub fn each_thread(process: u32, mut each: impl FnMut(u32)) -> bool {
    const MOST: usize = 16;
    let path = Text::<48>::of(format_args!("/proc/{process}/task"));
    let Some(path) = path.as_cstr() else { return false };
    let mut count = 0;
    each_entry(path, |name| {
        if let Some(thread) = name.to_str().ok().and_then(|name| name.parse().ok()) {
            count += 1;
            if count <= MOST {
                each(thread);
            }
        }
    });
    (1..=MOST).contains(&count)
}

/// The system call that the main thread of a process sleeps in: its number and arguments (/proc/PID/syscall, proc(5)).
pub fn sleeping_call(process: u32) -> Option<(i64, [usize; 6])> {
    let mut bytes = [0; 256];
    let mut words = read(&mut bytes, process, "syscall").split_ascii_whitespace();
    let number = words.next()?.parse().ok()?;
    let mut arguments = [0; 6];
    for argument in &mut arguments {
        *argument = usize::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()?;
    }
    Some((number, arguments))
}

/// What /proc/PID/status tells of a process that sleeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sleeper {
    /// Its threads.
    pub threads: u64,
    /// How often it has run: as long as that is the same, it slept all the time.
    pub switches: u64,
    /// The signals that it catches, a bit each.
    pub caught: u64,
}

/// The fields of /proc/PID/status (proc_pid_status(5)), by name.
struct Status<'b>(&'b str);

impl<'b> Status<'b> {
    fn read(bytes: &'b mut [u8], process: u32) -> Self {
        Self(read(bytes, process, "status"))
    }

    fn field(&self, name: &str) -> Option<&'b str> {
        self.0.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()))
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.field(name)?.parse().ok()
    }

    /// Signals, a bit each.
    fn signals(&self, name: &str) -> Option<u64> {
        u64::from_str_radix(self.field(name)?, 16).ok()
    }

    fn has(&self, name: &str, signal: i32) -> bool {
        self.signals(name).is_some_and(|signals| signals >> (signal - 1) & 1 != 0)
    }

    /// True where the signal is caught or ignored.
    fn survives(&self, signal: i32) -> bool {
        self.has("SigCgt", signal) || self.has("SigIgn", signal)
    }
}

/// Room for /proc/PID/status as far as it is read here.
const STATUS_LENGTH: usize = 4096;

/// True for a process that lives, and that a signal does not end at once.
pub fn lives_through(process: u32, signal: i32) -> bool {
    let mut bytes = [0; STATUS_LENGTH];
    let status = Status::read(&mut bytes, process);
    let is_alive = status.field("State").is_some_and(|state| !state.starts_with(['Z', 'X']));
    is_alive && status.survives(signal)
}

/// True for a process that a signal does not end at once.
pub fn catches_or_ignores(process: u32, signal: i32) -> bool {
    let mut bytes = [0; STATUS_LENGTH];
    Status::read(&mut bytes, process).survives(signal)
}

/// A process whose main thread sleeps; None of one that runs or has ended.
pub fn sleeper(process: u32) -> Option<Sleeper> {
    let mut bytes = [0; STATUS_LENGTH];
    let status = Status::read(&mut bytes, process);
    status.field("State")?.starts_with('S').then_some(())?;
    Some(Sleeper {
        threads: status.number("Threads")?,
        switches: status.number("voluntary_ctxt_switches")? + status.number("nonvoluntary_ctxt_switches")?,
        caught: status.signals("SigCgt")?,
    })
}
