//! Perl with ithreads, as distributions build it: file and line of the statement that runs, and of the calls that led to it.
//!
//! No function tells them without allocating. They are read fault-proof from the first interpreter, by offsets that have held since 5.24
//! (tried: 5.36, 5.40), and only used where a pointer leads to an operation whose code is that of `nextstate` or `dbstate`: that is
//! what marks a statement.
use forkguard_core::kernel::{self, read_memory, read_value};
use forkguard_loader::{Library, WhileLoaded};
use std::sync::atomic::{AtomicUsize, Ordering::*};

/// The interpreter of a library.
pub(super) struct Perl {
    /// Variables: the current interpreter, the names of the operations, the code of each.
    interpreter: usize,
    names: usize,
    code: usize,
    /// The code of `nextstate` and `dbstate`, which follow each other in the tables of operations; 0 unknown.
    marks: [AtomicUsize; 2],
    /// Which of its words the current statement is; 0 until one was seen.
    place: AtomicUsize,
}

pub(super) static FOUND: WhileLoaded<Perl> = WhileLoaded::new();

/// Operations that are looked through for the two.
const OPERATIONS: usize = 400;

impl Perl {
    pub(super) fn of(library: &Library) -> Option<Perl> {
        Some(Perl {
            interpreter: library.find(c"PL_curinterp")?,
            names: library.find(c"PL_op_name")?,
            code: library.find(c"PL_ppaddr")?,
            marks: [const { AtomicUsize::new(0) }; 2],
            place: AtomicUsize::new(0),
        })
    }

    fn marks(&self) -> Option<[usize; 2]> {
        if self.marks[1].load(Acquire) == 0 {
            let is = |place: usize, name: &[u8; 8]| {
                let word = read_value::<usize>(self.names + place * 8).and_then(read_value::<[usize; 1]>);
                word.is_some_and(|[word]| word.to_le_bytes() == *name)
            };
            let place = (0..OPERATIONS).find(|place| is(*place, b"nextstat") && is(place + 1, b"dbstate\0"))?;
            let [next, debug]: [usize; 2] = read_value(self.code + place * 8)?;
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
const CALLS: std::ops::RangeInclusive<usize> = 9..=11;
/// Stacks of contexts (sort blocks, tied variables and destructors have their own), and contexts that are looked at.
const STACKS: usize = 8;
const CONTEXTS: usize = 200;

/// Calls `each` with file and line, innermost first; not at all in a thread other than the main one.
#[inline(never)]
pub(crate) fn frames(each: &mut dyn FnMut(&str, u32, &str)) {
    if let Some(perl) = FOUND.still_loaded()
        && kernel::thread_id() == kernel::process_id()
        && let Some(marks) = perl.marks()
    {
        walk(perl, marks, each);
    }
}

fn walk(perl: &Perl, marks: [usize; 2], each: &mut dyn FnMut(&str, u32, &str)) -> Option<()> {
    let words: [usize; WORDS] = read_value(read_value(perl.interpreter)?)?;
    let place = match perl.place.load(Relaxed) {
        0 => (EARLIEST..WORDS - STACK_AFTER).find(|&i| statement_line(words[i], marks, &mut |_, _, _| {}).is_some())?,
        known => known,
    };
    perl.place.store(place, Relaxed);
    statement_line(words[place], marks, each);
    // struct stackinfo: its AV, the contexts, the previous one, the next one; the index of the last context.
    let mut stack = words[place + STACK_AFTER];
    for _ in 0..STACKS {
        let [_, contexts, previous, _, last]: [usize; 5] = read_value(stack)?;
        for index in (0..=last as i32).rev().take(CONTEXTS) {
            // struct context: its type in the lowest byte, …, the statement that was current when it was entered.
            let [head, _, statement]: [usize; 3] = read_value(contexts + index as usize * 104)?;
            if CALLS.contains(&(head & 0xf)) {
                statement_line(statement, marks, each);
            }
        }
        stack = previous;
    }
    Some(())
}

/// Calls `each` with file and line of a statement; None if it is none.
fn statement_line(statement: usize, marks: [usize; 2], each: &mut dyn FnMut(&str, u32, &str)) -> Option<()> {
    // struct cop: next, sibling, code; …, line in the upper half; the package's index; the file's name.
    let [_, _, code, _, line, _, file]: [usize; 7] = statement.is_multiple_of(8).then(|| read_value(statement))??;
    if !marks.contains(&code) {
        return None;
    }
    let mut bytes = [0u8; 256];
    let readable = [256, 64, 16].into_iter().find(|&n| read_memory(file, &mut bytes[..n]))?;
    let end = bytes[..readable].iter().position(|&b| b == 0)?;
    each(std::str::from_utf8(&bytes[..end]).ok().filter(|t| !t.is_empty())?, (line >> 32) as u32, "");
    Some(())
}
