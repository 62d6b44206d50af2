//! PHP without thread safety (CLI, FPM, Apache's prefork): file and line of the code that runs, as error messages name them.
use super::exports::Exports;
use forkguard_core::raw;
use libc::c_char;
use std::ffi::CStr;
use std::mem::transmute;

/// `executor_globals` exists only in builds in which the main thread alone runs PHP.
pub(super) static EXPORTS: Exports<4> =
    Exports::new([c"executor_globals", c"zend_is_executing", c"zend_get_executed_filename", c"zend_get_executed_lineno"]);

/// Calls `each` with file and line of the innermost PHP function; not at all where none runs.
#[inline(never)]
pub(crate) fn frames(each: &mut dyn FnMut(&str, u32, &str)) {
    let Some([_, executing, file, line]) = EXPORTS.get() else { return };
    if raw::thread_id() != raw::process_id() {
        return;
    }
    // SAFETY: functions of the Zend API under their names: they only read, in the thread that runs PHP.
    unsafe {
        if transmute::<usize, extern "C" fn() -> bool>(executing)() {
            let file = CStr::from_ptr(transmute::<usize, extern "C" fn() -> *const c_char>(file)());
            let line = transmute::<usize, extern "C" fn() -> u32>(line)();
            // It says "[no active file]" where only C functions run.
            if let Ok(file) = file.to_str()
                && !file.starts_with('[')
            {
                each(file, line, "");
            }
        }
    }
}
