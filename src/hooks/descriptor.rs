//! Descriptors: where each came from, and that a number was given back. forkguard's own descriptor does not exist for the host.
use super::file_lock;
use crate::child::uses::{self, Use};
use crate::emit::file::{hidden_descriptor, move_own, own_descriptor};
use crate::entry::{errno, record};
use crate::guards::{self, epoll, sockets};
use crate::leader::{accepted, file_locks};
use crate::sites;
use forkguard_core::registry::descriptors::{self, FdKind, mark, role};
use forkguard_core::registry::{made, threads};
use forkguard_core::{flags, gate};
use libc::{AT_FDCWD, DIR, O_CREAT, c_char, c_int, c_uint, c_ulong, c_void, mode_t, sigset_t, termios, winsize};
use std::ffi::CStr;
use std::sync::atomic::Ordering::Relaxed;

/// Before hooks record: what is open already came with the program.
pub(super) fn adopt_open_descriptors() {
    forkguard_core::kernel::each_entry_with(c"/proc/self/fd", |directory, name| {
        if let Some(fd) = name.to_str().ok().and_then(|n| n.parse().ok()).filter(|&fd| fd != directory) {
            descriptors::open(fd, FdKind::Start, 0, 0, 0, 0);
        }
    });
}

/// Notes a descriptor that a call just made (nothing when it failed).
#[inline(always)]
pub(super) fn opened(fd: c_int, kind: FdKind, roles: u8, family: u16, caller: usize) {
    if fd >= 0 {
        all_opened([fd], kind, roles, family, caller);
    }
}

/// The same for those that one call made.
#[inline(always)]
pub(super) fn all_opened<const N: usize>(fds: [c_int; N], kind: FdKind, roles: u8, family: u16, caller: usize) {
    record(|_| {
        let site = match kind {
            FdKind::Socket if roles & role::ACCEPTED != 0 => sites::capture_accepted(caller),
            FdKind::File => sites::capture_file(caller, flags::is_settling()),
            _ => sites::capture(caller),
        };
        let thread = threads::mine().map_or(0, |s| s.tid.load(Relaxed));
        fds.into_iter().for_each(|fd| descriptors::open(fd, kind, roles, family, site, thread));
        if let &[one, other] = fds.as_slice() {
            descriptors::join([one, other]);
        }
    });
}

macro_rules! makers {
    ($(fn $name:ident($($arg:ident: $type:ty),*): $kind:ident $(= $proof:path)?;)*) => {
        $(hook! {
            /// As the C library's: the descriptor it makes is noted.
            fn $name($($arg: $type),*) -> c_int $(= $proof)?;
            |caller| {
                let fd = real($($arg),*);
                opened(fd, FdKind::$kind, 0, 0, caller);
                fd
            }
        })*
    };
}

/// The kind of what was opened by name: the kernel's device of that name gives masters of pseudoterminals.
#[inline(always)]
fn kind_of(path: *const c_char, fd: c_int) -> FdKind {
    match fd >= 0 && super::random::is_named(path, c"/dev/ptmx") {
        true => FdKind::Terminal,
        false => FdKind::File,
    }
}

macro_rules! named_makers {
    ($(fn $name:ident([$($at:ident: $type:ty)?] path $(, $more:ident: $more_type:ty)*);)*) => {
        $(hook! {
            /// As the C library's: the descriptor it makes is noted, and that a seed is taken from it.
            fn $name($($at: $type,)? path: *const c_char $(, $more: $more_type)*) -> c_int;
            |caller| {
                let fd = real($($at,)? path $(, $more)*);
                opened(fd, kind_of(path, fd), 0, 0, caller);
                super::random::opened(path, fd, caller);
                named_makers!(@created [$($at)?] path, fd $(, $more)*);
                guards::at_open();
                fd
            }
        })*
    };
    (@created [] $path:ident, $fd:ident, $flags:ident, $mode:ident) => { created_if($flags, $path, $fd) };
    (@created [$at:ident] $path:ident, $fd:ident, $flags:ident, $mode:ident) => {
        if $at == AT_FDCWD {
            created_if($flags, $path, $fd)
        }
    };
    // Without a mode nothing is created.
    (@created [$($at:ident)?] $path:ident, $fd:ident, $flags:ident) => {};
}

/// A file was opened, and created if these flags ask for that.
#[inline(always)]
fn created_if(flags: c_int, path: *const c_char, fd: c_int) {
    if flags & O_CREAT != 0 && fd >= 0 {
        created(path, fd);
    }
}

/// A file was created.
#[inline(never)]
pub(super) fn created(path: *const c_char, fd: c_int) {
    // SAFETY: the kernel has read this text.
    let path = unsafe { CStr::from_ptr(path) };
    record(|_| made::record(path.to_bytes(), descriptors::record(fd).map_or(0, |record| record.site)));
}

macro_rules! creators {
    ($(fn $name:ident($path:ident: $type:ty $(, $more:ident: $more_type:ty)*) = $proof:path;)*) => {
        $(hook! {
            /// As the C library's: the descriptor and the file that it makes are noted.
            fn $name($path: $type $(, $more: $more_type)*) -> c_int = $proof;
            |caller| {
                let fd = real($path $(, $more)*);
                opened(fd, FdKind::File, 0, 0, caller);
                created_if(O_CREAT, $path, fd);
                fd
            }
        })*
    };
}

creators! {
    fn creat(path: *const c_char, mode: mode_t) = libc::creat;
    fn creat64(path: *const c_char, mode: mode_t) = libc::creat64;
    fn mkstemp(template: *mut c_char) = libc::mkstemp;
    fn mkostemp(template: *mut c_char, flags: c_int) = libc::mkostemp;
}

// open and its family are variadic; on x86_64 the mode comes in the same register with a fixed arity.
named_makers! {
    fn open([] path, flags: c_int, mode: mode_t);
    fn open64([] path, flags: c_int, mode: mode_t);
    fn openat([at: c_int] path, flags: c_int, mode: mode_t);
    fn openat64([at: c_int] path, flags: c_int, mode: mode_t);
    fn __open_2([] path, flags: c_int);
    fn __open64_2([] path, flags: c_int);
    fn __openat_2([at: c_int] path, flags: c_int);
    fn __openat64_2([at: c_int] path, flags: c_int);
}

makers! {
    fn epoll_create(size: c_int): Epoll = libc::epoll_create;
    fn epoll_create1(flags: c_int): Epoll = libc::epoll_create1;
    fn eventfd(value: c_uint, flags: c_int): Eventfd = libc::eventfd;
    fn timerfd_create(clock: c_int, flags: c_int): Timerfd = libc::timerfd_create;
    fn inotify_init(): Inotify = libc::inotify_init;
    fn inotify_init1(flags: c_int): Inotify = libc::inotify_init1;
    fn fanotify_init(flags: c_uint, event_flags: c_uint): Inotify = libc::fanotify_init;
    fn memfd_create(name: *const c_char, flags: c_uint): Memfd = libc::memfd_create;
    fn posix_openpt(flags: c_int): Terminal = libc::posix_openpt;
    fn getpt(): Terminal;
}

hook! {
    /// signalfd(2): with a descriptor it changes that one.
    fn signalfd(fd: c_int, mask: *const sigset_t, flags: c_int) -> c_int = libc::signalfd;
    |caller| {
        if fd != -1 {
            uses::before_called(caller, fd, Use::Watch);
        }
        let made = real(fd, mask, flags);
        if fd == -1 {
            opened(made, FdKind::Signalfd, 0, 0, caller);
        }
        made
    }
}

fn piped(result: c_int, ends: *const c_int, caller: usize) -> c_int {
    if result == 0 {
        // SAFETY: the real function filled both.
        let ends = unsafe { [*ends, *ends.add(1)] };
        all_opened(ends, FdKind::Pipe, 0, 0, caller);
    }
    result
}

hook! {
    /// pipe(2).
    fn pipe(ends: *mut c_int) -> c_int = libc::pipe;
    |caller| { piped(real(ends), ends, caller) }
}
hook! {
    /// pipe2(2).
    fn pipe2(ends: *mut c_int, flags: c_int) -> c_int = libc::pipe2;
    |caller| { piped(real(ends, flags), ends, caller) }
}

/// A pseudoterminal was made: its master is noted.
#[inline(always)]
pub(super) fn made_terminal(master: *const c_int, caller: usize) {
    // SAFETY: the real function filled it.
    opened(unsafe { *master }, FdKind::Terminal, 0, 0, caller);
}

hook! {
    /// openpty(3): opens inside libc.
    fn openpty(
        master: *mut c_int,
        slave: *mut c_int,
        name: *mut c_char,
        settings: *const termios,
        size: *const winsize
    ) -> c_int = libc::openpty;
    |caller| {
        let result = real(master, slave, name, settings, size);
        if result == 0 {
            made_terminal(master, caller);
        }
        result
    }
}

/// A number is given back.
pub(super) fn closed(fd: c_int) {
    file_locks::closing(fd);
    uses::closing(fd);
    uses::sweeping(fd);
    record(|_| descriptors::close(fd));
}

hook! {
    /// closedir(3): closes inside libc.
    fn closedir(directory: *mut DIR) -> c_int = libc::closedir;
    |_caller| {
        if !directory.is_null() {
            // SAFETY: the host's own directory, still open.
            let fd = unsafe { libc::dirfd(directory) };
            closed(fd);
        }
        real(directory)
    }
}

/// True for the number that forkguard keeps for its report (and no vfork child asks: its table of descriptors is its own).
#[inline(always)]
fn ours(fd: c_int) -> bool {
    fd >= 0 && fd == own_descriptor() && !gate::is_guest() && errno::preserve(|| fd == hidden_descriptor())
}

fn not_open() -> c_int {
    errno::set(libc::EBADF);
    -1
}

hook! {
    /// close(2).
    fn close(fd: c_int) -> c_int = libc::close;
    |_caller| {
        if ours(fd) {
            return not_open();
        }
        let accepted = accepted::closing(fd);
        if epoll::takes_out_closed() {
            record(|_| epoll::take_out(fd));
        }
        // Noted before: afterwards the number may already be another thread's. (A close that fails leaves nothing open.)
        closed(fd);
        let result = real(fd);
        accepted::closed(accepted);
        result
    }
}

/// Calls `close` for the numbers from first to last, in two parts when forkguard's own lies between.
fn around_own(first: c_uint, last: c_uint, mut close: impl FnMut(c_uint, c_uint) -> c_int) -> c_int {
    let own = errno::preserve(hidden_descriptor);
    if own < 0 || first > last || !(first..=last).contains(&(own as c_uint)) || gate::is_guest() {
        return close(first, last);
    }
    let own = own as c_uint;
    let below = if first < own { close(first, own - 1) } else { 0 };
    if below == 0 && own < last { close(own + 1, last) } else { below }
}

hook! {
    /// close_range(2).
    fn close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int = libc::close_range;
    |_caller| {
        let closes = flags & libc::CLOSE_RANGE_CLOEXEC as c_int == 0;
        if closes {
            uses::closing_range(first, last);
            uses::sweeping_range(first, last);
        }
        let result = around_own(first, last, |first, last| real(first, last, flags));
        if result == 0 && closes {
            record(|_| descriptors::close_range(first, last));
        }
        result
    }
}
hook! {
    /// closefrom(3).
    fn closefrom(first: c_int) -> ();
    |_caller| {
        let first = first.max(0);
        uses::closing_range(first as c_uint, c_uint::MAX);
        uses::sweeping_range(first as c_uint, c_uint::MAX);
        record(|_| descriptors::close_range(first as c_uint, c_uint::MAX));
        let own = errno::preserve(hidden_descriptor);
        if own < first || gate::is_guest() {
            return real(first);
        }
        if first < own && forkguard_core::kernel::close_range(first as c_uint, own as c_uint - 1, 0) != 0 {
            (first..own).for_each(forkguard_core::kernel::close);
        }
        real(own + 1)
    }
}

fn duplicated(from: c_int, to: c_int, caller: usize) {
    if to >= 0 && from != to {
        if flags::WATCH_USES.load(Relaxed) != 0 {
            uses::forget_positions(from..=from);
            uses::forget_positions(to..=to);
        }
        record(|_| descriptors::duplicate(from, to, caller, threads::mine().map_or(0, |s| s.tid.load(Relaxed))));
    }
}

/// Another descriptor comes to stand under a number, which closes what it was.
fn replaces(from: c_int, to: c_int) {
    if flags::WATCH_USES.load(Relaxed) != 0
        && !gate::is_guest()
        && from != to
        && descriptors::is_unseen(to)
        && forkguard_core::kernel::is_open(from)
    {
        uses::closing(to);
    }
}

hook! {
    /// dup(2).
    fn dup(fd: c_int) -> c_int = libc::dup;
    |caller| {
        if ours(fd) {
            return not_open();
        }
        let new = real(fd);
        duplicated(fd, new, caller);
        new
    }
}
hook! {
    /// dup2(2): onto our number: ours moves.
    fn dup2(fd: c_int, to: c_int) -> c_int = libc::dup2;
    |caller| {
        if ours(to) {
            move_own();
        }
        replaces(fd, to);
        let new = real(fd, to);
        duplicated(fd, new, caller);
        placed(new);
        new
    }
}
hook! {
    /// dup3(2).
    fn dup3(fd: c_int, to: c_int, flags: c_int) -> c_int = libc::dup3;
    |caller| {
        if ours(to) {
            move_own();
        }
        replaces(fd, to);
        let new = real(fd, to, flags);
        duplicated(fd, new, caller);
        // An end that is closed on exec was moved: it is put there for this program alone.
        if flags & libc::O_CLOEXEC == 0 || !descriptors::is_pipe_end(new) {
            placed(new);
        }
        new
    }
}

/// A number that the host chose.
fn placed(fd: c_int) {
    if fd >= 0 {
        if super::exec_args::in_sandbox() {
            return;
        }
        if gate::is_guest() {
            return sockets::keep_on_exec_of_vfork_child(Some(fd));
        }
        record(|_| {
            // Put where it is already, it keeps its flags.
            sockets::keep_on_exec(Some(fd));
            if descriptors::record(fd).is_none() {
                descriptors::open(fd, FdKind::Start, 0, 0, 0, 0);
            }
            descriptors::add_role(fd, role::PLACED);
            descriptors::forget_swept(fd);
        });
    }
}

/// Whether a program that is exec'd is to have it, as the host just said.
fn keeps_on_exec(fd: c_int, keeps: bool) {
    let change = if keeps { descriptors::add_role } else { descriptors::remove_role };
    record(|_| {
        change(fd, role::KEPT_ON_EXEC);
        descriptors::remove_mark(fd, mark::CLOSES_ON_EXEC);
    });
}

/// A lock on a part of a file.
fn locks(fd: c_int, command: c_int, caller: usize) {
    use libc::{F_GETLK, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_SETLK, F_SETLKW};
    if matches!(command, F_GETLK | F_SETLK | F_SETLKW | F_OFD_GETLK | F_OFD_SETLK | F_OFD_SETLKW) {
        uses::before_called(caller, fd, Use::Lock);
    }
}

/// What fcntl's commands mean to the table.
fn controlled(fd: c_int, command: c_int, argument: *mut c_void, result: c_int, caller: usize) {
    match command {
        libc::F_DUPFD | libc::F_DUPFD_CLOEXEC => duplicated(fd, result, caller),
        libc::F_SETFD if result == 0 => keeps_on_exec(fd, argument as c_int & libc::FD_CLOEXEC == 0),
        _ => {}
    }
}

hook! {
    /// fcntl(2): variadic with one argument of a word's size.
    fn fcntl(fd: c_int, command: c_int, argument: *mut c_void) -> c_int;
    |caller| {
        if ours(fd) {
            return not_open();
        }
        locks(fd, command, caller);
        if let Some(result) = file_lock::by_fcntl(fd, command, argument.cast(), caller, |command| real(fd, command, argument)) {
            return result;
        }
        let result = real(fd, command, argument);
        controlled(fd, command, argument, result, caller);
        result
    }
}
hook! {
    /// fcntl64(2).
    fn fcntl64(fd: c_int, command: c_int, argument: *mut c_void) -> c_int;
    |caller| {
        if ours(fd) {
            return not_open();
        }
        locks(fd, command, caller);
        if let Some(result) = file_lock::by_fcntl(fd, command, argument.cast(), caller, |command| real(fd, command, argument)) {
            return result;
        }
        let result = real(fd, command, argument);
        controlled(fd, command, argument, result, caller);
        result
    }
}

hook! {
    /// ioctl(2): variadic with one argument of a word's size; FIOCLEX and FIONCLEX do as F_SETFD.
    fn ioctl(fd: c_int, request: c_ulong, argument: *mut c_void) -> c_int;
    |_caller| {
        let result = real(fd, request, argument);
        if result == 0 && matches!(request, libc::FIOCLEX | libc::FIONCLEX) {
            keeps_on_exec(fd, request == libc::FIONCLEX);
        }
        result
    }
}
