//! Output that waits in `sys.stdout`: in its text layer, and in the buffer below. Read raw, with the GIL held, from objects whose words show
//! that they are what they are taken for.
use super::frames::Reader;
use super::interpreter::interpreter;
use crate::sites::languages::memory::Memory;
use forkguard_core::fork::Digest;
use forkguard_frames::{Bytes, Memory as _};

/// Offsets in a `_io.TextIOWrapper` of CPython 3.9 to 3.13 (textio in Modules/_io/textio.c).
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

/// What waits in `sys.stdout`, if this thread has the GIL and runs code; None where nothing does, or it is another kind of object.
pub(crate) fn standard_output() -> Option<PythonOutput> {
    let python = interpreter()?;
    let state = python.api.state()?;
    let reader = python
        .reader()
        .filter(|_| python.api.has_known_files() && python.api.holds_gil(state) && python.api.has_no_exception())?;
    let stdout = python.api.system_object(c"stdout");
    let is = |object, class: &str| {
        let mut same = false;
        if object != 0 {
            python.api.class_name(object, |name| same = name == class);
        }
        same
    };
    if !is(stdout, "_io.TextIOWrapper") {
        return None;
    }
    let file = reader.memory.value::<usize>(stdout + text::BUFFER)?;
    if !is(file, "_io.BufferedWriter") || !is(reader.memory.value::<usize>(file + buffered::RAW)?, "_io.FileIO") {
        return None;
    }
    output(&reader, stdout, file)
}

fn output(reader: &Reader, stdout: usize, file: usize) -> Option<PythonOutput> {
    let word = |address: usize| reader.memory.value::<usize>(address);
    let size = word(file + buffered::SIZE)?;
    let is_laid_out_so = word(stdout + text::STATE)? == USABLE
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
    let above = word(stdout + text::PENDING_LENGTH)?;
    if above != add_pending(reader, &mut digest, word(stdout + text::PENDING)?)? {
        return None;
    }
    let fd = reader.memory.value::<i32>(word(file + buffered::RAW)? + 16)?;
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
