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
mod readable;
mod reader;
mod text;

pub use elf::Symbol;
pub use readable::Readable;
pub use reader::Source;
pub use text::{Bytes, NAME, TOGETHER};

use core::cell::Cell;
use elf::Sections;
use info::Unit;
use lines::Program;
use reader::File;
use text::PATH;

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
    /// From .debug_line: of inlined code where that stands.
    pub place: Option<Place>,
    /// Functions that were inlined there, innermost first, and where each was called: the next outer one, or the symbol, did that.
    pub inlined: [Option<Inlined>; INLINED],
    /// False when more would have to be read than is allowed.
    pub complete: bool,
}

/// Functions inlined into each other of which an address tells: the innermost.
pub const INLINED: usize = 3;

/// A function that was inlined.
pub struct Inlined {
    /// Its name, where the file says it.
    pub function: Option<Bytes<NAME>>,
    /// Where it was called.
    pub called: Place,
}

const NOT_INLINED: [Option<Inlined>; INLINED] = [const { None }; INLINED];

/// Where the search for a line goes on to the caller of inlined code: given a path, says whether that is code of a library's header.
pub type IsLibrary<'a> = &'a dyn Fn(&[u8]) -> bool;

/// Tells `each` what the ELF file `source` says of `addresses` (as the file counts them), if its build id is `build_id` (in hex). At most
/// `allowance` bytes are read, which is lowered by what was. Inlined code of a library's header is left out: the place is the innermost
/// call that stands elsewhere. False for another file, and for one that has neither symbols nor lines: there is no need to ask again.
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
        let mut lines = [const { None }; TOGETHER];
        let mut complete = [true; TOGETHER];
        for (index, &address) in addresses.iter().enumerate() {
            lines[index] = units[index].and_then(|unit| Line::read(&file, sections, unit, address, is_library));
            complete[index] = !file.refused.get();
        }
        let named = symbols.map(|symbol| symbol.and_then(|symbol| elf::named(&file, sections, symbol)));
        // Names of inlined callers must not cost the lines of others: they have an allowance of their own. What was inlined from a library's
        // header has no line without its caller.
        let part = file.allowance.get() / PART;
        let callers = File { source, allowance: Cell::new(part), refused: Cell::new(file.refused.get()) };
        file.allowance.set(file.allowance.get() - part);
        for (index, ((symbol, line), &address)) in named.into_iter().zip(lines).zip(addresses).enumerate() {
            let (place, inlined) = match line {
                Some(line) if line.is_in(is_library) => {
                    let found = line.with_callers(&file, sections, address, is_library);
                    complete[index] &= !file.refused.get();
                    found
                }
                Some(line) => line.with_callers(&callers, sections, address, is_library),
                None => (None, NOT_INLINED),
            };
            each(index, Found { symbol, place, inlined, complete: complete[index] });
        }
        file.allowance.set(file.allowance.get() + callers.allowance.get());
    }
    *allowance = file.allowance.get();
    sections.is_some() || file.refused.get()
}

/// The part of what may be read that the search for callers may.
const PART: u64 = 4;

/// The line of an address, and where it was found.
struct Line {
    place: Place,
    unit: Unit,
    program: Program,
}

impl Line {
    /// Nothing for what was compiled among a library's sources (Rust's own, packages): that is much, and nobody's line to edit.
    fn read(file: &File, sections: &Sections, unit: u64, address: u64, is_library: IsLibrary) -> Option<Line> {
        let unit = info::unit(file, sections, unit)?;
        let mut directory = Bytes::<PATH>::new();
        if let Some(text) = unit.directory {
            lines::push(file, text, &mut directory)?;
        }
        if is_library(directory.as_bytes()) {
            return None;
        }
        let program = Program::read(file, sections, unit.lines?)?;
        let row = program.row(file, sections, address)?;
        let file = program.path(file, sections, row.file, unit.directory)?;
        Some(Line { place: Place { file, line: u32::try_from(row.line).unwrap_or(0) }, unit, program })
    }

    fn is_in(&self, is_library: IsLibrary) -> bool {
        is_library(self.place.file.as_bytes())
    }

    /// Its place with the functions that were inlined there, those of a library left out as long as there is an outer one.
    fn with_callers(
        self,
        file: &File,
        sections: &Sections,
        address: u64,
        is_library: IsLibrary,
    ) -> (Option<Place>, [Option<Inlined>; INLINED]) {
        let (mut inlined, mut count) = (NOT_INLINED, 0);
        let (mut place, library) = if self.is_in(is_library) { (None, Some(self.place)) } else { (Some(self.place), None) };
        for call in info::inlined(file, sections, &self.unit, address).iter().rev() {
            let Some(path) = self.program.path(file, sections, call.file, self.unit.directory) else { continue };
            let called = Place { file: path, line: u32::try_from(call.line).unwrap_or(0) };
            match (&place, is_library(called.file.as_bytes()), inlined.get_mut(count)) {
                (None, true, _) => {}
                (None, false, _) => place = Some(called),
                (Some(_), false, Some(next)) => {
                    *next = Some(Inlined { function: info::name_of(file, sections, &self.unit, call), called });
                    count += 1;
                }
                _ => break,
            }
        }
        (place.or(library), inlined)
    }
}

#[cfg(test)]
extern crate std;
#[cfg(test)]
mod tests;
