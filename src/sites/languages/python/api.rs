//! The interpreter's public API, by its addresses. What needs the GIL says so.
use super::code_api::{CodeApi, Object};
use crate::sites::languages::memory::Memory;
use forkguard_frames::python::{Layout, Types};
use forkguard_loader::{Library, link_map_of};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ops::Range;

/// What the main thread calls between two instructions of its code: 0, or -1 with an exception.
pub(super) type PendingCall = extern "C" fn(Object) -> c_int;

/// What `PySys_AddAuditHook` takes.
pub(super) type AuditHook = extern "C-unwind" fn(*const c_char, *mut c_void, *mut c_void) -> c_int;

/// Functions of the interpreter.
pub(super) struct Api {
    minor: u32,
    /// Where `_PyRuntime` lies.
    runtime: Range<usize>,
    /// Objects carry more than we know of.
    debug: bool,
    is_initialized: extern "C" fn() -> c_int,
    this_thread_state: extern "C" fn() -> usize,
    current_state: extern "C" fn() -> usize,
    main_interpreter: extern "C" fn() -> usize,
    first_state: extern "C" fn(usize) -> usize,
    next_state: extern "C" fn(usize) -> usize,
    frame: unsafe extern "C" fn(usize) -> Object,
    frame_code: unsafe extern "C" fn(Object) -> Object,
    frame_line: unsafe extern "C" fn(Object) -> c_int,
    frame_back: unsafe extern "C" fn(Object) -> Object,
    system_object: unsafe extern "C" fn(*const c_char) -> Object,
    attribute: unsafe extern "C" fn(Object, *const c_char) -> Object,
    new_text: unsafe extern "C" fn(*const c_char) -> Object,
    look_up_in_type: unsafe extern "C" fn(Object, Object) -> Object,
    generic_attribute: unsafe extern "C" fn(Object, Object) -> Object,
    utf8: unsafe extern "C" fn(Object, *mut isize) -> *const c_char,
    function_code: unsafe extern "C" fn(Object) -> Object,
    method_function: unsafe extern "C" fn(Object) -> Object,
    release: unsafe extern "C" fn(Object),
    retain: unsafe extern "C" fn(Object),
    add_pending_call: unsafe extern "C" fn(PendingCall, Object) -> c_int,
    import: unsafe extern "C" fn(*const c_char) -> Object,
    call_method: unsafe extern "C" fn(Object, *const c_char, *const c_char, ...) -> Object,
    error: unsafe extern "C" fn() -> Object,
    clear_error: unsafe extern "C" fn(),
    /// Missing before 3.10, whose frames need no collector.
    collector: Option<[unsafe extern "C" fn() -> c_int; 2]>,
    /// What runs code of ours; missing where there is no GIL or no such interface.
    pub(super) code: Option<CodeApi>,
    add_audit_hook: unsafe extern "C" fn(AuditHook, *mut c_void) -> c_int,
    save_thread: unsafe extern "C-unwind" fn() -> usize,
    restore_thread: unsafe extern "C-unwind" fn(usize),
}

impl Api {
    /// The interpreter that a library holds.
    pub(super) fn of(library: &Library) -> Option<(Api, Types)> {
        // Few libraries get further than this.
        library.find(c"PyGILState_GetThisThreadState")?;
        // SAFETY: the types that CPython's headers declare, the same from 3.9 to 3.14.
        let api = unsafe {
            let version: extern "C" fn() -> *const c_char = library.function_as(c"Py_GetVersion")?;
            Api {
                minor: minor(CStr::from_ptr(version()))?,
                runtime: library.range(c"_PyRuntime")?,
                debug: library.find(c"_Py_NegativeRefcount").is_some() || library.find(c"_Py_RefTotal").is_some(),
                is_initialized: library.function_as(c"Py_IsInitialized")?,
                this_thread_state: library.function_as(c"PyGILState_GetThisThreadState")?,
                current_state: library
                    .function_as(c"PyThreadState_GetUnchecked")
                    .or_else(|| library.function_as(c"_PyThreadState_UncheckedGet"))?,
                main_interpreter: library.function_as(c"PyInterpreterState_Main")?,
                first_state: library.function_as(c"PyInterpreterState_ThreadHead")?,
                next_state: library.function_as(c"PyThreadState_Next")?,
                frame: library.function_as(c"PyThreadState_GetFrame")?,
                frame_code: library.function_as(c"PyFrame_GetCode")?,
                frame_line: library.function_as(c"PyFrame_GetLineNumber")?,
                frame_back: library.function_as(c"PyFrame_GetBack")?,
                system_object: library.function_as(c"PySys_GetObject")?,
                attribute: library.function_as(c"PyObject_GetAttrString")?,
                new_text: library.function_as(c"PyUnicode_InternFromString")?,
                look_up_in_type: library.function_as(c"_PyType_Lookup")?,
                generic_attribute: library.function_as(c"PyObject_GenericGetAttr")?,
                utf8: library.function_as(c"PyUnicode_AsUTF8AndSize")?,
                function_code: library.function_as(c"PyFunction_GetCode")?,
                method_function: library.function_as(c"PyMethod_Function")?,
                release: library.function_as(c"Py_DecRef")?,
                retain: library.function_as(c"Py_IncRef")?,
                add_pending_call: library.function_as(c"Py_AddPendingCall")?,
                import: library.function_as(c"PyImport_ImportModule")?,
                call_method: library.function_as(c"PyObject_CallMethod")?,
                error: library.function_as(c"PyErr_Occurred")?,
                clear_error: library.function_as(c"PyErr_Clear")?,
                add_audit_hook: library.function_as(c"PySys_AddAuditHook")?,
                save_thread: library.function_as(c"PyEval_SaveThread")?,
                restore_thread: library.function_as(c"PyEval_RestoreThread")?,
                collector: library
                    .function_as(c"PyGC_Disable")
                    .zip(library.function_as(c"PyGC_Enable"))
                    .map(|(off, on)| [off, on]),
                code: CodeApi::of(library).filter(|_| library.find(c"_Py_MergeZeroLocalRefcount").is_none()),
            }
        };
        Some((api, Types::of(|name| library.find(name))?))
    }

    /// True where files are laid out as in CPython 3.9 to 3.14.
    pub(super) fn has_known_files(&self) -> bool {
        (9..=14).contains(&self.minor) && !self.debug
    }

    /// The minor version, where objects are laid out as in a release.
    pub(super) fn released_minor(&self) -> Option<u32> {
        (!self.debug).then_some(self.minor)
    }

    /// An object of the module `sys`, borrowed; 0 when there is none. Needs the GIL.
    pub(super) fn system_object(&self, name: &CStr) -> usize {
        // SAFETY: the GIL is held.
        unsafe { (self.system_object)(name.as_ptr()) as usize }
    }

    /// True for an address inside the interpreter's static state.
    pub(super) fn owns(&self, address: usize) -> bool {
        self.runtime.contains(&address)
    }

    /// True for an address in the interpreter's library, or in the program that it is part of.
    pub(super) fn is_code(&self, address: usize) -> bool {
        link_map_of(address).is_some_and(|map| Some(map) == link_map_of(self.is_initialized as usize))
    }

    /// Where this interpreter keeps things, if that is known.
    pub(super) fn layout(&self) -> Option<Layout> {
        if self.debug { None } else { Layout::of(Memory::careful(), self.minor, self.runtime.start) }
    }

    /// True during the interpreter's life.
    pub(super) fn is_alive(&self) -> bool {
        (self.is_initialized)() != 0
    }

    /// This thread's state. None in a thread that Python does not know, and before and after the interpreter's life. (Before it
    /// PyGILState_Check gives 1 to every thread.)
    pub(super) fn state(&self) -> Option<usize> {
        if !self.is_alive() {
            return None;
        }
        Some((self.this_thread_state)()).filter(|&state| state != 0)
    }

    /// True when this thread, whose state is given, holds the GIL. (PyGILState_Check gives 1 to every thread once
    /// there are subinterpreters.)
    pub(super) fn holds_gil(&self, state: usize) -> bool {
        (self.current_state)() == state
    }

    /// True when some thread is known to have the GIL. (Since 3.12 each knows only whether it has it itself.)
    pub(super) fn some_thread_holds_gil(&self) -> bool {
        (self.current_state)() != 0
    }

    /// The main interpreter.
    pub(super) fn main(&self) -> usize {
        (self.main_interpreter)()
    }

    /// Has `hook` called at every audit event; false if that is refused. Needs the GIL.
    pub(super) fn audit(&self, hook: AuditHook) -> bool {
        // SAFETY: the hook is a function of this library, which is never unloaded.
        unsafe { (self.add_audit_hook)(hook, std::ptr::null_mut()) == 0 }
    }

    /// Does something while other threads may run code. Needs the GIL, which this thread then has again.
    pub(super) fn without_gil(&self, work: impl FnOnce()) {
        // SAFETY: the GIL is held; the state that is saved is restored.
        unsafe {
            let state = (self.save_thread)();
            work();
            (self.restore_thread)(state);
        }
    }

    /// The first thread of the main interpreter. Takes no lock.
    pub(super) fn first_state(&self) -> usize {
        let interpreter = (self.main_interpreter)();
        if interpreter == 0 { 0 } else { (self.first_state)(interpreter) }
    }

    /// The thread after it. Needs the GIL.
    pub(super) fn next_state(&self, state: usize) -> usize {
        (self.next_state)(state)
    }

    /// Calls `each` with code and line of the frames of this thread, innermost first, until it gives false. Needs the GIL. Nothing
    /// at all while an exception is under way.
    pub(super) fn walk(&self, state: usize, mut each: impl FnMut(Object, c_int) -> bool) {
        // SAFETY: the GIL is held; every reference that is taken is given back. Since 3.11 a frame object is made for each frame:
        // without the collector, which could run Python code.
        unsafe {
            if !(self.error)().is_null() {
                return;
            }
            let was_on = self.collector.is_some_and(|[off, _]| off() == 1);
            let mut frame = (self.frame)(state);
            while !frame.is_null() {
                let code = (self.frame_code)(frame);
                let on = each(code, (self.frame_line)(frame));
                let back = if on { (self.frame_back)(frame) } else { std::ptr::null_mut() };
                (self.release)(code);
                (self.release)(frame);
                frame = back;
            }
            if let Some([_, on]) = self.collector.filter(|_| was_on) {
                on();
            }
        }
    }

    /// Calls `with` the text that an attribute of a code object is. Needs the GIL.
    pub(super) fn code_text<R>(&self, code: Object, name: &CStr, with: impl FnOnce(&str) -> R) -> Option<R> {
        // SAFETY: the GIL is held; attributes of code objects are plain members.
        unsafe {
            let text = (self.attribute)(code, name.as_ptr());
            let result = self.utf8(text).map(with);
            self.release_or_clear(text);
            result
        }
    }

    /// # Safety
    /// A str object that outlives the result, or null; with the GIL.
    unsafe fn utf8<'a>(&self, text: Object) -> Option<&'a str> {
        if text.is_null() {
            return None;
        }
        let mut length = 0;
        // SAFETY: as promised; the characters belong to the object.
        unsafe {
            let bytes = (self.utf8)(text, &mut length);
            (!bytes.is_null()).then(|| str::from_utf8(std::slice::from_raw_parts(bytes.cast(), length as usize)).ok())?
        }
    }

    /// Gives a reference back, and takes back an error that we made.
    ///
    /// # Safety
    /// With the GIL; an object that is ours or null.
    unsafe fn release_or_clear(&self, object: Object) {
        // SAFETY: as promised.
        unsafe {
            if !object.is_null() {
                (self.release)(object);
            }
            if !(self.error)().is_null() {
                (self.clear_error)();
            }
        }
    }

    /// Takes a reference. Needs the GIL.
    pub(super) fn retain(&self, object: usize) {
        // SAFETY: the GIL is held and the object alive.
        unsafe { (self.retain)(object as Object) }
    }

    /// Gives a reference back, which may run code of the application's. Needs the GIL.
    pub(super) fn release(&self, object: usize) {
        // SAFETY: the GIL is held, and the reference is ours.
        unsafe { (self.release)(object as Object) }
    }

    /// Has the main thread call a function with the GIL held, soon; false when too many such calls wait already.
    pub(super) fn call_soon(&self, call: PendingCall, argument: usize) -> bool {
        // SAFETY: may be called at any time, with the GIL and without.
        unsafe { (self.add_pending_call)(call, argument as Object) == 0 }
    }

    /// Sets a signal's handler as `signal.signal` does; false with an exception under way, which a handler of the program's has raised
    /// meanwhile. In a pending call only.
    pub(super) fn set_signal_handler(&self, number: c_int, handler: usize) -> bool {
        // SAFETY: the main thread, with the GIL, between two instructions; the handler is alive.
        unsafe {
            let module = (self.import)(c"_signal".as_ptr());
            if module.is_null() {
                (self.clear_error)();
                return true;
            }
            let before = (self.call_method)(module, c"signal".as_ptr(), c"iO".as_ptr(), number, handler as Object);
            (self.release)(module);
            if !before.is_null() {
                (self.release)(before);
            }
            !before.is_null()
        }
    }

    /// True when no exception is under way: then an error is one of ours. Needs the GIL.
    pub(super) fn has_no_exception(&self) -> bool {
        // SAFETY: the GIL is held.
        unsafe { (self.error)().is_null() }
    }

    /// Calls `with` an attribute that lies in the object itself: no descriptor and no code of its class has a say. Needs the GIL
    /// and no exception under way.
    pub(super) fn own_attribute<R>(&self, object: usize, name: &CStr, with: impl FnOnce(usize) -> R) -> Option<R> {
        // SAFETY: the GIL is held and the object alive; ob_type is its second word.
        unsafe {
            let class = *(object as *const Object).add(1);
            let key = (self.new_text)(name.as_ptr());
            let plain = !key.is_null() && (self.look_up_in_type)(class, key).is_null();
            let value = if plain { (self.generic_attribute)(object as Object, key) } else { std::ptr::null_mut() };
            let result = (!value.is_null()).then(|| with(value as usize));
            self.release_or_clear(value);
            self.release_or_clear(key);
            result
        }
    }

    /// A class of a module, if that is imported; it lives as long as the module. Needs the GIL and no exception under way.
    pub(super) fn class_in(&self, types: &Types, module: &CStr, class: &CStr) -> Option<usize> {
        // SAFETY: the GIL is held; what is taken is given back.
        unsafe {
            let class = self.new_class(types, module, class)?;
            self.release_or_clear(class);
            (!class.is_null()).then_some(class as usize)
        }
    }

    /// The same as a new reference, or null with an exception. None for what is no plain module: one that is loaded when it is first used runs
    /// the program's code.
    ///
    /// # Safety
    /// The GIL must be held, and no exception be under way.
    unsafe fn new_class(&self, types: &Types, module: &CStr, class: &CStr) -> Option<Object> {
        let code = self.code.as_ref()?;
        // SAFETY: as promised; what is borrowed lives as long as nothing of the interpreter's runs, and ob_type is an object's second word.
        unsafe {
            let modules = (self.system_object)(c"modules".as_ptr());
            let module = if modules.is_null() { modules } else { (code.item)(modules, module.as_ptr()) };
            let is_plain = !module.is_null() && *(module as *const usize).add(1) == types.module;
            is_plain.then(|| (self.attribute)(module, class.as_ptr()))
        }
    }

    /// The head of the collector's first generation: what follows an object that was just made. Needs the GIL and no exception under way.
    pub(super) fn first_generation(&self) -> Option<usize> {
        let ([off, on], code) = (self.collector?, self.code.as_ref()?);
        // SAFETY: the GIL is held; the reference is given back. A list is tracked as soon as it is made, by two words in front of it; without
        // the collector making it runs no code.
        unsafe {
            let was_on = off() == 1;
            let list = (code.new_list)(0);
            let head = (!list.is_null()).then(|| *(list as *const usize).sub(2) & !3);
            self.release_or_clear(list);
            if was_on {
                on();
            }
            head
        }
    }

    /// Calls `each` with the values of a dictionary that a class of a module has, with the `most` oldest of them, if that is imported. Needs the
    /// GIL and no exception under way.
    pub(super) fn values(
        &self,
        types: &Types,
        [module, class, dictionary]: [&CStr; 3],
        most: usize,
        mut each: impl FnMut(usize),
    ) -> Option<()> {
        let code = self.code.as_ref()?;
        // SAFETY: the GIL is held; what is borrowed lives as long as nothing of the interpreter's runs; what is taken is given back.
        unsafe {
            // No such module has none.
            let Some(class) = self.new_class(types, module, class) else { return Some(()) };
            let values = if class.is_null() { class } else { (self.attribute)(class, dictionary.as_ptr()) };
            if !values.is_null() && *(values as *const usize).add(1) == types.dictionary {
                let (mut place, mut key, mut value) = (0, std::ptr::null_mut(), std::ptr::null_mut());
                let mut next = || ((code.next_item)(values, &mut place, &mut key, &mut value) != 0).then_some(value as usize);
                std::iter::from_fn(&mut next).take(most).for_each(&mut each);
            }
            self.release_or_clear(values);
            self.release_or_clear(class);
        }
        Some(())
    }

    /// An attribute of an object's class, borrowed; 0 when there is none. Needs the GIL and no exception under way.
    pub(super) fn class_attribute(&self, object: usize, name: &CStr) -> usize {
        // SAFETY: the GIL is held and the object alive.
        unsafe {
            let class = *(object as *const Object).add(1);
            let key = (self.new_text)(name.as_ptr());
            let found = if key.is_null() { key } else { (self.look_up_in_type)(class, key) };
            self.release_or_clear(key);
            found as usize
        }
    }

    /// Name of an object's class, as its type has it. Needs the GIL.
    pub(super) fn class_name(&self, object: usize, with: impl FnOnce(&str)) {
        // SAFETY: the GIL is held and the object alive; tp_name follows the head of a type (24 bytes) and is a C string.
        let name = unsafe {
            let class = *(object as *const *const *const c_char).add(1);
            CStr::from_ptr(*class.add(3))
        };
        if let Ok(name) = name.to_str() {
            with(name);
        }
    }

    /// Code of a function, or of the function that a bound method calls; 0 for another object. Needs the GIL.
    pub(super) fn code_of(&self, types: &Types, object: usize) -> usize {
        // SAFETY: the GIL is held and the object alive; ob_type is its second word, and proves what the functions demand.
        unsafe {
            let class = |object: usize| *(object as *const usize).add(1);
            let mut function = object;
            if function != 0 && class(function) == types.method {
                function = (self.method_function)(function as Object) as usize;
            }
            if function != 0 && class(function) == types.function {
                return (self.function_code)(function as Object) as usize;
            }
            0
        }
    }
}

/// 11 for "3.11.2 (main, …)"; None for another major version.
fn minor(version: &CStr) -> Option<u32> {
    let rest = version.to_str().ok()?.strip_prefix("3.")?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}
