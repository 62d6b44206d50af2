//! The notes that linkers leave in a library.
use crate::elf::{LE, NoteHeader};
use crate::link_map::{LinkMap, program_headers};
use crate::memory::MemoryAccess;
use core::fmt::Write;
use forkguard_core::fixed::Text;
use object::elf::*;
use object::pod::{bytes_of_slice_mut, from_bytes};

/// What the notes of a library say.
pub struct Notes {
    /// The GNU build id in hex; empty when there is none.
    pub build_id: Text<48>,
    /// True when Go's linker made the library.
    pub is_go: bool,
}

impl Notes {
    /// Those of the library that begins at `start`.
    pub fn read(link_map: &LinkMap, start: usize) -> Notes {
        let memory = link_map.memory();
        let mut notes = Notes { build_id: Text::new(), is_go: false };
        for header in program_headers(memory, start).filter(|header| header.p_type.get(LE) == PT_NOTE) {
            let place = link_map.base.wrapping_add(header.p_vaddr.get(LE) as usize);
            notes.read_segment(memory, place, header.p_memsz.get(LE) as usize);
        }
        notes
    }

    fn read_segment(&mut self, memory: MemoryAccess, address: usize, length: usize) {
        // Aligned as the headers of notes are.
        let mut bytes = [0u64; 512];
        let words = length.div_ceil(size_of::<u64>()).min(bytes.len());
        let bytes = bytes_of_slice_mut(&mut bytes[..words]);
        let length = length.min(bytes.len());
        if !memory.fill(address, &mut bytes[..length]) {
            return;
        }
        let mut rest = &bytes[..length];
        while let Some((note, end)) = Note::first(rest) {
            match (note.name, note.kind) {
                (b"GNU\0", NT_GNU_BUILD_ID) if self.build_id.is_empty() => {
                    for byte in &note.content[..note.content.len().min(24)] {
                        let _ = write!(self.build_id, "{byte:02x}");
                    }
                }
                (b"Go\0\0", NT_GO_BUILD_ID) => self.is_go = true,
                _ => {}
            }
            rest = &rest[end..];
        }
    }
}

struct Note<'a> {
    name: &'a [u8],
    kind: NoteType,
    content: &'a [u8],
}

impl Note<'_> {
    /// The first note of a segment, and where it ends.
    fn first(bytes: &[u8]) -> Option<(Note<'_>, usize)> {
        let (header, rest) = from_bytes::<NoteHeader>(bytes).ok()?;
        let (name, size) = (header.n_namesz.get(LE) as usize, header.n_descsz.get(LE) as usize);
        let content = name.checked_next_multiple_of(4)?;
        let end = content.checked_add(size.checked_next_multiple_of(4)?)?;
        let note = Note { name: rest.get(..name)?, kind: header.n_type.get(LE), content: rest.get(content..end)?.get(..size)? };
        Some((note, size_of::<NoteHeader>() + end))
    }
}
