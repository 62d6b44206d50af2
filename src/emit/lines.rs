//! Lines of JSON, one an event, and each group of them written with one write(2).
use super::file;
use crate::entry::Scratch;
use forkguard_core::fixed::Text;
use forkguard_core::kernel;
use forkguard_report::event::{Event, Line, Lost, SCHEMA};
use std::borrow::Cow::Borrowed;
use std::fmt::Write;
use std::io::Write as _;

/// Lines of JSON, built in borrowed memory.
pub(crate) struct Lines<'m> {
    memory: &'m mut [u8],
    length: usize,
    events: u32,
    /// Nothing but what the process says of itself and of counts.
    counts: bool,
}

impl<'m> Lines<'m> {
    pub(crate) fn over(memory: &'m mut [u8]) -> Self {
        Lines { memory, length: 0, events: 0, counts: true }
    }

    /// Two of them in the memory for lines: what comes first is often known last.
    pub(crate) fn pair(scratch: &'m Scratch) -> (Self, Self) {
        let (start, size) = scratch.lines();
        // SAFETY: the workspace is this thread's alone, and each piece of work takes its lines once.
        let (first, second) = unsafe { std::slice::from_raw_parts_mut(start, size) }.split_at_mut(size / 2);
        (Lines::over(first), Lines::over(second))
    }

    /// Adds an event; one that does not fit is left out and counted as lost.
    pub(crate) fn add<'a>(&mut self, fork: Option<&'a str>, event: Event<'a>) {
        if !self.fits(fork, event) {
            file::lose(1, file::Because::Size);
        }
    }

    /// Adds an event if there is room.
    pub(crate) fn fits<'a>(&mut self, fork: Option<&'a str>, event: Event<'a>) -> bool {
        self.counts &= matches!(event, Event::Process(_) | Event::Exit(_) | Event::Lost(_));
        let line = Line {
            schema: SCHEMA,
            time: kernel::wall_clock_seconds(),
            pid: kernel::process_id(),
            ppid: kernel::parent_id(),
            fork: fork.map(Borrowed),
            event,
        };
        let mut rest = &mut self.memory[self.length..];
        let room = rest.len();
        let fits = serde_json::to_writer(&mut rest, &line).is_ok() && rest.write_all(b"\n").is_ok();
        if fits {
            self.length += room - rest.len();
            self.events += 1;
        }
        fits
    }

    pub(crate) fn clear(&mut self) {
        self.length = 0;
        self.events = 0;
        self.counts = true;
    }

    fn bytes(&self) -> &[u8] {
        &self.memory[..self.length]
    }

    /// Takes the other lines behind these, as far as there is room; else both are written one after the other.
    pub(crate) fn join(&mut self, other: &Lines<'_>) {
        if other.length > self.memory.len() - self.length {
            self.write();
            self.clear();
        }
        if other.length <= self.memory.len() - self.length {
            self.memory[self.length..self.length + other.length].copy_from_slice(other.bytes());
            self.length += other.length;
            self.events += other.events;
            self.counts &= other.counts;
        }
    }

    /// Writes them, and before them that others were lost; true when they are written.
    pub(crate) fn write(&self) -> bool {
        if self.length == 0 {
            return false;
        }
        let group = file::Group { lines: self.bytes(), events: self.events, counts: self.counts };
        file::append(&group, |events, because, write| {
            let mut reason = Text::<96>::new();
            let _ = write!(reason, "{because}");
            let mut memory = [0u8; 512];
            let mut lines = Lines::over(&mut memory);
            lines.add(None, Event::Lost(Lost { events: u64::from(events), because: Borrowed(reason.as_str()) }));
            write(lines.bytes())
        })
    }
}
