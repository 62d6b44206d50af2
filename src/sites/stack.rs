//! The native stack of the calling thread: return addresses by the unwind tables that every library carries (.eh_frame).
//!
//! The C library's own unwinder may take a lock (registered frames, older loaders) and reads what the tables say without a doubt: both
//! are not for a library that lives in other people's processes. This walk takes none, allocates nothing, and reads stack and tables
//! fault-proof: a stack that is not as the tables say (a coroutine's, code without tables) ends the walk.
use forkguard_core::raw::{read_memory, read_value};
use forkguard_loader::{Mapping, find_object};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Frames that are walked, this library's own included, and how far from each other the first and the last may lie.
const DEPTH: usize = 48;
const SPAN: usize = 64 << 20;

/// Where a walk begins: a place in a function that does not return before the walk is over.
#[derive(Clone, Copy)]
pub(crate) struct Start {
    at: usize,
    sp: usize,
    bp: usize,
}

impl Start {
    /// Where a call was made from: its return address, the stack pointer and rbp that its caller goes on with.
    pub(crate) fn of_call(caller: usize, sp: usize, bp: usize) -> Start {
        Start { at: caller - 1, sp, bp }
    }

    /// Here, in the function that this is inlined into.
    #[inline(always)]
    pub(crate) fn here() -> Start {
        let (at, sp, bp): (usize, usize, usize);
        // SAFETY: reads registers.
        unsafe {
            std::arch::asm!("lea {}, [rip]", "mov {}, rsp", "mov {}, rbp", out(reg) at, out(reg) sp, out(reg) bp, options(nomem, nostack))
        };
        Start { at, sp, bp }
    }
}

/// Calls `each` with the return addresses behind `caller`, which the walk must meet or begin at: innermost first.
pub(super) fn frames(start: Start, caller: usize, each: &mut dyn FnMut(usize) -> bool) {
    let mut met = start.at == caller - 1;
    walk(start, &mut |frame| {
        let go_on = !met || each(frame.address);
        met |= frame.address == caller;
        go_on
    });
}

/// Where the function begins that the walk leads to and that returns to `restorer`, as the C library's signal handlers do.
pub(super) fn handler(start: Start, restorer: usize) -> Option<usize> {
    let (mut inner, mut found) = (start.at, None);
    walk(start, &mut |frame| {
        if frame.address == restorer {
            found = function(inner);
        }
        inner = frame.address - 1;
        frame.address != restorer
    });
    found
}

/// Where the function begins that an address lies in.
pub(super) fn function(at: usize) -> Option<usize> {
    let (start, _) = search(find_object(at)?.eh_frame, at)?;
    Some(start)
}

/// Calls `each` with the calling frames, innermost first, for as long as it says so.
fn walk(start: Start, each: &mut dyn FnMut(&Frame) -> bool) {
    let Start { mut at, mut sp, mut bp } = start;
    let bottom = sp;
    let mut stack = Window { start: 0, words: [0; WINDOW] };
    for _ in 0..DEPTH {
        let Some(frame) = rule(at).and_then(|rule| rule.apply(sp, bp, &mut stack)) else { return };
        if frame.sp <= sp || frame.sp - bottom > SPAN || frame.address == 0 || !each(&frame) {
            return;
        }
        // A call ends before its return address.
        (at, sp, bp) = (frame.address - 1, frame.sp, frame.bp);
    }
}

/// Words of the stack that are read at once.
const WINDOW: usize = 64;

/// A piece of the stack.
struct Window {
    start: usize,
    words: [usize; WINDOW],
}

impl Window {
    fn read(&mut self, address: usize) -> Option<usize> {
        let index = address.wrapping_sub(self.start) / 8;
        if !address.is_multiple_of(8) {
            return None;
        }
        if index < WINDOW && self.start != 0 {
            return Some(self.words[index]);
        }
        self.start = address;
        // SAFETY: plain words, viewed as bytes.
        let bytes = unsafe { std::slice::from_raw_parts_mut(self.words.as_mut_ptr().cast::<u8>(), WINDOW * 8) };
        if !read_memory(address, bytes) {
            // Where the stack begins there is less above.
            self.start = 0;
            return read_value(address);
        }
        Some(self.words[0])
    }
}

/// The calling frame's registers.
struct Frame {
    address: usize,
    sp: usize,
    bp: usize,
}

/// How to get from a place in the code to its caller's frame, in one word.
#[derive(Clone, Copy)]
struct Rule(u64);

impl Rule {
    /// Nothing leads on from here.
    const END: Rule = Rule(1);
    const BY_BP: u64 = 2;
    const BP_SAVED: u64 = 4;

    /// From the offset of the frame's address (CFA) to a register, and of the saved rbp to that.
    fn new(by_bp: bool, offset: i64, saved_bp: Option<i64>) -> Rule {
        let (Ok(offset @ 8..0x100_0000), Ok(saved)) = (u32::try_from(offset), i32::try_from(saved_bp.unwrap_or(0))) else {
            return Rule::END;
        };
        let by = if by_bp { Rule::BY_BP } else { 0 };
        let kept = if saved_bp.is_some() { Rule::BP_SAVED } else { 0 };
        Rule(by | kept | u64::from(offset) << 8 | u64::from(saved.cast_unsigned()) << 32)
    }

    fn apply(self, sp: usize, bp: usize, stack: &mut Window) -> Option<Frame> {
        if self.0 & Rule::END.0 != 0 {
            return None;
        }
        let base = if self.0 & Rule::BY_BP != 0 { bp } else { sp };
        let above = base.checked_add((self.0 >> 8) as usize & 0xff_ffff)?;
        let saved = (self.0 >> 32) as u32 as i32 as isize;
        // In the order of the addresses: one piece of the stack holds both.
        let bp = if self.0 & Rule::BP_SAVED != 0 { stack.read(above.wrapping_add_signed(saved))? } else { bp };
        Some(Frame { address: stack.read(above - 8)?, sp: above, bp })
    }
}

/// Rules that were worked out: a key mixed with the rule, and the rule. Halves of two writers do not fit together.
static KNOWN: [[AtomicU64; 2]; 1024] = [const { [const { AtomicU64::new(0) }; 2] }; 1024];

/// The rule for an address of code; None outside of all libraries.
fn rule(at: usize) -> Option<Rule> {
    let found = find_object(at)?;
    let place = &KNOWN[(at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) % KNOWN.len()];
    // Another library may come to lie at the same addresses.
    let key = at as u64 ^ (found.link_map as u64).rotate_left(20) ^ (found.eh_frame as u64).rotate_left(40);
    let [mixed, known] = [place[0].load(Relaxed), place[1].load(Relaxed)];
    if known != 0 && mixed ^ known == key {
        return Some(Rule(known));
    }
    let rule = work_out(&found, at).unwrap_or(Rule::END);
    place[0].store(key ^ rule.0, Relaxed);
    place[1].store(rule.0, Relaxed);
    Some(rule)
}

/// From the library's table: None where it has no entry, or one that these few lines do not understand.
#[inline(never)]
fn work_out(found: &Mapping, at: usize) -> Option<Rule> {
    let (start, entry) = search(found.eh_frame, at)?;
    let mut bytes = [0u8; 512];
    let (own, entry_body) = record(entry, &mut bytes)?;
    let mut own = Bytes(own);
    let common = entry_body - own.u32()? as usize;
    let mut common_bytes = [0u8; 128];
    let mut common = Common::read(Bytes(record(common, &mut common_bytes)?.0))?;
    // Where the function begins is in the table; its length counts from there.
    own.skip(common.pointer)?;
    let length = own.number(common.pointer)?;
    if at - start >= length {
        return None;
    }
    if common.augmented {
        let length = own.unsigned()?;
        own.skip(length)?;
    }
    let mut row = Row::START;
    let instructions = std::mem::replace(&mut common.instructions, Bytes(&[]));
    run(instructions, &common, usize::MAX, &mut row, Row::START)?;
    let first = row;
    run(own, &common, at - start, &mut row, first)?;
    row.rule()
}

/// Address of the function that `at` lies in (or after), and of its entry: by .eh_frame_hdr's sorted table.
fn search(header: usize, at: usize) -> Option<(usize, usize)> {
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
        let (mut pointer, mut augmented) = (8, false);
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
                // A signal's frame: what it interrupted made no call.
                _ => return None,
            }
        }
        (return_address == ADDRESS).then_some(Common { code, data, pointer, augmented, instructions: bytes })
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
const BP: usize = 6;
const SP: usize = 7;
const ADDRESS: usize = 16;

/// How a register of the caller is found.
#[derive(Clone, Copy, PartialEq)]
enum Saved {
    Same,
    At(i64),
    Unknown,
}

/// What holds at one place of a function.
#[derive(Clone, Copy)]
struct Row {
    /// Register and offset of the frame's address; None where an expression tells it.
    frame: Option<(usize, i64)>,
    bp: Saved,
    address: Saved,
}

impl Row {
    const START: Row = Row { frame: None, bp: Saved::Same, address: Saved::Unknown };

    fn set(&mut self, register: usize, saved: Saved) {
        match register {
            BP => self.bp = saved,
            ADDRESS => self.address = saved,
            _ => {}
        }
    }

    fn restore(&mut self, register: usize, first: &Row) {
        match register {
            BP => self.bp = first.bp,
            ADDRESS => self.address = first.address,
            _ => {}
        }
    }

    fn rule(&self) -> Option<Rule> {
        let (register @ (BP | SP), offset) = self.frame? else { return None };
        let saved_bp = match self.bp {
            Saved::Same => None,
            Saved::At(offset) => Some(offset),
            Saved::Unknown => return None,
        };
        (self.address == Saved::At(-8)).then(|| Rule::new(register == BP, offset, saved_bp))
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
        0x0c => row.frame = Some((bytes.unsigned()?, bytes.unsigned()? as i64)),
        0x0d => row.frame = Some((bytes.unsigned()?, row.frame?.1)),
        0x0e => row.frame = Some((row.frame?.0, bytes.unsigned()? as i64)),
        0x0f => {
            row.frame = None;
            bytes.skip_block()?;
        }
        // DW_CFA_expression, _val_expression
        0x10 | 0x16 => {
            row.set(bytes.unsigned()?, Saved::Unknown);
            bytes.skip_block()?;
        }
        // DW_CFA_offset_extended_sf, _def_cfa_sf, _def_cfa_offset_sf
        0x11 => row.set(bytes.unsigned()?, Saved::At(bytes.signed()? * common.data)),
        0x12 => row.frame = Some((bytes.unsigned()?, bytes.signed()? * common.data)),
        0x13 => row.frame = Some((row.frame?.0, bytes.signed()? * common.data)),
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

impl Bytes<'_> {
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

    fn skip_block(&mut self) -> Option<()> {
        let length = self.unsigned()?;
        self.skip(length)
    }
}
