//! FORKGUARD_FILES=own: a file that is only read, by position, has a position of its own in the child.
use super::epoll::{errno_of, inherited, is_inherited, unless_copied};
use super::*;
use crate::options::Shared;
use forkguard_core::descriptor::{self, Kind as Made};
use forkguard_core::own;
use libc::FILE;
use std::sync::atomic::{AtomicBool, AtomicUsize};

unsafe extern "C" {
    /// The C library's stream of standard input.
    static stdin: *const FILE;
}

/// Where in its buffer the leader's stream of standard input stood at the fork; null when all was read.
static UNREAD: AtomicUsize = AtomicUsize::new(0);

/// So many files are opened again at the fork, which serves the C library's streams, too. Where there are more, each is when the child first
/// reads it or moves in it: most children use few.
const AT_ONCE: usize = 64;
static AT_FIRST_USE: AtomicBool = AtomicBool::new(false);

/// See [`super::in_child`].
pub(super) fn in_child() {
    if options::get().files == Shared::Own {
        AT_FIRST_USE.store(inherited(Made::File).nth(AT_ONCE).is_some(), Relaxed);
        if !AT_FIRST_USE.load(Relaxed) {
            inherited(Made::File).filter(|&fd| raw::is_read_by_position(fd)).for_each(make_own);
        }
        UNREAD.store(if raw::is_read_by_position(0) { unread() } else { 0 }, Relaxed);
    }
}

/// The child is about to use the position of an inherited file.
pub(crate) fn before_first_use(fd: i32) {
    let is_shared = || descriptor::record(fd).is_some_and(|record| is_inherited(fd, &record, Made::File));
    if AT_FIRST_USE.load(Relaxed) && is_shared() && raw::is_read_by_position(fd) {
        make_own(fd);
    }
}

/// Standard input is shared on purpose; but exit(3) gives back what a stream has read ahead (POSIX, glibc's `_IO_cleanup`), and what the
/// leader has read ahead is not this child's to give back.
pub(super) fn at_exit() {
    let at_fork = UNREAD.load(Relaxed);
    if options::get().files == Shared::Own && at_fork != 0 && unread() == at_fork {
        let start = raw::monotonic_of_kernel();
        log_action(Guard::Files, "opened again for the child", format_args!("standard input"), start, errno_of(own::reopen(0)));
    }
}

/// Where the stream's next byte lies in its buffer; null when none is left. (glibc's libio.h: `_IO_read_ptr`, `_IO_read_end`.)
fn unread() -> usize {
    // SAFETY: reads the variable; what it points to is read fault-proof.
    let stream = unsafe { (&raw const stdin).read() } as usize;
    match raw::read_value::<[usize; 3]>(stream) {
        Some([_, next, end]) if next < end => next,
        _ => 0,
    }
}

fn make_own(fd: i32) {
    let start = raw::monotonic_of_kernel();
    let result = errno_of(unless_copied(fd, || own::reopen(fd)));
    if result.is_ok() {
        descriptor::made_own(fd);
    }
    let end = (Kind::FileOffsetShared, format_args!("{fd}"), "forkguard opened the file again for the child");
    log_resolving_action(Guard::Files, "opened again for the child", format_args!("descriptor {fd}"), start, result, end);
}
