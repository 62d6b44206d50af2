//! From a position in the bytecode to a line: the three forms of CPython's tables.

/// Which form a code object's table has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    /// co_lnotab, until 3.9: pairs of bytes and lines forward.
    Lnotab,
    /// co_linetable of 3.10: the same, where -128 stands for no line.
    Pairs,
    /// The location table of 3.11 and later.
    Locations,
}

/// The line of the instruction at `position` (bytes); None where it has none.
pub(super) fn line(table: Table, bytes: &mut impl Iterator<Item = u8>, first: i32, position: i32) -> Option<u32> {
    if position < 0 {
        return u32::try_from(first).ok();
    }
    let line = match table {
        Table::Lnotab => lnotab(bytes, first, position),
        Table::Pairs => pairs(bytes, first, position),
        Table::Locations => locations(bytes, first, position),
    };
    line.and_then(|l| u32::try_from(l).ok()).filter(|&l| l != 0)
}

fn lnotab(bytes: &mut impl Iterator<Item = u8>, first: i32, position: i32) -> Option<i32> {
    let (mut line, mut at) = (first, 0);
    while let (Some(step), Some(lines)) = (bytes.next(), bytes.next()) {
        at += i32::from(step);
        if at > position {
            break;
        }
        line = line.checked_add(i32::from(lines.cast_signed()))?;
    }
    Some(line)
}

fn pairs(bytes: &mut impl Iterator<Item = u8>, first: i32, position: i32) -> Option<i32> {
    let (mut line, mut end) = (first, 0);
    loop {
        end += i32::from(bytes.next()?);
        let lines = bytes.next()?.cast_signed();
        if lines != -128 {
            line = line.checked_add(i32::from(lines))?;
        }
        if end > position {
            return (lines != -128).then_some(line);
        }
    }
}

fn locations(bytes: &mut impl Iterator<Item = u8>, first: i32, position: i32) -> Option<i32> {
    let (mut line, mut end) = (first, 0);
    let mut head = bytes.next()?;
    loop {
        // An entry begins with a byte whose highest bit is set: kind and number of code units.
        let kind = head >> 3 & 15;
        let mut next = bytes.next();
        line = line.checked_add(match kind {
            11 => 1,
            12 => 2,
            13 | 14 => {
                let (mut value, mut shift) = (0u32, 0);
                while let Some(byte) = next.filter(|_| shift < 32) {
                    value |= u32::from(byte & 63) << shift;
                    shift += 6;
                    next = bytes.next();
                    if byte & 64 == 0 {
                        break;
                    }
                }
                let size = (value >> 1).cast_signed();
                if value & 1 == 0 { size } else { -size }
            }
            _ => 0,
        })?;
        end += (i32::from(head & 7) + 1) * 2;
        if end > position {
            return (kind != 15).then_some(line);
        }
        while next? & 128 == 0 {
            next = bytes.next();
        }
        head = next?;
    }
}
