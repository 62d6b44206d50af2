//! Code of ours in the interpreter: compiled once, kept in the dictionary that an interpreter has for extensions (PyInterpreterState_GetDict),
//! so that it ends with it and no program sees it. Only the main interpreter of a build with a GIL runs any.
use super::*;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::null_mut;

type Object = *mut c_void;

/// Functions that run code: the same from 3.9 to 3.14.
pub(super) struct Run {
    own_interpreter: extern "C" fn() -> usize,
    own_dictionary: unsafe extern "C" fn(usize) -> Object,
    is_ending: unsafe extern "C" fn() -> c_int,
    take_lock: unsafe extern "C" fn() -> c_int,
    give_lock: unsafe extern "C" fn(c_int),
    fetch_error: unsafe extern "C" fn(*mut Object, *mut Object, *mut Object),
    normalize_error: unsafe extern "C" fn(*mut Object, *mut Object, *mut Object),
    restore_error: unsafe extern "C" fn(Object, Object, Object),
    is_kind_of: unsafe extern "C" fn(Object, Object) -> c_int,
    set_error: unsafe extern "C" fn(Object, Object),
    /// The variable that holds the class.
    exception: usize,
    call_later: unsafe extern "C" fn(unsafe extern "C" fn(Object) -> c_int, Object) -> c_int,
    compile: unsafe extern "C" fn(*const c_char, *const c_char, c_int, *mut c_void, c_int) -> Object,
    run: unsafe extern "C" fn(Object, Object, Object) -> Object,
    builtins: unsafe extern "C" fn() -> Object,
    new_dictionary: unsafe extern "C" fn() -> Object,
    set_item: unsafe extern "C" fn(Object, *const c_char, Object) -> c_int,
    item: unsafe extern "C" fn(Object, *const c_char) -> Object,
    call: unsafe extern "C" fn(Object, *const c_char, ...) -> Object,
    is_true: unsafe extern "C" fn(Object) -> c_int,
    release: unsafe extern "C" fn(Object),
}

impl Run {
    /// # Safety
    /// The library of a CPython from 3.9 to 3.14.
    pub(super) unsafe fn of(library: &Library) -> Option<Run> {
        // SAFETY: the types that its headers declare.
        unsafe {
            Some(Run {
                own_interpreter: library.function_as(c"PyInterpreterState_Get")?,
                own_dictionary: library.function_as(c"PyInterpreterState_GetDict")?,
                is_ending: library.function_as(c"Py_IsFinalizing").or_else(|| library.function_as(c"_Py_IsFinalizing"))?,
                take_lock: library.function_as(c"PyGILState_Ensure")?,
                give_lock: library.function_as(c"PyGILState_Release")?,
                fetch_error: library.function_as(c"PyErr_Fetch")?,
                normalize_error: library.function_as(c"PyErr_NormalizeException")?,
                restore_error: library.function_as(c"PyErr_Restore")?,
                is_kind_of: library.function_as(c"PyErr_GivenExceptionMatches")?,
                set_error: library.function_as(c"PyErr_SetObject")?,
                exception: library.find(c"PyExc_Exception")?,
                call_later: library.function_as(c"Py_AddPendingCall")?,
                compile: library.function_as(c"Py_CompileStringExFlags")?,
                run: library.function_as(c"PyEval_EvalCode")?,
                builtins: library.function_as(c"PyEval_GetBuiltins")?,
                new_dictionary: library.function_as(c"PyDict_New")?,
                set_item: library.function_as(c"PyDict_SetItemString")?,
                item: library.function_as(c"PyDict_GetItemString")?,
                call: library.function_as(c"PyObject_CallFunction")?,
                is_true: library.function_as(c"PyObject_IsTrue")?,
                release: library.function_as(c"Py_DecRef")?,
            })
        }
    }
}

/// The main interpreter, with the GIL held and no exception under way.
pub(crate) struct Running {
    run: &'static Run,
    /// The code's variables have this name in the interpreter's dictionary.
    name: &'static CStr,
}

/// Runs `work` where this thread runs Python code and holds the GIL already.
pub(crate) fn while_held<R>(name: &'static CStr, work: impl FnOnce(&Running) -> R) -> Option<R> {
    let (python, run) = runs()?;
    python.api.holds_gil(python.api.state()?).then(|| run.calmly(name, work)).flatten()
}

/// Runs `work` where this thread, one of Python's, has given the GIL back: takes it for that long. With `only_if_free` it does not wait for
/// it where the interpreter tells that somebody has it: who has it may be a thread that a fork has lost.
pub(crate) fn while_taken<R>(name: &'static CStr, only_if_free: bool, work: impl FnOnce(&Running) -> R) -> Option<R> {
    let (python, run) = runs()?;
    let state = python.api.state()?;
    if python.api.holds_gil(state) || only_if_free && python.api.is_taken() {
        return None;
    }
    // SAFETY: this thread has a state, which is not current.
    let before = unsafe { (run.take_lock)() };
    let result = run.calmly(name, work);
    // SAFETY: as it was taken.
    unsafe { (run.give_lock)(before) };
    result
}

fn runs() -> Option<(&'static Interpreter, &'static Run)> {
    let python = if is_known() { interpreter()? } else { return None };
    let run = python.api.run.as_ref()?;
    // SAFETY: asks for a flag.
    (unsafe { (run.is_ending)() } == 0).then_some((python, run))
}

impl Run {
    /// In the main interpreter only, with the exception that is under way set aside.
    fn calmly<R>(&'static self, name: &'static CStr, work: impl FnOnce(&Running) -> R) -> Option<R> {
        let main = interpreter().map(|python| python.api.main())?;
        if (self.own_interpreter)() != main {
            return None;
        }
        let [mut class, mut value, mut trace] = [null_mut(); 3];
        // SAFETY: the GIL is held; what is taken is given back.
        unsafe { (self.fetch_error)(&mut class, &mut value, &mut trace) };
        let result = work(&Running { run: self, name });
        // SAFETY: as above.
        unsafe { (self.restore_error)(class, value, trace) };
        Some(result)
    }
}

impl Running {
    /// The code's variables, borrowed; null when it was not brought in.
    fn variables(&self) -> Object {
        let run = self.run;
        // SAFETY: the GIL is held.
        unsafe {
            let dictionary = (run.own_dictionary)((run.own_interpreter)());
            if dictionary.is_null() { dictionary } else { (run.item)(dictionary, self.name.as_ptr()) }
        }
    }

    /// True when the code was brought in.
    pub(crate) fn is_installed(&self) -> bool {
        !self.variables().is_null()
    }

    /// Brings `source` in and runs it, once.
    pub(crate) fn install(&self, source: &CStr) -> bool {
        const WHOLE_FILE: c_int = 257;
        let run = self.run;
        // SAFETY: the GIL is held; each reference that is taken is given back.
        unsafe {
            let code = (run.compile)(source.as_ptr(), c"<forkguard>".as_ptr(), WHOLE_FILE, null_mut(), -1);
            let variables = (run.new_dictionary)();
            let dictionary = (run.own_dictionary)((run.own_interpreter)());
            let mut ran = false;
            if !code.is_null() && !variables.is_null() && !dictionary.is_null() {
                (run.set_item)(variables, c"__builtins__".as_ptr(), (run.builtins)());
                let result = (run.run)(code, variables, variables);
                ran = !result.is_null() && (run.set_item)(dictionary, self.name.as_ptr(), variables) == 0;
                self.truth(result);
            }
            [code, variables].into_iter().filter(|object| !object.is_null()).for_each(|object| (run.release)(object));
            self.pass_on();
            ran
        }
    }

    /// Calls the code's function of this name; what it gave as a truth, false when it raised.
    pub(crate) fn call(&self, function: &CStr, arguments: Option<(usize, bool)>) -> bool {
        let run = self.run;
        let variables = self.variables();
        if variables.is_null() {
            return false;
        }
        // SAFETY: the GIL is held; each reference that is taken is given back; the format names the arguments.
        unsafe {
            let function = (run.item)(variables, function.as_ptr());
            if function.is_null() {
                return false;
            }
            let result = match arguments {
                Some((number, flag)) => (run.call)(function, c"Ki".as_ptr(), number as u64, c_int::from(flag)),
                None => (run.call)(function, std::ptr::null()),
            };
            self.truth(result)
        }
    }

    /// True for a result that is true; gives it back. One that is missing has left an exception.
    fn truth(&self, result: Object) -> bool {
        if result.is_null() {
            self.pass_on();
            return false;
        }
        // SAFETY: the GIL is held; the reference is ours.
        unsafe {
            let truth = (self.run.is_true)(result) > 0;
            (self.run.release)(result);
            truth
        }
    }

    /// An exception that code of ours left is dropped, but one that a signal handler of the program raised meanwhile (SystemExit,
    /// KeyboardInterrupt) is raised again as soon as the program's own code goes on.
    fn pass_on(&self) {
        let run = self.run;
        let [mut class, mut value, mut trace] = [null_mut(); 3];
        // SAFETY: the GIL is held; each reference is given back, or on to the pending call.
        unsafe {
            (run.fetch_error)(&mut class, &mut value, &mut trace);
            if class.is_null() {
                return;
            }
            (run.normalize_error)(&mut class, &mut value, &mut trace);
            let ordinary = (run.is_kind_of)(class, *(run.exception as *const Object)) != 0;
            if !ordinary && !value.is_null() && (run.call_later)(raise, value) == 0 {
                value = null_mut();
            }
            [class, value, trace].into_iter().filter(|object| !object.is_null()).for_each(|object| (run.release)(object));
        }
    }
}

/// Raises an exception, whose reference it is given.
unsafe extern "C" fn raise(exception: Object) -> c_int {
    if let Some((_, run)) = runs() {
        // SAFETY: the GIL is held; ob_type is an object's second word.
        unsafe {
            (run.set_error)(*exception.cast::<Object>().add(1), exception);
            (run.release)(exception);
        }
        return -1;
    }
    0
}
