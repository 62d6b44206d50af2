//! FORKGUARD_FILES=own: a file that is only read, by position, has a position of its own in the child, and what the child would take from its
//! leader (a lock, a file that an exit handler removes) stays the leader's.
use super::unshare::{errno_of, inherited, is_inherited, unshare};
use crate::describe::descriptors::is_applications;
use crate::entry::record_with_scratch;
use crate::ledger::{log_action, log_resolving_action, report_state};
use crate::options::{self, Shared};
use forkguard_core::kernel::{self, unshare};
use forkguard_core::registry::descriptors::{self, FdKind};
use forkguard_report::event::{FindingKind, Guard, State};
use libc::FILE;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

unsafe extern "C" {
    /// The C library's stream of standard input.
    static stdin: *const FILE;
}

/// The address of the next unread byte in the buffer of stdin at the fork; 0 when all was read.
static UNREAD_AT_FORK: AtomicUsize = AtomicUsize::new(0);

/// So many files are opened again at the fork, which serves the C library's streams, too. Of more files, each is opened again when the
/// child first reads it or moves in it: most children use few.
const AT_ONCE: usize = 64;
static AT_FIRST_USE: AtomicBool = AtomicBool::new(false);
/// The number of the last exit handler from which a file was kept, plus one.
static LAST_KEPT_FROM: AtomicUsize = AtomicUsize::new(0);
static KEPT_FROM_DESTRUCTOR: AtomicBool = AtomicBool::new(false);

/// See [`super::in_child`].
pub(super) fn in_child() {
    if options::get().files == Shared::Own {
        AT_FIRST_USE.store(inherited(FdKind::File).nth(AT_ONCE).is_some(), Relaxed);
        if !AT_FIRST_USE.load(Relaxed) {
            inherited(FdKind::File).filter(|&fd| is_applications(fd) && kernel::is_read_by_position(fd)).for_each(make_own);
        }
        UNREAD_AT_FORK.store(if kernel::is_read_by_position(0) { unread() } else { 0 }, Relaxed);
    }
}

/// Before the child uses the position of an inherited file.
pub(crate) fn before_first_use(fd: i32) {
    let is_shared = || descriptors::record(fd).is_some_and(|record| is_inherited(fd, &record, FdKind::File));
    if AT_FIRST_USE.load(Relaxed) && is_shared() && is_applications(fd) && kernel::is_read_by_position(fd) {
        make_own(fd);
    }
}

/// Standard input is shared on purpose; but exit(3) moves its position back to what a stream has not read yet (POSIX, glibc's
/// `_IO_cleanup`), and the bytes that the leader has read ahead are the leader's.
pub(super) fn at_exit() {
    let at_fork = UNREAD_AT_FORK.load(Relaxed);
    if options::get().files == Shared::Own && at_fork != 0 && unread() == at_fork {
        let start = kernel::monotonic_by_syscall();
        log_action(
            Guard::Files,
            "opened again for the child",
            format_args!("standard input"),
            start,
            errno_of(unshare::reopen(0)),
        );
    }
}

/// The address of the stream's next byte in its buffer; 0 when none is left. (glibc's libio.h: `_IO_read_ptr`, `_IO_read_end`.)
fn unread() -> usize {
    // SAFETY: reads the variable; what it points to is read fault-proof.
    let stream = unsafe { (&raw const stdin).read() } as usize;
    match kernel::read_value::<[usize; 3]>(stream) {
        Some([_, next, end]) if next < end => next,
        _ => 0,
    }
}

/// True when a child's release of a lock that its leader took on a shared file is not passed on, nor what an exit handler does to the leader's files
/// and processes.
pub(crate) fn keeps_leaders_files() -> bool {
    options::guards() && options::get().files == Shared::Own
}

/// Logs that the exit handler of that number did not take what is the leader's: once for all that it would.
pub(crate) fn log_kept_from_handler(handler: usize, taken: &str) {
    let start = kernel::monotonic_by_syscall();
    if LAST_KEPT_FROM.swap(handler + 1, Relaxed) != handler + 1 {
        log_action(Guard::Files, "kept from the child's exit handler", format_args!("{taken}"), start, Ok(()));
        record_with_scratch(|scratch| {
            let (kind, because) = (FindingKind::ExitHandlerInherited, "forkguard kept from the handler what is the leader's");
            report_state(scratch, kind, format_args!("{handler}"), State::Resolved, None, because);
        });
    }
}

/// The same of an object that the interpreter destroys at the child's end: once for all.
pub(crate) fn log_kept_from_destructor(taken: &str) {
    let start = kernel::monotonic_by_syscall();
    if !KEPT_FROM_DESTRUCTOR.swap(true, Relaxed) {
        log_action(Guard::Files, "kept from a destructor at the child's end", format_args!("{taken}"), start, Ok(()));
    }
}

/// Logs that a lock on a file was not released.
pub(crate) fn log_kept_file_lock(fd: i32) {
    let start = kernel::monotonic_by_syscall();
    log_action(Guard::Files, "lock kept from the child's release", format_args!("descriptor {fd}"), start, Ok(()));
}

fn make_own(fd: i32) {
    let start = kernel::monotonic_by_syscall();
    let result = unshare(fd, || unshare::reopen(fd));
    let subject = format_args!("descriptor {fd}");
    let resolved = (FindingKind::FileOffsetShared, format_args!("{fd}"), "forkguard opened the file again for the child");
    log_resolving_action(Guard::Files, "opened again for the child", subject, start, result, resolved);
}
