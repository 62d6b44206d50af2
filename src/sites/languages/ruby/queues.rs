//! Threads of MRI's that wait for an element of a queue: by their innermost control frame, read while this thread has the GVL and they cannot run.
use super::{FOUND, Ruby, Value, gvl};
use crate::sites::store::{Language, frames_of};
use forkguard_core::fork::ThreadRecord;
use forkguard_core::kernel::{self, read_value};

/// Where a library's code runs while it is loaded.
const LOADING: &str = "<top (required)>";
/// `Thread::Queue#pop` and its other names.
const TAKES_ELEMENT: [&str; 3] = ["pop", "shift", "deq"];
/// Where it stands since 3.2; before, it is written in C and has no file.
const OWN_FILE: &str = "<internal:thread_sync>";

/// Notes which of the threads that were started while a library was loaded wait for an element of a queue.
pub(crate) fn record_queue_waits(threads: &mut [ThreadRecord]) {
    let Some(ruby) = FOUND.still_loaded().filter(|_| threads.len() > 1 && gvl::holds_gvl()) else { return };
    if !ruby.runs_here() || (ruby.is_during_gc)() != 0 {
        return;
    }
    let own = kernel::thread_id();
    let is_of_load = |thread: &&mut ThreadRecord| {
        frames_of(thread.site).any(|frame| frame.language == Language::Ruby && frame.function == LOADING)
    };
    for thread in threads.iter_mut().filter(|thread| thread.tid != own && thread.handle != 0).filter(is_of_load) {
        thread.awaits_work = ruby.waits_for_element(thread.handle).unwrap_or(false);
    }
}

impl Ruby {
    /// True when another thread's innermost frame is that of a method which takes an element from a queue.
    fn waits_for_element(&self, handle: usize) -> Option<bool> {
        let context: usize = read_value(self.block_of(handle)? + self.current.context.offset)?;
        let [stack, size, innermost]: [usize; 3] = read_value(context)?;
        (innermost.is_multiple_of(8) && (stack..stack.checked_add(size.checked_mul(8)?)?).contains(&innermost)).then_some(())?;
        // rb_control_frame_t: counter, stack pointer, code, self, environment; before the environment's end stands a C method's entry.
        let [_, _, code, _, environment]: [usize; 5] = read_value(innermost)?;
        let called = if code == 0 { read_value(environment.checked_sub(16)?)? } else { code };
        is_code_or_method(called).then_some(())?;
        let is_own = self.text((self.path)(called)).is_none_or(|file| file == OWN_FILE);
        Some(is_own && self.text((self.method)(called)).is_some_and(|name| TAKES_ELEMENT.contains(&name)))
    }

    /// Another thread's block of MRI's thread-local variables: as `thread_local_block`, by its pthread_t, which is what fs is there.
    fn block_of(&self, handle: usize) -> Option<usize> {
        const UNALLOCATED: usize = usize::MAX;
        let library = self.current.context.library;
        let table: usize = read_value(handle.checked_add(8)?)?;
        let length: usize = read_value(table.checked_sub(16)?)?;
        let block: usize = (1..=length).contains(&library).then(|| read_value(table + library * 16)).flatten()?;
        (block != 0 && block != UNALLOCATED).then_some(block)
    }
}

/// True for the objects that MRI takes for a frame: of code, and of a method's entry.
fn is_code_or_method(object: Value) -> bool {
    const TYPE_AND_KIND: usize = 0xf01f;
    const ENTRY: usize = 6 << 12 | 0x1a;
    const CODE: usize = 7 << 12 | 0x1a;
    let flags = || read_value::<usize>(object).map(|flags| flags & TYPE_AND_KIND);
    object.is_multiple_of(8) && object != 0 && matches!(flags(), Some(ENTRY | CODE))
}
