//! Output that waits in C++'s files (`std::ofstream`). libstdc++ opens them by fopen, but has a buffer of its own above that, in an object of the
//! program's. The object is found on the stack of that call, where its address was kept, and known by the name of its class.
use forkguard_core::fork::Digest;
use forkguard_core::kernel::{read_memory, read_value};
use forkguard_loader::path_of;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering::Relaxed};

/// The class of their buffers, as its type information names it.
const CLASS: &[u8; 39] = b"St13basic_filebufIcSt11char_traitsIcEE\0";
/// Words of such an object that are looked at. The ABI has fixed them: the table of virtual functions, the six pointers of `std::streambuf`, among
/// them where what waits begins and ends, its locale; then a lock, and the C library's stream.
const WORDS: usize = 20;
const BEGINNING: usize = 4;
const NEXT: usize = 5;
const BEHIND_LOCALE: usize = 8;

/// True for code of C++'s own library.
pub(crate) fn is_own_code(address: usize) -> bool {
    path_of(address).is_some_and(|path| path.as_str().contains("/libstdc++."))
}

/// A file that was opened for writing.
struct File {
    object: AtomicUsize,
    stream: AtomicUsize,
    fd: AtomicI32,
}

/// The last of them that are open.
static FILES: [File; 32] =
    [const { File { object: AtomicUsize::new(0), stream: AtomicUsize::new(0), fd: AtomicI32::new(0) } }; 32];
static OPENED: AtomicUsize = AtomicUsize::new(0);

impl File {
    /// Where what waits in it begins and ends; None for one that is closed by now.
    fn output(&self) -> Option<(usize, usize)> {
        let object = self.object.load(Relaxed);
        let words = read_value::<[usize; WORDS]>(object).filter(|_| object != 0 && is_file(object))?;
        let has_stream = words[BEHIND_LOCALE..].contains(&self.stream.load(Relaxed));
        has_stream.then_some((words[BEGINNING], words[NEXT]))
    }
}

/// True for an object of that class, or of one that is derived from it.
fn is_file(object: usize) -> bool {
    let type_of = |object: usize| read_value::<usize>(read_value::<usize>(object)?.checked_sub(8)?);
    let is_class = |information: usize| {
        let mut name = [0; CLASS.len()];
        read_value::<usize>(information + 8).is_some_and(|at| read_memory(at, &mut name)) && name == *CLASS
    };
    let base_of = |information: usize| read_value::<usize>(information + 16);
    type_of(object).is_some_and(|information| is_class(information) || base_of(information).is_some_and(is_class))
}

/// libstdc++ has opened a file by a call that returns to `caller`, which lies on the stack above `sp`.
pub(crate) fn opened(stream: usize, fd: i32, sp: usize, caller: usize) {
    const ABOVE: usize = 1024;
    const STEP: usize = 64;
    const KEPT: usize = 8;
    // A program that opens a file again and again is not slowed down by it for ever.
    const MOST: usize = 1024;
    if OPENED.fetch_add(1, Relaxed) >= MOST {
        OPENED.store(MOST, Relaxed);
        return;
    }
    let (mut stack, mut length) = ([0; ABOVE], 0);
    // A thread's stack may end before that.
    while let Some(part) = stack.get_mut(length..length + STEP) {
        let Some(words) = read_value::<[usize; STEP]>((sp & !7) + length * size_of::<usize>()) else { break };
        part.copy_from_slice(&words);
        length += STEP;
    }
    let may_be = |at: &&usize| at.is_multiple_of(8) && (4096..1 << 47).contains(*at);
    // Below the call's own return address lie copies of it.
    let behind_calls = stack[..length].windows(KEPT).filter(|words| words[0] == caller);
    let Some(&object) = behind_calls.flat_map(|words| &words[1..]).filter(may_be).find(|&&at| is_file(at)) else { return };
    if let Some(slot) = FILES.iter().find(|file| file.object.load(Relaxed) == object || file.output().is_none()) {
        slot.stream.store(stream, Relaxed);
        slot.fd.store(fd, Relaxed);
        slot.object.store(object, Relaxed);
    }
}

/// Calls `each` with the descriptor of each such file in which output waits, its length, and of its beginning.
pub(crate) fn waiting_output(mut each: impl FnMut(i32, usize, Digest)) {
    if OPENED.load(Relaxed) == 0 {
        return;
    }
    for file in &FILES {
        let Some((start, end)) = file.output() else { continue };
        let length = end.checked_sub(start).filter(|&length| length > 0 && length <= 16 << 20);
        if let Some(digest) = length.and_then(|length| Digest::of(start, length)) {
            each(file.fd.load(Relaxed), end - start, digest);
        }
    }
}
