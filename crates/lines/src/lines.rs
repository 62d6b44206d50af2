//! .debug_line: the program that lists the addresses of a unit with their lines.
use crate::elf::Sections;
use crate::info::{Format, Value, value};
use crate::reader::{File, Reader, Text};
use crate::text::{Bytes, PATH};

/// Standard operations whose lengths are kept: there are twelve.
const OPERATIONS: usize = 32;

/// The head of a line program.
pub(crate) struct Program {
    format: Format,
    /// The tables of directories and files, the operations, the end.
    tables: u64,
    start: u64,
    end: u64,
    step: u64,
    line_base: i8,
    line_range: u8,
    first_special: u8,
    lengths: [u8; OPERATIONS],
}

/// What an address stands on.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) file: u64,
    pub(crate) line: u64,
}

impl Program {
    pub(crate) fn read(file: &File, sections: &Sections, at: u64) -> Option<Program> {
        let mut reader = Reader::new(file, sections.lines, at);
        let (end, wide) = reader.unit_end()?;
        let version = reader.u16()?;
        if !(2..=5).contains(&version) || (version == 5 && (reader.u8()?, reader.u8()?) != (8, 0)) {
            return None;
        }
        let length = reader.offset(wide)?;
        let start = reader.at().checked_add(length).filter(|&start| start <= end)?;
        let step = reader.u8()?.into();
        // Operations within an instruction: of other machines.
        if version >= 4 && reader.u8()? != 1 {
            return None;
        }
        let _is_statement = reader.u8()?;
        let (line_base, line_range, first_special) = (reader.u8()? as i8, reader.u8()?, reader.u8()?);
        let mut lengths = [0; OPERATIONS];
        if line_range == 0 || first_special == 0 || usize::from(first_special) > OPERATIONS {
            return None;
        }
        for length in &mut lengths[1..usize::from(first_special)] {
            *length = reader.u8()?;
        }
        let (tables, format) = (reader.at(), Format { version, wide });
        Some(Program { format, tables, start, end, step, line_base, line_range, first_special, lengths })
    }

    /// The row of an address: the last one not behind it, in a sequence that goes on behind it.
    pub(crate) fn row(&self, file: &File, sections: &Sections, address: u64) -> Option<Row> {
        let mut reader = Reader::new(file, sections.lines, self.start);
        reader.end_at(self.end);
        let (mut at, mut row) = (0u64, Row { file: 1, line: 1 });
        // Where the sequence begins, and the last row of it not behind the address.
        let (mut begin, mut found) = (None, None);
        loop {
            let operation = reader.u8()?;
            let mut ends = false;
            match operation {
                0 => {
                    let length = reader.unsigned()?;
                    let next = reader.at().checked_add(length)?;
                    match if length == 0 { 0 } else { reader.u8()? } {
                        1 => ends = true,
                        2 => at = reader.number(8)?,
                        _ => {}
                    }
                    reader.seek(next);
                    if !ends {
                        continue;
                    }
                }
                special if special >= self.first_special => {
                    let special = special - self.first_special;
                    at = at.wrapping_add(u64::from(special / self.line_range).wrapping_mul(self.step));
                    row.line = row.line.wrapping_add_signed(i64::from(self.line_base) + i64::from(special % self.line_range));
                }
                1 => {}
                2 => {
                    at = at.wrapping_add(reader.unsigned()?.wrapping_mul(self.step));
                    continue;
                }
                3 => {
                    row.line = row.line.wrapping_add_signed(reader.signed()?);
                    continue;
                }
                4 => {
                    row.file = reader.unsigned()?;
                    continue;
                }
                8 => {
                    let steps = (255 - self.first_special) / self.line_range;
                    at = at.wrapping_add(u64::from(steps).wrapping_mul(self.step));
                    continue;
                }
                9 => {
                    at = at.wrapping_add(reader.number(2)?);
                    continue;
                }
                other => {
                    for _ in 0..self.lengths[usize::from(other)] {
                        reader.unsigned()?;
                    }
                    continue;
                }
            }
            // A row. What the linker dropped begins at 0.
            let alive = *begin.get_or_insert(at) != 0;
            if alive && at > address && found.is_some() {
                return found;
            }
            if alive && at <= address {
                found = Some(row);
            }
            if ends {
                (at, row, begin, found) = (0, Row { file: 1, line: 1 }, None, None);
            }
        }
    }

    /// The path of a file: the unit's directory, the file's own and its name, each that begins at the root instead of those before it.
    pub(crate) fn path(&self, file: &File, sections: &Sections, index: u64, unit: Option<Text>) -> Option<Bytes<PATH>> {
        let mut reader = Reader::new(file, sections.lines, self.tables);
        reader.end_at(self.start);
        let (base, directory, name) = match self.format.version {
            5 => self.listed(sections, &mut reader, index)?,
            _ => {
                let (directory, name) = self.named(sections, &mut reader, index)?;
                (unit, directory, name)
            }
        };
        let mut path = Bytes::new();
        for part in [base, directory, Some(name)].into_iter().flatten() {
            push(file, part, &mut path)?;
        }
        Some(path)
    }

    /// Of the tables before version 5: the directory of a file (none: the unit's), and its name.
    fn named(&self, sections: &Sections, reader: &mut Reader, index: u64) -> Option<(Option<Text>, Text)> {
        while reader.skip_text()? {}
        for _ in 1..index {
            if !reader.skip_text()? {
                return None;
            }
            // Directory, time, size.
            let _ = (reader.unsigned()?, reader.unsigned()?, reader.unsigned()?);
        }
        let section = sections.lines;
        let name = Text { section, at: reader.at() };
        if index == 0 || !reader.skip_text()? {
            return None;
        }
        let directory = reader.unsigned()?;
        reader.seek(self.tables);
        for _ in 1..directory {
            if !reader.skip_text()? {
                return None;
            }
        }
        Some(((directory != 0).then_some(Text { section, at: reader.at() }), name))
    }

    /// Of version 5's: the unit's directory, the file's (none: the unit's) and its name.
    fn listed(&self, sections: &Sections, reader: &mut Reader, index: u64) -> Option<(Option<Text>, Option<Text>, Text)> {
        let mut directories = Table::read(reader)?;
        let first = directories.start;
        directories.find(self, sections, reader, directories.count)?;
        let mut files = Table::read(reader)?;
        let (name, directory) = files.find(self, sections, reader, index)??;
        let mut path = |index| {
            reader.seek(first);
            let (path, _) = directories.find(self, sections, reader, index)??;
            Some(path)
        };
        Some((path(0), if directory == 0 { None } else { path(directory) }, name))
    }
}

/// A table of version 5: what each entry consists of.
struct Table {
    formats: [(u64, u64); 8],
    used: usize,
    count: u64,
    start: u64,
}

impl Table {
    fn read(reader: &mut Reader) -> Option<Table> {
        let used = usize::from(reader.u8()?);
        let mut formats = [(0, 0); 8];
        for format in formats.get_mut(..used)? {
            *format = (reader.unsigned()?, reader.unsigned()?);
        }
        Some(Table { formats, used, count: reader.unsigned()?, start: reader.at() })
    }

    /// Reads on to the entry with that index: its path and directory; Some(None) behind the last one.
    fn find(&mut self, program: &Program, sections: &Sections, reader: &mut Reader, index: u64) -> Option<Option<(Text, u64)>> {
        const PATH: u64 = 1;
        const DIRECTORY: u64 = 2;
        for at in 0..self.count {
            let (mut path, mut directory, before) = (None, 0, reader.at());
            for &(content, form) in &self.formats[..self.used] {
                match (content, value(reader, sections, sections.lines, form, program.format)?) {
                    (PATH, Value::Text(text)) => path = Some(text),
                    (DIRECTORY, Value::Number(number)) => directory = number,
                    _ => {}
                }
            }
            if at == index {
                return Some(Some((path?, directory)));
            }
            // Entries of nothing could be without number.
            if reader.at() == before {
                return None;
            }
        }
        Some(None)
    }
}

/// Puts a part behind a path, or in its place when it begins at the root; None when there is no room.
pub(crate) fn push(file: &File, part: Text, path: &mut Bytes<PATH>) -> Option<()> {
    let (mut first, mut room) = (true, true);
    Reader::new(file, part.section, part.at).text(|byte| {
        if first && byte == b'/' {
            path.clear();
        } else if first && !path.as_bytes().is_empty() && path.as_bytes().last() != Some(&b'/') {
            room = path.push(b'/');
        }
        first = false;
        room &= path.push(byte);
        room
    })
}
