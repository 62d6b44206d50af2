//! Programs: what execve(2) would run.
use super::fd::{OwnedFd, borrow};
use super::proc::read_file;
use super::syscall::syscall;
use crate::fixed::Text;
use core::ffi::CStr;
use rustix::fs::{Mode, OFlags};

/// True for the program file of this process, or a script that it interprets.
pub fn is_own_program(path: &CStr) -> bool {
    let Ok(own) = rustix::fs::stat(c"/proc/self/exe") else { return false };
    let is_own = |path: &CStr| rustix::fs::stat(path).is_ok_and(|s| (s.st_dev, s.st_ino) == (own.st_dev, own.st_ino));
    let mut head = [0u8; 256];
    let script = read_file(path, &mut head).strip_prefix(b"#!").unwrap_or_default().trim_ascii_start();
    let end = script.iter().position(u8::is_ascii_whitespace).unwrap_or(script.len());
    is_own(path) || Text::<256>::from_bytes(&script[..end]).as_cstr().is_some_and(|interpreter| end != 0 && is_own(interpreter))
}

/// Whether the effective user may execute the file (faccessat2, AT_EACCESS).
pub fn executable(directory: i32, path: &CStr) -> bool {
    let args = [directory as usize, path.as_ptr() as usize, libc::X_OK as usize, libc::AT_EACCESS as usize, 0, 0];
    // SAFETY: reads a C string.
    unsafe { syscall(libc::SYS_faccessat2, args) == 0 }
}

/// False for a file that can be read and is neither ELF nor begins with `#!`.
pub fn is_program(directory: i32, path: &CStr) -> bool {
    let directory = if directory < 0 { rustix::fs::CWD } else { borrow(directory) };
    let Ok(file) = OwnedFd::at(directory, path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty()) else {
        return true;
    };
    let mut head = [0u8; 4];
    matches!(rustix::io::read(&file, &mut head), Ok(4)) && (head == *b"\x7fELF" || head.starts_with(b"#!"))
}
