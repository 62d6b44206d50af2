//! The library's options: one table of names, of what each may be, and of what holds where nothing is said.
mod nearest;
mod parse;
mod table;
mod values;

pub use nearest::nearest;
pub use parse::FIXUPS;
pub use table::{Row, TABLE, named};
pub use values::*;

impl Options {
    /// Takes that value of the option in a row. False where it is none of the allowed: then nothing is changed.
    pub fn take(&mut self, row: &Row, value: &str) -> bool {
        (row.take)(self, value)
    }
}
