//! exec: the last thing that a forked child may do. Noted before the call, which does not come back when it works.
use super::exec_args::{ArgStrings, ExecArgs, is_named, own_environment, spare_named, spare_named_in_vfork_child};
use super::spawn::ALWAYS;
use super::vfork_child;
use crate::child::exec::Call;
use crate::child::withheld::Withheld;
use crate::child::{self, exec};
use crate::entry::{Registers, record, record_with_scratch};
use crate::guards::{self, sockets};
use forkguard_core::{flags, gate};

macro_rules! execs {
    ($(fn $name:ident: $call:literal, $program:expr, $args:expr;)*) => {
        $(pass! {
            /// exec(3); see the module.
            fn $name, ALWAYS; |registers| {
                let (program, args): (fn(&Registers) -> exec::Program, fn(&Registers) -> ExecArgs<'_>) = ($program, $args);
                if gate::is_guest() {
                    spare_named_in_vfork_child(args(registers));
                    return vfork_child::before_exec(program(registers), args(registers));
                }
                if !flags::is_forked_child() {
                    return keep_descriptors();
                }
                child::finish_postponed();
                if exec::is_unreported() {
                    return;
                }
                let (site, spare) = (|| registers.capture(), || spare_named(args(registers)));
                let is_named = |fd| is_named(args(registers), fd);
                let call = Call { name: $call, program: program(registers), is_named: &is_named, signals: Withheld::now(true) };
                let inheritance = record_with_scratch(|scratch| exec::report(scratch, &call, site, spare)).flatten();
                if let Some(inheritance) = inheritance.filter(|_| guards::exec::cleans()) {
                    inheritance.clean(true);
                }
            }
        })*
    };
}

/// A process that no fork made becomes another program, which gets all that it had: a guard closes descriptors for its children only.
fn keep_descriptors() {
    if sockets::any_closes_on_exec() {
        record(|_| sockets::keep_on_exec(None));
    }
}

/// The first argument: a path as it stands.
fn path(registers: &Registers) -> exec::Program {
    exec::Program::Path(libc::AT_FDCWD, registers.argument[0])
}

/// The first argument: a name that is looked up in PATH unless it has a slash.
fn name(registers: &Registers) -> exec::Program {
    exec::Program::Name(registers.argument[0])
}

/// A vector of arguments, and the caller's environment.
fn vector(registers: &Registers) -> ExecArgs<'_> {
    [ArgStrings::Arguments(registers.argument[1]), own_environment()]
}

/// Two vectors, the first of them the argument of that index.
fn vectors(registers: &Registers, first: usize) -> ExecArgs<'_> {
    [ArgStrings::Arguments(registers.argument[first]), ArgStrings::Environment(registers.argument[first + 1])]
}

/// A list, and the caller's environment.
fn list(registers: &Registers) -> ExecArgs<'_> {
    [ArgStrings::Listed(registers), own_environment()]
}

execs! {
    fn execve: "execve", path, |registers| vectors(registers, 1);
    fn execv: "execv", path, vector;
    fn execl: "execl", path, list;
    fn execle: "execle", path, |registers| [ArgStrings::Listed(registers), ArgStrings::BehindList(registers)];
    fn execvp: "execvp", name, vector;
    fn execvpe: "execvpe", name, |registers| vectors(registers, 1);
    fn execlp: "execlp", name, list;
    fn fexecve: "fexecve", |registers| exec::Program::Descriptor(registers.argument[0] as i32), |registers| vectors(registers, 1);
    fn execveat: "execveat", |registers| exec::Program::Path(registers.argument[0] as i32, registers.argument[1]),
        |registers| vectors(registers, 2);
}
