//! Interpreters' frames from memory that is anything: the readers end, and give texts. The bytes are the memory, from [`START`] on: a word of them is a
//! pointer into them as a rule, so that chains and circles come about.
use forkguard_frames::Memory;
use forkguard_frames::perl::Perl;
use forkguard_frames::php::{Executed, Php};
use forkguard_frames::python::{LONGEST, Layout, Reader, Types};
use forkguard_frames::ruby::Ruby;
use std::cell::Cell;
use std::ffi::CStr;

const START: usize = 0x1000;
/// What a walk may read: only one that does not end reads more.
const READS: u32 = 1 << 20;

/// Frames of which the locks are read: a table of handlers may be long.
const LOOKED_INTO: usize = 64;

#[derive(Clone, Copy)]
struct Hostile<'b> {
    bytes: &'b [u8],
    reads: &'b Cell<u32>,
}

impl Memory for Hostile<'_> {
    fn read(self, address: usize, into: &mut [u8]) -> bool {
        self.reads.set(self.reads.get() + 1);
        assert!(self.reads.get() < READS, "a walk without an end");
        let part = address.checked_sub(START).and_then(|at| self.bytes.get(at..at.checked_add(into.len())?));
        part.inspect(|part| into.copy_from_slice(part)).is_some()
    }
}

/// Gives the memory to `read`, the address that its first word has it begin at, and what counts the frames.
fn in_memory(bytes: &[u8], read: impl FnOnce(Hostile, usize, &mut usize)) -> usize {
    let first = bytes.first_chunk().map_or(0, |word| usize::from_le_bytes(*word));
    let mut frames = 0;
    read(Hostile { bytes, reads: &Cell::new(0) }, first, &mut frames);
    frames
}

/// Where symbols lie: 64 bytes for each byte of their names.
fn symbol(name: &CStr) -> Option<usize> {
    Some(START + 64 * name.count_bytes())
}

pub(super) fn python(bytes: &[u8]) -> usize {
    in_memory(bytes, |memory, state, frames| {
        for minor in 9..=14 {
            let Some(layout) = Layout::of(memory, minor, START) else { continue };
            let types = Types::of(symbol).expect("all are there");
            let reader = Reader { memory, layout: &layout, types: &types };
            reader.walk(state, |frame| {
                let mut text = [0; LONGEST];
                let known = reader.line(frame).is_some() && reader.file_text(frame.code, &mut text).is_some();
                let _ = (reader.first_line(frame.code), reader.local(frame.locals, 3), reader.name_text(frame.code, &mut text));
                if *frames < LOOKED_INTO {
                    reader.with_locks(frame, |lock, _| _ = (lock.is_locked(memory), lock.owner(memory)));
                }
                *frames += usize::from(known);
                true
            });
        }
    })
}

pub(super) fn ruby(bytes: &[u8]) -> usize {
    in_memory(bytes, |memory, context, frames| {
        let Some(ruby) = Ruby::of(memory, symbol) else { return };
        let _ = ruby.context(memory, context, &mut |_, _, _| *frames += 1);
        ruby.frames(memory, START..START + bytes.len(), &mut |_, _, _| *frames += 1);
    })
}

pub(super) fn perl(bytes: &[u8]) -> usize {
    in_memory(bytes, |memory, _, frames| {
        if let Some(perl) = Perl::of(symbol) {
            perl.frames(memory, &mut |_, _| *frames += 1);
        }
    })
}

pub(super) fn php(bytes: &[u8]) -> usize {
    in_memory(bytes, |memory, file, frames| {
        let executed = Executed { file, line: 3, function: file.wrapping_add(64) };
        let php = Php::new(START);
        // What it found out is used again.
        for _ in 0..2 {
            let _ = php.frames(memory, &executed, &mut |_, _, _| *frames += 1);
        }
    })
}
