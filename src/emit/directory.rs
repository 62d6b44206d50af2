//! The directory that reports lie in: the one that the option names, else the first of the defaults that is fit for it.
use crate::options::{self, Report};
use forkguard_core::fixed::Text;
use forkguard_core::kernel::{self, ErrorText, OwnedFd};
use forkguard_report::directories::default_directories;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::ffi::CStr;
use std::fmt::{Arguments, Write};

/// An open directory and its path.
pub(super) struct Directory {
    pub(super) path: Text<1024>,
    pub(super) opened: OwnedFd,
}

/// Why places were not taken, one after the other.
pub(super) type Refused = Text<1300>;

/// Notes why a place is not taken.
pub(super) fn refuse<T>(refused: &mut Refused, why: Arguments<'_>) -> Option<T> {
    let separator = if refused.as_str().is_empty() { "" } else { "; " };
    let _ = write!(refused, "{separator}{why}");
    None
}

/// Who has chosen a directory.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chosen {
    /// The user: it may be root's, and may be in memory.
    ByOption,
    /// Nobody: it must be this user's own, and on disk.
    ByDefault,
}

/// What `use_it` makes of the first directory that it can use. Beside that of the file that this process inherited there is no other: a
/// child that may not write there goes on in that file.
pub(super) fn first<T>(
    inherited: Option<&str>,
    refused: &mut Refused,
    use_it: impl Fn(Directory, &mut Refused) -> Option<T>,
) -> Option<T> {
    let mut attempt = |path: Arguments<'_>, chosen| {
        let directory = open(Text::of(path), chosen, refused)?;
        use_it(directory, refused)
    };
    if let Some(path) = inherited {
        return attempt(format_args!("{path}"), Chosen::ByOption);
    }
    let mut made = match options::get().report {
        Report::Directory(given) => attempt(format_args!("{}", given.as_str()), Chosen::ByOption),
        _ => None,
    };
    let user = rustix::process::geteuid().as_raw();
    default_directories(variable(c"XDG_STATE_HOME"), variable(c"TMPDIR"), user, |path| {
        if made.is_none() {
            made = attempt(path, Chosen::ByDefault);
        }
    });
    made
}

/// The absolute path in a variable. A process with changed privileges heeds none.
fn variable(name: &CStr) -> Option<&'static str> {
    // SAFETY: reads the auxiliary vector.
    let trusted = unsafe { libc::getauxval(libc::AT_SECURE) } == 0;
    options::variable(name).filter(|path| trusted && path.starts_with('/') && path.len() < 900)
}

/// Opens it, made when it is missing. It must belong to this user or, when an option names it, to root; where others may write to it, it
/// needs its sticky bit.
fn open(path: Text<1024>, chosen: Chosen, refused: &mut Refused) -> Option<Directory> {
    let name = path.as_str();
    let Some(c_name) = path.as_cstr() else { return refuse(refused, format_args!("the directory's path is too long: {name}")) };
    let opened = match open_or_make(c_name) {
        Ok(opened) => opened,
        Err(Errno::LOOP | Errno::NOTDIR) => {
            return refuse(refused, format_args!("{name} is a link or no directory; links are not followed"));
        }
        Err(e) => return refuse(refused, format_args!("cannot open or make the directory {name}: {}", ErrorText(e))),
    };
    let Ok(stat) = rustix::fs::fstat(&opened) else { return refuse(refused, format_args!("cannot stat {name}")) };
    if stat.st_mode & 0o022 != 0 && stat.st_mode & libc::S_ISVTX == 0 {
        let advice = "which lacks the sticky bit (chmod +t it, or go-w)";
        return refuse(refused, format_args!("others may write to {name}, {advice}"));
    }
    let user = rustix::process::geteuid().as_raw();
    if stat.st_uid != user && (chosen == Chosen::ByDefault || stat.st_uid != 0) {
        return refuse(refused, format_args!("{name} belongs to user {}, not to {user}", stat.st_uid));
    }
    if chosen == Chosen::ByDefault && is_in_memory(&opened) {
        return refuse(refused, format_args!("{name} is in memory, not on disk"));
    }
    Some(Directory { path, opened })
}

fn open_or_make(path: &CStr) -> Result<OwnedFd, Errno> {
    let existing = || OwnedFd::new(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC);
    match existing() {
        Err(Errno::NOENT) => match rustix::fs::mkdir(path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => existing(),
            Err(e) => Err(e),
        },
        opened => opened,
    }
}

/// True for tmpfs and ramfs (statfs(2), linux/magic.h).
fn is_in_memory(directory: &OwnedFd) -> bool {
    const TMPFS: i64 = 0x0102_1994;
    const RAMFS: i64 = 0x8584_58f6;
    rustix::fs::fstatfs(directory).is_ok_and(|system| [TMPFS, RAMFS].contains(&system.f_type))
}

/// Entries that are looked at: a directory of many old reports must not hold up a first fork.
const MOST_ENTRIES: usize = 512;

/// A number for this program's image that no earlier image of the same process number has: how many have reported under it (those that
/// exec'd this one, or had its number before). Where too many reports lie there to tell, the time in milliseconds serves.
pub(super) fn number_of_image(directory: &OwnedFd, pid: u32) -> u64 {
    const LATEST: u64 = 1_000_000_000;
    let pid = Text::<16>::of(format_args!("{pid}"));
    let mut count = 0;
    let all = kernel::each_entry_of(directory, MOST_ENTRIES, |name| {
        let stem = name.to_str().ok().and_then(|name| name.strip_suffix(".jsonl")).unwrap_or_default();
        let last = |text: &str| text.rsplit(['-', '_']).next() == Some(pid.as_str());
        let numbered = stem.rsplit_once('.').filter(|(_, turn)| turn.bytes().all(|b| b.is_ascii_digit()));
        count += u64::from(last(stem) || numbered.is_some_and(|(stem, _)| last(stem)));
    });
    if all { count } else { kernel::wall_clock() / 1_000_000 % LATEST }
}
