//! exec: the last thing that a forked child may do. Noted before the call, which does not come back when it works.
use super::*;
use crate::child;
use std::sync::atomic::AtomicU8;

/// Not zero in a forked child: nobody else's exec is an event.
pub(crate) static IN_CHILD: AtomicU8 = AtomicU8::new(0);

macro_rules! execs {
    ($(fn $name:ident: $call:literal, $program:expr;)*) => {
        $(pass! {
            /// exec(3); see the module.
            fn $name, IN_CHILD; |registers| {
                if !spawn::in_vfork_child() && crate::emit::wanted() {
                    let program: fn(&Registers) -> child::Program = $program;
                    note_at_length(|at| child::exec(at, $call, program(registers), || registers.capture()));
                }
            }
        })*
    };
}

/// The first argument: a path as it stands.
fn path(registers: &Registers) -> child::Program {
    child::Program::Path(libc::AT_FDCWD, registers.argument[0])
}

/// The first argument: a name that is looked up in PATH unless it has a slash.
fn name(registers: &Registers) -> child::Program {
    child::Program::Name(registers.argument[0])
}

execs! {
    fn execve: "execve", path;
    fn execv: "execv", path;
    fn execl: "execl", path;
    fn execle: "execle", path;
    fn execvp: "execvp", name;
    fn execvpe: "execvpe", name;
    fn execlp: "execlp", name;
    fn fexecve: "fexecve", |registers| child::Program::Descriptor(registers.argument[0] as i32);
    fn execveat: "execveat", |registers| child::Program::Path(registers.argument[0] as i32, registers.argument[1]);
}
