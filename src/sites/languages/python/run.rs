//! Code of ours in the interpreter: compiled once, kept in the dictionary that an interpreter has for extensions (PyInterpreterState_GetDict),
//! so that it ends with it and no program sees it. Only the main interpreter of a build with a GIL runs any.
use super::code_api::{CodeApi, Object};
use super::interpreter::{Interpreter, interpreter, is_known};
use std::ffi::{CStr, c_int};
use std::ptr::null_mut;

/// The main interpreter, with the GIL held and no exception under way.
pub(crate) struct Running {
    api: &'static CodeApi,
    /// The code's variables have this name in the interpreter's dictionary.
    name: &'static CStr,
}

/// Runs `work` where this thread runs Python code and holds the GIL already.
pub(crate) fn while_held<R>(name: &'static CStr, work: impl FnOnce(&Running) -> R) -> Option<R> {
    let (python, api) = running_interpreter()?;
    python.api.holds_gil(python.api.state()?).then(|| without_exception(python, api, name, work)).flatten()
}

/// Runs `work` where this thread, one of Python's, has given the GIL back: takes it for that long. With `only_if_free` it does not wait
/// for it where the interpreter tells that a thread has it: a lost thread may have it.
pub(crate) fn while_taken<R>(name: &'static CStr, only_if_free: bool, work: impl FnOnce(&Running) -> R) -> Option<R> {
    let (python, api) = running_interpreter()?;
    let state = python.api.state()?;
    if python.api.holds_gil(state) || only_if_free && python.api.some_thread_holds_gil() {
        return None;
    }
    // SAFETY: this thread has a state, which is not current.
    let before = unsafe { (api.gil_ensure)() };
    let result = without_exception(python, api, name, work);
    // SAFETY: as it was taken.
    unsafe { (api.gil_release)(before) };
    result
}

/// The interpreter, while it runs code and is not about to end.
fn running_interpreter() -> Option<(&'static Interpreter, &'static CodeApi)> {
    let python = if is_known() { interpreter()? } else { return None };
    let api = python.api.code.as_ref()?;
    // SAFETY: asks for a flag.
    (unsafe { (api.is_ending)() } == 0).then_some((python, api))
}

/// Runs `work` if this is the main interpreter, with the exception that is under way set aside.
fn without_exception<R>(
    python: &Interpreter,
    api: &'static CodeApi,
    name: &'static CStr,
    work: impl FnOnce(&Running) -> R,
) -> Option<R> {
    if (api.own_interpreter)() != python.api.main() {
        return None;
    }
    let [mut class, mut value, mut trace] = [null_mut(); 3];
    // SAFETY: the GIL is held; what is taken is given back.
    unsafe { (api.fetch_error)(&mut class, &mut value, &mut trace) };
    let result = work(&Running { api, name });
    // SAFETY: as above.
    unsafe { (api.restore_error)(class, value, trace) };
    Some(result)
}

impl Running {
    /// The code's variables, borrowed; null when it is not installed.
    fn variables(&self) -> Object {
        let api = self.api;
        // SAFETY: the GIL is held.
        unsafe {
            let dictionary = (api.own_dictionary)((api.own_interpreter)());
            if dictionary.is_null() { dictionary } else { (api.item)(dictionary, self.name.as_ptr()) }
        }
    }

    /// True when the code is installed.
    pub(crate) fn is_installed(&self) -> bool {
        !self.variables().is_null()
    }

    /// Compiles `source`, runs it once and keeps its variables.
    pub(crate) fn install(&self, source: &CStr) -> bool {
        const WHOLE_FILE: c_int = 257;
        let api = self.api;
        // SAFETY: the GIL is held; each reference that is taken is given back.
        unsafe {
            let code = (api.compile)(source.as_ptr(), c"<forkguard>".as_ptr(), WHOLE_FILE, null_mut(), -1);
            let variables = (api.new_dictionary)();
            let dictionary = (api.own_dictionary)((api.own_interpreter)());
            let mut ran = false;
            if !code.is_null() && !variables.is_null() && !dictionary.is_null() {
                (api.set_item)(variables, c"__builtins__".as_ptr(), (api.builtins)());
                let result = (api.run)(code, variables, variables);
                ran = !result.is_null() && (api.set_item)(dictionary, self.name.as_ptr(), variables) == 0;
                self.truth(result);
            }
            [code, variables].into_iter().filter(|object| !object.is_null()).for_each(|object| (api.release)(object));
            self.drop_exception();
            ran
        }
    }

    /// Calls the code's function of this name; what it gave as a truth, false when it raised.
    pub(crate) fn call(&self, function: &CStr, arguments: Option<(usize, bool)>) -> bool {
        let api = self.api;
        let variables = self.variables();
        if variables.is_null() {
            return false;
        }
        // SAFETY: the GIL is held; each reference that is taken is given back; the format names the arguments.
        unsafe {
            let function = (api.item)(variables, function.as_ptr());
            if function.is_null() {
                return false;
            }
            let result = match arguments {
                Some((number, flag)) => (api.call)(function, c"Ki".as_ptr(), number as u64, c_int::from(flag)),
                None => (api.call)(function, std::ptr::null()),
            };
            self.truth(result)
        }
    }

    /// Calls the code's function of this name, which takes nothing; None when it raised.
    pub(crate) fn call_for_number(&self, function: &CStr) -> Option<i64> {
        let (api, variables) = (self.api, self.variables());
        if variables.is_null() {
            return None;
        }
        // SAFETY: the GIL is held; each reference that is taken is given back.
        unsafe {
            let function = (api.item)(variables, function.as_ptr());
            let result = if function.is_null() { function } else { (api.call)(function, std::ptr::null()) };
            if result.is_null() {
                self.drop_exception();
                return None;
            }
            let number = (api.number)(result);
            (api.release)(result);
            self.drop_exception();
            Some(number)
        }
    }

    /// True for a result that is true; gives it back. One that is missing has left an exception.
    fn truth(&self, result: Object) -> bool {
        if result.is_null() {
            self.drop_exception();
            return false;
        }
        // SAFETY: the GIL is held; the reference is ours.
        unsafe {
            let truth = (self.api.is_true)(result) > 0;
            (self.api.release)(result);
            truth
        }
    }

    /// An exception that code of ours left is dropped, but one that a signal handler of the program raised meanwhile (SystemExit,
    /// KeyboardInterrupt) is raised again as soon as the program's own code goes on.
    fn drop_exception(&self) {
        let api = self.api;
        let [mut class, mut value, mut trace] = [null_mut(); 3];
        // SAFETY: the GIL is held; each reference is given back, or on to the pending call.
        unsafe {
            (api.fetch_error)(&mut class, &mut value, &mut trace);
            if class.is_null() {
                return;
            }
            (api.normalize_error)(&mut class, &mut value, &mut trace);
            let ordinary = (api.is_kind_of)(class, *(api.exception as *const Object)) != 0;
            if !ordinary && !value.is_null() && (api.call_later)(raise, value) == 0 {
                value = null_mut();
            }
            [class, value, trace].into_iter().filter(|object| !object.is_null()).for_each(|object| (api.release)(object));
        }
    }
}

/// Raises an exception, whose reference it is given.
unsafe extern "C" fn raise(exception: Object) -> c_int {
    if let Some((_, api)) = running_interpreter() {
        // SAFETY: the GIL is held; ob_type is an object's second word.
        unsafe {
            (api.set_error)(*exception.cast::<Object>().add(1), exception);
            (api.release)(exception);
        }
        return -1;
    }
    0
}
