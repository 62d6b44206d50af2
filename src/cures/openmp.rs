//! FORKGUARD_OPENMP: libgomp's pools.
use super::*;

/// See [`super::before_fork`].
pub(super) fn before_fork() {}

/// See [`super::in_child`].
pub(super) fn in_child(_fork: &'static Inner) {}
