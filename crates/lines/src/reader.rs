//! Reading a section front to back, with a window of it in memory.
use core::cell::Cell;

/// What can be read at any place.
pub trait Source {
    /// Fills `into` from `at` on, as far as there is something; the bytes read.
    fn read_at(&self, at: u64, into: &mut [u8]) -> usize;
}

/// A file, and how much of it may still be read.
pub(crate) struct File<'s> {
    pub(crate) source: &'s dyn Source,
    pub(crate) allowance: Cell<u64>,
    /// Something was not read for want of it.
    pub(crate) refused: Cell<bool>,
}

impl File<'_> {
    pub(crate) fn read_at(&self, at: u64, into: &mut [u8]) -> usize {
        let Some(left) = self.allowance.get().checked_sub(into.len() as u64).filter(|_| !self.refused.get()) else {
            self.refused.set(true);
            return 0;
        };
        self.allowance.set(left);
        self.source.read_at(at, into).min(into.len())
    }
}

/// A part of the file.
#[derive(Clone, Copy, Default)]
pub(crate) struct Section {
    pub(crate) start: u64,
    pub(crate) size: u64,
}

/// A text in a section.
#[derive(Clone, Copy)]
pub(crate) struct Text {
    pub(crate) section: Section,
    pub(crate) at: u64,
}

/// The largest window, and the first after a jump.
const WINDOW: usize = 4096;
pub(crate) const FIRST: usize = 256;

/// Reads a section. None: it ended, or may not be read on.
pub(crate) struct Reader<'f, const N: usize = WINDOW> {
    file: &'f File<'f>,
    section: Section,
    /// Where in the section the window begins.
    window: u64,
    filled: usize,
    next: usize,
    /// As much is read at once.
    chunk: usize,
    buffer: [u8; N],
}

impl<'f> Reader<'f> {
    pub(crate) fn new(file: &'f File<'f>, section: Section, at: u64) -> Reader<'f> {
        Reader::with_chunk(file, section, at, FIRST)
    }
}

impl<'f, const N: usize> Reader<'f, N> {
    /// The first time so much is read at once.
    pub(crate) fn with_chunk(file: &'f File<'f>, section: Section, at: u64, chunk: usize) -> Reader<'f, N> {
        Reader { file, section, window: at, filled: 0, next: 0, chunk: chunk.min(N), buffer: [0; N] }
    }

    /// Where in the section.
    pub(crate) fn at(&self) -> u64 {
        self.window.saturating_add(self.next as u64)
    }

    pub(crate) fn seek(&mut self, at: u64) {
        match at.checked_sub(self.window) {
            Some(next) if next <= self.filled as u64 => self.next = next as usize,
            _ => (self.window, self.filled, self.next, self.chunk) = (at, 0, 0, FIRST),
        }
    }

    /// Nothing from `end` on is read.
    pub(crate) fn end_at(&mut self, end: u64) {
        self.section.size = self.section.size.min(end);
        self.filled = self.filled.min(self.section.size.saturating_sub(self.window) as usize);
    }

    #[cold]
    fn fill(&mut self) -> Option<()> {
        let at = self.at();
        let left = self.section.size.checked_sub(at).filter(|&left| left > 0)?;
        let size = left.min(self.chunk as u64) as usize;
        (self.window, self.filled, self.next) = (at, 0, 0);
        self.filled = self.file.read_at(self.section.start.checked_add(at)?, &mut self.buffer[..size]);
        self.chunk = (self.chunk * 2).min(N);
        (self.filled > 0).then_some(())
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Option<u8> {
        if self.next >= self.filled {
            self.fill()?;
        }
        let byte = *self.buffer.get(self.next)?;
        self.next += 1;
        Some(byte)
    }

    /// A number of so many bytes, at most eight.
    pub(crate) fn number(&mut self, size: u8) -> Option<u64> {
        let mut value = 0;
        for i in 0..u32::from(size.min(8)) {
            value |= u64::from(self.u8()?) << (8 * i);
        }
        Some(value)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.number(2).map(|n| n as u16)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.number(4).map(|n| n as u32)
    }

    /// An offset: of eight bytes in the wide format.
    pub(crate) fn offset(&mut self, wide: bool) -> Option<u64> {
        self.number(if wide { 8 } else { 4 })
    }

    /// The length that a unit begins with, and whether the unit is in the wide format; where the unit ends.
    pub(crate) fn unit_end(&mut self) -> Option<(u64, bool)> {
        let (length, wide) = match self.u32()? {
            0xffff_ffff => (self.number(8)?, true),
            0xffff_fff0.. => return None,
            length => (u64::from(length), false),
        };
        let end = self.at().checked_add(length)?;
        (end <= self.section.size).then_some((end, wide))
    }

    #[inline]
    pub(crate) fn unsigned(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    #[inline]
    pub(crate) fn signed(&mut self) -> Option<i64> {
        let mut value = 0i64;
        for shift in (0..70).step_by(7) {
            let byte = self.u8()?;
            value |= i64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                // The highest bit of the last byte is the sign.
                let sign = byte & 0x40 != 0 && shift + 7 < 64;
                return Some(if sign { value | -1i64 << (shift + 7) } else { value });
            }
        }
        None
    }

    pub(crate) fn skip(&mut self, count: u64) -> Option<()> {
        let at = self.at().checked_add(count).filter(|&at| at <= self.section.size)?;
        self.seek(at);
        Some(())
    }

    /// Gives each byte of a text to `take`, up to its NUL or until `take` wants no more.
    pub(crate) fn text(&mut self, mut take: impl FnMut(u8) -> bool) -> Option<()> {
        loop {
            match self.u8()? {
                0 => return Some(()),
                byte if take(byte) => {}
                _ => return None,
            }
        }
    }

    /// Passes a text; true when it is not empty.
    pub(crate) fn skip_text(&mut self) -> Option<bool> {
        let mut some = false;
        self.text(|_| {
            some = true;
            true
        })?;
        Some(some)
    }
}
