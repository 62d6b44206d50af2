//! What an interpreter exports: all of it, or the interpreter is not there.
use super::symbols::Library;
use std::ffi::CStr;
use std::sync::atomic::{AtomicUsize, Ordering::*};

/// Addresses of functions and variables that are found together, in one library.
pub(crate) struct Exports<const N: usize> {
    names: [&'static CStr; N],
    addresses: [AtomicUsize; N],
    /// Where the library was loaded; set when all addresses are.
    base: AtomicUsize,
}

impl<const N: usize> Exports<N> {
    pub(crate) const fn new(names: [&'static CStr; N]) -> Exports<N> {
        Exports { names, addresses: [const { AtomicUsize::new(0) }; N], base: AtomicUsize::new(0) }
    }

    /// Takes them if this library has them all and none had before. One thread at a time.
    pub(crate) fn offer(&self, library: &Library) {
        if self.base.load(Acquire) != 0 {
            return;
        }
        for (name, address) in self.names.iter().zip(&self.addresses) {
            let Some(found) = library.find(name) else { return };
            address.store(found, Relaxed);
        }
        self.base.store(library.base(), Release);
    }

    /// The addresses, in the order of the names.
    pub(crate) fn get(&self) -> Option<[usize; N]> {
        (self.base.load(Acquire) != 0).then(|| std::array::from_fn(|i| self.addresses[i].load(Relaxed)))
    }

    /// Where their library was loaded.
    pub(crate) fn base(&self) -> usize {
        self.base.load(Acquire)
    }
}
