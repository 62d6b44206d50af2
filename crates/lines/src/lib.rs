//! Names and lines of code, from the symbol table and the DWARF line tables (2 to 5) of the ELF file that it was loaded from.
//!
//! Made for a process that may be a forked child of a threaded one, in a signal handler, on a small stack: no allocation, no lock, no
//! unsafe code, a fixed amount of memory. A file is read piece by piece, never mapped (one that is cut short meanwhile would be a
//! SIGBUS), and never trusted: every number is checked, every loop ends with what may be read.
#![no_std]
#![forbid(unsafe_code)]

mod elf;
mod info;
mod lines;
mod reader;

pub use reader::Source;

use core::cell::Cell;
use elf::Sections;
use lines::Program;
use reader::File;

/// Names that are longer are cut; paths are left out.
const NAME: usize = 120;
const PATH: usize = 500;

/// A short text as the file has it: bytes.
pub struct Bytes<const N: usize> {
    length: usize,
    bytes: [u8; N],
}

impl<const N: usize> Bytes<N> {
    const fn new() -> Bytes<N> {
        Bytes { length: 0, bytes: [0; N] }
    }

    /// False when there is no room.
    fn push(&mut self, byte: u8) -> bool {
        let place = self.bytes.get_mut(self.length);
        let room = place.is_some();
        if let Some(place) = place {
            *place = byte;
            self.length += 1;
        }
        room
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// The symbol that an address lies in.
pub struct Symbol {
    /// Where it begins.
    pub start: u64,
    /// Its name, as the linker has it.
    pub name: Bytes<NAME>,
}

/// A line of source.
pub struct Place {
    /// The compilation's directory and the name, as the compiler recorded them.
    pub file: Bytes<PATH>,
    /// 0 for code that stands on no line.
    pub line: u32,
}

/// What a file says of an address.
pub struct Found {
    /// From .symtab, which has static functions and variables, too.
    pub symbol: Option<Symbol>,
    /// From .debug_line.
    pub place: Option<Place>,
    /// False when more would have to be read than is allowed.
    pub complete: bool,
}

/// Where the search for a line goes on to the caller of inlined code: given a path, says whether that is code of a library's header.
pub type IsLibrary<'a> = &'a dyn Fn(&[u8]) -> bool;

/// At most so many addresses are looked at together.
pub const TOGETHER: usize = 32;

/// Tells `each` what the ELF file `source` says of `addresses` (as the file counts them), if its build id is `build_id` (in hex). At most
/// `allowance` bytes are read, which is lowered by what was. Of inlined code of a library's header the place is the innermost call that
/// stands elsewhere. False for another file, and for one that has neither symbols nor lines: there is no need to ask again.
pub fn look(
    source: &dyn Source,
    build_id: &str,
    addresses: &[u64],
    is_library: IsLibrary,
    allowance: &mut u64,
    mut each: impl FnMut(usize, Found),
) -> bool {
    let file = File { source, allowance: Cell::new(*allowance), refused: Cell::new(false) };
    let sections = Sections::read(&file, build_id);
    if let Some(sections) = &sections {
        let addresses = &addresses[..addresses.len().min(TOGETHER)];
        let symbols = elf::symbols(&file, sections, addresses);
        let units = info::units_of(&file, sections, addresses);
        for (index, &address) in addresses.iter().enumerate() {
            let symbol = symbols[index].and_then(|symbol| elf::named(&file, sections, symbol));
            let place = units[index].and_then(|unit| place(&file, sections, unit, address, is_library));
            each(index, Found { symbol, place, complete: !file.refused.get() });
        }
    }
    *allowance = file.allowance.get();
    sections.is_some() || file.refused.get()
}

fn place(file: &File, sections: &Sections, unit: u64, address: u64, is_library: IsLibrary) -> Option<Place> {
    let unit = info::unit(file, sections, unit)?;
    let program = Program::read(file, sections, unit.lines?)?;
    let row = program.row(file, sections, address)?;
    let named = |file_index, line: u64| {
        let path = program.path(file, sections, file_index, unit.directory)?;
        Some(Place { file: path, line: u32::try_from(line).unwrap_or(0) })
    };
    let place = named(row.file, row.line)?;
    if !is_library(place.file.as_bytes()) {
        return Some(place);
    }
    let calls = info::inlined(file, sections, &unit, address);
    let caller = calls.iter().rev().filter_map(|&(file, line)| named(file, line)).find(|at| !is_library(at.file.as_bytes()));
    caller.or(Some(place))
}

#[cfg(test)]
extern crate std;
#[cfg(test)]
mod tests;
