//! Exit handlers: who registered them, and what one that a child has from its leader removes there.
use super::libc_locks::at_lock;
use crate::child::exit_handlers::{begins, ended, keeps_from_removal};
use crate::entry::{Registers, errno, record};
use crate::sites;
use forkguard_core::flags;
use forkguard_core::registry::exit_handlers::{self, ExitHandler};
use forkguard_core::registry::made;
use libc::{AT_FDCWD, c_char, c_int, c_void, mode_t};
use std::ffi::CStr;

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

macro_rules! removals {
    ($(fn $name:ident: $removes:literal, $directory:expr, $path:literal;)*) => {
        $(pass! {
            /// As the C library's.
            fn $name, flags::WATCH_REMOVALS; |registers| -> bool {
                let directory: fn(&Registers) -> i32 = $directory;
                let is_kept = keeps_from_removal(registers, $removes, directory(registers), registers.argument[$path]);
                if is_kept {
                    registers.returns(0);
                }
                is_kept
            }
        })*
    };
}

removals! {
    fn unlink: "removes", |_| AT_FDCWD, 0;
    fn unlinkat: "removes", |registers| registers.argument[0] as i32, 1;
    fn rmdir: "removes", |_| AT_FDCWD, 0;
    fn remove: "removes", |_| AT_FDCWD, 0;
    fn rename: "renames", |_| AT_FDCWD, 0;
    fn renameat: "renames", |registers| registers.argument[0] as i32, 1;
    fn renameat2: "renames", |registers| registers.argument[0] as i32, 1;
}
