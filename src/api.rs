//! The C API of `include/forkguard.h`.
//!
//! It works from any thread, in a signal handler, and before our constructor has run: tables of words without a lock.
use crate::entry::record;
use crate::guards::fixups;
use crate::options;
use forkguard_core::fixed::Text;
use forkguard_core::registry::threads::{self, Slot};
use forkguard_core::registry::{descriptors, names};
use forkguard_core::{gate, kernel};
use forkguard_report::event::Progress;
use libc::{EBADF, EINVAL, ENOSPC, ESRCH, c_char, c_int, c_void, pthread_t};
use std::ffi::CStr;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The version as a C string.
#[unsafe(no_mangle)]
pub extern "C" fn forkguard_version() -> *const c_char {
    const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("a version without NUL"),
    };
    VERSION.as_ptr()
}

/// 1 where guards act, 0 under FORKGUARD=observe and off.
#[unsafe(no_mangle)]
pub extern "C" fn forkguard_active() -> c_int {
    c_int::from(gate::awake() && options::guards())
}

/// Runs a function in each child.
///
/// # Safety
/// The name must be null or a C string; the function must be one that can be called with the argument in any child.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn forkguard_register_fixup(
    name: *const c_char,
    function: Option<unsafe extern "C-unwind" fn(*mut c_void)>,
    argument: *mut c_void,
) -> c_int {
    // SAFETY: as the caller vouches.
    let name = unsafe { copy_name(name) };
    let registered = name.zip(function).ok_or(EINVAL);
    result(registered.and_then(|(name, function)| fixups::register(name.as_str(), function, argument)))
}

/// Ends a registration.
#[unsafe(no_mangle)]
pub extern "C" fn forkguard_unregister_fixup(number: c_int) -> c_int {
    result(fixups::unregister(number).map(|()| 0))
}

/// Gives a lock a name; a null name removes it.
///
/// # Safety
/// The name must be null or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn forkguard_name_lock(lock: *const c_void, name: *const c_char) -> c_int {
    // SAFETY: as the caller vouches.
    let name = unsafe { copy_name(name) };
    result(match (lock.addr(), name) {
        (0, _) => Err(EINVAL),
        (lock, Some(name)) => names::name_lock(lock, name.as_str()).then_some(0).ok_or(ENOSPC),
        (lock, None) => {
            names::unname_lock(lock);
            Ok(0)
        }
    })
}

/// A language's runtime begins a fixup of its own in a child.
///
/// # Safety
/// The name must be null or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn forkguard_fixup_begins(name: *const c_char) {
    // SAFETY: as the caller vouches.
    if let Some(name) = unsafe { copy_name(name) } {
        fixups::runtime_fixup_begins(name.as_str());
    }
}

/// The runtime's fixup has ended.
///
/// # Safety
/// The name must be null or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn forkguard_fixup_ended(name: *const c_char, raised: c_int) {
    // SAFETY: as the caller vouches.
    if let Some(name) = unsafe { copy_name(name) } {
        fixups::runtime_fixup_ended(name.as_str(), if raised == 0 { Progress::Done } else { Progress::Raised });
    }
}

/// Copies a C string, cut to the longest name; None for null.
///
/// # Safety
/// It must be null or a C string.
unsafe fn copy_name(name: *const c_char) -> Option<Text<{ names::LONGEST }>> {
    // UTF-8: the cut may lie within the last character.
    let mut bytes = [0u8; names::LONGEST + 3];
    if name.is_null() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        // SAFETY: no byte behind the terminating one is read.
        *byte = unsafe { *name.add(index) } as u8;
        if *byte == 0 {
            break;
        }
    }
    Some(Text::from_bytes(&bytes))
}

/// Declares that children do not need this thread.
#[unsafe(no_mangle)]
pub extern "C" fn forkguard_mark_thread_fork_safe(thread: pthread_t) -> c_int {
    mark(thread, |slot| &slot.fork_safe)
}

/// Declares that children may start this thread again.
#[unsafe(no_mangle)]
pub extern "C" fn forkguard_mark_thread_restartable(thread: pthread_t) -> c_int {
    mark(thread, |slot| &slot.restartable)
}

fn mark(thread: pthread_t, flag: fn(&Slot) -> &AtomicU32) -> c_int {
    let marked = slot_for_handle(thread as usize).map(|slot| flag(slot).store(1, Relaxed));
    result(marked.map(|()| 0).ok_or(ESRCH))
}

/// A thread that was just started records its handle as soon as it runs: waits for that.
fn slot_for_handle(handle: usize) -> Option<&'static Slot> {
    if threads::by_handle(handle).is_none() && threads::is_starting() {
        kernel::wait_until(|| threads::by_handle(handle).is_some());
    }
    threads::by_handle(handle)
}

/// Returns a result as C functions do: -1 with errno set on failure.
fn result(outcome: Result<c_int, c_int>) -> c_int {
    outcome.unwrap_or_else(|errno| {
        crate::entry::errno::set(errno);
        -1
    })
}

/// Declares that this descriptor is for the children.
#[unsafe(no_mangle)]
pub extern "C" fn forkguard_keep_descriptor(fd: c_int) -> c_int {
    if fd < 0 || !kernel::is_open(fd) {
        return result(Err(EBADF));
    }
    record(|_| {
        // No hook has seen it opened.
        if descriptors::record(fd).is_none() {
            descriptors::open(fd, descriptors::FdKind::Start, 0, 0, 0, 0);
        }
        descriptors::add_mark(fd, descriptors::mark::KEPT);
    });
    0
}
