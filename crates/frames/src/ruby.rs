//! MRI 3.1 to 3.4: the control frames of a thread, from outside.
//!
//! A thread's execution context is not to be had by a symbol, but every function of the virtual machine that a thread is in has its address on
//! the native stack. It begins with the machine's stack, that one's size and the innermost control frame, which must agree with each other. Where a
//! method's location stands in its code differs between versions: it is found by the four words that make one.
use crate::Memory;
use core::ffi::CStr;
use core::ops::Range;

/// The interpreter of a library.
pub struct Ruby {
    minor: u32,
}

/// Calls `each` with file, line and method.
type Each<'a> = &'a mut dyn FnMut(&str, u32, &str);

/// Frames that are taken; words of the native stack that are looked at.
const DEPTH: usize = 64;
const STACK_WORDS: usize = 16384;
/// A longer text is cut.
const LONGEST: usize = 512;

impl Ruby {
    /// The interpreter whose symbols `find` looks up; None for a version that is not known.
    pub fn of(memory: impl Memory, find: impl Fn(&CStr) -> Option<usize>) -> Option<Ruby> {
        find(c"rb_profile_frames")?;
        let [major, minor] = [0, 4].map(|at| memory.value::<i32>(find(c"ruby_api_version")? + at));
        (major? == 3).then_some(())?;
        let minor = u32::try_from(minor?).ok()?;
        (1..=4).contains(&minor).then_some(Ruby { minor })
    }

    /// Calls `each` with the frames of the thread whose native stack is given, innermost first.
    pub fn frames(&self, memory: impl Memory, stack: Range<usize>, each: Each) {
        let words = stack.step_by(8).take(STACK_WORDS).filter_map(|place| memory.value::<usize>(place));
        let mut last = 0;
        for word in words {
            // The same address stands on a stack many times.
            if word != last && is_object(word) && self.context(memory, word, each).is_some() {
                return;
            }
            last = word;
        }
    }

    /// Calls `each` with the frames of an execution context, innermost first; None when the address is of none.
    pub fn context(&self, memory: impl Memory, context: usize, each: Each) -> Option<()> {
        let [stack, size, innermost]: [usize; 3] = memory.value(context)?;
        (is_object(stack) && (1 << 10..1 << 24).contains(&size)).then_some(())?;
        let end = stack + size * 8;
        (innermost.is_multiple_of(8) && (stack..end).contains(&innermost)).then_some(())?;
        let frame = (6..=9).map(|words| words * 8).find(|&frame| self.are_frames(memory, innermost, end, frame))?;
        for control in (innermost..end).step_by(frame).take(DEPTH) {
            let [counter, _, code]: [usize; 3] = memory.value(control)?;
            if counter != 0 && code != 0 {
                self.frame(memory, counter, code, each);
            }
        }
        Some(())
    }

    /// True when all control frames of that size have code with a location, or none; and one has.
    fn are_frames(&self, memory: impl Memory, innermost: usize, end: usize, frame: usize) -> bool {
        let whole = (end - innermost).is_multiple_of(frame);
        let mut codes = (innermost..end).step_by(frame).take(DEPTH).map(|control| memory.value::<[usize; 3]>(control));
        let mut any = false;
        let all = codes.all(|words| match words {
            Some([0, _, _] | [_, _, 0]) => true,
            Some([_, _, code]) => {
                any = true;
                self.location(memory, code).is_some()
            }
            None => false,
        });
        whole && all && any
    }

    /// struct rb_iseq_struct: flags, a word, the body. In the body: its type and size, the instructions, …, the location.
    fn location(&self, memory: impl Memory, code: usize) -> Option<Location> {
        let body: usize = memory.value(code.is_multiple_of(8).then_some(code + 16)?)?;
        is_object(body).then_some(())?;
        let first: usize = memory.value(body + 8)?;
        const FROM: usize = 4;
        const TO: usize = 48;
        (FROM..TO).map(|index| body + index * 8).find_map(|place| {
            let [path, base, label]: [usize; 3] = memory.value(place)?;
            let text = |object| self.characters(memory, object).is_some();
            let path = self.path(memory, path)?;
            (text(path) && text(base) && text(label)).then_some(Location { path, method: base, after: place + 24, first })
        })
    }

    fn frame(&self, memory: impl Memory, counter: usize, code: usize, each: Each) -> Option<()> {
        let location = self.location(memory, code)?;
        let line = self.line(memory, &location, counter)?;
        let (mut file, mut method) = ([0; LONGEST], [0; LONGEST]);
        let (file, method) = (self.text(memory, location.path, &mut file)?, self.text(memory, location.method, &mut method)?);
        // The interpreter's own Ruby is left out, and what stands for it below the program's first frame.
        if !file.starts_with('<') && line > 0 {
            each(file, line, method);
        }
        Some(())
    }

    /// The line of an instruction. Behind the three texts of a location: its first line (a word), a number and four columns and lines; then
    /// the table of lines, the positions that it has been made from or null, its length, and the index (struct succ_index_table).
    fn line(&self, memory: impl Memory, location: &Location, counter: usize) -> Option<u32> {
        // Since 3.2 the first line is an int.
        let skip = if self.minor == 1 { 8 + 24 } else { 24 };
        let [table, _, length, index]: [usize; 4] = memory.value(location.after + skip)?;
        let position = (counter.checked_sub(location.first)? / 8).saturating_sub(1);
        let entry = match length as u32 {
            0 => return None,
            1 => 0,
            length => rank(memory, index, position)?.checked_sub(1).filter(|&entry| entry < length as usize)?,
        };
        // struct iseq_insn_info_entry: line, node, events.
        u32::try_from(memory.value::<i32>(table + entry * 12)?).ok()
    }

    /// The text that is a method's path: itself, or the first of an array of two.
    fn path(&self, memory: impl Memory, object: usize) -> Option<usize> {
        const ARRAY: usize = 7;
        const EMBEDDED: usize = 1 << 13;
        is_object(object).then_some(())?;
        let [flags, _, first, _, items]: [usize; 5] = memory.value(object)?;
        match flags & TYPE {
            ARRAY if flags & EMBEDDED != 0 => Some(first),
            ARRAY => memory.value(items),
            _ => Some(object),
        }
    }

    /// Where the characters of a String are, and how many.
    fn characters(&self, memory: impl Memory, object: usize) -> Option<(usize, usize)> {
        const STRING: usize = 5;
        const ON_HEAP: usize = 1 << 13;
        is_object(object).then_some(())?;
        let [flags, _, length, pointer]: [usize; 4] = memory.value(object)?;
        (flags & TYPE == STRING).then_some(())?;
        let (start, length) = match flags & ON_HEAP != 0 {
            true => (pointer, length),
            // Until 3.1 the flags have the length of short texts.
            false if self.minor == 1 => (object + 16, flags >> 14 & 0x1f),
            false => (object + 24, length),
        };
        (length < 1 << 16).then_some((start, length))
    }

    fn text<'t>(&self, memory: impl Memory, object: usize, into: &'t mut [u8; LONGEST]) -> Option<&'t str> {
        let (start, length) = self.characters(memory, object)?;
        let bytes = &mut into[..length.min(LONGEST)];
        memory.read(start, bytes).then_some(())?;
        match str::from_utf8(bytes) {
            Ok(text) => Some(text),
            Err(error) => str::from_utf8(&bytes[..error.valid_up_to()]).ok(),
        }
    }
}

/// Where a piece of code stands in the source.
struct Location {
    /// Texts.
    path: usize,
    method: usize,
    /// Behind its three texts.
    after: usize,
    /// The first instruction.
    first: usize,
}

/// Of an object's flags: its type.
const TYPE: usize = 0x1f;

/// How many positions up to this one begin an entry: 54 of 7 bits each, then blocks of 512 bits with counts ahead (struct succ_dict_block).
fn rank(memory: impl Memory, table: usize, position: usize) -> Option<usize> {
    const DIRECT: usize = 54;
    const BLOCK_BITS: usize = 512;
    const BLOCK: usize = 80;
    if position < DIRECT {
        let word: usize = memory.value(table + position / 9 * 8)?;
        return Some(word >> (position % 9 * 7) & 0x7f);
    }
    let position = position - DIRECT;
    let block = table + DIRECT / 9 * 8 + position / BLOCK_BITS * BLOCK;
    let (bit, part) = (position % 64, position % BLOCK_BITS / 64);
    let [before, small]: [usize; 2] = memory.value(block)?;
    let small = if part == 0 { 0 } else { small >> ((part - 1) * 9) & 0x1ff };
    let bits: usize = memory.value(block + 16 + part * 8)?;
    Some((before as u32) as usize + small + (bits << (63 - bit)).count_ones() as usize)
}

fn is_object(address: usize) -> bool {
    address.is_multiple_of(8) && (4096..1 << 47).contains(&address)
}
