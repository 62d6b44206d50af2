//! Signals: dispositions, the mask, pending ones.
use super::process::{process_id, thread_id};
use super::syscall::syscall;
use core::ptr;

/// The kernel's `struct sigaction` (not libc's), as rt_sigaction(2) gives it on x86_64.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct KernelAction {
    /// SIG_DFL 0, SIG_IGN 1, or the handler's address.
    pub handler: usize,
    /// SA_ flags.
    pub flags: u64,
    /// The C library's return trampoline.
    pub restorer: usize,
    /// Signals blocked while the handler runs.
    pub mask: u64,
}

/// The disposition of a signal, as the kernel has it.
pub fn signal_action(signal: i32) -> Option<KernelAction> {
    let mut action = KernelAction::default();
    let args = [signal as usize, 0, &raw mut action as usize, 8, 0, 0];
    // SAFETY: writes one kernel sigaction with a mask of 8 bytes.
    (unsafe { syscall(libc::SYS_rt_sigaction, args) } == 0).then_some(action)
}

/// Sets the disposition of a signal; what is pending is discarded where the new one ignores it (signal(7)).
pub fn set_signal_action(signal: i32, action: &KernelAction) -> Result<(), i32> {
    let args = [signal as usize, ptr::from_ref(action) as usize, 0, 8, 0, 0];
    // SAFETY: reads one kernel sigaction with a mask of 8 bytes.
    match unsafe { syscall(libc::SYS_rt_sigaction, args) } {
        0 => Ok(()),
        error => Err(-error as i32),
    }
}

/// The mask of blocked signals of this thread: bit n is signal n + 1.
pub fn blocked_signals() -> u64 {
    let mut mask = 0u64;
    // SAFETY: writes 8 bytes.
    unsafe { syscall(libc::SYS_rt_sigprocmask, [libc::SIG_BLOCK as usize, 0, &raw mut mask as usize, 8, 0, 0]) };
    mask
}

/// Blocks signals of this thread beside those that it blocks; returns those. In one call: none is delivered between them.
pub fn block_signals(signals: u64) -> u64 {
    let mut before = 0u64;
    let args = [libc::SIG_BLOCK as usize, &raw const signals as usize, &raw mut before as usize, 8, 0, 0];
    // SAFETY: reads 8 bytes and writes 8.
    unsafe { syscall(libc::SYS_rt_sigprocmask, args) };
    before
}

/// Sets the mask of blocked signals of this thread.
pub fn set_blocked_signals(mask: u64) {
    // SAFETY: reads 8 bytes.
    unsafe { syscall(libc::SYS_rt_sigprocmask, [libc::SIG_SETMASK as usize, &raw const mask as usize, 0, 8, 0, 0]) };
}

/// Signals that wait to be delivered to this thread or process.
pub fn pending_signals() -> u64 {
    let mut mask = 0u64;
    // SAFETY: writes 8 bytes.
    unsafe { syscall(libc::SYS_rt_sigpending, [&raw mut mask as usize, 8, 0, 0, 0, 0]) };
    mask
}

/// Takes one pending signal of `mask` away without waiting.
pub fn take_pending_signal(mask: u64) {
    let zero = [0usize; 2];
    // SAFETY: reads the mask and a zero timeout.
    unsafe { syscall(libc::SYS_rt_sigtimedwait, [&raw const mask as usize, 0, &raw const zero as usize, 8, 0, 0]) };
}

/// Ends the process by SIGABRT, whatever it does with that signal.
pub fn abort() {
    let default = KernelAction::default();
    let mask: u64 = 1 << (libc::SIGABRT - 1);
    // SAFETY: reads one kernel sigaction and one mask; the process ends.
    unsafe {
        syscall(libc::SYS_rt_sigaction, [libc::SIGABRT as usize, &raw const default as usize, 0, 8, 0, 0]);
        syscall(libc::SYS_rt_sigprocmask, [libc::SIG_UNBLOCK as usize, &raw const mask as usize, 0, 8, 0, 0]);
        syscall(libc::SYS_tgkill, [process_id() as usize, thread_id() as usize, libc::SIGABRT as usize, 0, 0, 0]);
    }
}
