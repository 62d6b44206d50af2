//! FORKGUARD_THREADS=revive: lost threads are started again in the child.

/// See [`super::at_end_of_fork`].
pub(super) fn at_end_of_fork() {}
