//! Who looks a function of the C library's up in the C library alone, as foreign function interfaces do (ctypes, Fiddle), passes by what was loaded before it.
use crate::library::Library;
use crate::link_map::{LinkMap, own_and_next};
use crate::memory::MemoryAccess;
use crate::start::is_c_library;
use forkguard_core::fixed::Text;

/// Longest name that is looked for: longer than any function's of this library.
const NAME: usize = 64;

/// This library's function for dlsym(3) with `handle`, a name's address and its caller; None where that is not for the C library's function. A caller that
/// has the name itself interposes, too: it asks for what comes after it.
pub fn own_function_for(handle: usize, name: usize, caller: usize) -> Option<usize> {
    const MEMORY: MemoryAccess = MemoryAccess::FAULT_PROOF;
    is_c_library(handle).then_some(())?;
    let text: Text<NAME> = MEMORY.text(name);
    let name = text.as_cstr().filter(|name| (1..NAME - 1).contains(&name.count_bytes()))?;
    let own = own_and_next(MEMORY).next().filter(LinkMap::is_own).and_then(|map| Library::of(&map))?.find(name)?;
    Library::of(&LinkMap::read(MEMORY, handle)?)?.find(name)?;
    Library::around(MEMORY, caller)?.find(name).is_none().then_some(own)
}
