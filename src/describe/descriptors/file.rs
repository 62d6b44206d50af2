//! Files by their descriptors: what they are open on, how, and at which position.
use crate::describe::application::{is_by_application, is_by_called_package};
use forkguard_core::fixed::Text;
use forkguard_core::kernel;
use forkguard_core::registry::descriptors;
use rustix::fs::{FileType, OFlags};
use std::fmt::Display;

/// True for a file that is read or written by position.
pub(crate) fn is_positioned(fd: i32) -> bool {
    let descriptor = kernel::borrow(fd);
    rustix::fs::fstat(descriptor).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
        && rustix::fs::fcntl_getfl(descriptor).is_ok_and(|flags| !flags.contains(OFlags::APPEND))
}

/// True for a file that the application opened, itself or by a package that it called, or that was open when the program began. What a shell, a
/// server or an interpreter opens for itself (its script, a heartbeat file) is its own affair.
pub(crate) fn is_applications(fd: i32) -> bool {
    let is_site = |site| site == 0 || is_by_application(site) || is_by_called_package(site) && has_name(fd);
    descriptors::record(fd).is_none_or(|record| is_site(record.site))
}

/// False for a file that was removed, as a server's heartbeat file is at once.
fn has_name(fd: i32) -> bool {
    rustix::fs::fstat(kernel::borrow(fd)).is_ok_and(|stat| stat.st_nlink > 0)
}

/// What a process's descriptor is open on, in the kernel's words.
pub(super) fn target(process: impl Display, fd: i32) -> rustix::io::Result<Text<1024>> {
    let path = Text::<48>::of(format_args!("/proc/{process}/fd/{fd}"));
    let mut bytes = [0u8; 1024];
    let read = rustix::fs::readlinkat_raw(rustix::fs::CWD, path.as_cstr().unwrap_or(c""), &mut bytes[..])?;
    Ok(Text::from_bytes(bytes.get(..read).unwrap_or_default()))
}

/// The report's words for the flags that a file was opened with.
pub(super) fn mode_of(flags: OFlags) -> &'static str {
    match (flags & OFlags::RWMODE, flags.contains(OFlags::APPEND)) {
        (OFlags::WRONLY, false) => "write",
        (OFlags::WRONLY, true) => "write append",
        (OFlags::RDWR, false) => "read-write",
        (OFlags::RDWR, true) => "read-write append",
        (_, false) => "read",
        (_, true) => "read append",
    }
}
