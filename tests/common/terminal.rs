//! A program on a terminal of its own.
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// A terminal, of which this process has the other end, as the controlling one of the program's session.
pub fn on_terminal(command: &mut Command) -> File {
    let (mut master, mut terminal) = (0, 0);
    // SAFETY: openpty fills both numbers; they are owned from here on.
    let (master, terminal) = unsafe {
        let none = std::ptr::null_mut();
        assert_eq!(libc::openpty(&mut master, &mut terminal, none, none.cast(), none.cast()), 0);
        (File::from_raw_fd(master), OwnedFd::from_raw_fd(terminal))
    };
    command.stdin(terminal.try_clone().expect("a copy")).stdout(terminal.try_clone().expect("a copy"));
    command.stderr(terminal.try_clone().expect("a copy"));
    // SAFETY: both calls are safe in a forked child.
    unsafe {
        command.pre_exec(move || {
            assert!(libc::setsid() > 0 && libc::ioctl(terminal.as_raw_fd(), libc::TIOCSCTTY, 0) == 0);
            Ok(())
        })
    };
    master
}
