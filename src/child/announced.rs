//! What is printed once for a leader and its children.
use crate::options::{self, Summary};
use forkguard_core::fork::shared_page;

/// True when this was not printed of a thing of that name before.
pub(super) fn is_new(what: &str, name: &str) -> bool {
    // The lower half of the bits announces other things. Two names that share a bit share a line, which the report makes up for.
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    let bit = 32 + what.bytes().chain(name.bytes()).fold(0xcbf2_9ce4_8422_2325, mix) % 32;
    options::get().summary != Summary::Never && shared_page::announce_once(1 << bit)
}
