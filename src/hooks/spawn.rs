//! Ways to make a process that run no atfork handlers: recorded with their kind and passed on, never slowed, never broken.
use super::exec_args::{ArgStrings, ExecArgs, in_sandbox, is_named, own_environment, runs_in_background, spare_named};
use super::spawn_attributes::{FileActions, SignalAttributes};
use super::vfork_child;
use crate::child::exec::Program;
use crate::child::inheritance::Inheritance;
use crate::child::start::Start;
use crate::child::withheld::Withheld;
use crate::entry::{Registers, record};
use forkguard_core::fixed::Text;
use forkguard_core::{gate, tls};
use forkguard_report::event::ForkKind;
use libc::{c_int, pid_t};
use std::sync::atomic::AtomicU8;

/// Noted in every process.
pub(super) static ALWAYS: AtomicU8 = AtomicU8::new(1);

/// Records such a call before it is made.
pub(super) fn record_spawn(kind: ForkKind, caller: usize, child: Option<u32>) {
    crate::fork::spawned(kind, caller, child, || None);
}

/// Records a call that is about to have the shell run `command`, which gets all that is left open.
pub(super) fn record_shell(kind: ForkKind, caller: usize, command: usize) {
    let (args, signals) = ([ArgStrings::Command(command), own_environment()], Withheld::now(false));
    let inherits = || {
        let program = Text::of(format_args!("/bin/sh"));
        let is_given = |fd| is_named(args, fd);
        let may_outlive = kind != ForkKind::System || runs_in_background(command);
        Inheritance::of(&Start { program, is_forked: false, is_own: false, input: 0, is_given: &is_given, may_outlive, signals })
    };
    record(|_| spare_named(args));
    crate::fork::spawned(kind, caller, None, inherits);
}

/// Records a call of posix_spawn or posix_spawnp, which has `program` as its second argument.
fn record_posix_spawn(registers: &Registers, program: Program) {
    let [_, _, actions, attributes, arguments, environment] = registers.argument;
    let args = [ArgStrings::Arguments(arguments), ArgStrings::Environment(environment)];
    let signals = SignalAttributes::read(attributes).change(Withheld::now(false));
    let inherits = || posix_spawn_inherits(&program, actions, args, signals);
    record(|_| spare_named(args));
    crate::fork::spawned(ForkKind::PosixSpawn, registers.caller, None, inherits);
}

fn posix_spawn_inherits(program: &Program, actions: usize, args: ExecArgs<'_>, signals: Withheld) -> Option<Inheritance> {
    let (program, is_own) = program.found()?;
    let actions = FileActions::read(actions)?;
    let is_given = |fd| actions.replaces(fd) || is_named(args, fd);
    Inheritance::of(&Start {
        program,
        is_forked: false,
        is_own,
        input: actions.input(),
        is_given: &is_given,
        may_outlive: true,
        signals,
    })
}

pass! {
    /// posix_spawn(3).
    fn posix_spawn, ALWAYS, versions ["GLIBC_2.15"; "GLIBC_2.2.5"]; |registers| {
        record_posix_spawn(registers, Program::Path(libc::AT_FDCWD, registers.argument[1]));
    }
}
pass! {
    /// posix_spawnp(3).
    fn posix_spawnp, ALWAYS, versions ["GLIBC_2.15"; "GLIBC_2.2.5"]; |registers| {
        record_posix_spawn(registers, Program::Name(registers.argument[1]));
    }
}
pass! {
    /// system(3).
    fn system, ALWAYS; |registers| {
        // Without a command it only asks whether there is a shell.
        if registers.argument[0] != 0 {
            record_shell(ForkKind::System, registers.caller, registers.argument[0]);
        }
    }
}
hook! {
    /// _Fork(3): as fork, without atfork handlers. Its child finds out by its process id.
    fn _Fork() -> pid_t;
    |caller| {
        let result = real();
        match result {
            0 => crate::fork::child_unseen(),
            -1 => {}
            pid => record_spawn(ForkKind::RawFork, caller, Some(pid as u32)),
        }
        result
    }
}

/// Records a call of clone(2) with these flags before it is made, unless it makes a thread.
pub(super) fn record_clone(kind: ForkKind, flags: usize, caller: usize) {
    if flags & libc::CLONE_THREAD as usize == 0 {
        record_spawn(kind, caller, None);
        if flags & libc::CLONE_VM as usize != 0 && !gate::is_guest() {
            gate::share_memory();
        }
    }
}

pass! {
    /// clone(2), variadic: `clone(function, stack, flags, argument, …)`.
    fn clone, ALWAYS; |registers| {
        record_clone(ForkKind::Clone, registers.argument[2], registers.caller);
    }
}
const _: () = {
    real_function!(vfork);

    /// vfork(2). Its child runs on the leader's memory and stack until it execs or ends: no frame of ours may lie below the
    /// caller's, so the return address waits in the thread's own words and the call ends in a jump. `tls::vfork` is not zero
    /// while the child runs (the leader's thread sleeps meanwhile): the child's hooks leave every registry alone.
    #[unsafe(naked)]
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn vfork() -> pid_t {
        core::arch::naked_asm!(
            // A vfork child that vforks itself: straight on, the word belongs to the outer one.
            "mov r10, qword ptr [rip + forkguard_tls_vfork@GOTTPOFF]",
            "cmp qword ptr fs:[r10], 0",
            "jne 3f",
            "pop r11",
            "mov qword ptr fs:[r10], r11",
            "call qword ptr [rip + {real}]",
            "mov r10, qword ptr [rip + forkguard_tls_vfork@GOTTPOFF]",
            "mov r11, qword ptr fs:[r10]",
            "push r11",
            "test eax, eax",
            "jz 2f",
            "mov qword ptr fs:[r10], 0",
            "mov edi, eax",
            "mov rsi, r11",
            "push rax",
            "call {leader}",
            "pop rax",
            "2: ret",
            "3: jmp qword ptr [rip + {real}]",
            real = sym REAL,
            leader = sym after_vfork,
        )
    }

    /// In the leader, when the child has exec'd or ended.
    extern "C" fn after_vfork(result: c_int, caller: usize) {
        if in_sandbox() {
            tls::set_inside(0);
        }
        let inherits = vfork_child::take();
        if result > 0 {
            crate::fork::spawned(ForkKind::Vfork, caller, Some(result as u32), || inherits);
        }
    }
};
