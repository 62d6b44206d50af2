//! The types of objects.
use core::ffi::CStr;

/// Addresses of types; the second word of an object is the address of its type.
#[derive(Clone, Copy)]
pub struct Types {
    pub code: usize,
    pub unicode: usize,
    pub bytes: usize,
    pub function: usize,
    pub method: usize,
    pub module: usize,
    pub tuple: usize,
    pub dictionary: usize,
    pub builtin: usize,
    pub list: usize,
    /// The object None itself.
    pub none: usize,
}

impl Types {
    /// The types of an interpreter whose symbols `find` looks up; None when it lacks one.
    pub fn of(find: impl Fn(&CStr) -> Option<usize>) -> Option<Types> {
        Some(Types {
            code: find(c"PyCode_Type")?,
            unicode: find(c"PyUnicode_Type")?,
            bytes: find(c"PyBytes_Type")?,
            function: find(c"PyFunction_Type")?,
            method: find(c"PyMethod_Type")?,
            module: find(c"PyModule_Type")?,
            tuple: find(c"PyTuple_Type")?,
            dictionary: find(c"PyDict_Type")?,
            builtin: find(c"PyCFunction_Type")?,
            list: find(c"PyList_Type")?,
            none: find(c"_Py_NoneStruct")?,
        })
    }
}
