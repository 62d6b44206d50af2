//! A thread's own chain of frames, read raw: no lock, no reference taken, nothing allocated.
use super::layout::Layout;
use super::lines;
use super::types::Types;
use crate::{Bytes, Memory};

/// One frame.
#[derive(Clone, Copy)]
pub struct Frame {
    pub code: usize,
    /// Bytes into the bytecode.
    pub(super) position: i32,
    /// Where its local variables begin.
    pub locals: usize,
}

/// Frames that are read at most: a chain that is longer is deep recursion or no chain.
const MOST_WALKED: usize = 2000;

/// Reads with what is known of the interpreter.
#[derive(Clone, Copy)]
pub struct Reader<'a, M> {
    pub memory: M,
    pub layout: &'a Layout,
    pub types: &'a Types,
}

impl<M: Memory> Reader<'_, M> {
    /// Calls `each` with the frames of a thread's state, innermost first, until it gives false. False when the chain was not what
    /// it should be.
    pub fn walk(&self, state: usize, mut each: impl FnMut(Frame) -> bool) -> bool {
        let layout = self.layout;
        let innermost = self.memory.value(state + layout.frame).and_then(|place: usize| match layout.inner {
            Some(offset) => self.memory.value(place + offset),
            None => Some(place),
        });
        let Some(mut frame) = innermost else { return false };
        for _ in 0..MOST_WALKED {
            if frame == 0 {
                return true;
            }
            match self.frame(frame) {
                Some((Some(found), previous)) => {
                    if !each(found) {
                        return true;
                    }
                    frame = previous;
                }
                Some((None, previous)) => frame = previous,
                None => return false,
            }
        }
        true
    }

    /// A frame (None while it is being set up, or not of Python code) and the next outer one.
    fn frame(&self, address: usize) -> Option<(Option<Frame>, usize)> {
        let layout = self.layout;
        let previous: usize = self.memory.value(address + layout.previous)?;
        let locals = address + layout.locals;
        // Since 3.14 the pointer's lowest bits are a tag.
        let code = self.memory.value::<usize>(address + layout.code)? & !3;
        let Some(owner) = layout.owner else {
            self.is(code, self.types.code)?;
            let position = self.memory.value::<i32>(address + layout.position)?.checked_mul(layout.unit)?;
            return Some((Some(Frame { code, position, locals }), previous));
        };
        let owner: u8 = self.memory.value(address + owner)?;
        if owner >= layout.foreign {
            return Some((None, previous));
        }
        self.is(code, self.types.code)?;
        let start = code + layout.bytecode;
        let position = self.memory.value::<usize>(address + layout.position)?.wrapping_sub(start) as isize;
        let first: i32 = self.memory.value(code + layout.first_traceable())?;
        const GENERATOR: u8 = 1;
        let complete = owner == GENERATOR || position >= first as isize * 2;
        let frame = Frame { code, position: i32::try_from(position).ok()?, locals };
        Some((complete.then_some(frame), previous))
    }

    /// Some when the object at an address is of a type.
    pub(super) fn is(&self, object: usize, of: usize) -> Option<()> {
        (object != 0 && self.memory.value::<usize>(object + 8)? == of).then_some(())
    }

    /// Line of a frame; None when it has none.
    pub fn line(&self, frame: Frame) -> Option<u32> {
        let layout = self.layout;
        let first: i32 = self.memory.value(frame.code + layout.first_line)?;
        let table: usize = self.memory.value(frame.code + layout.lines)?;
        self.is(table, self.types.bytes)?;
        let length: usize = self.memory.value(table + 16)?;
        lines::line(layout.table, &mut Bytes::new(self.memory, table + 32, length.min(1 << 20)), first, frame.position)
    }

    /// Where a function's code begins.
    pub fn first_line(&self, code: usize) -> Option<u32> {
        u32::try_from(self.memory.value::<i32>(code + self.layout.first_line)?).ok()
    }

    /// Qualified name of a code object; before 3.11 the plain one.
    pub fn name_text<'t>(&self, code: usize, into: &'t mut [u8; LONGEST]) -> Option<&'t str> {
        self.text(self.memory.value(code + self.layout.name)?, into)
    }

    /// The same where it is of ASCII characters, as many as fit: faster.
    pub fn short_name<'t>(&self, code: usize, into: &'t mut [u8]) -> Option<&'t str> {
        let object: usize = self.memory.value(code + self.layout.name)?;
        let length: usize = self.memory.value(object + 16)?;
        let part = into.get_mut(..length)?;
        if self.memory.read(object + self.layout.ascii, part) { str::from_utf8(part).ok() } else { None }
    }

    /// File of a code object.
    pub fn file_text<'t>(&self, code: usize, into: &'t mut [u8; LONGEST]) -> Option<&'t str> {
        self.text(self.memory.value(code + self.layout.filename)?, into)
    }

    /// A local variable of a frame.
    pub fn local(&self, locals: usize, index: usize) -> Option<usize> {
        // Since 3.14 the lowest bits are a tag.
        self.memory.value::<usize>(locals + index * 8).map(|object| object & !3).filter(|&object| object != 0)
    }

    /// A str object's characters, as many as fit.
    pub fn text<'t>(&self, object: usize, into: &'t mut [u8; LONGEST]) -> Option<&'t str> {
        self.is(object, self.types.unicode)?;
        let length: usize = self.memory.value(object + 16)?;
        let state: u32 = self.memory.value(object + 32)?;
        let (kind, compact, ascii) = (state >> 2 & 7, state & 1 << 5 != 0, state & 1 << 6 != 0);
        if !compact || !matches!(kind, 1 | 2 | 4) {
            return None;
        }
        if ascii {
            let part = &mut into[..length.min(LONGEST)];
            return if self.memory.read(object + self.layout.ascii, part) { str::from_utf8(part).ok() } else { None };
        }
        let data = object + self.layout.compact;
        let mut bytes = Bytes::new(self.memory, data, length.min(LONGEST) * kind as usize);
        let mut used = 0;
        for _ in 0..length.min(LONGEST) {
            let mut word = [0u8; 4];
            for byte in &mut word[..kind as usize] {
                *byte = bytes.next()?;
            }
            let character = char::from_u32(u32::from_le_bytes(word)).unwrap_or(char::REPLACEMENT_CHARACTER);
            let Some(room) = into.get_mut(used..used + character.len_utf8()) else { break };
            used += character.encode_utf8(room).len();
        }
        str::from_utf8(&into[..used]).ok()
    }
}

/// Beginning of the files of the import machinery's own frames: left out, as Python's tracebacks do.
pub const IMPORTING: &str = "<frozen importlib";

/// Bytes of a text that are read.
pub const LONGEST: usize = 500;
