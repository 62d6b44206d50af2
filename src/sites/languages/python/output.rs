//! Output that waits in `sys.stdout` and other files: in their text layer, and in the buffer below. Read raw, with the GIL held, from objects whose words show
//! that they are what they are taken for.
use super::files;
use super::frames::Reader;
use super::interpreter::{Interpreter, interpreter};
use crate::sites::languages::memory::Memory;
use forkguard_core::fork::Digest;
use forkguard_frames::{Bytes, Memory as _};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Offsets in a `_io.TextIOWrapper` of CPython 3.9 to 3.14 (textio in Modules/_io/textio.c).
mod text {
    pub(super) const STATE: usize = 16;
    pub(super) const BUFFER: usize = 32;
    pub(super) const PENDING: usize = 136;
    pub(super) const PENDING_LENGTH: usize = 144;
}

/// Offsets in a `_io.BufferedWriter` (buffered in Modules/_io/bufferedio.c).
mod buffered {
    pub(super) const RAW: usize = 16;
    pub(super) const STATE: usize = 24;
    pub(super) const BUFFER: usize = 56;
    pub(super) const WRITE_POSITION: usize = 88;
    pub(super) const WRITE_END: usize = 96;
    pub(super) const SIZE: usize = 120;
    pub(super) const MASK: usize = 128;
}

/// Offsets in a `_io.FileIO` (fileio in Modules/_io/fileio.c), and a bit of the flags behind its descriptor.
mod raw {
    pub(super) const DESCRIPTOR: usize = 16;
    pub(super) const CLOSES: usize = 1 << 6;
}

/// `ok` is 1, `detached` is 0.
const USABLE: usize = 1;

/// What waits in a file of Python's.
pub(crate) struct PythonOutput {
    /// The descriptor.
    pub(crate) fd: i32,
    /// Bytes.
    pub(crate) length: usize,
    /// Of their beginning.
    pub(crate) digest: Digest,
}

/// Calls `each` with what waits in `sys.stdout` and in the files that are open for writing, if this thread has the GIL and runs code.
pub(crate) fn waiting_output(mut each: impl FnMut(PythonOutput)) {
    let _ = read(&mut each);
}

fn read(each: &mut dyn FnMut(PythonOutput)) -> Option<()> {
    let python = interpreter()?;
    let state = python.api.state()?;
    let reader = python
        .reader()
        .filter(|_| python.api.has_known_files() && python.api.holds_gil(state) && python.api.has_no_exception())?;
    let classes = Classes::of(python)?;
    classes.keep();
    if let Some(output) = classes.output(&reader, python.api.system_object(c"stdout")) {
        each(output);
    }
    let careful = Reader { memory: Memory::careful(), ..reader };
    python.each_file(&reader, [classes.text, classes.buffered], |file| {
        if let Some(output) = classes.output(&careful, file).filter(|output| output.fd > 2) {
            each(output);
        }
    });
    Some(())
}

/// The classes of files, once they were asked for.
static CLASSES: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];

/// Calls `each` with the buffers of the files that were open for writing at the last fork and still are, as far as their objects tell, and their
/// descriptors. Without the GIL.
pub(crate) fn known_files(mut each: impl FnMut(usize, i32)) {
    let [text, buffered, raw] = CLASSES.each_ref().map(|class| class.load(Relaxed));
    let classes = Classes { text, buffered, raw };
    if raw != 0 {
        files::known().filter_map(|file| classes.owned(file)).for_each(|(buffer, fd)| each(buffer, fd));
    }
}

/// True when the bytes at this address are those that wait in such a buffer, which goes to that descriptor.
pub(crate) fn is_in_buffer(buffer: usize, fd: i32, address: usize) -> bool {
    let is_in = || {
        let memory = Memory::careful();
        let word = |offset| memory.value::<usize>(buffer + offset);
        let (start, size) = (word(buffered::BUFFER)?, word(buffered::SIZE)?);
        let is_usable = word(buffered::STATE)? == USABLE && size.is_power_of_two() && word(buffered::MASK)? == size - 1;
        let goes_there = memory.value::<i32>(word(buffered::RAW)? + raw::DESCRIPTOR)? == fd;
        Some(is_usable && goes_there && (start..start + size).contains(&address))
    };
    is_in() == Some(true)
}

/// Addresses of the classes of files.
struct Classes {
    text: usize,
    buffered: usize,
    raw: usize,
}

impl Classes {
    fn of(python: &Interpreter) -> Option<Classes> {
        let class = |name| python.api.class_in(&python.types, c"_io", name);
        Some(Classes { text: class(c"TextIOWrapper")?, buffered: class(c"BufferedWriter")?, raw: class(c"FileIO")? })
    }

    /// Keeps them for [`known_files`].
    fn keep(&self) {
        CLASSES.iter().zip([self.text, self.buffered, self.raw]).for_each(|(word, class)| word.store(class, Relaxed));
    }

    /// The buffer and the descriptor of a file that closes it when it is freed itself.
    fn owned(&self, file: usize) -> Option<(usize, i32)> {
        let memory = Memory::careful();
        let class = |object: usize| (object != 0).then(|| memory.value::<usize>(object + 8)).flatten();
        let buffer = if class(file)? == self.text { memory.value(file + text::BUFFER)? } else { file };
        let raw = (class(buffer)? == self.buffered).then(|| memory.value::<usize>(buffer + buffered::RAW))??;
        let word = (class(raw)? == self.raw).then(|| memory.value::<usize>(raw + raw::DESCRIPTOR))??;
        let (fd, flags) = (word as i32, word >> 32);
        (flags & raw::CLOSES != 0).then_some((buffer, fd))
    }

    /// What waits in a file, with a text layer or without; one that has such a layer is not looked at by itself.
    fn output(&self, reader: &Reader, file: usize) -> Option<PythonOutput> {
        let class = |object: usize| (object != 0).then(|| reader.memory.value::<usize>(object + 8)).flatten();
        let (text, buffer) = match class(file)? {
            class if class == self.text => (file, reader.memory.value::<usize>(file + text::BUFFER)?),
            class if class == self.buffered => (0, file),
            _ => return None,
        };
        let is_one = class(buffer)? == self.buffered && class(reader.memory.value::<usize>(buffer + buffered::RAW)?)? == self.raw;
        if is_one { output(reader, text, buffer) } else { None }
    }
}

/// `text`: 0 without a text layer.
fn output(reader: &Reader, text: usize, file: usize) -> Option<PythonOutput> {
    let word = |address: usize| reader.memory.value::<usize>(address);
    let size = word(file + buffered::SIZE)?;
    let is_laid_out_so = (text == 0 || word(text + text::STATE)? == USABLE)
        && word(file + buffered::STATE)? == USABLE
        && size.is_power_of_two()
        && word(file + buffered::MASK)? == size - 1;
    if !is_laid_out_so {
        return None;
    }
    let mut digest = Digest::new();
    let (start, end) = (word(file + buffered::WRITE_POSITION)?, word(file + buffered::WRITE_END)?);
    // -1: nothing was written.
    let below = if end <= size { end.checked_sub(start)? } else { 0 };
    add(reader.memory, &mut digest, word(file + buffered::BUFFER)? + start, below);
    let above = if text == 0 { 0 } else { word(text + text::PENDING_LENGTH)? };
    if above != 0 && above != add_pending(reader, &mut digest, word(text + text::PENDING)?)? {
        return None;
    }
    let fd = reader.memory.value::<i32>(word(file + buffered::RAW)? + raw::DESCRIPTOR)?;
    (below + above > 0 && fd >= 0).then_some(PythonOutput { fd, length: below + above, digest })
}

/// Adds what the text layer holds: nothing, an object, or a list of them. How many bytes that are.
fn add_pending(reader: &Reader, digest: &mut Digest, pending: usize) -> Option<usize> {
    /// Objects that are looked at.
    const MOST: usize = 4096;
    if pending == 0 {
        return Some(0);
    }
    if let Some(length) = add_object(reader, digest, pending) {
        return Some(length);
    }
    // PyListObject: its length, where its items are.
    let (count, items) = (reader.memory.value::<usize>(pending + 16)?, reader.memory.value::<usize>(pending + 24)?);
    (0..count.min(MOST))
        .try_fold(0, |sum, index| Some(sum + add_object(reader, digest, reader.memory.value(items + index * 8)?)?))
}

/// The same for bytes, or a text of ASCII characters.
fn add_object(reader: &Reader, digest: &mut Digest, object: usize) -> Option<usize> {
    let (class, length) = (reader.memory.value::<usize>(object + 8)?, reader.memory.value::<usize>(object + 16)?);
    let characters = match class {
        _ if class == reader.types.bytes => 32,
        _ if class == reader.types.unicode => reader.layout.ascii,
        _ => return None,
    };
    add(reader.memory, digest, object + characters, length);
    Some(length)
}

fn add(memory: Memory, digest: &mut Digest, address: usize, length: usize) {
    let mut bytes = Bytes::new(memory, address, length);
    while let Some(byte) = digest.wants_more().then(|| bytes.next()).flatten() {
        digest.add(byte);
    }
}
