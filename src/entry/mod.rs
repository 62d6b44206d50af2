//! How a call gets in: the macros that hooks are made of, what they record in, and the memory for what they report.
pub(crate) mod arena;
pub(crate) mod errno;
pub(crate) mod foreign_exceptions;
pub(crate) mod held_signals;
pub(crate) mod layouts;
#[macro_use]
mod macros;
mod panic;
pub(crate) mod real;
mod record;
pub(crate) mod registers;
pub(crate) mod scratch;
mod wait_length;

pub(crate) use arena::Arena;
pub(crate) use panic::catch_panic;
pub(crate) use record::{record, record_with_scratch};
pub(crate) use registers::Registers;
pub(crate) use scratch::Scratch;
pub(crate) use wait_length::WaitLength;
