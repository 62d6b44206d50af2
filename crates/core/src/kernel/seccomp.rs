//! Filters of system calls that a program passes to seccomp(2): what they may answer.
use super::memory::{read_memory, read_value};
use libc::{SECCOMP_RET_ACTION_FULL, SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, SECCOMP_RET_LOG};

/// Instructions that are read at once, and the bytes of one (struct sock_filter).
const AT_ONCE: usize = 64;
const SIZE: usize = 8;

/// False for a filter (the address of a struct sock_fprog) that lets every call through or fails it with an errno; true for one that may do
/// anything else, or that cannot be read.
pub fn may_do_harm(program: usize) -> bool {
    let Some([length, start]) = read_value::<[usize; 2]>(program) else { return true };
    // A short and what fills up the word.
    let length = usize::from(length as u16);
    let mut bytes = [0u8; AT_ONCE * SIZE];
    (0..length).step_by(AT_ONCE).any(|first| {
        let part = &mut bytes[..(length - first).min(AT_ONCE) * SIZE];
        !read_memory(start.wrapping_add(first * SIZE), part) || part.chunks_exact(SIZE).any(answers_with_harm)
    })
}

/// True for an instruction that ends the program with an answer that is not known to be harmless.
fn answers_with_harm(instruction: &[u8]) -> bool {
    const CLASS: u16 = 7;
    const RETURN: u16 = 6;
    let &[low, high, _, _, ref value @ ..] = instruction else { return true };
    let code = u16::from_ne_bytes([low, high]);
    let action = value.try_into().map(u32::from_ne_bytes).map(|value| value & SECCOMP_RET_ACTION_FULL);
    // A computed answer has another source in its code.
    let harmless = code == RETURN && matches!(action, Ok(SECCOMP_RET_ALLOW | SECCOMP_RET_LOG | SECCOMP_RET_ERRNO));
    code & CLASS == RETURN && !harmless
}
