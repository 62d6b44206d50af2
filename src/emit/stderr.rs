//! Words on the host's stderr: only where that is a place for errors, and only what it takes at once.
use super::file::quietly;
use forkguard_core::fixed::Text;
use forkguard_core::raw::descriptor;
use std::fmt::Write;

/// One line on the host's stderr.
pub(crate) fn say(arguments: std::fmt::Arguments<'_>) {
    let mut line = Text::<1600>::new();
    let _ = writeln!(line, "forkguard: {arguments}");
    print(line.as_str());
}

/// True while descriptor 2 is what a program writes its errors to: the one it began with, or one that was put there on purpose. A
/// file that only happened to get that number is the host's data.
fn has_stderr() -> bool {
    use forkguard_core::descriptor::{Kind, record, role};
    record(2).is_some_and(|r| r.kind == Kind::Start || r.role & role::PLACED != 0)
}

/// Writes text to the host's stderr, piece by piece and only while it takes them at once: a full pipe must not hold the host up.
pub(crate) fn print(text: &str) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    // What a pipe that polls as writable takes without blocking (PIPE_BUF).
    const PIECE: usize = 4096;
    if !has_stderr() {
        return;
    }
    for piece in text.as_bytes().chunks(PIECE) {
        let stderr = descriptor(2);
        let mut ask = [PollFd::from_borrowed_fd(stderr, PollFlags::OUT)];
        let ready = poll(&mut ask, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
        if ready != Ok(1) || quietly(|| rustix::io::write(stderr, piece)) != Ok(piece.len()) {
            return;
        }
    }
}
