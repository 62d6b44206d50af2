//! FORKGUARD_LOCKS=reset: orphaned locks are made usable again.
use super::*;

/// See [`super::in_child`].
pub(super) fn in_child(_fork: &'static Inner) {}
