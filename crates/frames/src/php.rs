//! PHP without thread safety (CLI, FPM, Apache's prefork): the chain of `zend_execute_data`.
//!
//! Where the chain hangs and where a file's name stands in a function differs between versions. It is found out by what the Zend API says of
//! the innermost code, and each time must agree with it.
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
            // ZEND_USER_FUNCTION, ZEND_EVAL_CODE: the others are written in C.
            if let Some(code) = code.filter(|code| matches!(code[0] as u8, 2 | 4)) {
                // struct _zend_op: handler, operands and result, the line.
                let line = memory.value::<u32>(operation + 24)?;
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
