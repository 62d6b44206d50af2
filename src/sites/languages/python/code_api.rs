//! The part of the public API that runs code of ours.
use forkguard_loader::Library;
use std::ffi::{c_char, c_int, c_long, c_void};

/// A reference to an object.
pub(super) type Object = *mut c_void;

/// Functions that run code: the same from 3.9 to 3.14.
pub(super) struct CodeApi {
    pub(super) own_interpreter: extern "C" fn() -> usize,
    pub(super) own_dictionary: unsafe extern "C" fn(usize) -> Object,
    pub(super) is_ending: unsafe extern "C" fn() -> c_int,
    pub(super) gil_ensure: unsafe extern "C" fn() -> c_int,
    pub(super) gil_release: unsafe extern "C" fn(c_int),
    pub(super) fetch_error: unsafe extern "C" fn(*mut Object, *mut Object, *mut Object),
    pub(super) normalize_error: unsafe extern "C" fn(*mut Object, *mut Object, *mut Object),
    pub(super) restore_error: unsafe extern "C" fn(Object, Object, Object),
    pub(super) is_kind_of: unsafe extern "C" fn(Object, Object) -> c_int,
    pub(super) set_error: unsafe extern "C" fn(Object, Object),
    /// The variable that holds the class.
    pub(super) exception: usize,
    pub(super) call_later: unsafe extern "C" fn(unsafe extern "C" fn(Object) -> c_int, Object) -> c_int,
    pub(super) compile: unsafe extern "C" fn(*const c_char, *const c_char, c_int, *mut c_void, c_int) -> Object,
    pub(super) run: unsafe extern "C" fn(Object, Object, Object) -> Object,
    pub(super) builtins: unsafe extern "C" fn() -> Object,
    pub(super) new_dictionary: unsafe extern "C" fn() -> Object,
    pub(super) new_list: unsafe extern "C" fn(isize) -> Object,
    pub(super) set_item: unsafe extern "C" fn(Object, *const c_char, Object) -> c_int,
    pub(super) item: unsafe extern "C" fn(Object, *const c_char) -> Object,
    pub(super) next_item: unsafe extern "C" fn(Object, *mut isize, *mut Object, *mut Object) -> c_int,
    pub(super) call: unsafe extern "C" fn(Object, *const c_char, ...) -> Object,
    pub(super) number: unsafe extern "C" fn(Object) -> c_long,
    pub(super) is_true: unsafe extern "C" fn(Object) -> c_int,
    pub(super) release: unsafe extern "C" fn(Object),
}

impl CodeApi {
    /// # Safety
    /// The library of a CPython from 3.9 to 3.14.
    pub(super) unsafe fn of(library: &Library) -> Option<CodeApi> {
        // SAFETY: the types that its headers declare.
        unsafe {
            Some(CodeApi {
                own_interpreter: library.function_as(c"PyInterpreterState_Get")?,
                own_dictionary: library.function_as(c"PyInterpreterState_GetDict")?,
                is_ending: library.function_as(c"Py_IsFinalizing").or_else(|| library.function_as(c"_Py_IsFinalizing"))?,
                gil_ensure: library.function_as(c"PyGILState_Ensure")?,
                gil_release: library.function_as(c"PyGILState_Release")?,
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
                new_list: library.function_as(c"PyList_New")?,
                set_item: library.function_as(c"PyDict_SetItemString")?,
                item: library.function_as(c"PyDict_GetItemString")?,
                next_item: library.function_as(c"PyDict_Next")?,
                call: library.function_as(c"PyObject_CallFunction")?,
                number: library.function_as(c"PyLong_AsLong")?,
                is_true: library.function_as(c"PyObject_IsTrue")?,
                release: library.function_as(c"Py_DecRef")?,
            })
        }
    }
}
