//! Writes that the program must not notice by a signal.
use forkguard_core::kernel;
use rustix::io::Errno;

/// Runs a write that must not reach the host as a signal: by its failure (SIGPIPE, SIGXFSZ), or because its terminal stops processes in the
/// background that write (SIGTTOU).
pub(super) fn without_signals<R>(write: impl FnOnce() -> Result<R, Errno>) -> Result<R, Errno> {
    let ours = 1u64 << (libc::SIGPIPE - 1) | 1 << (libc::SIGXFSZ - 1) | 1 << (libc::SIGTTOU - 1);
    let blocked = kernel::block_signals(ours);
    let pending = kernel::pending_signals();
    let result = write();
    let raised = match result {
        Err(Errno::PIPE) => 1 << (libc::SIGPIPE - 1),
        Err(Errno::FBIG) => 1 << (libc::SIGXFSZ - 1),
        _ => 0,
    };
    if raised & !pending != 0 {
        kernel::take_pending_signal(raised);
    }
    kernel::set_blocked_signals(blocked);
    result
}
