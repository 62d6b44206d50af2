//! Perl with ithreads, as distributions build it: file and line of the statement that runs, and of the calls that led to it.
//!
//! No function tells them without allocating. They are read fault-proof from the first interpreter, by offsets that have held since 5.24
//! (tried: 5.36, 5.40), and only used where a pointer leads to an operation whose code is that of `nextstate` or `dbstate`: that is
//! what marks a statement.
use crate::Memory;
use core::ffi::CStr;
use core::sync::atomic::{AtomicUsize, Ordering::*};

/// The interpreter of a library.
pub struct Perl {
    /// Variables: the current interpreter, the names of the operations, the code of each.
    interpreter: usize,
    names: usize,
    code: usize,
    /// The code of `nextstate` and `dbstate`, which follow each other in the tables of operations; 0 unknown.
    marks: [AtomicUsize; 2],
    /// Which of its words the current statement is; 0 until one was seen.
    place: AtomicUsize,
}

/// Operations that are looked through for the two.
const OPERATIONS: usize = 400;

impl Perl {
    /// The interpreter whose symbols `find` looks up.
    pub fn of(find: impl Fn(&CStr) -> Option<usize>) -> Option<Perl> {
        Some(Perl {
            interpreter: find(c"PL_curinterp")?,
            names: find(c"PL_op_name")?,
            code: find(c"PL_ppaddr")?,
            marks: [const { AtomicUsize::new(0) }; 2],
            place: AtomicUsize::new(0),
        })
    }

    fn marks(&self, memory: impl Memory) -> Option<[usize; 2]> {
        if self.marks[1].load(Acquire) == 0 {
            let is = |place: usize, name: &[u8; 8]| {
                let word = memory.value(self.names + place * 8).and_then(|text| memory.value::<usize>(text));
                word.is_some_and(|word| word.to_le_bytes() == *name)
            };
            let place = (0..OPERATIONS).find(|place| is(*place, b"nextstat") && is(place + 1, b"dbstate\0"))?;
            let [next, debug]: [usize; 2] = memory.value(self.code + place * 8)?;
            self.marks[0].store(next, Relaxed);
            self.marks[1].store(debug, Release);
        }
        Some([0, 1].map(|i| self.marks[i].load(Relaxed)))
    }
}

/// Words of the interpreter among which the current statement is: it stands a little ahead of the stack of contexts.
const WORDS: usize = 40;
const EARLIEST: usize = 16;
const STACK_AFTER: usize = 2;

/// Types of contexts that a call, a format or an eval makes.
const CALLS: core::ops::RangeInclusive<usize> = 9..=11;
/// Stacks of contexts (sort blocks, tied variables and destructors have their own), and contexts that are looked at.
const STACKS: usize = 8;
const CONTEXTS: usize = 200;

/// Calls `each` with a file and a line; more of a frame is not known.
type Each<'a> = &'a mut dyn FnMut(&str, u32);

impl Perl {
    /// Calls `each` with file and line of the main thread's frames, innermost first.
    pub fn frames(&self, memory: impl Memory, each: Each) {
        if let Some(marks) = self.marks(memory) {
            let _ = self.walk(&Statements { memory, marks }, each);
        }
    }

    fn walk(&self, statements: &Statements<impl Memory>, each: Each) -> Option<()> {
        let memory = statements.memory;
        let words: [usize; WORDS] = memory.value(memory.value(self.interpreter)?)?;
        let place = match self.place.load(Relaxed) {
            0 => (EARLIEST..WORDS - STACK_AFTER).find(|&i| statements.line(words[i], &mut |_, _| {}).is_some())?,
            known => known,
        };
        self.place.store(place, Relaxed);
        statements.line(words[place], each);
        // struct stackinfo: its AV, the contexts, the previous one, the next one; the index of the last context.
        let mut stack = words[place + STACK_AFTER];
        for _ in 0..STACKS {
            let [_, contexts, previous, _, last]: [usize; 5] = memory.value(stack)?;
            for index in (0..=last as i32).rev().take(CONTEXTS) {
                // struct context: its type in the lowest byte, …, the statement that was current when it was entered.
                let [head, _, statement]: [usize; 3] = memory.value(contexts + index as usize * 104)?;
                if CALLS.contains(&(head & 0xf)) {
                    statements.line(statement, each);
                }
            }
            stack = previous;
        }
        Some(())
    }
}

/// Tells statements by the code that marks them.
struct Statements<M> {
    memory: M,
    marks: [usize; 2],
}

impl<M: Memory> Statements<M> {
    /// Calls `each` with file and line of a statement; None if it is none.
    fn line(&self, statement: usize, each: Each) -> Option<()> {
        // struct cop: next, sibling, code; …, line in the upper half; the package's index; the file's name.
        let [_, _, code, _, line, _, file]: [usize; 7] = statement.is_multiple_of(8).then(|| self.memory.value(statement))??;
        if !self.marks.contains(&code) {
            return None;
        }
        let mut bytes = [0u8; 256];
        let readable = [256, 64, 16].into_iter().find(|&n| self.memory.read(file, &mut bytes[..n]))?;
        let end = bytes[..readable].iter().position(|&b| b == 0)?;
        each(str::from_utf8(&bytes[..end]).ok().filter(|t| !t.is_empty())?, (line >> 32) as u32);
        Some(())
    }
}
