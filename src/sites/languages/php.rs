//! PHP without thread safety (CLI, FPM, Apache's prefork): the code that runs, as error messages name it, and what called it.
//!
//! The innermost line comes from the Zend API. Functions and callers are read fault-proof from the chain of `zend_execute_data`; where that
//! hangs and where a file's name stands in a function is found out by what the API says, and each time must agree with it.
use forkguard_core::kernel::{self, read_memory, read_value};
use forkguard_loader::{Library, WhileLoaded};
use libc::c_char;
use std::ffi::CStr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The interpreter of a library.
pub(super) struct Php {
    globals: usize,
    is_executing: extern "C" fn() -> bool,
    file: extern "C" fn() -> *const c_char,
    line: extern "C" fn() -> u32,
    function: extern "C" fn() -> *const c_char,
    /// Indexes that were found out, in words: of the innermost call in the globals, of the file's name in a function; 0 unknown.
    call_index: AtomicUsize,
    file_index: AtomicUsize,
}

pub(super) static FOUND: WhileLoaded<Php> = WhileLoaded::new();

impl Php {
    /// `executor_globals` exists only in builds in which the main thread alone runs PHP.
    pub(super) fn of(library: &Library) -> Option<Php> {
        // SAFETY: functions of the Zend API under their names: they only read, in the thread that runs PHP.
        unsafe {
            Some(Php {
                globals: library.find(c"executor_globals")?,
                is_executing: library.function_as(c"zend_is_executing")?,
                file: library.function_as(c"zend_get_executed_filename")?,
                line: library.function_as(c"zend_get_executed_lineno")?,
                function: library.function_as(c"get_active_function_name")?,
                call_index: AtomicUsize::new(0),
                file_index: AtomicUsize::new(0),
            })
        }
    }
}

/// Frames that are taken, functions written in C included.
const DEPTH: usize = 24;
/// A longer text is cut.
const LONGEST: usize = 256;

/// Words of the globals that are looked through, and of a function.
const GLOBALS: usize = 256;
const FUNCTION: usize = 32;

/// Calls `each` with file, line and function, innermost first; not at all where no PHP runs.
#[inline(never)]
pub(crate) fn frames(each: &mut dyn FnMut(&str, u32, &str)) {
    let Some(php) = FOUND.still_loaded() else { return };
    if kernel::thread_id() != kernel::process_id() || !(php.is_executing)() {
        return;
    }
    let (file, line, function) = ((php.file)(), (php.line)(), (php.function)());
    let mut any = false;
    let mut count = |file: &str, line, function: &str| {
        any = true;
        each(file, line, function);
    };
    let _ = walk(php, (file as usize, line), function as usize, &mut count);
    // SAFETY: a C string of the function that runs.
    let file = unsafe { CStr::from_ptr(file) };
    // It says "[no active file]" where only C functions run.
    if let Ok(file) = file.to_str()
        && !any
        && !file.starts_with('[')
    {
        each(file, line, "");
    }
}

/// struct _zend_execute_data: the operation, …, the function, `this` (2), the caller's.
type Call = [usize; 7];

/// From the innermost call outwards; None where something is not as the API says.
fn walk(php: &Php, innermost: (usize, u32), active: usize, each: &mut dyn FnMut(&str, u32, &str)) -> Option<()> {
    let (mut call, mut first) = (read_value::<Call>(php.current(active)?)?, true);
    for _ in 0..DEPTH {
        let [operation, _, _, function, _, _, caller] = call;
        let code = if function == 0 { None } else { read_value::<[usize; FUNCTION]>(function) };
        // ZEND_USER_FUNCTION, ZEND_EVAL_CODE: the others are written in C.
        if let Some(code) = code.filter(|code| matches!(code[0] as u8, 2 | 4)) {
            // struct _zend_op: handler, operands and result, the line.
            let line = read_value::<u32>(operation + 24)?;
            if first {
                check_index(&php.file_index, &code, innermost.0 - TEXT)?;
                if line != innermost.1 {
                    return None;
                }
                first = false;
            }
            let (mut file, mut name) = ([0; LONGEST], [0; LONGEST]);
            let name = if code[1] == 0 { "main" } else { text(code[1], &mut name)? };
            each(text(code[php.file_index.load(Relaxed)], &mut file)?, line, name);
        }
        if caller == 0 {
            break;
        }
        call = read_value(caller)?;
    }
    Some(())
}

impl Php {
    /// The innermost call: its function bears the name that the API says.
    fn current(&self, active: usize) -> Option<usize> {
        let is = |call: usize| {
            let [_, _, _, function]: [usize; 4] = (call != 0 && call.is_multiple_of(8)).then(|| read_value(call))??;
            let [_, name]: [usize; 2] = (function != 0 && function.is_multiple_of(8)).then(|| read_value(function))??;
            (name == active - TEXT).then_some(call)
        };
        match self.call_index.load(Relaxed) {
            0 => (1..GLOBALS).find_map(|place| {
                let call = is(read_value(self.globals + place * 8)?)?;
                self.call_index.store(place, Relaxed);
                Some(call)
            }),
            // Code outside of all functions has no name that could be compared.
            place => read_value(self.globals + place * 8).filter(|call| is(*call).is_some()),
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

fn text(string: usize, bytes: &mut [u8; LONGEST]) -> Option<&str> {
    let length = read_value::<usize>(string + TEXT - 8)?.min(LONGEST);
    let bytes = &mut bytes[..length];
    read_memory(string + TEXT, bytes).then_some(())?;
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).ok(),
    }
}
