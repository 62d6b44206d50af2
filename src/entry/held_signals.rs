//! Signals of the host that wait while our own work is done. Excepted are glibc's for setuid, which other threads wait for, and those that the
//! thread's own instructions raise (a sandbox may answer system calls in SIGSYS): blocked, they would end the process.
use forkguard_core::kernel;
use forkguard_core::tls::{self, WAITS};

/// Signals that are held.
pub(crate) const BLOCKED: u64 = {
    const SETXID: i32 = 33;
    kernel::DEFERRED_SIGNALS & !(1 << (SETXID - 1))
};

/// Does that while signals are held, and tells it which ones the host's thread blocks. Those that came meanwhile are let in afterwards, which
/// `hooks/wait.rs` asks for. Within other such work they are held until that ends.
pub(crate) fn holding_signals<R>(work: impl FnOnce(u64) -> R) -> R {
    if tls::holds() != 0 {
        return work(blocked_by_host());
    }
    // What the host blocks stays blocked: one of those may be pending, and would be delivered here.
    let blocked = kernel::block_signals(BLOCKED);
    tls::set_holds(blocked | WAITS);
    let result = work(blocked);
    let blocked = blocked_by_host();
    tls::set_holds(0);
    if tls::let_in() != 0 {
        tls::set_let_in(tls::let_in() | kernel::pending_signals() & !blocked);
    }
    kernel::set_blocked_signals(blocked);
    result
}

/// Signals that the host's thread blocks, held or not.
pub(crate) fn blocked_by_host() -> u64 {
    match tls::holds() {
        0 => kernel::blocked_signals(),
        held => held & !WAITS,
    }
}

/// The host's thread blocks these no longer.
pub(crate) fn unblock_for_host(signals: u64) {
    match tls::holds() {
        0 => kernel::set_blocked_signals(kernel::blocked_signals() & !signals),
        held => tls::set_holds(held & !signals),
    }
}
