//! Who waits for what at the ends of pipes and pairs of sockets, and who holds the other ends: as /proc tells it of this process and its kin.
mod circle;
mod left_open;
mod wait;

pub(crate) use circle::{Holder, Waiting, circle};
pub(crate) use left_open::left_open;
pub(crate) use wait::{Wait, waits};
