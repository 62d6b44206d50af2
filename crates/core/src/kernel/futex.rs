//! Waiting for a word of memory to change, and ordering what other threads see.
use super::clock::timespec;
use super::syscall::syscall;
use core::sync::atomic::AtomicU32;
use rustix::thread::futex;

/// Registers this process for [`membarrier`]; false where the kernel has none (membarrier(2)).
pub fn register_membarrier() -> bool {
    const REGISTER_PRIVATE_EXPEDITED: usize = 1 << 4;
    // SAFETY: takes integers.
    unsafe { syscall(libc::SYS_membarrier, [REGISTER_PRIVATE_EXPEDITED, 0, 0, 0, 0, 0]) == 0 }
}

/// A full memory barrier on every thread of this process that runs (MEMBARRIER_CMD_PRIVATE_EXPEDITED).
pub fn membarrier() -> bool {
    const PRIVATE_EXPEDITED: usize = 1 << 3;
    // SAFETY: takes integers.
    let barrier = || unsafe { syscall(libc::SYS_membarrier, [PRIVATE_EXPEDITED, 0, 0, 0, 0, 0]) == 0 };
    barrier() || register_membarrier() && barrier()
}

/// Sleeps while `word` has this value: until it is woken, a signal comes, or so many nanoseconds went by (futex(2)).
pub fn wait_for_change(word: &AtomicU32, value: u32, nanoseconds: u64) {
    let _ = futex::wait(word, futex::Flags::PRIVATE, value, Some(&timespec(nanoseconds)));
}

/// Wakes all threads that sleep in [`wait_for_change`].
pub fn wake_all(word: &AtomicU32) {
    let _ = futex::wake(word, futex::Flags::PRIVATE, i32::MAX as u32);
}
