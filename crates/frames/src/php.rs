//! PHP without thread safety (CLI, FPM, Apache's prefork): the chain of `zend_execute_data`.
//!
//! Where the chain hangs and where a file's name stands in a function differs between versions. In its own process it is found out by what the Zend
//! API says of the innermost code, and each time must agree with it; from outside by what stands beside it (tried: 8.2).
use crate::Memory;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The interpreter of a library.
pub struct Php {
    /// Where `executor_globals` lies.
    globals: usize,
    /// Indexes that were found out, in words: of the innermost call in the globals, of the file's name in a function; 0 unknown.
    call_index: AtomicUsize,
    file_index: AtomicUsize,
}

/// What the Zend API says of the code that runs.
pub struct Executed {
    /// Address of its file's name (zend_get_executed_filename).
    pub file: usize,
    /// Its line (zend_get_executed_lineno).
    pub line: u32,
    /// Address of its function's name (get_active_function_name).
    pub function: usize,
}

/// Frames that are taken, functions written in C included.
const DEPTH: usize = 24;
/// A longer text is cut.
const LONGEST: usize = 256;

/// Words of the globals that are looked through, and of a function.
const GLOBALS: usize = 256;
const FUNCTION: usize = 32;

/// struct _zend_execute_data: the operation, …, the function, `this` (2), the caller's.
type Call = [usize; 7];

/// Calls `each` with file, line and function.
type Each<'a> = &'a mut dyn FnMut(&str, u32, &str);

impl Php {
    /// The interpreter whose `executor_globals` lie at an address. They exist only in builds in which the main thread alone runs PHP.
    pub fn new(globals: usize) -> Php {
        Php { globals, call_index: AtomicUsize::new(0), file_index: AtomicUsize::new(0) }
    }

    /// Calls `each` with the main thread's frames from the innermost outwards; None where something is not as the API says.
    pub fn frames(&self, memory: impl Memory, executed: &Executed, each: Each) -> Option<()> {
        let (mut call, mut first) = (memory.value::<Call>(self.current(memory, executed.function)?)?, true);
        for _ in 0..DEPTH {
            let [operation, _, _, function, _, _, caller] = call;
            let code = if function == 0 { None } else { memory.value::<[usize; FUNCTION]>(function) };
            if let Some(code) = code.filter(is_php) {
                let line = line(memory, operation)?;
                if first {
                    check_index(&self.file_index, &code, executed.file - TEXT)?;
                    if line != executed.line {
                        return None;
                    }
                    first = false;
                }
                let (mut file, mut name) = ([0; LONGEST], [0; LONGEST]);
                let name = if code[1] == 0 { "main" } else { text(memory, code[1], &mut name)? };
                each(text(memory, code[self.file_index.load(Relaxed)], &mut file)?, line, name);
            }
            if caller == 0 {
                break;
            }
            call = memory.value(caller)?;
        }
        Some(())
    }

    /// The same of another process, whose main thread is in a call of the kernel's: nobody can be asked there.
    pub fn frames_outside(&self, memory: impl Memory, each: Each) -> Option<()> {
        let mut place = self.call_on_stack(memory)?;
        for _ in 0..DEPTH {
            let [operation, _, _, function, _, _, caller]: Call = memory.value(place)?;
            let code = if function == 0 { None } else { memory.value::<[usize; FUNCTION]>(function) };
            if let Some(code) = code.filter(is_php) {
                let (mut file, mut name) = ([0; LONGEST], [0; LONGEST]);
                let line = line(memory, operation)?;
                let name = if code[1] == 0 { "main" } else { text(memory, code[1], &mut name)? };
                each(text(memory, file_name(memory, &code, line)?, &mut file)?, line, name);
            }
            if caller == 0 {
                break;
            }
            place = caller;
        }
        Some(())
    }

    /// The innermost call: it lies on the stack whose top, end, start and page size stand before it in the globals.
    fn call_on_stack(&self, memory: impl Memory) -> Option<usize> {
        (0..GLOBALS).find_map(|place| {
            let [top, end, stack, page, call]: [usize; 5] = memory.value(self.globals + place * 8)?;
            let is_stack = stack != 0 && (stack..=end).contains(&top) && page.is_power_of_two() && page >= 4096;
            (is_stack && (stack..top).contains(&call) && call.is_multiple_of(8)).then_some(call)
        })
    }

    /// The innermost call: its function bears the name that the API says.
    fn current(&self, memory: impl Memory, active: usize) -> Option<usize> {
        let is = |call: usize| {
            let [_, _, _, function]: [usize; 4] = (call != 0 && call.is_multiple_of(8)).then(|| memory.value(call))??;
            let [_, name]: [usize; 2] = (function != 0 && function.is_multiple_of(8)).then(|| memory.value(function))??;
            (name == active - TEXT).then_some(call)
        };
        match self.call_index.load(Relaxed) {
            0 => (1..GLOBALS).find_map(|place| {
                let call = is(memory.value(self.globals + place * 8)?)?;
                self.call_index.store(place, Relaxed);
                Some(call)
            }),
            // Code outside of all functions has no name that could be compared.
            place => memory.value(self.globals + place * 8).filter(|call| is(*call).is_some()),
        }
    }
}

/// ZEND_USER_FUNCTION, ZEND_EVAL_CODE: the others are written in C.
fn is_php(code: &[usize; FUNCTION]) -> bool {
    matches!(code[0] as u8, 2 | 4)
}

/// struct _zend_op: handler, operands and result, the line.
fn line(memory: impl Memory, operation: usize) -> Option<u32> {
    memory.value(operation + 24)
}

/// struct _zend_op_array: the file's name stands before the function's first and last line, between which the one that runs is.
fn file_name(memory: impl Memory, code: &[usize; FUNCTION], line: u32) -> Option<usize> {
    let is_name = |string: usize| {
        let length = (string != 0 && string.is_multiple_of(8)).then(|| memory.value::<usize>(string + TEXT - 8)).flatten();
        length.is_some_and(|length| (1..4096).contains(&length) && memory.value::<u8>(string + TEXT + length) == Some(0))
    };
    let has_lines = |word: usize| (word as u32..=(word >> 32) as u32).contains(&line);
    code[2..].windows(2).find(|words| has_lines(words[1]) && is_name(words[0])).map(|words| words[0])
}

/// Finds the index of a word the first time; later the word must be at that index.
fn check_index(index: &AtomicUsize, words: &[usize], word: usize) -> Option<()> {
    if index.load(Relaxed) == 0 {
        index.store(words.iter().position(|w| *w == word)?, Relaxed);
    }
    (words[index.load(Relaxed)] == word).then_some(())
}

/// struct _zend_string: counters, hash, length, the bytes.
const TEXT: usize = 24;

fn text(memory: impl Memory, string: usize, bytes: &mut [u8; LONGEST]) -> Option<&str> {
    let length = memory.value::<usize>(string + TEXT - 8)?.min(LONGEST);
    let bytes = &mut bytes[..length];
    memory.read(string + TEXT, bytes).then_some(())?;
    match str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => str::from_utf8(&bytes[..error.valid_up_to()]).ok(),
    }
}
