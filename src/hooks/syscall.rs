//! syscall(2), variadic: what goes past every function of libc. A fork is recorded; a futex wait (Rust's locks, GLib, abseil) is looked at in a
//! child that may wait in vain.
use super::privilege;
use super::spawn::record_clone;
use crate::child::waits::{self, BlockingCall, WaitReport};
use crate::entry::{Registers, record};
use forkguard_core::gate::WATCHED;
use forkguard_core::{kernel, tls};
use forkguard_report::event::ForkKind;
use libc::c_long;

real_function!(syscall);

/// The system call as the host made it.
fn real(number: c_long, arguments: [usize; 6]) -> c_long {
    type Syscall = unsafe extern "C-unwind" fn(c_long, usize, usize, usize, usize, usize, usize) -> c_long;
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: libc's own function, called with what the host called ours with.
    unsafe { std::mem::transmute::<*mut libc::c_void, Syscall>(REAL.address())(number, a, b, c, d, e, f) }
}

extern "C" fn recorded(registers: &Registers) {
    let [_, first, second, third, ..] = registers.argument;
    let flags = match registers.argument[0] as i64 {
        libc::SYS_seccomp => return super::seccomp::before_seccomp(first, second, third),
        libc::SYS_prctl => return super::seccomp::before_prctl(first, second, third),
        libc::SYS_getrandom => return super::random::taken(registers.caller, second, third as u32),
        libc::SYS_fork => 0,
        libc::SYS_vfork => libc::CLONE_VM as usize,
        libc::SYS_clone => registers.argument[1],
        // The first word of struct clone_args.
        libc::SYS_clone3 => record(|_| kernel::read_value(registers.argument[1])).flatten().unwrap_or(0),
        number @ (libc::SYS_kill | libc::SYS_pidfd_send_signal) => return super::kill::before_syscall(number, first, second),
        number if privilege::changes(number, first) => return privilege::before_change(),
        _ => return,
    };
    record_clone(ForkKind::Syscall, flags, registers.caller);
}

/// True for a wait of futex(2) without a time limit that has to wait now.
fn waits_endlessly([address, operation, value, timeout, ..]: [usize; 6]) -> bool {
    const OPTIONS: i32 = libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME;
    let operation = operation as i32;
    matches!(operation & !OPTIONS, libc::FUTEX_WAIT | libc::FUTEX_WAIT_BITSET)
        && timeout == 0
        && forkguard_core::kernel::read_value::<u32>(address) == Some(value as u32)
}

extern "C-unwind" fn futex(number: c_long, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> c_long {
    let arguments = [a, b, c, d, e, f];
    let report = if waits_endlessly(arguments) {
        let private = b as i32 & libc::FUTEX_PRIVATE_FLAG != 0;
        waits::before(BlockingCall::Futex { value: c as u32, private }, a, tls::caller())
    } else {
        WaitReport::Unchecked
    };
    let result = real(number, arguments);
    waits::after(report, &result);
    result
}

/// syscall(2).
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn syscall() {
    core::arch::naked_asm!(
        "cmp edi, {futex_number}",
        "je 3f",
        "2:",
        save_registers!(),
        "call {recorded}",
        restore_registers!(),
        "jmp qword ptr [rip + {real}]",
        "3: cmp byte ptr [rip + {watched}], 0",
        "je 4f",
        "mov rax, [rsp]",
        "mov r10, qword ptr [rip + forkguard_tls_caller@GOTTPOFF]",
        "mov qword ptr fs:[r10], rax",
        "jmp {futex}",
        "4: jmp qword ptr [rip + {real}]",
        futex_number = const libc::SYS_futex,
        recorded = sym recorded,
        futex = sym futex,
        watched = sym WATCHED,
        real = sym REAL,
    )
}
