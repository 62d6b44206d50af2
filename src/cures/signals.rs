//! FORKGUARD_SIGNALS: handlers that the leader's application set return to the default in the child.
use super::*;

/// See [`super::in_child`].
pub(super) fn in_child(_fork: &'static Inner) {}
