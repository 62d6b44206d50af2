//! A program on a terminal of its own.
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// A terminal, of which this process has the other end, as the controlling one of the program's session.
pub fn on_terminal(command: &mut Command) -> File {
    let (master, terminal) = open();
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

/// Both ends, closed on exec from the beginning: a terminal hangs up only where no program has inherited its master.
fn open() -> (File, OwnedFd) {
    const FLAGS: i32 = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    let opened = |fd: RawFd| if fd < 0 { panic!("a terminal: {}", std::io::Error::last_os_error()) } else { fd };
    // SAFETY: the descriptors are new, and each is owned at once.
    unsafe {
        let master = File::from_raw_fd(opened(libc::posix_openpt(FLAGS)));
        assert_eq!((libc::grantpt(master.as_raw_fd()), libc::unlockpt(master.as_raw_fd())), (0, 0));
        let terminal = opened(libc::ioctl(master.as_raw_fd(), libc::TIOCGPTPEER, FLAGS));
        (master, OwnedFd::from_raw_fd(terminal))
    }
}
