//! One fork: its facts, taken in prepare, frozen in the child, and remembered there as its ancestors.
mod ancestors;
mod buffers;
mod child;
pub mod fingerprint;
mod pool;
mod prepare;
pub mod shared_page;
mod snapshot;

pub use ancestors::{ancestors, birth, lost_threads};
pub use buffers::{BUFFERS, BufferRecord, Copied, Digest, are_copies_left, begin_copies, forget_copy, is_copy_left};
pub use child::{child, child_ns, child_unseen, update_watched};
pub use pool::{
    Outcome, SnapshotCell, SnapshotGuard, begin, begin_unmade, current, end, end_unrecorded, is_begun_by, is_unrecorded, made,
    outcome,
};
pub use prepare::prepare;
pub use snapshot::{ForkCall, LOCKS, LockRecord, Snapshot, THREADS, ThreadRecord};
