//! Changes of user, root and name space: the report, which might not be opened afterwards, is kept open from then on.
use crate::entry::record_with_scratch;
use crate::ledger;
use forkguard_core::gate;
use std::sync::atomic::AtomicU8;

/// Noted in every process.
static ALWAYS: AtomicU8 = AtomicU8::new(1);

/// Before a call that may take away the way to the report.
pub(super) fn before_change() {
    if ledger::needs_report_kept_open() && gate::owns_registries() {
        record_with_scratch(ledger::keep_report_open);
    }
}

/// True for a system call that does so.
pub(super) fn changes(number: i64, flags: usize) -> bool {
    match number {
        libc::SYS_setuid | libc::SYS_setreuid | libc::SYS_setresuid | libc::SYS_chroot | libc::SYS_pivot_root => true,
        libc::SYS_setns | libc::SYS_landlock_restrict_self => true,
        libc::SYS_unshare => unshares(flags),
        _ => false,
    }
}

fn unshares(flags: usize) -> bool {
    flags as i32 & (libc::CLONE_NEWNS | libc::CLONE_NEWUSER) != 0
}

macro_rules! changes {
    ($(fn $name:ident;)*) => {
        $(pass! {
            /// As the C library's; see the module.
            fn $name, ALWAYS; |_registers| { before_change() }
        })*
    };
}

changes! {
    fn setuid;
    fn seteuid;
    fn setreuid;
    fn setresuid;
    fn chroot;
    fn setns;
}

pass! {
    /// unshare(2).
    fn unshare, ALWAYS; |registers| {
        if unshares(registers.argument[0]) {
            before_change();
        }
    }
}
