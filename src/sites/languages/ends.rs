//! The functions in which interpreters end: there they destroy the objects that are left.
use crate::entry::scratch::on_scratch_stack;
use crate::sites::unwind::{self, Start};
use forkguard_core::kernel::read_value;
use forkguard_loader::{Library, WhileLoaded, is_in_c_library};
use std::ffi::CStr;

const FUNCTIONS: [&CStr; 4] = [c"Py_FinalizeEx", c"Perl_my_exit", c"perl_destruct", c"php_request_shutdown"];
static FOUND: [WhileLoaded<usize>; FUNCTIONS.len()] = [const { WhileLoaded::new() }; FUNCTIONS.len()];
/// MRI's.
static RUBY: WhileLoaded<usize> = WhileLoaded::new();
/// The C library's exit(3).
static EXIT: WhileLoaded<usize> = WhileLoaded::new();

/// Looks for interpreters in a library that was loaded.
pub(super) fn search(library: &Library) {
    for (found, function) in FOUND.iter().zip(FUNCTIONS) {
        found.search(library, |library| library.find(function).and_then(ends_in));
    }
    RUBY.search(library, |library| ends_in(library.find(c"ruby_cleanup")?));
    EXIT.search(library, |library| library.find(c"exit").filter(|&exit| is_in_c_library(exit)));
}

/// Where an interpreter runs what its program left to run: a function that only jumps there is no caller of what runs there (`ruby_cleanup`, and
/// `Py_FinalizeEx` since 3.13), and the end of a program may call it without that.
fn ends_in(cleanup: usize) -> Option<usize> {
    /// jmp, relative to the next instruction.
    const JUMP: u8 = 0xe9;
    let code = read_value::<[usize; 6]>(cleanup)?.map(usize::to_le_bytes);
    let target = |place: usize, bytes: &[u8]| {
        let distance = i32::from_le_bytes(bytes[1..].try_into().ok()?);
        Some((cleanup + place + bytes.len()).wrapping_add_signed(distance as isize))
    };
    let jumps = code.as_flattened().windows(5).enumerate().filter(|(_, bytes)| bytes[0] == JUMP);
    let targets = jumps.filter_map(|(place, bytes)| target(place, bytes));
    targets.into_iter().find(|&target| unwind::function_start(target) == Some(target)).or(Some(cleanup))
}

/// True where an interpreter that ends has led to this call.
pub(crate) fn is_ending(start: Start) -> bool {
    is_within(start, interpreters_end)
}

/// The same, or exit(3), which runs exit handlers and destructors of native code.
pub(crate) fn is_exiting(start: Start) -> bool {
    is_within(start, |function| interpreters_end(function) || EXIT.still_loaded() == Some(&function))
}

fn interpreters_end(function: usize) -> bool {
    FOUND.iter().chain([&RUBY]).filter_map(WhileLoaded::still_loaded).any(|&end| end == function)
}

fn is_within(start: Start, is_end: impl Fn(usize) -> bool) -> bool {
    on_scratch_stack(|_| unwind::is_within(start, is_end)).unwrap_or(false)
}
