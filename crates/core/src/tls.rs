//! Our words of a thread, reached by one load through the initial-exec model, as a preloaded library may.
//!
//! `thread_local!` would call `__tls_get_addr` in a shared library: a third of the lock path's budget.
use core::arch::{asm, global_asm};

global_asm!(
    ".pushsection .tbss,\"awT\",@nobits",
    ".p2align 3",
    ".hidden forkguard_tls_slot",
    ".globl forkguard_tls_slot",
    ".type forkguard_tls_slot,@tls_object",
    ".size forkguard_tls_slot,8",
    "forkguard_tls_slot: .zero 8",
    ".hidden forkguard_tls_inside",
    ".globl forkguard_tls_inside",
    ".type forkguard_tls_inside,@tls_object",
    ".size forkguard_tls_inside,8",
    "forkguard_tls_inside: .zero 8",
    ".hidden forkguard_tls_fork",
    ".globl forkguard_tls_fork",
    ".type forkguard_tls_fork,@tls_object",
    ".size forkguard_tls_fork,8",
    "forkguard_tls_fork: .zero 8",
    ".hidden forkguard_tls_vfork",
    ".globl forkguard_tls_vfork",
    ".type forkguard_tls_vfork,@tls_object",
    ".size forkguard_tls_vfork,8",
    "forkguard_tls_vfork: .zero 8",
    ".hidden forkguard_tls_caller",
    ".globl forkguard_tls_caller",
    ".type forkguard_tls_caller,@tls_object",
    ".size forkguard_tls_caller,8",
    "forkguard_tls_caller: .zero 8",
    ".hidden forkguard_tls_private_fds",
    ".globl forkguard_tls_private_fds",
    ".type forkguard_tls_private_fds,@tls_object",
    ".size forkguard_tls_private_fds,8",
    "forkguard_tls_private_fds: .zero 8",
    ".hidden forkguard_tls_let_in",
    ".globl forkguard_tls_let_in",
    ".type forkguard_tls_let_in,@tls_object",
    ".size forkguard_tls_let_in,8",
    "forkguard_tls_let_in: .zero 8",
    ".hidden forkguard_tls_holds",
    ".globl forkguard_tls_holds",
    ".type forkguard_tls_holds,@tls_object",
    ".size forkguard_tls_holds,8",
    "forkguard_tls_holds: .zero 8",
    ".hidden forkguard_tls_forks_with",
    ".globl forkguard_tls_forks_with",
    ".type forkguard_tls_forks_with,@tls_object",
    ".size forkguard_tls_forks_with,8",
    "forkguard_tls_forks_with: .zero 8",
    ".popsection",
);

macro_rules! word {
    ($(#[$doc:meta])* $get:ident, $set:ident, $symbol:literal, $type:ty) => {
        $(#[$doc])*
        #[inline(always)]
        pub fn $get() -> $type {
            let value: u64;
            // SAFETY: reads this thread's own word at the offset that the loader put into the GOT.
            unsafe {
                asm!(
                    concat!("mov {v}, qword ptr [rip + ", $symbol, "@GOTTPOFF]"),
                    "mov {v}, qword ptr fs:[{v}]",
                    v = out(reg) value,
                    options(nostack, readonly, preserves_flags)
                );
            }
            value as $type
        }

        $(#[$doc])*
        #[inline(always)]
        pub fn $set(value: $type) {
            // SAFETY: writes this thread's own word, which nothing but this function writes.
            unsafe {
                asm!(
                    concat!("mov {t}, qword ptr [rip + ", $symbol, "@GOTTPOFF]"),
                    "mov qword ptr fs:[{t}], {v}",
                    t = out(reg) _,
                    v = in(reg) value as u64,
                    options(nostack, preserves_flags)
                );
            }
        }
    };
}

word!(
    /// This thread's slot in `registry::threads`; null until it has one.
    slot, set_slot, "forkguard_tls_slot", *const ()
);
word!(
    /// Not zero while this thread runs forkguard's own code.
    inside, set_inside, "forkguard_tls_inside", u64
);
word!(
    /// Before a call that waits: [`WAITS`], and the signals that were pending when work of ours let signals in again, a bit each.
    let_in, set_let_in, "forkguard_tls_let_in", u64
);
word!(
    /// While work of ours holds signals: [`WAITS`], and the signals that this thread blocks itself.
    holds, set_holds, "forkguard_tls_holds", u64
);
/// In the words `let_in`, `holds` and `forks_with`. (The bit of SIGKILL, which is never pending.)
pub const WAITS: u64 = 1 << (libc::SIGKILL - 1);

word!(
    /// While signals wait for the end of a fork of this thread: [`WAITS`], and the signals that it blocks itself.
    forks_with, set_forks_with, "forkguard_tls_forks_with", u64
);

/// In a thread's word `inside`: its vfork child has set a filter that may end it for a system call of ours.
pub const IN_SANDBOX: u64 = 2;

/// The address of the same word of another thread, by its pthread_t (on x86_64 the thread pointer).
pub fn address_of_inside(handle: usize) -> usize {
    let offset: usize;
    // SAFETY: reads what the loader put into the GOT.
    unsafe {
        asm!("mov {}, qword ptr [rip + forkguard_tls_inside@GOTTPOFF]", out(reg) offset, options(nostack, readonly, preserves_flags));
    }
    handle.wrapping_add(offset)
}

/// An address of this thread's own, which no other thread has, and a vfork child has in common with its leader's thread.
pub fn own_address() -> usize {
    let pointer: usize;
    // SAFETY: reads the thread pointer, which on x86_64 is the first word that it points to.
    unsafe {
        asm!("mov {}, qword ptr fs:[0]", out(reg) pointer, options(nostack, readonly, preserves_flags));
    }
    pointer
}

word!(
    /// The snapshot (`fork::pool`) of the fork that this thread is in, from fork's entry until its report.
    fork, set_fork, "forkguard_tls_fork", *const ()
);
word!(
    /// Not zero while this thread's memory is lent to a vfork child: its hooks must leave every registry alone.
    vfork, set_vfork, "forkguard_tls_vfork", u64
);
word!(
    /// Return address of the call of a hook whose arguments leave no register for it.
    caller, set_caller, "forkguard_tls_caller", usize
);
word!(
    /// Not zero while this thread opens and closes files: see [`crate::kernel::with_private_fds`].
    private_fds, set_private_fds, "forkguard_tls_private_fds", u64
);
