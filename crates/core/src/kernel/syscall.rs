//! The system call instruction, for calls that rustix does not have.
use core::arch::asm;
use rustix::io::Errno;

/// `syscall` with up to six arguments; the result as the kernel gives it (a negative errno on failure).
///
/// # Safety
/// As the call `number` demands of its arguments.
#[inline]
pub unsafe fn syscall(number: i64, args: [usize; 6]) -> isize {
    let result: isize;
    // SAFETY: the x86_64 system call convention; the caller vouches for the arguments.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") args[0], in("rsi") args[1], in("rdx") args[2],
            in("r10") args[3], in("r8") args[4], in("r9") args[5],
            lateout("rcx") _, lateout("r11") _,
            options(nostack)
        );
    }
    result
}

/// A system call's result as an error or a number.
pub(super) fn result_of(result: isize) -> Result<i32, Errno> {
    if result < 0 { Err(Errno::from_raw_os_error(-result as i32)) } else { Ok(result as i32) }
}
