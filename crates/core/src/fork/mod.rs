//! One fork: its facts, taken in prepare, frozen in the child, and remembered there as its ancestors.
mod ancestors;
mod child;
pub mod fingerprint;
mod pool;
mod prepare;
pub mod shared_page;
mod snapshot;

pub use crate::gate::{own_registries as own, owns_registries as owned};
pub use crate::registry::generation::{continue_from as number_from, last_sequence as begun, next_sequence};
pub use ForkCall as Door;
pub use Snapshot as Inner;
pub use ancestors::{ancestors, birth, lost_threads};
pub use child::{child, child_ns, child_unseen, update_watched};
pub use pool::{Outcome, SnapshotCell, SnapshotGuard, begin, current, end, end_unrecorded, is_unrecorded, made, outcome};
pub use prepare::prepare;
pub use snapshot::{ForkCall, LOCKS, LockRecord, Snapshot, THREADS, ThreadRecord};
pub use {end_unrecorded as end_without, is_unrecorded as goes_without, update_watched as watch_anew};
