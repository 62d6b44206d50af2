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
    /// Address of the C library's stream; 0: a language's own.
    pub stream: usize,
    /// That language; empty for the C library's.
    pub language: &'static str,
    /// What waited in it.
    pub output: Output,
    /// Of what waited.
    pub digest: Digest,
    /// The address behind the last call of a function that writes into the stream; 0 where that is not known.
    pub writer: usize,
    /// Where the fork is, if that was asked before it; 0: see the snapshot.
    pub site: usize,
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
    for (stream, words) in glibc::streams() {
        if let Some(output) = glibc::output(&words)
            && !is_memory_device(output.fd)
            && let Some(digest) = Digest::of(output.start, output.length)
        {
            let writer = glibc::last_writer(stream);
            buffers.push(BufferRecord { stream, language: "", output, digest, writer, site: 0 });
        }
    }
}

/// A number made of the first bytes of an output (FNV-1a).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    hash: u64,
    taken: usize,
}

impl Digest {
    /// Bytes that are taken in.
    pub const MOST: usize = 256;

    /// Of nothing.
    pub const fn new() -> Digest {
        Digest { hash: 0xcbf2_9ce4_8422_2325, taken: 0 }
    }

    /// Of the first bytes at an address; None where they cannot be read.
    pub fn of(address: usize, length: usize) -> Option<Digest> {
        let mut bytes = [0; Digest::MOST];
        let bytes = &mut bytes[..length.min(Digest::MOST)];
        let mut digest = Digest::new();
        read_memory(address, bytes).then(|| bytes.iter().for_each(|&byte| digest.add(byte)))?;
        Some(digest)
    }

    /// False once it has taken in all that it does.
    pub fn wants_more(&self) -> bool {
        self.taken < Digest::MOST
    }

    /// Of what it has taken in.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// Takes in a byte.
    pub fn add(&mut self, byte: u8) {
        self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        self.taken += 1;
    }
}

impl Default for Digest {
    fn default() -> Digest {
        Digest::new()
    }
}

impl BufferRecord {
    /// True for a buffer that is a language's own, and not the C library's.
    pub fn is_languages(&self) -> bool {
        self.stream == 0
    }

    /// True when what is written there begins with this output.
    pub fn begins(&self, address: usize, length: usize) -> bool {
        length >= self.output.length.min(Digest::MOST) && Digest::of(address, self.output.length) == Some(self.digest)
    }

    /// In a child: whether the output still waits there; always, as far as a language's is known.
    pub fn copied(&self) -> Copied {
        if self.is_languages() {
            return Copied::Waits;
        }
        let Some((_, words)) = glibc::streams().find(|(stream, _)| *stream == self.stream) else { return Copied::Closed };
        let waits = |now: Output| {
            let begins_alike = now.start == self.output.start && now.length >= self.output.length;
            now.fd == self.output.fd && begins_alike && Digest::of(now.start, self.output.length) == Some(self.digest)
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
