//! Changes of user and root: what cannot be opened afterwards is opened before.
use super::*;
use crate::emit;
use std::sync::atomic::AtomicU8;

/// Noted in every process.
static ALWAYS: AtomicU8 = AtomicU8::new(1);

macro_rules! privileges {
    ($(fn $name:ident;)*) => {
        $(pass! {
            /// As the C library's; see the module.
            fn $name, ALWAYS; |_registers| {
                if emit::unready() {
                    note_at_length(emit::ready);
                }
            }
        })*
    };
}

privileges! {
    fn setuid;
    fn seteuid;
    fn setreuid;
    fn setresuid;
    fn chroot;
}
