//! MRI: the calling thread's frames by the functions that profilers use in signal handlers. They allocate nothing and take no lock, with
//! the GVL and without it.
use super::exports::Exports;
use super::native;
use libc::{c_char, c_int};
use std::mem::transmute;

pub(super) static EXPORTS: Exports<7> = Exports::new([
    c"ruby_current_vm_ptr",
    c"ruby_current_ec",
    c"rb_during_gc",
    c"rb_profile_frames",
    c"rb_profile_frame_path",
    c"rb_profile_frame_base_label",
    c"rb_string_value_ptr",
]);

type Value = usize;

/// Frames that are taken, the innermost ones.
const DEPTH: usize = 64;
/// A longer text is cut.
const LONGEST: usize = 512;

/// Calls `each` with file, line and method, innermost first; not at all in a thread that runs no Ruby.
#[inline(never)]
pub(crate) fn frames(each: &mut dyn FnMut(&str, u32, &str)) {
    let Some([machine, current, during_gc, profile, path, label, string]) = EXPORTS.get() else { return };
    if !runs_ruby(machine, current) {
        return;
    }
    // SAFETY: functions of MRI's C API under their names, in a thread that has an execution context.
    let (during_gc, profile, path, label, string) = unsafe {
        (
            transmute::<usize, extern "C" fn() -> c_int>(during_gc),
            transmute::<usize, extern "C" fn(c_int, c_int, *mut Value, *mut c_int) -> c_int>(profile),
            transmute::<usize, extern "C" fn(Value) -> Value>(path),
            transmute::<usize, extern "C" fn(Value) -> Value>(label),
            transmute::<usize, extern "C" fn(*mut Value) -> *const c_char>(string),
        )
    };
    // Compaction, which moves what frames point to, follows a whole mark phase: none can begin to move while this runs.
    if during_gc() != 0 {
        return;
    }
    let (mut found, mut lines) = ([0; DEPTH], [0; DEPTH]);
    let count = profile(0, DEPTH as c_int, found.as_mut_ptr(), lines.as_mut_ptr());
    for (frame, line) in found.into_iter().zip(lines).take(count.max(0) as usize) {
        let (Some(file), Some(method)) = (text(path(frame), string), text(label(frame), string)) else { continue };
        // The interpreter's own Ruby is left out, and what stands for it below the program's first frame.
        if !file.starts_with('<') && line > 0 {
            each(file, line as u32, method);
        }
    }
}

/// True in a thread that has an execution context with a stack, of a virtual machine that stands: at its end MRI takes the machine down
/// first. Before and after its life, a thread of MRI's has none.
fn runs_ruby(machine: usize, current: usize) -> bool {
    let Some(block) = native::thread_local_block(current) else { return false };
    // SAFETY: two pointers, the second one this thread's copy; it leads to a stack, its size and the control frame.
    unsafe {
        if *(machine as *const usize) == 0 {
            return false;
        }
        let context = *((block + (current - EXPORTS.base())) as *const *const [usize; 3]);
        context.as_ref().is_some_and(|[stack, _, frame]| *stack != 0 && *frame != 0)
    }
}

/// The bytes of a String; None for anything else (methods that are written in C have no file).
fn text<'a>(mut value: Value, string: extern "C" fn(*mut Value) -> *const c_char) -> Option<&'a str> {
    // struct RBasic begins with the flags, and those with the type.
    const TYPE: usize = 0x1f;
    const STRING: usize = 0x05;
    // `nil`, `false` and other values that are no objects.
    if value & 7 != 0 || value <= 0x20 {
        return None;
    }
    // SAFETY: an object that a frame of this thread refers to. Paths and labels are frozen strings that end with NUL.
    let bytes = unsafe {
        if *(value as *const usize) & TYPE != STRING {
            return None;
        }
        let start = string(&mut value);
        std::slice::from_raw_parts(start.cast::<u8>(), libc::strnlen(start, LONGEST))
    };
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).ok(),
    }
}
