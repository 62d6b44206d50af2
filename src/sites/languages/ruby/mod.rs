//! MRI: the calling thread's frames by the functions that profilers use in signal handlers. They allocate nothing and take no lock, with
//! the GVL and without it.
//!
//! They read the execution context that the thread had last. It is freed some time after the thread has ended, while the native thread lives
//! on in MRI's cache, where signals may still come to it. MRI takes its own thread from the native one before that
//! (thread_pthread.c, native_thread_destroy), and ruby_native_thread_p tells: only then is anything read.
pub(crate) mod forks;
pub(crate) mod gvl;
pub(crate) mod queues;

use super::memory::Memory;
use crate::sites::stack_of::StackOf;
use forkguard_core::kernel::{self, read_value};
use forkguard_frames::ruby::Ruby as OtherProcess;
use forkguard_loader::{Library, SymbolName, WhileLoaded, link_map_of, thread_local_block};
use libc::{c_char, c_int};
use std::ops::Range;

/// The interpreter of a library.
pub(super) struct Ruby {
    is_during_gc: extern "C" fn() -> c_int,
    is_native_thread: extern "C" fn() -> c_int,
    profile: extern "C" fn(c_int, c_int, *mut Value, *mut c_int) -> c_int,
    path: extern "C" fn(Value) -> Value,
    label: extern "C" fn(Value) -> Value,
    method: extern "C" fn(Value) -> Value,
    first_line: extern "C" fn(Value) -> Value,
    bytes: extern "C" fn(*mut Value) -> *const c_char,
    current: Current,
    /// Reads the frames of another process.
    reader: Option<OtherProcess>,
    /// Variables of which two begin the lists of `at_exit`; 0 behind them.
    pub(super) exit_lists: [usize; EXIT_LISTS],
}

/// Variables that are taken for lists of `at_exit` at most.
const EXIT_LISTS: usize = 4;

pub(super) static FOUND: WhileLoaded<Ruby> = WhileLoaded::new();

impl Ruby {
    pub(super) fn of(library: &Library) -> Option<Ruby> {
        // SAFETY: functions of MRI's C API under their names.
        unsafe {
            Some(Ruby {
                profile: library.function_as(c"rb_profile_frames")?,
                is_during_gc: library.function_as(c"rb_during_gc")?,
                is_native_thread: library.function_as(c"ruby_native_thread_p")?,
                path: library.function_as(c"rb_profile_frame_path")?,
                label: library.function_as(c"rb_profile_frame_base_label")?,
                method: library.function_as(c"rb_profile_frame_method_name")?,
                first_line: library.function_as(c"rb_profile_frame_first_lineno")?,
                bytes: library.function_as(c"rb_string_value_ptr")?,
                current: Current::of(library)?,
                reader: OtherProcess::of(Memory::careful(), |name| library.find(name)),
                exit_lists: library.range(c"rb_set_end_proc").map_or([0; EXIT_LISTS], loaded_variables),
            })
        }
    }
}

/// Where the virtual machine's address stands, and where this thread's execution context stands among MRI's thread-local variables.
struct Current {
    machine: usize,
    context: ThreadLocal,
}

/// A thread-local variable: the number of its library, and where it lies in that one's block.
struct ThreadLocal {
    library: usize,
    offset: usize,
}

impl Current {
    fn of(library: &Library) -> Option<Current> {
        // Both are exported until 3.2.
        let machine = library.find(c"ruby_current_vm_ptr");
        let machine = machine.or_else(|| machine_in(library.find(c"rb_during_gc")?))?;
        let context = context_in(library.find(c"rb_profile_frames")?);
        // The program itself is the first one, and asks for its variables in no way that could be seen.
        let own = || {
            let variable = library.symbol(&SymbolName::new(c"ruby_current_ec", None));
            let variable = variable.filter(|_| library.link_map.is_program())?;
            Some(ThreadLocal { library: 1, offset: variable.value })
        };
        Some(Current { machine, context: context.or_else(own)? })
    }
}

/// The variable whose address a function tests first.
fn machine_in(function: usize) -> Option<usize> {
    // lea rax, [rip+…]; mov rax, [rax]; test rax, rax
    operand(function, [0x48, 0x8d, 0x05], &[0x48, 0x8b, 0x00, 0x48, 0x85, 0xc0])
}

/// The thread-local variable that a function asks for first, by the instructions that the ABI prescribes.
fn context_in(function: usize) -> Option<ThreadLocal> {
    // data16 lea rdi, [rip+…]; data16 data16 rex.W call __tls_get_addr
    let index = operand(function, [0x48, 0x8d, 0x3d], &[0x66, 0x66, 0x48, 0xe8])?;
    let [library, offset]: [usize; 2] = read_value(index)?;
    Some(ThreadLocal { library, offset })
}

/// What an instruction with an address relative to the next one refers to: the first such one of a function, if `next` follows.
fn operand(function: usize, instruction: [u8; 3], next: &[u8]) -> Option<usize> {
    let code = read_value::<[usize; 8]>(function)?.map(usize::to_le_bytes);
    let code = code.as_flattened();
    let end = code.windows(3).position(|bytes| bytes == instruction)? + 7;
    let distance = i32::from_le_bytes(code.get(end - 4..end)?.try_into().ok()?);
    code[end..].starts_with(next).then(|| (function + end).wrapping_add_signed(distance as isize))
}

/// The variables that a function loads by addresses relative to its instructions, in that order.
fn loaded_variables(function: Range<usize>) -> [usize; EXIT_LISTS] {
    let (mut variables, mut count) = ([0; EXIT_LISTS], 0);
    let code = read_value::<[usize; 32]>(function.start).unwrap_or_default().map(usize::to_le_bytes);
    // mov reg, [rip+…]
    for (place, bytes) in code.as_flattened().windows(7).enumerate().take(function.len().saturating_sub(6)) {
        let [0x48, 0x8b, register, distance @ ..] = bytes else { continue };
        let variable = (function.start + place + 7)
            .wrapping_add_signed(i32::from_le_bytes(distance.try_into().unwrap_or_default()) as isize);
        if register & 0xc7 == 0x05 && count < EXIT_LISTS && !variables.contains(&variable) {
            variables[count] = variable;
            count += 1;
        }
    }
    variables
}

type Value = usize;

/// Frames that are taken, the innermost ones.
const DEPTH: usize = 64;
/// A longer text is cut.
const LONGEST: usize = 512;

/// Calls `each` with file, line and method, innermost first; not at all in a thread that runs no Ruby.
#[inline(never)]
pub(crate) fn frames(each: &mut dyn FnMut(&str, u32, &str)) {
    let Some(ruby) = FOUND.still_loaded() else { return };
    // Compaction, which moves what frames point to, follows a whole mark phase: none can begin to move while this runs.
    if !ruby.runs_here() || (ruby.is_during_gc)() != 0 {
        return;
    }
    let (mut found, mut lines) = ([0; DEPTH], [0; DEPTH]);
    let count = (ruby.profile)(0, DEPTH as c_int, found.as_mut_ptr(), lines.as_mut_ptr());
    for (frame, line) in found.into_iter().zip(lines).take(count.max(0) as usize) {
        let (file, method) = (ruby.text((ruby.path)(frame)), ruby.text((ruby.label)(frame)));
        // The interpreter's own Ruby is left out, and what stands for it below the program's first frame.
        if let (Some(file), Some(method)) = (file, method)
            && !file.starts_with('<')
            && line > 0
        {
            each(file, line as u32, method);
        }
    }
}

/// True when the method that this thread runs is one of MRI's own, and seeds a generator of the program's: `Random.new`, `Random.new_seed`.
/// `Random.urandom`, which gives `SecureRandom` its bytes, does not, and MRI's default generator is seeded anew in a child.
pub(crate) fn seeds_generator() -> bool {
    runs_own_method(&["initialize", "new_seed"])
}

/// True inside of `Process.detach`, which starts a thread that waits for one process.
pub(crate) fn starts_waiter() -> bool {
    runs_own_method(&["detach"])
}

/// True when the innermost method is one of MRI's own, by one of these names.
fn runs_own_method(names: &[&str]) -> bool {
    let Some(ruby) = FOUND.still_loaded().filter(|ruby| ruby.runs_here() && (ruby.is_during_gc)() == 0) else { return false };
    let (mut frame, mut line) = ([0], [0]);
    let found = (ruby.profile)(0, 1, frame.as_mut_ptr(), line.as_mut_ptr()) == 1;
    // What is written in C has no file.
    let is_own = || ruby.text((ruby.path)(frame[0])).is_none();
    found && is_own() && ruby.text((ruby.method)(frame[0])).is_some_and(|name| names.contains(&name))
}

/// Calls `each` with file, line and method of a forked child's main thread, which has this thread's execution context.
pub(super) fn frames_of_child(memory: StackOf, each: &mut dyn FnMut(&str, u32, &str)) {
    if let Some(ruby) = known()
        && let Some(reader) = &ruby.reader
        && let Some(context) = ruby.context()
    {
        let _ = reader.context(memory, context, each);
    }
}

/// True for an address in the library of the interpreter.
pub(crate) fn owns(address: usize) -> bool {
    FOUND.still_loaded().is_some_and(|ruby| link_map_of(address) == link_map_of(ruby.profile as usize))
}

/// The interpreter, for its main thread while it runs code.
pub(super) fn running() -> Option<&'static Ruby> {
    FOUND.still_loaded().filter(|ruby| is_main_thread() && ruby.runs_here() && (ruby.is_during_gc)() == 0)
}

/// The interpreter, for its main thread.
pub(super) fn known() -> Option<&'static Ruby> {
    FOUND.still_loaded().filter(|_| is_main_thread())
}

fn is_main_thread() -> bool {
    kernel::thread_id() == kernel::process_id()
}

/// The bits of an object's flags that are its type.
const TYPE: usize = 0x1f;

impl Ruby {
    /// Calls `with` file and first line of a Proc whose code is Ruby's; None for another object. Needs the GVL.
    pub(super) fn with_procedure<R>(&self, procedure: Value, with: impl FnOnce(&str, u32) -> R) -> Option<R> {
        const DATA: usize = 0x0c;
        const INTERNAL: usize = 0x1a;
        /// Of internal objects: which they are, and code.
        const KIND: usize = 0xf << 12;
        const CODE: usize = 7 << 12;
        let flags = |object: Value| (object.is_multiple_of(8) && object != 0).then(|| read_value::<usize>(object)).flatten();
        // struct RTypedData: flags, class, type, a flag, the data; struct rb_proc_t begins with `self`, the environment, the code.
        let [.., data]: [usize; 5] = flags(procedure).filter(|flags| flags & TYPE == DATA).and_then(|_| read_value(procedure))?;
        let [_, _, code]: [usize; 3] = read_value(data)?;
        flags(code).filter(|flags| flags & TYPE == INTERNAL && flags & KIND == CODE)?;
        let line = (self.first_line)(code);
        // A small integer is its double plus one.
        self.text((self.path)(code)).filter(|_| line & 1 == 1).map(|file| with(file, (line >> 1) as u32))
    }

    /// True in a thread that is one of MRI's and has an execution context with a stack, of a virtual machine that stands: at its end MRI
    /// takes the machine down first.
    fn runs_here(&self) -> bool {
        let Current { machine, context } = &self.current;
        // SAFETY: a pointer, which the machine's end clears.
        let stands = || unsafe { *(*machine as *const usize) } != 0;
        let block = || thread_local_block(context.library);
        // A thread that has no variables of MRI's would be given some by being asked.
        if block().is_none() || !stands() || (self.is_native_thread)() == 0 {
            return false;
        }
        // SAFETY: this thread's variable; it leads to a stack, its size and the control frame.
        let context = block().and_then(|block| unsafe { (*((block + context.offset) as *const *const [usize; 3])).as_ref() });
        context.is_some_and(|[stack, _, frame]| *stack != 0 && *frame != 0)
    }

    /// Address of this thread's execution context.
    fn context(&self) -> Option<usize> {
        let Current { context, .. } = &self.current;
        read_value(thread_local_block(context.library)? + context.offset)
    }

    /// The bytes of a String; None for anything else (methods that are written in C have no file).
    fn text(&self, mut value: Value) -> Option<&str> {
        // struct RBasic begins with the flags.
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
            let start = (self.bytes)(&mut value);
            std::slice::from_raw_parts(start.cast::<u8>(), libc::strnlen(start, LONGEST))
        };
        match std::str::from_utf8(bytes) {
            Ok(text) => Some(text),
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).ok(),
        }
    }
}
