//! How much of its memory a worker shares with the process that forked it, and what it has copied since.
mod family;
mod faults;
mod pagemap;
mod smaps;
mod written;

pub use family::{Family, Kind, Member, Pages, equal_again, family, measure, workers_of};
pub use faults::{CopiedPage, Copies, Unwatched, Watch, watch};
pub use smaps::{Sizes, rollup};
