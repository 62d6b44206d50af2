//! Words on the host's stderr: only where that is a place for errors, and only what it takes at once.
use super::error_output::error_output;
use super::host_signals::without_signals;
use crate::options::{self, Summary};
use forkguard_core::fixed::Text;
use forkguard_core::kernel::{self, OwnedFd, borrow};
use forkguard_report::log_line::Note;
use forkguard_report::text::{Plain, is_plain};
use rustix::fs::{FileType, OFlags};
use rustix::io::{Errno, IoSlice, ReadWriteFlags};
use rustix::net::SendFlags;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The last line was cut short: the next one begins on a line of its own.
static TORN: AtomicBool = AtomicBool::new(false);

/// One line on the host's stderr.
pub(crate) fn print_line(arguments: std::fmt::Arguments<'_>) {
    if options::get().summary == Summary::Json {
        return print_note(arguments);
    }
    let line = Text::<1600>::of(format_args!("forkguard: {arguments}"));
    print(escaped(line.as_str()).as_str());
}

/// The same as a line of JSON.
fn print_note(arguments: std::fmt::Arguments<'_>) {
    let text = Text::<1600>::of(arguments);
    let note = Note { time: kernel::wall_clock_seconds(), pid: kernel::process_id(), text: text.as_str() };
    let mut memory = [0; TOGETHER];
    let mut rest = &mut memory[..];
    let is_whole = serde_json::to_writer(&mut rest, &note).is_ok() && rest.write_all(b"\n").is_ok();
    let length = TOGETHER - rest.len();
    if let (true, Ok(line)) = (is_whole, str::from_utf8(&memory[..length])) {
        print(line);
    }
}

/// Writes lines to the host's stderr, as far as it takes them at once: nothing that is slow or full may hold the host up.
pub(crate) fn print(text: &str) {
    let Some(kind) = error_output() else { return };
    let mut rest = text;
    while !rest.is_empty() {
        let (lines, later) = whole_lines(rest);
        let written = match lines.lines().all(is_plain) {
            true => write(kind, lines),
            false => lines.lines().all(|line| write(kind, escaped(line).as_str())),
        };
        if !written {
            return;
        }
        rest = later;
    }
}

/// What a pipe takes whole or not at all (PIPE_BUF).
const TOGETHER: usize = 4096;

/// The first lines, as many as go together, and the rest.
fn whole_lines(text: &str) -> (&str, &str) {
    let first = (0..=text.len().min(TOGETHER)).rev().find_map(|end| text.get(..end)).unwrap_or_default();
    text.split_at(first.rfind('\n').map_or(first.len(), |newline| newline + 1))
}

/// One line, fit for a terminal.
fn escaped(line: &str) -> Text<TOGETHER> {
    let plain = Text::<{ TOGETHER - 1 }>::of(format_args!("{}", Plain(line)));
    Text::of(format_args!("{}\n", plain.as_str()))
}

/// True when all of it was taken. A terminal may take a part of a line.
fn write(kind: FileType, lines: &str) -> bool {
    if TORN.load(Relaxed) {
        if at_once(kind, b"\n") != Ok(1) {
            return false;
        }
        TORN.store(false, Relaxed);
    }
    let written = at_once(kind, lines.as_bytes()).unwrap_or(0);
    let torn = written > 0 && lines.as_bytes()[written - 1] != b'\n';
    TORN.store(torn, Relaxed);
    written == lines.len()
}

/// Writes what borrow 2 takes without waiting. Its own flags stay as they are: other processes have them, too.
fn at_once(kind: FileType, bytes: &[u8]) -> Result<usize, Errno> {
    let stderr = borrow(2);
    without_signals(|| match kind {
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
    rustix::io::write(&OwnedFd::new(c"/proc/self/fd/2", flags)?, bytes)
}
