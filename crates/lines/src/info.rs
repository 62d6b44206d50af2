//! .debug_info: which unit an address lies in, and which calls were inlined there.
use crate::elf::Sections;
use crate::reader::{FIRST, File, Reader, Section, Text};
use crate::text::{Bytes, NAME, TOGETHER};
use core::ops::Range;

/// How a unit is written.
#[derive(Clone, Copy)]
pub(crate) struct Format {
    pub(crate) version: u16,
    pub(crate) wide: bool,
}

/// A unit: what was compiled at once.
pub(crate) struct Unit {
    format: Format,
    /// Its first entry, and where it begins and ends in the section.
    first: u64,
    start: u64,
    end: u64,
    abbreviations: u64,
    low: u64,
    address_base: u64,
    lists_base: u64,
    texts_base: u64,
    /// Its line program.
    pub(crate) lines: Option<u64>,
    /// Where the compiler ran.
    pub(crate) directory: Option<Text>,
}

/// The value of an attribute.
#[derive(Clone, Copy)]
pub(crate) enum Value {
    Number(u64),
    Address(u64),
    /// An address by its place in .debug_addr.
    Indexed(u64),
    Text(Text),
    /// A text by its place in .debug_str_offsets.
    TextIndex(u64),
    /// A list of ranges by its place in the index of lists.
    List(u64),
    Other,
}

impl Value {
    pub(crate) fn number(self) -> Option<u64> {
        if let Value::Number(number) = self { Some(number) } else { None }
    }
}

/// Reads a value of `form`; `section` is what `reader` reads. None for forms that nobody knows.
pub(crate) fn value(reader: &mut Reader, sections: &Sections, section: Section, form: u64, format: Format) -> Option<Value> {
    use Value::*;
    let form = if form == 0x16 { reader.unsigned()? } else { form };
    let block = |reader: &mut Reader, size: Option<u64>| reader.skip(size?).map(|()| Other);
    let text = |section, at: Option<u64>| at.map(|at| Text(crate::reader::Text { section, at }));
    match form {
        0x01 => reader.number(8).map(Address),
        0x05 => reader.number(2).map(Number),
        0x06 => reader.number(4).map(Number),
        0x07 => reader.number(8).map(Number),
        0x08 => {
            let at = reader.at();
            reader.skip_text()?;
            text(section, Some(at))
        }
        0x0b | 0x0c | 0x11 => reader.number(1).map(Number),
        0x0e => text(sections.texts, reader.offset(format.wide)),
        0x0f | 0x15 => reader.unsigned().map(Number),
        0x0d => reader.signed().map(|number| Number(number as u64)),
        0x12 => reader.number(2).map(Number),
        0x13 => reader.number(4).map(Number),
        0x14 | 0x20 | 0x24 => reader.number(8).map(Number),
        0x17 => reader.offset(format.wide).map(Number),
        0x19 => Some(Number(1)),
        0x1b | 0x1f01 => reader.unsigned().map(Indexed),
        0x29..=0x2c => reader.number((form - 0x28) as u8).map(Indexed),
        0x1f => text(sections.line_texts, reader.offset(format.wide)),
        0x23 => reader.unsigned().map(List),
        // Blocks.
        0x03 => {
            let size = reader.number(2);
            block(reader, size)
        }
        0x04 => {
            let size = reader.number(4);
            block(reader, size)
        }
        0x09 | 0x18 => {
            let size = reader.unsigned();
            block(reader, size)
        }
        0x0a => {
            let size = reader.number(1);
            block(reader, size)
        }
        0x1e => block(reader, Some(16)),
        // Other units, other files, texts by index.
        0x10 if format.version <= 2 => reader.number(8).map(|_| Other),
        0x10 | 0x1d | 0x1f20 | 0x1f21 => reader.offset(format.wide).map(|_| Other),
        0x1a | 0x1f02 => reader.unsigned().map(TextIndex),
        0x22 => reader.unsigned().map(|_| Other),
        0x1c => reader.number(4).map(|_| Other),
        0x25..=0x28 => reader.number((form - 0x24) as u8).map(TextIndex),
        _ => None,
    }
}

/// An entry, as far as it matters here.
#[derive(Default)]
struct Entry {
    tag: u64,
    children: bool,
    sibling: Option<u64>,
    lines: Option<u64>,
    directory: Option<Text>,
    low: Option<Value>,
    high: Option<Value>,
    ranges: Option<Value>,
    name: Option<Value>,
    linkage_name: Option<Value>,
    origin: Option<u64>,
    texts_base: Option<u64>,
    call_file: Option<u64>,
    call_line: Option<u64>,
    address_base: Option<u64>,
    lists_base: Option<u64>,
}

/// Those of most units fit into a window.
const ABBREVIATIONS: usize = 16 << 10;

/// The abbreviations of one unit: where each begins, as far as they were needed.
struct Abbreviations<'f> {
    reader: Reader<'f, ABBREVIATIONS>,
    start: u64,
    /// From the start; 0 is unknown.
    places: [u32; 512],
    /// Those before it are known.
    next: u64,
}

impl<'f> Abbreviations<'f> {
    fn new(file: &'f File<'f>, sections: &Sections, start: u64, chunk: usize) -> Abbreviations<'f> {
        let reader = Reader::with_chunk(file, sections.abbreviations, start, chunk);
        Abbreviations { reader, start, places: [0; 512], next: start }
    }

    /// Goes to the abbreviation of that code, behind the code itself.
    fn find(&mut self, code: u64) -> Option<()> {
        let index = usize::try_from(code).ok()?;
        if *self.places.get(index)? != 0 {
            self.reader.seek(self.start.checked_add(u64::from(self.places[index]))?);
            return Some(());
        }
        loop {
            self.reader.seek(self.next);
            let found = self.reader.unsigned().filter(|&found| found != 0)?;
            let at = self.reader.at();
            if let Some(place) = usize::try_from(found).ok().and_then(|found| self.places.get_mut(found)) {
                *place = u32::try_from(at.checked_sub(self.start)?).ok()?;
            }
            let (_tag, _children) = (self.reader.unsigned()?, self.reader.u8()?);
            while self.attribute()?.is_some() {}
            self.next = self.reader.at();
            if found == code {
                self.reader.seek(at);
                return Some(());
            }
        }
    }

    /// Name, form and, where the form says so, the value of the next attribute; None behind the last one.
    fn attribute(&mut self) -> Option<Option<(u64, u64, Option<i64>)>> {
        const IMPLICIT: u64 = 0x21;
        let (name, form) = (self.reader.unsigned()?, self.reader.unsigned()?);
        let implicit = if form == IMPLICIT { Some(self.reader.signed()?) } else { None };
        Some((form != 0).then_some((name, form, implicit)))
    }
}

/// The tag of an entry that ends a list of children.
const END: u64 = 0;
/// More attributes than any compiler writes.
const ATTRIBUTES: u32 = 64;

fn entry(reader: &mut Reader, sections: &Sections, format: Format, abbreviations: &mut Abbreviations) -> Option<Entry> {
    let code = reader.unsigned()?;
    if code == 0 {
        return Some(Entry { tag: END, ..Entry::default() });
    }
    abbreviations.find(code)?;
    let (tag, children) = (abbreviations.reader.unsigned()?, abbreviations.reader.u8()? != 0);
    let mut entry = Entry { tag, children, ..Entry::default() };
    for _ in 0..ATTRIBUTES {
        let Some((name, form, implicit)) = abbreviations.attribute()? else { return Some(entry) };
        let value = match implicit {
            Some(value) => Value::Number(value as u64),
            None => value(reader, sections, sections.info, form, format)?,
        };
        match name {
            0x01 => entry.sibling = value.number(),
            0x03 => entry.name = Some(value),
            0x6e | 0x2007 => entry.linkage_name = Some(value),
            // DW_AT_abstract_origin, DW_AT_specification: where the rest is said of it.
            0x31 | 0x47 => entry.origin = value.number(),
            0x72 => entry.texts_base = value.number(),
            0x10 => entry.lines = value.number(),
            0x11 => entry.low = Some(value),
            0x12 => entry.high = Some(value),
            0x1b => entry.directory = if let Value::Text(text) = value { Some(text) } else { None },
            0x55 => entry.ranges = Some(value),
            0x58 => entry.call_file = value.number(),
            0x59 => entry.call_line = value.number(),
            0x73 => entry.address_base = value.number(),
            0x74 => entry.lists_base = value.number(),
            _ => {}
        }
    }
    None
}

/// The unit that begins at `start`, with its first entry; where the next one begins.
fn unit_at(file: &File, sections: &Sections, start: u64) -> Option<(Option<(Unit, Entry)>, u64)> {
    const SKELETON: u8 = 4;
    const TYPES: [u8; 2] = [2, 6];
    let mut reader = Reader::new(file, sections.info, start);
    let (end, wide) = reader.unit_end()?;
    let version = reader.u16()?;
    let (mut kind, mut address_size) = (1, 0);
    if version >= 5 {
        (kind, address_size) = (reader.u8()?, reader.u8()?);
    }
    let abbreviations = reader.offset(wide)?;
    if version < 5 {
        address_size = reader.u8()?;
    } else if kind >= SKELETON {
        reader.skip(8)?;
    }
    if !(2..=5).contains(&version) || address_size != 8 || TYPES.contains(&kind) {
        return Some((None, end));
    }
    let (format, first) = (Format { version, wide }, reader.at());
    let Some(entry) = entry(&mut reader, sections, format, &mut Abbreviations::new(file, sections, abbreviations, FIRST)) else {
        return Some((None, end));
    };
    let mut unit = Unit {
        format,
        first,
        start,
        end,
        abbreviations,
        low: 0,
        address_base: entry.address_base.unwrap_or(8),
        lists_base: entry.lists_base.unwrap_or(0),
        texts_base: entry.texts_base.unwrap_or(8),
        lines: entry.lines,
        directory: entry.directory,
    };
    unit.low = entry.low.and_then(|low| unit.address(file, sections, low)).unwrap_or(0);
    Some((Some((unit, entry)), end))
}

impl Unit {
    fn address(&self, file: &File, sections: &Sections, value: Value) -> Option<u64> {
        match value {
            Value::Address(address) => Some(address),
            Value::Indexed(index) => {
                let at = index.checked_mul(8)?.checked_add(self.address_base)?;
                Reader::new(file, sections.addresses, at).number(8)
            }
            _ => None,
        }
    }

    fn text(&self, file: &File, sections: &Sections, value: Value) -> Option<Text> {
        match value {
            Value::Text(text) => Some(text),
            Value::TextIndex(index) => {
                let size = if self.format.wide { 8 } else { 4 };
                let at = index.checked_mul(size)?.checked_add(self.texts_base)?;
                let at = Reader::new(file, sections.text_offsets, at).offset(self.format.wide)?;
                Some(Text { section: sections.texts, at })
            }
            _ => None,
        }
    }

    /// True when the entry's code holds the address; false also where that is not said.
    fn covers(&self, file: &File, sections: &Sections, lists: &mut Reader, entry: &Entry, address: u64) -> bool {
        let mut covers = false;
        // What ends early was read as far as it goes.
        let _ = self.ranges(file, sections, lists, entry, |range| covers |= range.contains(&address));
        covers
    }

    /// Reads the lists of ranges.
    fn lists<'f>(&self, file: &'f File<'f>, sections: &Sections) -> Reader<'f> {
        Reader::new(file, if self.format.version == 5 { sections.range_lists } else { sections.ranges }, 0)
    }

    /// Gives each range of the entry's code to `each`.
    fn ranges(
        &self,
        file: &File,
        sections: &Sections,
        lists: &mut Reader,
        entry: &Entry,
        mut each: impl FnMut(Range<u64>),
    ) -> Option<()> {
        if let Some(ranges) = entry.ranges {
            return match self.format.version {
                5 => self.listed(file, sections, lists, ranges, each),
                _ => self.paired(lists, ranges.number()?, each),
            };
        }
        let low = self.address(file, sections, entry.low?).filter(|&low| low != 0)?;
        let high = match entry.high? {
            // A number is a length.
            Value::Number(length) => low.checked_add(length)?,
            high => self.address(file, sections, high)?,
        };
        each(low..high);
        Some(())
    }

    /// A list of .debug_ranges: pairs, relative to the unit's start or to what a pair that begins with -1 says.
    fn paired(&self, reader: &mut Reader, at: u64, mut each: impl FnMut(Range<u64>)) -> Option<()> {
        reader.seek(at);
        let mut base = self.low;
        loop {
            match (reader.number(8)?, reader.number(8)?) {
                (0, 0) => return Some(()),
                (u64::MAX, new) => base = new,
                (low, high) => each(base.wrapping_add(low)..base.wrapping_add(high)),
            }
        }
    }

    /// A list of .debug_rnglists.
    fn listed(
        &self,
        file: &File,
        sections: &Sections,
        reader: &mut Reader,
        list: Value,
        mut each: impl FnMut(Range<u64>),
    ) -> Option<()> {
        let at = match list {
            Value::Number(at) => at,
            Value::List(index) => {
                let size = if self.format.wide { 8 } else { 4 };
                let at = index.checked_mul(size)?.checked_add(self.lists_base)?;
                reader.seek(at);
                let offset = reader.offset(self.format.wide)?;
                offset.checked_add(self.lists_base)?
            }
            _ => return None,
        };
        reader.seek(at);
        let mut base = self.low;
        let indexed = |index| self.address(file, sections, Value::Indexed(index));
        loop {
            let (low, high) = match reader.u8()? {
                0 => return Some(()),
                1 => {
                    base = indexed(reader.unsigned()?)?;
                    continue;
                }
                5 => {
                    base = reader.number(8)?;
                    continue;
                }
                2 => (indexed(reader.unsigned()?)?, indexed(reader.unsigned()?)?),
                4 => (base.wrapping_add(reader.unsigned()?), base.wrapping_add(reader.unsigned()?)),
                6 => (reader.number(8)?, reader.number(8)?),
                kind @ (3 | 7) => {
                    let low = if kind == 3 { indexed(reader.unsigned()?)? } else { reader.number(8)? };
                    (low, low.wrapping_add(reader.unsigned()?))
                }
                _ => return None,
            };
            each(low..high);
        }
    }
}

/// The unit that begins there.
pub(crate) fn unit(file: &File, sections: &Sections, start: u64) -> Option<Unit> {
    unit_at(file, sections, start)?.0.map(|(unit, _)| unit)
}

/// Where the unit of each address begins: by .debug_aranges, else by what the units say of themselves.
pub(crate) fn units_of(file: &File, sections: &Sections, addresses: &[u64]) -> [Option<u64>; TOGETHER] {
    let mut units = [None; TOGETHER];
    let mut note = |range: Range<u64>, start| {
        for (address, unit) in addresses.iter().zip(&mut units) {
            if range.contains(address) {
                unit.get_or_insert(start);
            }
        }
        units.iter().flatten().count()
    };
    if sections.lines.size > 0 {
        // What ends early was read as far as it goes.
        let _ = indexed(file, sections, addresses.len(), &mut note);
        // Beside code of a unit there may be some of none, such as the C library's start: that is not worth a walk.
        if note(0..0, 0) == 0 {
            let _ = walk(file, sections, addresses.len(), &mut note);
        }
    }
    units
}

/// Takes a range and where its unit begins; how many addresses have their unit now.
type Note<'a> = &'a mut dyn FnMut(Range<u64>, u64) -> usize;

fn walk(file: &File, sections: &Sections, wanted: usize, note: Note) -> Option<()> {
    let (mut at, mut known) = (0, 0);
    while known < wanted {
        let (found, next) = unit_at(file, sections, at)?;
        if let Some((unit, entry)) = found {
            let _ = unit.ranges(file, sections, &mut unit.lists(file, sections), &entry, |range| known = note(range, at));
        }
        at = next;
    }
    Some(())
}

/// Reads .debug_aranges.
fn indexed(file: &File, sections: &Sections, wanted: usize, note: Note) -> Option<()> {
    let mut reader = Reader::new(file, sections.address_ranges, 0);
    loop {
        let start = reader.at();
        let (end, wide) = reader.unit_end()?;
        let (version, unit) = (reader.u16()?, reader.offset(wide)?);
        let sizes = (reader.u8()?, reader.u8()?);
        if version == 2 && sizes == (8, 0) {
            // Pairs begin at multiples of their size.
            let header = reader.at().checked_sub(start)?;
            reader.seek(start.checked_add(header.checked_next_multiple_of(16)?)?);
            while reader.at() < end {
                let (low, length) = (reader.number(8)?, reader.number(8)?);
                // What the linker dropped lies at 0.
                if low != 0 && note(low..low.saturating_add(length), unit) == wanted {
                    return Some(());
                }
            }
        }
        reader.seek(end);
    }
}

/// A call that was inlined.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    /// Where it stands, by the unit's files.
    pub(crate) file: u64,
    pub(crate) line: u64,
    /// The entry of the function that was called.
    function: Option<u64>,
}

/// Calls that were inlined where an address lies, outermost first.
pub(crate) struct Calls {
    list: [Call; 16],
    count: usize,
}

impl Calls {
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Call> {
        self.list[..self.count].iter()
    }
}

/// The calls that were inlined at an address, as far as there is room.
pub(crate) fn inlined(file: &File, sections: &Sections, unit: &Unit, address: u64) -> Calls {
    let mut calls = Calls { list: [Call { file: 0, line: 0, function: None }; 16], count: 0 };
    // What ends early was read as far as it goes.
    let _ = collect(file, sections, unit, address, &mut calls);
    calls
}

/// The name of the function that was called, as the linker has it where that differs from the source's.
pub(crate) fn name_of(file: &File, sections: &Sections, unit: &Unit, call: &Call) -> Option<Bytes<NAME>> {
    // An inlined call refers to its function, which may refer to its declaration in a class.
    const REFERENCES: usize = 3;
    let mut abbreviations = Abbreviations::new(file, sections, unit.abbreviations, ABBREVIATIONS);
    let (mut at, mut name) = (call.function, None);
    for _ in 0..REFERENCES {
        let mut reader = Reader::new(file, sections.info, at?.checked_add(unit.start)?);
        reader.end_at(unit.end);
        let entry = entry(&mut reader, sections, unit.format, &mut abbreviations)?;
        if entry.linkage_name.is_some() {
            name = entry.linkage_name;
            break;
        }
        name = name.or(entry.name);
        if entry.origin.is_none() {
            break;
        }
        at = entry.origin;
    }
    let text = unit.text(file, sections, name?)?;
    let mut name = Bytes::new();
    // What is too long is cut.
    let _ = Reader::<256>::with_chunk(file, text.section, text.at, NAME).text(|byte| name.push(byte));
    (!name.as_bytes().is_empty()).then_some(name)
}

fn collect(file: &File, sections: &Sections, unit: &Unit, address: u64, calls: &mut Calls) -> Option<()> {
    const SUBPROGRAM: u64 = 0x2e;
    const INLINED: u64 = 0x1d;
    let mut abbreviations = Abbreviations::new(file, sections, unit.abbreviations, ABBREVIATIONS);
    let mut lists = unit.lists(file, sections);
    let mut reader = Reader::new(file, sections.info, unit.first);
    reader.end_at(unit.end);
    // How deep the next entry lies; the function that holds the address, and one that does not whose entries are being passed.
    let (mut depth, mut function, mut passing) = (0u32, None, None);
    loop {
        let entry = entry(&mut reader, sections, unit.format, &mut abbreviations)?;
        if entry.tag == END {
            depth = depth.checked_sub(1)?;
            if function == Some(depth) {
                return Some(());
            }
            passing = passing.filter(|&start| start < depth);
            continue;
        }
        let code = matches!(entry.tag, SUBPROGRAM | INLINED) && passing.is_none();
        let covers = code && unit.covers(file, sections, &mut lists, &entry, address);
        if covers && entry.tag == INLINED {
            let call = Call { file: entry.call_file?, line: entry.call_line?, function: entry.origin };
            *calls.list.get_mut(calls.count)? = call;
            calls.count += 1;
        }
        if covers && entry.tag == SUBPROGRAM {
            function = function.or(Some(depth));
        }
        // What is not on the way to the address is passed at once where the compiler says how.
        let passed = depth > 0 && !covers && (code || function.is_none());
        match entry.sibling.and_then(|at| at.checked_add(unit.start)).filter(|&at| passed && at > reader.at()) {
            Some(sibling) => reader.seek(sibling),
            None if entry.children => {
                if code && !covers {
                    passing = Some(depth);
                }
                depth += 1;
            }
            None => {}
        }
    }
}
