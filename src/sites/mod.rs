//! Where in the program something was done. Native sites for now: the return address that a hook was called with.
pub(crate) mod native;
