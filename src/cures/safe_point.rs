//! FORKGUARD_SAFE_POINT: a fork waits until no other thread holds a lock.

/// See [`super::before_fork`].
pub(super) fn before_fork() {}

/// See [`super::after_fork`].
pub(super) fn after_fork() {}

/// See [`super::in_child`].
pub(super) fn in_child() {}
