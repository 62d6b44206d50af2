//! Libraries whose calls lead past this one. What dlopen loads with RTLD_DEEPBIND looks for its functions in itself and in what it needs, the
//! C library among that, before it looks where this library stands: its imports are made to lead here afterwards.
//!
//! An import that leads elsewhere stays as it is: to another interposer, or into the C library of another namespace.
use crate::find_object::{belongs_to, tells_loaded_libraries};
use crate::imports::Import;
use crate::library::Library;
use crate::link_map::{LinkMap, link_maps, own_and_next, program};
use crate::memory::MemoryAccess;
use crate::start::next_libraries;
use crate::symbols::SymbolName;
use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering::*};
use forkguard_core::kernel;
use rustix::io::Errno;

/// The library at the end of the loader's list, by its record, its base and its dynamic section.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LastLibrary(pub [usize; 3]);

impl LastLibrary {
    fn of(map: &LinkMap) -> LastLibrary {
        LastLibrary([map.address, map.base, map.dynamic])
    }

    /// That of now.
    ///
    /// # Safety
    /// The loader's list does not change meanwhile.
    pub unsafe fn now() -> Option<LastLibrary> {
        // SAFETY: as the caller vouches.
        link_maps(unsafe { MemoryAccess::direct() }, program()).last().map(|map| LastLibrary::of(&map))
    }
}

/// Which libraries [`interpose_after`] found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// None, or one that is still being loaded.
    NotYet,
    /// They are loaded.
    All,
}

/// Lets the libraries behind `last` in the loader's list call this library where it has a function for what they import from the libraries
/// that it was loaded before.
///
/// # Errors
/// The first of those with which the kernel refused to make a library's imports writable: they lead where they led.
///
/// # Safety
/// The loader's list does not change meanwhile.
pub unsafe fn interpose_after(last: LastLibrary) -> Result<Found, Errno> {
    // SAFETY: as the caller vouches.
    let memory = unsafe { MemoryAccess::direct() };
    let own = own_and_next(memory).next().and_then(|map| Library::of(&map));
    // Only `_dl_find_object` tells a library that is loaded from one that another thread's dlopen still relocates.
    let Some(own) = own.filter(|_| tells_loaded_libraries()) else { return Ok(Found::All) };
    let maps = || link_maps(memory, program());
    let known = maps().position(|map| LastLibrary::of(&map) == last).map_or(0, |index| index + 1);
    let mut found = Found::NotYet;
    for map in maps().skip(known).filter(|map| !map.is_own()) {
        if !belongs_to(map.dynamic, map.address) {
            return Ok(Found::NotYet);
        }
        Library::of(&map).map_or(Ok(()), |library| interpose_in(&library, &own))?;
        found = Found::All;
    }
    Ok(found)
}

fn interpose_in(library: &Library, own: &Library) -> Result<(), Errno> {
    let mut slots = Slots::of(library);
    for import in library.imports().filter(|import| import.is_undefined) {
        if let Some((target, instead)) = interposed(&import, library, own) {
            slots.exchange(import.slot, target, instead);
        }
    }
    slots.refused.map_or(Ok(()), Err)
}

/// Where an import leads, and the function of this library that stands for that one.
fn interposed(import: &Import, library: &Library, own: &Library) -> Option<(usize, usize)> {
    let name = import.name();
    let name = name.as_cstr()?;
    own.find(name)?;
    let version = library.needed_version(import.symbol);
    let name = SymbolName::new(name, version.as_ref().and_then(|version| version.as_cstr()));
    let instead = own.function(&name)?;
    let target = import.target()?;
    let is_real = || definitions(&name).next() == Some(target);
    let is_unresolved = || belongs_to(target, library.link_map.address) && !is_defined_elsewhere(&name, own);
    (is_real() || is_unresolved()).then_some((target, instead))
}

/// What the libraries that this one was loaded before have by that name.
fn definitions(name: &SymbolName) -> impl Iterator<Item = usize> {
    // SAFETY: the list does not change, by the contract of `interpose_after`.
    next_libraries(unsafe { MemoryAccess::direct() }).filter_map(|library| library.function(name))
}

/// True when the first call of an import that is not resolved yet may lead to something else than this library's function or the one behind
/// that.
fn is_defined_elsewhere(name: &SymbolName, own: &Library) -> bool {
    // SAFETY: as above.
    let maps = link_maps(unsafe { MemoryAccess::direct() }, program()).filter(|map| belongs_to(map.dynamic, map.address));
    let libraries = maps.filter(|map| map.address != own.link_map.address).filter_map(|map| Library::of(&map));
    let addresses = libraries.filter_map(|library| library.symbol(name)).map(|symbol| symbol.address);
    addresses.take(2).count() != 1
}

/// The words of a library that hold addresses.
struct Slots<'a> {
    library: &'a Library,
    read_only: Range<usize>,
    /// The pages that may only be read are writable for now.
    is_open: bool,
    refused: Option<Errno>,
}

impl Slots<'_> {
    fn of(library: &Library) -> Slots<'_> {
        Slots { library, read_only: library.link_map.read_only_pages(), is_open: false, refused: None }
    }

    /// Other threads may call through the slot meanwhile: they find the one or the other.
    fn exchange(&mut self, slot: usize, target: usize, instead: usize) {
        let is_word = slot.is_multiple_of(align_of::<usize>());
        if is_word && self.is_variable(slot) && (!self.read_only.contains(&slot) || self.open()) {
            // SAFETY: an aligned word of a loaded library, in a segment that is writable but for the pages that were just opened.
            let word = unsafe { AtomicUsize::from_ptr(slot as *mut usize) };
            // The loader may resolve it at this moment: then it leads past this library.
            let _ = word.compare_exchange(target, instead, Release, Relaxed);
        }
    }

    fn is_variable(&self, slot: usize) -> bool {
        self.library.link_map.variables().any(|(start, length)| (start..start + length).contains(&slot))
    }

    /// True when the pages that may only be read can be written.
    fn open(&mut self) -> bool {
        if !self.is_open && self.refused.is_none() {
            match kernel::set_writable(self.read_only.clone(), true) {
                Ok(()) => self.is_open = true,
                Err(errno) => self.refused = Some(errno),
            }
        }
        self.is_open
    }
}

impl Drop for Slots<'_> {
    fn drop(&mut self) {
        if self.is_open {
            let _ = kernel::set_writable(self.read_only.clone(), false);
        }
    }
}
