//! Words on the host's stderr: only where that is a place for errors, and only what it takes at once.
use super::file::quietly;
use super::place::place;
use forkguard_core::fixed::Text;
use forkguard_core::raw::{Opened, descriptor};
use rustix::fs::{FileType, OFlags};
use rustix::io::{Errno, IoSlice, ReadWriteFlags};
use rustix::net::SendFlags;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The last line was cut short: the next one begins on a line of its own.
static TORN: AtomicBool = AtomicBool::new(false);

/// One line on the host's stderr.
pub(crate) fn say(arguments: std::fmt::Arguments<'_>) {
    let mut line = Text::<1600>::new();
    let _ = writeln!(line, "forkguard: {arguments}");
    print(line.as_str());
}

/// Writes lines to the host's stderr, as far as it takes them at once: nothing that is slow or full may hold the host up.
pub(crate) fn print(text: &str) {
    let Some(kind) = place() else { return };
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let (lines, later) = whole_lines(rest);
        if !write(kind, lines) {
            return;
        }
        rest = later;
    }
}

/// The first lines, as many as go together, and the rest.
fn whole_lines(text: &[u8]) -> (&[u8], &[u8]) {
    // What a pipe takes whole or not at all (PIPE_BUF).
    const TOGETHER: usize = 4096;
    let first = &text[..text.len().min(TOGETHER)];
    let end = first.iter().rposition(|&byte| byte == b'\n').map_or(first.len(), |newline| newline + 1);
    text.split_at(end)
}

/// True when all of it was taken. A terminal may take a part of a line.
fn write(kind: FileType, lines: &[u8]) -> bool {
    if TORN.load(Relaxed) {
        if at_once(kind, b"\n") != Ok(1) {
            return false;
        }
        TORN.store(false, Relaxed);
    }
    let written = at_once(kind, lines).unwrap_or(0);
    let torn = written > 0 && lines[written - 1] != b'\n';
    TORN.store(torn, Relaxed);
    written == lines.len()
}

/// Writes what descriptor 2 takes without waiting. Its own flags stay as they are: other processes have them, too.
fn at_once(kind: FileType, bytes: &[u8]) -> Result<usize, Errno> {
    let stderr = descriptor(2);
    quietly(|| match kind {
        FileType::RegularFile => rustix::io::write(stderr, bytes),
        FileType::Socket => rustix::net::send(stderr, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL),
        _ => match rustix::io::pwritev2(stderr, &[IoSlice::new(bytes)], u64::MAX, ReadWriteFlags::NOWAIT) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => by_another_description(bytes),
            written => written,
        },
    })
}

/// For terminals, and pipes before Linux 6.4. (That a terminal polls as writable promises one byte.)
fn by_another_description(bytes: &[u8]) -> Result<usize, Errno> {
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    rustix::io::write(&Opened::new(c"/proc/self/fd/2", flags)?, bytes)
}
