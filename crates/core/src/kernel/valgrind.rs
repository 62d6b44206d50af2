//! What is asked of and told to Valgrind, if it runs this process (client requests, <valgrind/valgrind.h>): by instructions that do nothing
//! elsewhere.
use core::arch::asm;

/// True in a process that it runs (RUNNING_ON_VALGRIND). It ends a program at a clone(2) that it does not know.
pub fn is_running() -> bool {
    request([0x1001, 0, 0]) != 0
}

/// Helgrind, leave this memory unchecked (_VG_USERREQ__HG_ARANGE_MAKE_UNTRACKED): our registries are written and read by atomic operations
/// that take no lock, which it does not know from races.
pub fn leave_unchecked(start: usize, length: usize) {
    request([0x4847_0127, start, length]);
}

/// This memory is a stack (STACK_REGISTER): who goes on there has not lost its own.
pub fn register_stack(start: usize, length: usize) {
    request([0x1501, start, start + length - 1]);
}

/// A request and its first two arguments; the answer, 0 elsewhere.
fn request([code, first, second]: [usize; 3]) -> usize {
    let block = [code, first, second, 0, 0, 0];
    let answer;
    // SAFETY: turns a register round by 128 bits in all and exchanges another with itself; Valgrind reads the block and writes `rdx`.
    unsafe {
        asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            in("rax") &raw const block, inlateout("rdx") 0usize => answer, out("rdi") _,
            options(nostack)
        );
    }
    answer
}
