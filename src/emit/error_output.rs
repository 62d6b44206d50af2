//! Whether descriptor 2 is a place for errors: of a service that inetd starts it is the client's connection, of a program whose output
//! another one catches it is what that reads.
use crate::entry::scratch::aside;
use crate::options::{self, Summary};
use forkguard_core::fixed::Text;
use forkguard_core::flags;
use forkguard_core::kernel::other_process::parent_of;
use forkguard_core::kernel::{self, OwnedFd};
use forkguard_core::registry::descriptors::{self, FdKind, Record, record, role};
use rustix::fs::{AtFlags, CWD, FileType, OFlags, Stat, fstat, statat};
use rustix::net::{AddressFamily, getsockname};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The process that started this program.
#[unsafe(link_section = "forkguard_words")]
static STARTED_BY: AtomicU32 = AtomicU32::new(0);

/// The program begins.
pub(crate) fn begin() {
    STARTED_BY.store(kernel::parent_id(), Relaxed);
}

/// What descriptor 2 is, if it is a place for errors: the program began with it, or put it there on purpose (a file that only happened
/// to get that number is the host's data), and nobody reads it as the output of a program.
pub(super) fn error_output() -> Option<FileType> {
    let record = record(2)?;
    let stat = fstat(kernel::borrow(2)).ok()?;
    let kind = FileType::from_raw_mode(stat.st_mode);
    let meant = record.kind == FdKind::Start || record.role & role::PLACED != 0;
    (meant && !is_data(kind, &stat) && !is_captured(kind, &stat, &record)).then_some(kind)
}

/// True for the client's connection of a service, as inetd passes it: its input, too, or one that goes over the network.
fn is_data(kind: FileType, stat: &Stat) -> bool {
    let inet = |family| [AddressFamily::INET, AddressFamily::INET6].contains(&family);
    let network = || getsockname(kernel::borrow(2)).is_ok_and(|name| inet(name.address_family()));
    kind == FileType::Socket && (is_also(0, stat) || network())
}

/// True where a program catches what another one prints, to read it; who asks for a summary always gets it there, too.
fn is_captured(kind: FileType, stat: &Stat, record: &Record) -> bool {
    if options::get().summary == Summary::Always || !matches!(kind, FileType::Fifo | FileType::Socket) {
        return false;
    }
    let began_with = record.kind == FdKind::Start;
    began_with && kind == FileType::Fifo && is_read_above(stat) || !began_with && is_output_and_errors(stat)
}

/// True in a forked child that has put one pipe in the place of both its output and its errors, as for a program whose text is wanted.
fn is_output_and_errors(stat: &Stat) -> bool {
    flags::is_forked_child() && [1, 2].into_iter().all(is_placed_since_the_fork) && is_also(1, stat)
}

fn is_placed_since_the_fork(fd: i32) -> bool {
    let copied = || descriptors::number_at_fork(fd) != fd;
    record(fd).is_some_and(|record| record.role & role::PLACED != 0 && (record.role & role::FORKED == 0 || copied()))
}

fn is_also(fd: i32, stat: &Stat) -> bool {
    fstat(kernel::borrow(fd)).is_ok_and(|other| is_same(&other, stat))
}

fn is_same(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

/// True when a process that started this program, or one above it, reads the pipe and is under forkguard itself: its user reads its
/// errors, and it reads this one's.
fn is_read_above(pipe: &Stat) -> bool {
    const GENERATIONS: usize = 8;
    let parents =
        std::iter::successors(Some(STARTED_BY.load(Relaxed)), |&process| parent_of(process).filter(|&parent| parent != 0));
    let mut guarded = parents.take(GENERATIONS).take_while(|&process| is_guarded(process));
    aside(|| guarded.any(|process| reads(process, pipe))).unwrap_or(false)
}

/// True when the process that started this program is under forkguard with the same report option: it has said what there is to say of that
/// directory.
pub(super) fn is_said_by_starter(directory: &str) -> bool {
    let starter = STARTED_BY.load(Relaxed);
    let option = Text::<1100>::of(format_args!("FORKGUARD_REPORT={directory}\0"));
    aside(|| contains(starter, "environ", option.as_str().as_bytes()) && is_guarded(starter)).unwrap_or(false)
}

/// True for a process that has this library.
fn is_guarded(process: u32) -> bool {
    contains(process, "maps", b"libforkguard.so")
}

/// True when a file of that process in /proc has these bytes.
fn contains(process: u32, file: &str, wanted: &[u8]) -> bool {
    let path = Text::<64>::of(format_args!("/proc/{process}/{file}"));
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let Some(Ok(opened)) = path.as_cstr().map(|path| OwnedFd::new(path, flags)) else { return false };
    let mut buffer = [0u8; 4096];
    let mut kept = 0;
    while let Ok(read @ 1..) = rustix::io::read(&opened, &mut buffer[kept..]) {
        let length = kept + read;
        if buffer[..length].windows(wanted.len()).any(|part| part == wanted) {
            return true;
        }
        // It may go on in the next piece.
        kept = length.min(wanted.len());
        buffer.copy_within(length - kept..length, 0);
    }
    false
}

/// True when that process has a descriptor to read the pipe by.
fn reads(process: u32, pipe: &Stat) -> bool {
    const READABLE: u32 = 0o400;
    let path = Text::<64>::of(format_args!("/proc/{process}/fd"));
    let mut found = false;
    kernel::each_entry(path.as_cstr().unwrap_or(c""), |name| {
        let link = Text::<96>::of(format_args!("{}/{}", path.as_str(), name.to_str().unwrap_or_default()));
        let stat = |flags| statat(CWD, link.as_cstr().unwrap_or(c""), flags);
        // The link's own mode tells how the descriptor was opened (proc_pid_fd(5)).
        let readable = || stat(AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|link| link.st_mode & READABLE != 0);
        found = found || stat(AtFlags::empty()).is_ok_and(|of| is_same(&of, pipe)) && readable();
    });
    found
}
