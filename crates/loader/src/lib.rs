//! Loaded libraries as the dynamic loader keeps them: its list of them, their symbols, versions and imports, and whether what was found in
//! one is still there.
//!
//! All of it is asked without the loader's lock (dlsym and dl_iterate_phdr take it: called in a hook they deadlock against a thread that is
//! being started inside dlopen, and in a child the lock may be a lost thread's) and without allocating: it works before the constructor, in
//! a signal handler and in a forked child. Nothing is called, and nothing kept is read, without asking that its library is still loaded:
//! [`WhileLoaded`] and [`Identity`] ask.
//!
//! `unsafe` stands where memory is read directly (`memory`, `mapping`) or written (`interpose`), where code is called (`find_object`, `symbols`) and where values are published
//! (`while_loaded`).
#![no_std]
#[cfg(test)]
extern crate std;

mod elf;
mod find_object;
mod identity;
mod imports;
mod interpose;
mod library;
mod link_map;
mod listed;
mod lookup;
mod mapping;
mod memory;
mod notes;
mod start;
mod symbols;
#[cfg(test)]
mod tests;
mod thread_local;
mod watch;
mod while_loaded;

pub use find_object::{belongs_to, find_object, link_map_of, path_of, tells_loaded_libraries};
pub use identity::{AtomicIdentity, Identity, UNLOADED, tagged, untagged};
pub use imports::{Import, redirect_imports};
pub use interpose::{Found, LastLibrary, interpose_after};
pub use library::Library;
pub use link_map::{LinkMap, link_maps, own_and_next, program, program_path};
pub use lookup::own_function_for;
pub use mapping::Mapping;
pub use memory::MemoryAccess;
pub use notes::Notes;
pub use start::{is_in_c_library, next_libraries, prepare};
pub use symbols::{Symbol, SymbolName, SymbolTable};
pub use thread_local::thread_local_block;
pub use watch::LibraryWatch;
pub use while_loaded::WhileLoaded;
