//! Exit handlers: who registered them, and what one that a child has from its leader takes away there.
use super::descriptor::opened;
use super::libc_locks::at_lock;
use crate::child::exit_handlers::{Taken, begins, ended, keeps};
use crate::entry::scratch::on_scratch_stack;
use crate::entry::{Registers, errno, record};
use crate::sites;
use forkguard_core::fixed::Text;
use forkguard_core::kernel::{self, SystemV};
use forkguard_core::registry::descriptors::FdKind;
use forkguard_core::registry::exit_handlers::{self, ExitHandler};
use forkguard_core::registry::{made, signals};
use forkguard_core::{flags, gate, tls};
use libc::{AT_FDCWD, IPC_CREAT, IPC_PRIVATE, IPC_RMID, O_CREAT, c_char, c_int, c_uint, c_void, key_t, mode_t, sem_t};
use std::ffi::CStr;
use std::sync::atomic::Ordering::Relaxed;

/// What stands in the C library's list in a handler's stead; the status comes first for on_exit(3), and second for the others.
unsafe extern "C-unwind" fn run(entry: &'static ExitHandler, status: c_int) {
    // SAFETY: the address was given to __cxa_atexit as such a function; its library is loaded for as long as the C library has the handler.
    let handler = unsafe { std::mem::transmute::<usize, extern "C-unwind" fn(usize, c_int)>(entry.address()) };
    let before = errno::preserve(|| begins(entry));
    handler(entry.argument(), status);
    errno::preserve(|| ended(before));
}

/// See [`run`].
unsafe extern "C-unwind" fn run_on_exit(status: c_int, entry: &'static ExitHandler) {
    // SAFETY: as above, of on_exit.
    let handler = unsafe { std::mem::transmute::<usize, extern "C-unwind" fn(c_int, usize)>(entry.address()) };
    let before = errno::preserve(|| begins(entry));
    handler(status, entry.argument());
    errno::preserve(|| ended(before));
}

/// Records a handler of the application's; None for a library's, and where there is no room.
fn recorded(handler: *mut c_void, argument: *mut c_void, caller: usize) -> Option<*mut c_void> {
    let entry = record(|_| {
        let is_applications = !sites::is_installed(caller) && !sites::is_installed(handler.addr());
        is_applications.then(|| exit_handlers::register(handler.addr(), argument.addr(), sites::capture(caller))).flatten()
    });
    entry.flatten().map(|entry| std::ptr::from_ref(entry).cast_mut().cast())
}

hook! {
    /// What atexit(3) calls, and what C++ calls for each object with a destructor that lives until the end.
    fn __cxa_atexit(handler: *mut c_void, argument: *mut c_void, library: *mut c_void) -> c_int;
    |caller| {
        let (handler, argument) = match recorded(handler, argument, caller) {
            Some(entry) => (run as *mut c_void, entry),
            None => (handler, argument),
        };
        at_lock(c"__cxa_atexit", caller, || real(handler, argument, library))
    }
}
hook! {
    /// on_exit(3).
    fn on_exit(handler: *mut c_void, argument: *mut c_void) -> c_int;
    |caller| {
        let (handler, argument) = match recorded(handler, argument, caller) {
            Some(entry) => (run_on_exit as *mut c_void, entry),
            None => (handler, argument),
        };
        at_lock(c"on_exit", caller, || real(handler, argument))
    }
}

/// A directory was made.
fn made(path: *const c_char, caller: usize) {
    // SAFETY: the kernel has read this text.
    let path = unsafe { CStr::from_ptr(path) };
    record(|_| made::record(path.to_bytes(), sites::capture(caller)));
}

hook! {
    /// mkdir(2).
    fn mkdir(path: *const c_char, mode: mode_t) -> c_int = libc::mkdir;
    |caller| {
        let result = real(path, mode);
        if result == 0 {
            made(path, caller);
        }
        result
    }
}
hook! {
    /// mkdtemp(3).
    fn mkdtemp(template: *mut c_char) -> *mut c_char = libc::mkdtemp;
    |caller| {
        let path = real(template);
        if !path.is_null() {
            made(path, caller);
        }
        path
    }
}

/// True when a guard keeps this from being taken: the call is over then, and has worked as far as the host can tell. (The host's stack may be a
/// signal handler's.)
fn is_kept(registers: &mut Registers, verb: &str, taken: Taken) -> bool {
    if !gate::awake() || tls::inside() != 0 || gate::is_guest() {
        return false;
    }
    let is_kept = errno::preserve(|| on_scratch_stack(|_| keeps(registers, verb, taken))).unwrap_or(false);
    if is_kept {
        registers.returns(0);
    }
    is_kept
}

macro_rules! removals_of_files {
    ($(fn $name:ident: $verb:literal, $directory:expr, $path:literal;)*) => {
        $(pass! {
            /// As the C library's.
            fn $name, flags::WATCH_TAKING; |registers| -> bool {
                let directory: fn(&Registers) -> i32 = $directory;
                let taken = Taken::File { directory: directory(registers), path: registers.argument[$path] };
                is_kept(registers, $verb, taken)
            }
        })*
    };
}

removals_of_files! {
    fn unlink: "removes", |_| AT_FDCWD, 0;
    fn unlinkat: "removes", |registers| registers.argument[0] as i32, 1;
    fn rmdir: "removes", |_| AT_FDCWD, 0;
    fn remove: "removes", |_| AT_FDCWD, 0;
    fn rename: "renames", |_| AT_FDCWD, 0;
    fn renameat: "renames", |registers| registers.argument[0] as i32, 1;
    fn renameat2: "renames", |registers| registers.argument[0] as i32, 1;
}

macro_rules! removals_of_shared_objects {
    ($(fn $name:ident: $prefix:ident;)*) => {
        $(pass! {
            /// As the C library's.
            fn $name, flags::WATCH_TAKING; |registers| -> bool {
                let path = path_of_shared($prefix, registers.argument[0]);
                let file = path.as_cstr().map(|path| Taken::File { directory: AT_FDCWD, path: path.as_ptr().addr() });
                file.is_some_and(|file| is_kept(registers, "removes", file))
            }
        })*
    };
}

removals_of_shared_objects! {
    fn shm_unlink: MEMORY;
    fn sem_unlink: SEMAPHORE;
}

macro_rules! removals_of_system_v_objects {
    ($(fn $name:ident: $kind:ident, $command:literal;)*) => {
        $(pass! {
            /// As the C library's.
            fn $name, flags::WATCH_TAKING; |registers| -> bool {
                let object = SystemV::$kind(registers.argument[0] as i32);
                registers.argument[$command] as c_int == IPC_RMID && is_kept(registers, "removes", Taken::SystemV(object))
            }
        })*
    };
}

removals_of_system_v_objects! {
    fn shmctl: Memory, 1;
    fn semctl: Semaphores, 2;
    fn msgctl: Queue, 1;
}

/// Where glibc has what shm_open(3) and sem_open(3) make: the file of this name (the address of a C string).
fn path_of_shared(prefix: &str, name: usize) -> Text<256> {
    let name = kernel::read_text::<200>(name);
    Text::of(format_args!("/dev/shm/{prefix}{}", name.as_str().trim_start_matches('/')))
}
/// Before the name of shared memory stands nothing.
const MEMORY: &str = "";
const SEMAPHORE: &str = "sem.";

/// A shared object was made, if these flags ask for that.
fn shared_made(prefix: &str, name: *const c_char, flags: c_int, caller: usize) {
    if flags & O_CREAT != 0 {
        record(|_| made::record(path_of_shared(prefix, name.addr()).as_str().as_bytes(), sites::capture(caller)));
    }
}

hook! {
    /// shm_open(3).
    fn shm_open(name: *const c_char, flags: c_int, mode: mode_t) -> c_int = libc::shm_open;
    |caller| {
        let fd = real(name, flags, mode);
        opened(fd, FdKind::File, 0, 0, caller);
        if fd >= 0 {
            shared_made(MEMORY, name, flags, caller);
        }
        fd
    }
}
hook! {
    /// sem_open(3), which is variadic: on x86_64 mode and value come in the same registers with a fixed arity.
    fn sem_open(name: *const c_char, flags: c_int, mode: mode_t, value: c_uint) -> *mut sem_t;
    |caller| {
        let semaphore = real(name, flags, mode, value);
        if !semaphore.is_null() {
            shared_made(SEMAPHORE, name, flags, caller);
        }
        semaphore
    }
}

macro_rules! system_v_makers {
    ($(fn $name:ident($key:ident $(, $size:ident: $type:ty)?): $kind:ident = $proof:path;)*) => {
        $(hook! {
            /// As the C library's.
            fn $name($key: key_t $(, $size: $type)?, flags: c_int) -> c_int = $proof;
            |caller| {
                let id = real($key $(, $size)?, flags);
                if id >= 0 && ($key == IPC_PRIVATE || flags & IPC_CREAT != 0) {
                    record(|_| made::record(SystemV::$kind(id).name().as_str().as_bytes(), sites::capture(caller)));
                }
                id
            }
        })*
    };
}

system_v_makers! {
    fn shmget(key, size: usize): Memory = libc::shmget;
    fn semget(key, count: c_int): Semaphores = libc::semget;
    fn msgget(key): Queue = libc::msgget;
}

/// What a process may be taken away by.
const ENDING: [c_int; 6] = [libc::SIGTERM, libc::SIGKILL, libc::SIGINT, libc::SIGQUIT, libc::SIGHUP, libc::SIGABRT];

/// A signal is about to be sent to a process (as kill(2) reads `receiver`). True when the call is over, as [`is_kept`] says.
pub(super) fn is_kept_from_signal(registers: &mut Registers, receiver: i32, signal: c_int) -> bool {
    let own_group = || kernel::group_of(0).is_some_and(|group| receiver.unsigned_abs() == group);
    let taken = match receiver {
        1.. if receiver as u32 != kernel::process_id() => Taken::Process(receiver as u32),
        ..=0 if receiver == 0 || own_group() => Taken::Group,
        _ => return false,
    };
    if flags::WATCH_TAKING.load(Relaxed) == 0 || !ENDING.contains(&signal) {
        return false;
    }
    let verb = Text::<32>::of(format_args!("sends {} to", signals::name(signal)));
    is_kept(registers, verb.as_str(), taken)
}
