//! The unwind tables that every library carries (.eh_frame_hdr, .eh_frame), read fault-proof: how the registers of a caller are found.
use forkguard_core::kernel::{read_memory, read_value};
use std::ops::Range;

/// The row of the unwind table for an address, from the .eh_frame_hdr of its library; None where it has no entry, or one that this reader
/// does not understand.
pub(super) fn row(header: usize, at: usize) -> Option<Row> {
    const USUAL: usize = 512;
    let (start, entry) = search(header, at)?;
    let is_large = read_value::<u32>(entry)? as usize > USUAL;
    if is_large { row_of::<LARGE>(start, entry, at) } else { row_of::<USUAL>(start, entry, at) }
}

/// By an entry of so many bytes at most.
#[inline(never)]
fn row_of<const BYTES: usize>(start: usize, entry: usize, at: usize) -> Option<Row> {
    let (mut bytes, mut common_bytes) = ([0u8; BYTES], [0u8; COMMON_BYTES]);
    let (mut own, length, mut common) = function_entry(entry, &mut bytes, &mut common_bytes)?;
    if at - start >= length {
        return None;
    }
    if common.augmented {
        let length = own.unsigned()?;
        own.skip(length)?;
    }
    let mut row = Row { is_signals: common.is_signals, ..Row::START };
    let instructions = std::mem::replace(&mut common.instructions, Bytes(&[]));
    run(instructions, &common, usize::MAX, &mut row, Row::START)?;
    let first = row;
    run(own, &common, at - start, &mut row, first)?;
    Some(row)
}

/// The addresses of the function that `at` lies in.
#[inline(never)]
pub(super) fn function(header: usize, at: usize) -> Option<Range<usize>> {
    let (start, entry) = search(header, at)?;
    let (mut bytes, mut common_bytes) = ([0u8; LARGE], [0u8; COMMON_BYTES]);
    let (_, length, _) = function_entry(entry, &mut bytes, &mut common_bytes)?;
    Some(start..start + length).filter(|function| function.contains(&at))
}

/// Bytes of an entry that is still read.
const LARGE: usize = 4096;
/// Bytes of what several functions share, at most.
const COMMON_BYTES: usize = 128;

/// An entry behind its function's length, that length, and what it shares with others.
fn function_entry<'a>(entry: usize, bytes: &'a mut [u8], common_bytes: &'a mut [u8]) -> Option<(Bytes<'a>, usize, Common<'a>)> {
    let (own, entry_body) = record(entry, bytes)?;
    let mut own = Bytes(own);
    let common = entry_body - own.u32()? as usize;
    let common = Common::read(Bytes(record(common, common_bytes)?.0))?;
    // Where the function begins is in the table; its length counts from there.
    own.skip(common.pointer)?;
    let length = own.number(common.pointer)?;
    Some((own, length, common))
}

/// Address of the function that `at` lies in (or after), and of its entry, by the sorted table of an .eh_frame_hdr.
pub(super) fn search(header: usize, at: usize) -> Option<(usize, usize)> {
    // Version 1; the table's address in 4 bytes relative to its place, the count in 4 bytes, pairs of 4 bytes relative to the header.
    const ENCODING: u32 = u32::from_le_bytes([1, 0x1b, 0x03, 0x3b]);
    let [encoding, _, count]: [i32; 3] = read_value(header)?;
    if header == 0 || encoding.cast_unsigned() != ENCODING {
        return None;
    }
    let pair = |index: usize| {
        let [function, entry]: [i32; 2] = read_value(header + 12 + index * 8)?;
        Some((header.wrapping_add_signed(function as isize), header.wrapping_add_signed(entry as isize)))
    };
    let (mut low, mut high) = (0, usize::try_from(count).ok()?);
    let mut best = None;
    while low < high {
        let middle = low.midpoint(high);
        let found = pair(middle)?;
        if found.0 <= at {
            (best, low) = (Some(found), middle + 1);
        } else {
            high = middle;
        }
    }
    best
}

/// A record of .eh_frame without its length, and the address where that begins.
fn record(address: usize, bytes: &mut [u8]) -> Option<(&[u8], usize)> {
    let length = read_value::<u32>(address)? as usize;
    let bytes = bytes.get_mut(..length).filter(|b| !b.is_empty())?;
    read_memory(address + 4, bytes).then_some((&*bytes, address + 4))
}

/// What the entries of several functions share: a CIE.
struct Common<'a> {
    code: usize,
    data: i64,
    /// Bytes of a pointer in its entries.
    pointer: usize,
    augmented: bool,
    /// They are of code that signal handlers return to.
    is_signals: bool,
    instructions: Bytes<'a>,
}

impl<'a> Common<'a> {
    fn read(mut bytes: Bytes<'a>) -> Option<Common<'a>> {
        let (id, version) = (bytes.u32()?, bytes.u8()?);
        if id != 0 || !matches!(version, 1 | 3) {
            return None;
        }
        let end = bytes.0.iter().position(|&b| b == 0)?;
        let augmentation = &bytes.0[..end];
        bytes.skip(end + 1)?;
        let (code, data) = (bytes.unsigned()?, bytes.signed()?);
        let return_address = if version == 1 { bytes.u8()?.into() } else { bytes.unsigned()? };
        let (mut pointer, mut augmented, mut is_signals) = (8, false, false);
        for letter in augmentation {
            match letter {
                b'z' => {
                    bytes.unsigned()?;
                    augmented = true;
                }
                b'R' => pointer = size(bytes.u8()?)?,
                b'P' => {
                    let encoding = bytes.u8()?;
                    bytes.skip(size(encoding)?)?;
                }
                b'L' => bytes.skip(1)?,
                b'S' => is_signals = true,
                _ => return None,
            }
        }
        let common = Common { code, data, pointer, augmented, is_signals, instructions: bytes };
        (return_address == RETURN_ADDRESS).then_some(common)
    }
}

/// Bytes of a pointer of this encoding (DW_EH_PE_*).
fn size(encoding: u8) -> Option<usize> {
    match encoding & 0x0f {
        0x02 | 0x0a => Some(2),
        0x03 | 0x0b => Some(4),
        0x00 | 0x04 | 0x0c => Some(8),
        _ => None,
    }
}

/// DWARF's numbers of registers.
pub(super) const BP: usize = 6;
pub(super) const SP: usize = 7;
const RETURN_ADDRESS: usize = 16;

/// How a register of the caller is found.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Saved {
    Same,
    /// At so many bytes from the frame's address.
    At(i64),
    /// From where rbp points to.
    AtBp(i64),
    Unknown,
}

/// The address of a function's frame: the stack pointer before the call of it.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum FrameAddress {
    /// So many bytes from a register's value.
    From(usize, i64),
    /// In memory, so many bytes from where rbp points to: of a function that aligns its stack.
    InMemory(i64),
    /// Otherwise.
    Unknown,
}

impl FrameAddress {
    fn from(self) -> Option<(usize, i64)> {
        if let FrameAddress::From(register, offset) = self { Some((register, offset)) } else { None }
    }
}

/// What holds at one place of a function.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) frame: FrameAddress,
    pub(super) bp: Saved,
    pub(super) return_address: Saved,
    /// Where the lowest of the registers is saved that the function keeps for its caller, from the frame's address.
    pub(super) lowest: i64,
    /// What a signal handler returns to.
    pub(super) is_signals: bool,
}

impl Row {
    const START: Row =
        Row { frame: FrameAddress::Unknown, bp: Saved::Same, return_address: Saved::Unknown, lowest: 0, is_signals: false };

    fn set(&mut self, register: usize, saved: Saved) {
        if let Saved::At(offset) = saved {
            self.lowest = self.lowest.min(offset);
        }
        match register {
            BP => self.bp = saved,
            RETURN_ADDRESS => self.return_address = saved,
            _ => {}
        }
    }

    fn restore(&mut self, register: usize, first: &Row) {
        match register {
            BP => self.bp = first.bp,
            RETURN_ADDRESS => self.return_address = first.return_address,
            _ => {}
        }
    }
}

/// Runs the instructions of a CIE or FDE up to `target` bytes from the function's start.
fn run(mut bytes: Bytes, common: &Common, target: usize, row: &mut Row, first: Row) -> Option<()> {
    let mut place = 0usize;
    let mut remembered = [Row::START; 4];
    let mut depth = 0;
    while let Some(instruction) = bytes.u8() {
        let operand = usize::from(instruction & 0x3f);
        let advance = match instruction >> 6 {
            1 => operand,
            2 => {
                row.set(operand, Saved::At(bytes.unsigned()? as i64 * common.data));
                0
            }
            3 => {
                row.restore(operand, &first);
                0
            }
            _ => match instruction {
                // DW_CFA_nop, _advance_loc1, 2, 4
                0x00 => 0,
                0x02 => bytes.number(1)?,
                0x03 => bytes.number(2)?,
                0x04 => bytes.number(4)?,
                _ => {
                    step(instruction, &mut bytes, common, row, &first, (&mut remembered, &mut depth))?;
                    0
                }
            },
        };
        place += advance * common.code;
        if place > target {
            break;
        }
    }
    Some(())
}

/// One of the instructions that are longer than a byte.
fn step(
    instruction: u8,
    bytes: &mut Bytes,
    common: &Common,
    row: &mut Row,
    first: &Row,
    (remembered, depth): (&mut [Row; 4], &mut usize),
) -> Option<()> {
    /// DW_OP_deref
    const DEREFERENCE: u8 = 0x06;
    use FrameAddress::From;
    match instruction {
        // DW_CFA_offset_extended, _restore_extended
        0x05 => row.set(bytes.unsigned()?, Saved::At(bytes.unsigned()? as i64 * common.data)),
        0x06 => row.restore(bytes.unsigned()?, first),
        // DW_CFA_undefined, _same_value, _register
        0x07 => row.set(bytes.unsigned()?, Saved::Unknown),
        0x08 => row.set(bytes.unsigned()?, Saved::Same),
        0x09 => {
            row.set(bytes.unsigned()?, Saved::Unknown);
            bytes.unsigned()?;
        }
        // DW_CFA_remember_state, _restore_state
        0x0a => {
            *remembered.get_mut(*depth)? = *row;
            *depth += 1;
        }
        0x0b => {
            *depth = depth.checked_sub(1)?;
            *row = remembered[*depth];
        }
        // DW_CFA_def_cfa, _def_cfa_register, _def_cfa_offset, _def_cfa_expression
        0x0c => row.frame = From(bytes.unsigned()?, bytes.unsigned()? as i64),
        0x0d => row.frame = From(bytes.unsigned()?, row.frame.from()?.1),
        0x0e => row.frame = From(row.frame.from()?.0, bytes.unsigned()? as i64),
        0x0f => {
            let expression = bytes.block()?;
            row.frame = expression.offset_from_bp(&[DEREFERENCE]).map_or(FrameAddress::Unknown, FrameAddress::InMemory);
        }
        // DW_CFA_expression, _val_expression
        0x10 => {
            let register = bytes.unsigned()?;
            row.set(register, bytes.block()?.offset_from_bp(&[]).map_or(Saved::Unknown, Saved::AtBp));
        }
        0x16 => {
            row.set(bytes.unsigned()?, Saved::Unknown);
            bytes.block()?;
        }
        // DW_CFA_offset_extended_sf, _def_cfa_sf, _def_cfa_offset_sf
        0x11 => row.set(bytes.unsigned()?, Saved::At(bytes.signed()? * common.data)),
        0x12 => row.frame = From(bytes.unsigned()?, bytes.signed()? * common.data),
        0x13 => row.frame = From(row.frame.from()?.0, bytes.signed()? * common.data),
        // DW_CFA_GNU_args_size
        0x2e => {
            bytes.unsigned()?;
        }
        _ => return None,
    }
    Some(())
}

/// Bytes that are read from their begin.
#[derive(Clone, Copy)]
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn skip(&mut self, count: usize) -> Option<()> {
        self.0 = self.0.get(count..)?;
        Some(())
    }

    fn u8(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self, size: usize) -> Option<usize> {
        let mut bytes = [0; 8];
        bytes.get_mut(..size)?.copy_from_slice(self.0.get(..size)?);
        self.skip(size)?;
        Some(usize::from_le_bytes(bytes))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(self.number(4)? as u32)
    }

    /// LEB128.
    fn unsigned(&mut self) -> Option<usize> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.u8()?;
            value |= usize::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
    }

    fn signed(&mut self) -> Option<i64> {
        let before = self.0;
        let value = self.unsigned()? as i64;
        let read = before.len() - self.0.len();
        let unused = 64u32.saturating_sub(7 * read as u32);
        Some(value << unused >> unused)
    }

    /// An expression.
    fn block(&mut self) -> Option<Bytes<'a>> {
        let length = self.unsigned()?;
        let block = self.0.get(..length)?;
        self.skip(length)?;
        Some(Bytes(block))
    }

    /// The offset of the expression "rbp and an offset" (DW_OP_breg6) with these operations behind it.
    fn offset_from_bp(mut self, behind: &[u8]) -> Option<i64> {
        const BP_AND_OFFSET: u8 = 0x70 + BP as u8;
        let is_from_bp = self.u8()? == BP_AND_OFFSET;
        let offset = self.signed()?;
        (is_from_bp && self.0 == behind).then_some(offset)
    }
}
