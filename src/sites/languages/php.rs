//! PHP without thread safety (CLI, FPM, Apache's prefork): the code that runs, as error messages name it, and what called it.
//!
//! The innermost line comes from the Zend API, functions and callers from memory, fault-proof.
use super::memory::Memory;
use forkguard_core::kernel;
use forkguard_frames::php::{self, Executed};
use forkguard_loader::{Library, WhileLoaded};
use libc::c_char;
use std::ffi::CStr;

/// The interpreter of a library.
pub(super) struct Php {
    is_executing: extern "C" fn() -> bool,
    file: extern "C" fn() -> *const c_char,
    line: extern "C" fn() -> u32,
    function: extern "C" fn() -> *const c_char,
    calls: php::Php,
}

pub(super) static FOUND: WhileLoaded<Php> = WhileLoaded::new();

impl Php {
    pub(super) fn of(library: &Library) -> Option<Php> {
        // SAFETY: functions of the Zend API under their names: they only read, in the thread that runs PHP.
        unsafe {
            Some(Php {
                calls: php::Php::new(library.find(c"executor_globals")?),
                is_executing: library.function_as(c"zend_is_executing")?,
                file: library.function_as(c"zend_get_executed_filename")?,
                line: library.function_as(c"zend_get_executed_lineno")?,
                function: library.function_as(c"get_active_function_name")?,
            })
        }
    }
}

/// Calls `each` with file, line and function, innermost first; not at all where no PHP runs.
#[inline(never)]
pub(crate) fn frames(each: &mut dyn FnMut(&str, u32, &str)) {
    let Some(php) = FOUND.still_loaded() else { return };
    if kernel::thread_id() != kernel::process_id() || !(php.is_executing)() {
        return;
    }
    let file = (php.file)();
    let executed = Executed { file: file as usize, line: (php.line)(), function: (php.function)() as usize };
    let mut any = false;
    let mut count = |file: &str, line, function: &str| {
        any = true;
        each(file, line, function);
    };
    let _ = php.calls.frames(Memory::careful(), &executed, &mut count);
    // SAFETY: a C string of the function that runs.
    let file = unsafe { CStr::from_ptr(file) };
    // It says "[no active file]" where only C functions run.
    if let Ok(file) = file.to_str()
        && !any
        && !file.starts_with('[')
    {
        each(file, executed.line, "");
    }
}
