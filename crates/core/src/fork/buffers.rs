//! Output that waits in the C library's streams at a fork: the child has a copy of it, and writes it as the leader does.
use crate::fixed::Fixed;
use crate::glibc::{self, Output};
use crate::kernel::{is_memory_device, read_memory};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Streams with such output that a snapshot lists.
pub const BUFFERS: usize = 16;

/// A stream with output that waited at the fork.
#[derive(Clone, Copy)]
pub struct BufferRecord {
    /// Address of the stream.
    pub stream: usize,
    /// What waited in it.
    pub output: Output,
    /// A number made of its first bytes.
    pub digest: u64,
}

/// What became of the copy that a child has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Copied {
    /// It still waits.
    Waits,
    /// It was written, or dropped.
    Gone,
    /// The stream is closed.
    Closed,
}

pub(super) fn record(buffers: &mut Fixed<BufferRecord, BUFFERS>) {
    buffers.clear();
    for (stream, words) in glibc::streams() {
        if let Some(output) = glibc::output(&words)
            && !is_memory_device(output.fd)
            && let Some(digest) = digest(&output, output.length)
        {
            buffers.push(BufferRecord { stream, output, digest });
        }
    }
}

/// FNV-1a over the first bytes of `output`, as far as `length` reaches.
fn digest(output: &Output, length: usize) -> Option<u64> {
    const MOST: usize = 256;
    let mut bytes = [0; MOST];
    let bytes = &mut bytes[..length.min(MOST)];
    read_memory(output.start, bytes)
        .then(|| bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)))
}

impl BufferRecord {
    /// In a child: whether the output still waits there.
    pub fn copied(&self) -> Copied {
        let Some((_, words)) = glibc::streams().find(|(stream, _)| *stream == self.stream) else { return Copied::Closed };
        let waits = |now: Output| {
            let begins_alike = now.start == self.output.start && now.length >= self.output.length;
            now.fd == self.output.fd && begins_alike && digest(&now, self.output.length) == Some(self.digest)
        };
        if glibc::output(&words).is_some_and(waits) { Copied::Waits } else { Copied::Gone }
    }

    /// In a child of one thread: drops the output of the leader, as far as it still waits; what the child has written behind it goes on.
    /// False where nothing could be dropped.
    pub fn drop_copy(&self) -> bool {
        let now = glibc::stream_words(self.stream).as_ref().and_then(glibc::output);
        let Some(now) = now.filter(|_| self.copied() == Copied::Waits) else { return false };
        // SAFETY: the stream is open and holds this output, and no other thread of the process uses it.
        unsafe { glibc::drop_output(self.stream, &now, self.output.length) };
        true
    }
}

/// The copies that may still wait in this process (bit n: the n-th stream of the fork that made it).
#[unsafe(link_section = "forkguard_words")]
static LEFT: AtomicU32 = AtomicU32::new(0);

/// In a forked child, which has so many copies.
pub fn begin_copies(count: usize) {
    let left = (1 << count.min(BUFFERS)) - 1;
    if LEFT.load(Relaxed) != left {
        LEFT.store(left, Relaxed);
    }
}

/// True while a copy may still wait.
pub fn are_copies_left() -> bool {
    LEFT.load(Relaxed) != 0
}

/// True while this one may.
pub fn is_copy_left(index: usize) -> bool {
    LEFT.load(Relaxed) & 1 << index != 0
}

/// This one waits no more; false when that was said before.
pub fn forget_copy(index: usize) -> bool {
    LEFT.fetch_and(!(1 << index), Relaxed) & 1 << index != 0
}
