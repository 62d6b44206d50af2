//! Where Ruby is about to fork: `Process._fork` (Ruby 3.1), which Kernel#fork and Process.fork call before anything is prepared for the fork, and
//! which Ruby made to be extended. A module with a method of that name is prepended to the singleton class of `Process`.
use super::{Value, running};
use forkguard_loader::{Library, WhileLoaded};
use std::ffi::{c_char, c_int, c_uint, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Functions of MRI's that add a method.
struct Api {
    postpone: extern "C" fn(c_uint, extern "C" fn(*mut c_void), *mut c_void) -> c_int,
    protect: extern "C-unwind" fn(extern "C-unwind" fn(Value) -> Value, Value, *mut c_int) -> Value,
    evaluate: unsafe extern "C-unwind" fn(*const c_char) -> Value,
    set_error: extern "C" fn(Value),
    new_module: extern "C-unwind" fn() -> Value,
    define_method: unsafe extern "C-unwind" fn(Value, *const c_char, extern "C-unwind" fn(Value) -> Value, c_int),
    singleton_class: extern "C-unwind" fn(Value) -> Value,
    prepend: extern "C-unwind" fn(Value, Value),
    call_super: unsafe extern "C-unwind" fn(c_int, *const Value) -> Value,
    /// The variable that holds the module `Process`.
    process: usize,
}

static FOUND: WhileLoaded<Api> = WhileLoaded::new();
static BEFORE: OnceLock<fn()> = OnceLock::new();

/// Looks for the interpreter in a library that was loaded.
pub(crate) fn search(library: &Library) {
    FOUND.search(library, Api::of);
}

impl Api {
    fn of(library: &Library) -> Option<Api> {
        // SAFETY: functions of MRI's C API under their names.
        unsafe {
            Some(Api {
                postpone: library.function_as(c"rb_postponed_job_register_one")?,
                protect: library.function_as(c"rb_protect")?,
                evaluate: library.function_as(c"rb_eval_string")?,
                set_error: library.function_as(c"rb_set_errinfo")?,
                new_module: library.function_as(c"rb_module_new")?,
                define_method: library.function_as(c"rb_define_method")?,
                singleton_class: library.function_as(c"rb_singleton_class")?,
                prepend: library.function_as(c"rb_prepend_module")?,
                call_super: library.function_as(c"rb_call_super")?,
                process: library.find(c"rb_mProcess")?,
            })
        }
    }
}

/// `before` is called whenever Ruby's main thread is about to fork. An exception that it lets out is raised by the program's call of fork, so it may
/// have nothing to drop.
pub(crate) fn before_ruby_forks(before: fn()) {
    let _ = BEFORE.set(before);
}

/// The method was asked for.
static ASKED: AtomicBool = AtomicBool::new(false);

/// True while somebody wants to be called, and the method was not asked for.
pub(crate) fn is_awaited() -> bool {
    BEFORE.get().is_some() && !ASKED.load(Relaxed)
}

/// Has the main thread add the method, soon; true when that is asked for. Not in a native signal handler.
pub(crate) fn install_soon() -> bool {
    let api = FOUND.still_loaded().filter(|_| !ASKED.load(Relaxed) && running().is_some());
    let asked = api.is_some_and(|api| (api.postpone)(0, install, std::ptr::null_mut()) != 0);
    ASKED.fetch_or(asked, Relaxed);
    ASKED.load(Relaxed)
}

/// Between two instructions of the program.
extern "C" fn install(_nothing: *mut c_void) {
    let Some(api) = FOUND.still_loaded() else { return };
    let mut state = 0;
    (api.protect)(prepend, 0, &mut state);
    if state != 0 {
        // SAFETY: a constant.
        (api.set_error)(unsafe { (api.evaluate)(c"nil".as_ptr()) });
    }
}

extern "C-unwind" fn prepend(_nothing: Value) -> Value {
    if let Some(api) = FOUND.still_loaded() {
        let module = (api.new_module)();
        // SAFETY: the variable holds the module from the interpreter's start; the method takes no arguments.
        unsafe {
            (api.define_method)(module, c"_fork".as_ptr(), before_fork, 0);
            (api.prepend)((api.singleton_class)(*(api.process as *const Value)), module);
        }
    }
    0
}

/// The method. It is left by longjmp where an exception is raised: nothing here is to be dropped.
extern "C-unwind" fn before_fork(_process: Value) -> Value {
    if let Some(before) = BEFORE.get() {
        before();
    }
    match FOUND.still_loaded() {
        // SAFETY: called in a method, without arguments.
        Some(api) => unsafe { (api.call_super)(0, std::ptr::null()) },
        None => 0,
    }
}

/// What Ruby code gives that ends with a small integer; in the method only, and an exception leaves it.
pub(crate) fn evaluate_ruby(code: &'static std::ffi::CStr) -> Option<i64> {
    let api = FOUND.still_loaded()?;
    // SAFETY: this thread runs the interpreter's code.
    let value = unsafe { (api.evaluate)(code.as_ptr()) };
    // A small integer is its double plus one.
    (value & 1 == 1).then_some(value as i64 >> 1)
}
