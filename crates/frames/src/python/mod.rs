//! CPython 3.9 to 3.14: the frames of a thread, read by a table of offsets from the chain that starts in its PyThreadState.
mod layout;
mod lines;
mod reader;
mod types;
mod with_blocks;

pub use layout::Layout;
pub use reader::{Frame, IMPORTING, LONGEST, Reader};
pub use types::Types;
pub use with_blocks::ByteLock;
