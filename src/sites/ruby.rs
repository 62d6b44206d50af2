//! MRI: the calling thread's frames by the functions that profilers use in signal handlers. They allocate nothing and take no lock, with
//! the GVL and without it.
use super::exports::Exports;
use super::native;
use forkguard_core::raw::read_value;
use libc::{c_char, c_int};
use std::mem::transmute;
use std::sync::atomic::{AtomicUsize, Ordering::*};

pub(super) static EXPORTS: Exports<5> = Exports::new([
    c"rb_during_gc",
    c"rb_profile_frames",
    c"rb_profile_frame_path",
    c"rb_profile_frame_base_label",
    c"rb_string_value_ptr",
]);

/// Exported until 3.2.
pub(super) static VARIABLES: Exports<2> = Exports::new([c"ruby_current_vm_ptr", c"ruby_current_ec"]);

/// Where the virtual machine's address stands, and where this thread's execution context stands in MRI's thread-local block.
#[derive(Clone, Copy)]
struct Current {
    machine: usize,
    context: usize,
}

/// What was found: the context and, stored last, the machine.
static KNOWN: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];

impl Current {
    fn find(during_gc: usize, profile: usize) -> Option<Current> {
        if KNOWN[1].load(Acquire) == 0 {
            let found = match VARIABLES.get() {
                Some([machine, context]) => Current { machine, context: context - VARIABLES.base() },
                None => Current::from_code(during_gc, profile)?,
            };
            KNOWN[0].store(found.context, Relaxed);
            KNOWN[1].store(found.machine, Release);
        }
        Some(Current { machine: KNOWN[1].load(Relaxed), context: KNOWN[0].load(Relaxed) })
    }

    /// From what the two functions do first: one tests the machine's address, the other one asks for the thread-local context by the
    /// instructions that the ABI prescribes.
    fn from_code(during_gc: usize, profile: usize) -> Option<Current> {
        // lea rax, [rip+…]; mov rax, [rax]; test rax, rax
        let machine = operand(during_gc, [0x48, 0x8d, 0x05], &[0x48, 0x8b, 0x00, 0x48, 0x85, 0xc0])?;
        // data16 lea rdi, [rip+…]; data16 data16 rex.W call __tls_get_addr
        let index = operand(profile, [0x48, 0x8d, 0x3d], &[0x66, 0x66, 0x48, 0xe8])?;
        let [_, context]: [usize; 2] = read_value(index)?;
        Some(Current { machine, context })
    }
}

/// What an instruction with an address relative to the next one refers to: the first such one of a function, if `next` follows.
fn operand(function: usize, instruction: [u8; 3], next: &[u8]) -> Option<usize> {
    let code = read_value::<[usize; 8]>(function)?.map(usize::to_le_bytes);
    let code = code.as_flattened();
    let end = code.windows(3).position(|bytes| bytes == instruction)? + 7;
    let distance = i32::from_le_bytes(code.get(end - 4..end)?.try_into().ok()?);
    code[end..].starts_with(next).then(|| (function + end).wrapping_add_signed(distance as isize))
}

type Value = usize;

/// Frames that are taken, the innermost ones.
const DEPTH: usize = 64;
/// A longer text is cut.
const LONGEST: usize = 512;

/// Calls `each` with file, line and method, innermost first; not at all in a thread that runs no Ruby.
#[inline(never)]
pub(crate) fn frames(each: &mut dyn FnMut(&str, u32, &str)) {
    let Some([during_gc, profile, path, label, string]) = EXPORTS.get() else { return };
    if !Current::find(during_gc, profile).is_some_and(|current| runs_ruby(current, profile)) {
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
fn runs_ruby(current: Current, library: usize) -> bool {
    let Some(block) = native::thread_local_block(library) else { return false };
    // SAFETY: two pointers, the second one this thread's copy; it leads to a stack, its size and the control frame.
    unsafe {
        if *(current.machine as *const usize) == 0 {
            return false;
        }
        let context = *((block + current.context) as *const *const [usize; 3]);
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
