//! Streams of the C library (struct _IO_FILE of <bits/types/struct_FILE.h>): what was written into one, and not yet to its descriptor.
use super::layout::{Object, is_known};
use crate::kernel::read_value;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The words of a stream, as far as they are read.
pub type StreamWords = [usize; 25];

const WRITE_BASE: usize = 4;
const WRITE_POINTER: usize = 5;
const CHAIN: usize = 13;
const DESCRIPTOR: usize = 14;
const MODE: usize = 24;

/// Output that waits in a stream's buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Output {
    /// The stream's descriptor.
    pub fd: i32,
    /// Where it begins.
    pub start: usize,
    /// Bytes.
    pub length: usize,
}

/// What waits in a stream of bytes; None for a stream that reads, of wide characters or without a descriptor.
pub fn output(words: &StreamWords) -> Option<Output> {
    const MAGIC: u32 = 0xfbad_0000;
    const PUTTING: u32 = 0x800;
    const MASK: u32 = 0xffff_0000 | PUTTING;
    let (fd, start) = (words[DESCRIPTOR] as i32, words[WRITE_BASE]);
    let length = words[WRITE_POINTER].checked_sub(start)?;
    let writes = words[0] as u32 & MASK == MAGIC | PUTTING && words[MODE] as i32 <= 0;
    (writes && fd >= 0 && start != 0 && length != 0).then_some(Output { fd, start, length })
}

/// The descriptor of a stream; negative: none.
pub fn descriptor(words: &StreamWords) -> i32 {
    words[DESCRIPTOR] as i32
}

/// The C library's variable that holds its first stream.
#[unsafe(link_section = "forkguard_words")]
static FIRST: AtomicUsize = AtomicUsize::new(0);
/// Its three standard streams, which lie in its own data.
static STANDARD: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];

/// In the constructor: where the C library's streams are.
///
/// # Safety
/// The address of `_IO_list_all`, and those of the standard streams, which stay.
pub unsafe fn set_streams(first: usize, standard: [usize; 3]) {
    STANDARD.iter().zip(standard).for_each(|(word, address)| word.store(address, Relaxed));
    FIRST.store(first, Relaxed);
}

/// The number of a standard stream.
pub fn standard(stream: usize) -> Option<usize> {
    STANDARD.iter().position(|word| word.load(Relaxed) == stream)
}

/// The words of a stream; None where there is none. Another thread may close a stream meanwhile, but not free a standard one.
pub fn stream_words(stream: usize) -> Option<StreamWords> {
    match standard(stream) {
        // SAFETY: the C library's own data, which stay mapped.
        Some(_) => Some(unsafe { (stream as *const StreamWords).read_volatile() }),
        None => read_value(stream),
    }
}

/// The streams of this process with what they hold, without their list's lock: nothing of it is trusted.
pub fn streams() -> impl Iterator<Item = (usize, StreamWords)> {
    /// Streams that are looked at.
    const MOST: usize = 128;
    let first = FIRST.load(Relaxed);
    let known = first != 0 && is_known(Object::Stream);
    // SAFETY: the C library's own variable.
    let mut next = if known { unsafe { (first as *const usize).read_volatile() } } else { 0 };
    core::iter::from_fn(move || {
        let stream = next;
        let words = if stream == 0 { None } else { stream_words(stream) }?;
        next = words[CHAIN];
        Some((stream, words))
    })
    .take(MOST)
}

/// Streams of which is known who called the last function that writes.
pub const WRITERS: usize = 64;

/// A word each, chosen by the stream's address ([`INDEX_SHIFT`]): the address behind the call, with bits of the stream's above it ([`STREAM_SHIFT`]). Hooks write
/// it without looking.
pub static WRITER: [AtomicUsize; WRITERS] = [const { AtomicUsize::new(0) }; WRITERS];

/// How far a stream's address is shifted to stand above one of code, which has 47 bits: the four lowest bits of a stream's are zero.
pub const STREAM_SHIFT: usize = CODE_BITS - STREAM_BIT;
/// How far a stream's address is shifted to choose among the words.
pub const INDEX_SHIFT: usize = 5;
const CODE_BITS: usize = 47;
const STREAM_BIT: usize = 4;

/// Where a function that writes into the stream was called last: the address behind that call; 0 where that is not known.
pub fn last_writer(stream: usize) -> usize {
    let word = word_of(stream).load(Relaxed);
    let is_streams = word >> CODE_BITS == (stream << STREAM_SHIFT) >> CODE_BITS;
    if is_streams && stream.is_multiple_of(1 << STREAM_BIT) { word & ((1 << CODE_BITS) - 1) } else { 0 }
}

/// What waits in the stream, or in all of them (0), is written.
pub fn forget_writers(stream: usize) {
    match stream {
        0 => WRITER.iter().for_each(|word| word.store(0, Relaxed)),
        _ if last_writer(stream) != 0 => word_of(stream).store(0, Relaxed),
        _ => {}
    }
}

fn word_of(stream: usize) -> &'static AtomicUsize {
    &WRITER[(stream >> INDEX_SHIFT) % WRITERS]
}

/// Drops the first `length` bytes of the output that waits in a stream; what was written behind them moves up.
///
/// # Safety
/// A stream whose words were read in this process as holding that output, at least so much, and that no other thread uses.
pub unsafe fn drop_output(stream: usize, output: &Output, length: usize) {
    let (start, rest) = (output.start as *mut u8, output.length - length);
    // SAFETY: as promised: the output lies in the stream's buffer, and ends where its write pointer is.
    unsafe {
        start.copy_from(start.add(length), rest);
        (stream as *mut usize).add(WRITE_POINTER).write(output.start + rest);
    }
}
