//! FORKGUARD_SOCKETS: the child's copies of the leader's client connections.
use super::*;

/// See [`super::in_child`].
pub(super) fn in_child(_fork: &'static Inner) {}
