//! The sections of an ELF file (64 bits, little endian), and its symbols.
use crate::reader::{File, Reader, Section};
use crate::text::{Bytes, NAME, TOGETHER};

/// The symbol that an address lies in.
pub struct Symbol {
    /// Where it begins.
    pub start: u64,
    /// Its name, as the linker has it.
    pub name: Bytes<NAME>,
}

/// Larger tables are left to tools that have time.
const SECTIONS: u16 = 512;
const LINES: u64 = 8 << 20;
const SYMBOLS: u64 = 40_000;
const NAMES: usize = 1024;

const NOTE: u32 = 7;
const COMPRESSED: u64 = 0x800;

/// What is looked at; what a file does not have is empty.
#[derive(Default)]
pub(crate) struct Sections {
    pub(crate) lines: Section,
    pub(crate) line_texts: Section,
    pub(crate) texts: Section,
    pub(crate) text_offsets: Section,
    pub(crate) info: Section,
    pub(crate) abbreviations: Section,
    pub(crate) address_ranges: Section,
    pub(crate) ranges: Section,
    pub(crate) range_lists: Section,
    pub(crate) addresses: Section,
    symbols: Section,
    symbol_names: Section,
}

/// A section's header.
struct Header {
    name: u64,
    kind: u32,
    flags: u64,
    place: Section,
    link: u32,
}

fn header(reader: &mut Reader) -> Option<Header> {
    let (name, kind) = (reader.number(4)?, reader.u32()?);
    let (flags, _address, start, size) = (reader.number(8)?, reader.number(8)?, reader.number(8)?, reader.number(8)?);
    let link = reader.u32()?;
    reader.skip(20)?;
    Some(Header { name, kind, flags, place: Section { start, size }, link })
}

impl Sections {
    /// None for a file without the build id, and for one that has neither lines nor symbols.
    pub(crate) fn read(file: &File, build_id: &str) -> Option<Sections> {
        const WHOLE: Section = Section { start: 0, size: u64::MAX };
        let mut reader = Reader::new(file, WHOLE, 0);
        if reader.number(6)? != u64::from_le_bytes(*b"\x7fELF\x02\x01\0\0") {
            return None;
        }
        reader.seek(40);
        let table = reader.number(8)?;
        reader.seek(58);
        let (size, count, names) = (reader.u16()?, reader.u16()?, reader.u16()?);
        if size != 64 || count > SECTIONS {
            return None;
        }
        let place = |index: u64| table.checked_add(index.checked_mul(64)?);
        reader.seek(place(names.into())?);
        let names = header(&mut reader)?.place;
        let mut known = [0; NAMES];
        let known_size = names.size.min(NAMES as u64) as usize;
        let length = file.read_at(names.start, &mut known[..known_size]);

        let (mut sections, mut same) = (Sections::default(), false);
        let mut linked = None;
        reader.seek(table);
        for _ in 0..count {
            let header = header(&mut reader)?;
            if header.flags & COMPRESSED != 0 {
                continue;
            }
            let name = known[..length].get(header.name as usize..).unwrap_or_default();
            let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
            match name {
                b".note.gnu.build-id" if header.kind == NOTE => same = is_same(file, header.place, build_id).unwrap_or(false),
                b".symtab" => (sections.symbols, linked) = (header.place, Some(header.link)),
                b".debug_line" if header.place.size <= LINES => sections.lines = header.place,
                b".debug_line_str" => sections.line_texts = header.place,
                b".debug_str" => sections.texts = header.place,
                b".debug_str_offsets" => sections.text_offsets = header.place,
                b".debug_info" => sections.info = header.place,
                b".debug_abbrev" => sections.abbreviations = header.place,
                b".debug_aranges" => sections.address_ranges = header.place,
                b".debug_ranges" => sections.ranges = header.place,
                b".debug_rnglists" => sections.range_lists = header.place,
                b".debug_addr" => sections.addresses = header.place,
                _ => {}
            }
        }
        if let Some(link) = linked {
            reader.seek(place(link.into())?);
            sections.symbol_names = header(&mut reader)?.place;
        }
        (same && (sections.lines.size > 0 || sections.symbols.size > 0)).then_some(sections)
    }
}

/// True when the note holds the id: after sizes of name and content, kind and name ("GNU").
fn is_same(file: &File, note: Section, build_id: &str) -> Option<bool> {
    let mut reader = Reader::new(file, note, 0);
    let (_, size) = (reader.u32()?, reader.u32()?);
    reader.skip(8)?;
    let mut digits = build_id.bytes();
    // As many bytes as the library keeps of one.
    for _ in 0..size.min(24) {
        let byte = reader.u8()?;
        for half in [byte >> 4, byte & 15] {
            if digits.next()? != b"0123456789abcdef"[usize::from(half)] {
                return Some(false);
            }
        }
    }
    Some(size > 0 && digits.next().is_none())
}

/// Of each address the innermost function or variable that it lies in: where that begins, and where its name does.
pub(crate) fn symbols(file: &File, sections: &Sections, addresses: &[u64]) -> [Option<(u64, u32)>; TOGETHER] {
    const ENTRY: u64 = 24;
    const VARIABLE: u8 = 1;
    const FUNCTION: u8 = 2;
    const INDIRECT: u8 = 10;
    let mut found: [Option<(u64, u32)>; TOGETHER] = [None; TOGETHER];
    let count = sections.symbols.size / ENTRY;
    if count > SYMBOLS {
        return found;
    }
    // Whole entries at a time.
    let mut chunk = [0; 340 * ENTRY as usize];
    let mut at = 0;
    while at < count * ENTRY {
        let size = (count * ENTRY - at).min(chunk.len() as u64) as usize;
        let start = sections.symbols.start.saturating_add(at);
        if file.read_at(start, &mut chunk[..size]) < size {
            break;
        }
        for entry in chunk[..size].as_chunks::<{ ENTRY as usize }>().0 {
            let (words, _) = entry.as_chunks::<8>();
            let [first, value, size] = [0, 1, 2].map(|i| u64::from_le_bytes(words[i]));
            // Name, kind and section in the first word.
            if !matches!((first >> 32) as u8 & 15, VARIABLE | FUNCTION | INDIRECT) || first >> 48 == 0 {
                continue;
            }
            for (address, found) in addresses.iter().zip(&mut found) {
                let inside = address.wrapping_sub(value) < size;
                if inside && found.is_none_or(|(start, _)| start < value) {
                    *found = Some((value, first as u32));
                }
            }
        }
        at += size as u64;
    }
    found
}

/// The symbol with its name.
pub(crate) fn named(file: &File, sections: &Sections, (start, name): (u64, u32)) -> Option<Symbol> {
    let mut symbol = Symbol { start, name: Bytes::new() };
    // What is too long is cut.
    let _ = Reader::new(file, sections.symbol_names, name.into()).text(|byte| symbol.name.push(byte));
    (!symbol.name.as_bytes().is_empty()).then_some(symbol)
}
