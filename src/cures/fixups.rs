//! Registered fixups: code of the program's, or of a library's, that is run in each child.

/// See [`super::at_end_of_fork`].
pub(super) fn at_end_of_fork() {}
