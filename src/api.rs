//! `include/forkguard.h`: what programs may tell forkguard.
use forkguard_core::raw;
use forkguard_core::thread::{self, Slot};
use libc::{c_char, c_int, pthread_t};
use std::ffi::CStr;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

/// The version as a C string.
#[unsafe(no_mangle)]
pub extern "C" fn forkguard_version() -> *const c_char {
    const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("a version without NUL"),
    };
    VERSION.as_ptr()
}

/// Children do without this thread.
#[unsafe(no_mangle)]
pub extern "C" fn forkguard_mark_thread_fork_safe(thread: pthread_t) -> c_int {
    mark(thread, |slot| &slot.fork_safe)
}

/// Children may start this thread again.
#[unsafe(no_mangle)]
pub extern "C" fn forkguard_mark_thread_restartable(thread: pthread_t) -> c_int {
    mark(thread, |slot| &slot.restartable)
}

fn mark(thread: pthread_t, word: fn(&Slot) -> &AtomicU32) -> c_int {
    let marked = slot_of(thread as usize).map(|slot| word(slot).store(1, Relaxed));
    result(marked.map(|()| 0).ok_or(libc::ESRCH))
}

/// A thread that was just started tells its handle as soon as it runs.
fn slot_of(handle: usize) -> Option<&'static Slot> {
    if thread::by_handle(handle).is_none() && thread::is_starting() {
        raw::wait_until(|| thread::by_handle(handle).is_some());
    }
    thread::by_handle(handle)
}

/// A result as C functions give it.
fn result(outcome: Result<c_int, c_int>) -> c_int {
    outcome.unwrap_or_else(|errno| {
        crate::errno::set(errno);
        -1
    })
}
