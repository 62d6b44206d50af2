//! Perl's `END` blocks (ithreads, 5.22 and later): an array of subroutines, from which each is taken before it runs (perl.c, Perl_call_list).
//!
//! Where the interpreter keeps the array differs by version: it is looked for, and is the one whose every element is named so.
use super::function::{Each, ExitFunction, MOST};
use forkguard_core::kernel::{self, read_memory, read_value};
use forkguard_loader::{Library, WhileLoaded};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The interpreter of a library: the variable that leads to it.
pub(crate) struct Perl {
    interpreter: usize,
}

pub(crate) static FOUND: WhileLoaded<Perl> = WhileLoaded::new();

impl Perl {
    pub(crate) fn of(library: &Library) -> Option<Perl> {
        Some(Perl { interpreter: library.find(c"PL_curinterp")? })
    }
}

/// Words of the interpreter among which the array is, and forks at which it is looked for.
const FIRST: usize = 128;
const WORDS: usize = 256;
const ATTEMPTS: usize = 4;

/// Where it is, in words; below [`ATTEMPTS`]: how often it was looked for in vain.
static PLACE: AtomicUsize = AtomicUsize::new(0);

/// What waits in the array, in the order in which it will run.
pub(super) fn functions(each: Each<'_>) -> Option<()> {
    for subroutine in subroutines(array()?)? {
        let mut text = [0; 256];
        let (file, line) = start_of(subroutine, &mut text).unwrap_or_default();
        each(ExitFunction { id: subroutine, file, line, name: "END block" });
    }
    Some(())
}

/// The subroutine that would run next; 0: none.
pub(super) fn next() -> Option<usize> {
    if PLACE.load(Relaxed) <= ATTEMPTS { None } else { Some(subroutines(array()?)?.next().unwrap_or(0)) }
}

/// The array of the main thread's interpreter.
fn array() -> Option<usize> {
    let perl = FOUND.still_loaded().filter(|_| kernel::thread_id() == kernel::process_id())?;
    let interpreter: usize = read_value(perl.interpreter)?;
    let place = PLACE.load(Relaxed);
    if place > ATTEMPTS {
        return read_value(interpreter + place * 8);
    }
    if place == ATTEMPTS {
        return None;
    }
    let words: [usize; WORDS] = read_value(interpreter + FIRST * 8)?;
    let is_it = |&word: &usize| subroutines(word).is_some_and(|mut all| all.next().is_some() && all.all(is_end));
    let found = words.iter().position(is_it);
    PLACE.store(found.map_or(place + 1, |found| FIRST + found), Relaxed);
    found.map(|found| words[found])
}

/// A value's body, if it is of this type: a value is the body's address, two counters of 32 bits of which the second's lowest byte is the type,
/// and a word of its own.
fn body(value: usize, class: usize) -> Option<[usize; 2]> {
    let [body, counters, own]: [usize; 3] = (value != 0 && value.is_multiple_of(8)).then(|| read_value(value))??;
    (counters >> 32 & 0xff == class).then_some([body, own])
}

/// Types of values.
const ARRAY: usize = 11;
const SUBROUTINE: usize = 13;
const GLOB: usize = 9;

/// The elements of an array: its own word leads to them, the third of its body is the index of the last.
fn subroutines(array: usize) -> Option<impl Iterator<Item = usize>> {
    let [body, elements] = body(array, ARRAY)?;
    let [_, _, last]: [usize; 3] = read_value(body)?;
    let count = Some(last.wrapping_add(1)).filter(|&count| count <= MOST)?;
    Some((0..count).map_while(move |index| read_value(elements + index * 8)))
}

/// True for a subroutine with the name `END`: its glob's name is a hash, a length, the characters.
fn is_end(subroutine: usize) -> bool {
    let name = || {
        let [subroutine, _] = body(subroutine, SUBROUTINE)?;
        let [glob, _] = body(read_value(subroutine + 56)?, GLOB)?;
        read_value::<[u32; 3]>(read_value::<usize>(glob + 32)? + 4)
    };
    name().is_some_and(|[length, characters, _]| length == 3 && characters == u32::from_le_bytes(*b"END\0"))
}

/// File and line of a subroutine's first statement.
fn start_of(subroutine: usize, text: &mut [u8; 256]) -> Option<(&str, u32)> {
    /// Operations among which it is.
    const OPERATIONS: usize = 4;
    let [subroutine, _] = body(subroutine, SUBROUTINE)?;
    let [mut operation, _, _, file]: [usize; 4] = read_value(subroutine + 40)?;
    let readable = [256, 64, 16].into_iter().find(|&n| read_memory(file, &mut text[..n]))?;
    let end = text[..readable].iter().position(|&byte| byte == 0)?;
    for _ in 0..OPERATIONS {
        // struct cop: next, sibling, code, target; type and flags, the line; the package's index; the file's name.
        let [next, _, _, _, line, _, name]: [usize; 7] = read_value(operation)?;
        let mut bytes = [0; 256];
        if read_memory(name, &mut bytes[..=end]) && bytes[..=end] == text[..=end] {
            return Some((str::from_utf8(&text[..end]).ok()?, (line >> 32) as u32));
        }
        operation = next;
    }
    None
}
