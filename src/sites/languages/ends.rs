//! The functions in which interpreters end: there they destroy the objects that are left.
use crate::entry::scratch::on_scratch_stack;
use crate::sites::unwind::{self, Start};
use forkguard_loader::{Library, WhileLoaded};
use std::ffi::CStr;

const FUNCTIONS: [&CStr; 4] = [c"Py_FinalizeEx", c"Perl_my_exit", c"perl_destruct", c"php_request_shutdown"];
static FOUND: [WhileLoaded<usize>; FUNCTIONS.len()] = [const { WhileLoaded::new() }; FUNCTIONS.len()];

/// Looks for interpreters in a library that was loaded.
pub(super) fn search(library: &Library) {
    for (found, function) in FOUND.iter().zip(FUNCTIONS) {
        found.search(library, |library| library.find(function));
    }
}

/// True where an interpreter that ends has led to this call.
pub(crate) fn is_ending(start: Start) -> bool {
    let is_end = |function| FOUND.iter().filter_map(WhileLoaded::still_loaded).any(|&end| end == function);
    on_scratch_stack(|_| unwind::is_within(start, is_end)).unwrap_or(false)
}
