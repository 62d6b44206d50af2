//! The places through which a library calls others (the GOT): how calls are watched whose names must not be interposed.
//!
//! Who exports a name is found by everybody who looks for it: a weak reference or dlsym that asks whether there is an OpenMP runtime, and
//! each of the several copies of libgomp that Python's wheels bring along in scopes of their own. A resolved import says which function
//! its library calls; replaced in place, every lookup stays as it was.
use crate::elf::{LE, Relocation, SymbolEntry};
use crate::find_object::{belongs_to, link_map_of};
use crate::library::{Library, dynamic_entries};
use crate::link_map::{LinkMap, link_maps, program};
use crate::memory::MemoryAccess;
use crate::symbols::SymbolName;
use forkguard_core::fixed::Text;
use forkguard_core::kernel;
use object::elf::*;

/// A function or variable of another library that a library uses.
pub struct Import {
    memory: MemoryAccess,
    /// Where its address stands.
    pub(crate) slot: usize,
    /// Its index among the library's symbols.
    pub(crate) symbol: u32,
    name: usize,
    /// The library has no definition of its own.
    pub(crate) is_undefined: bool,
}

impl Import {
    /// Its name; a longer one is cut.
    pub fn name(&self) -> Text<256> {
        self.memory.text(self.name)
    }

    /// True when its name begins with these bytes.
    pub fn starts_with(&self, prefix: &[u8]) -> bool {
        self.memory.starts_with(self.name, prefix)
    }

    /// The address that it leads to; of a function that was never called that of code which resolves it.
    pub fn target(&self) -> Option<usize> {
        self.memory.read::<u64>(self.slot).map(|target| target as usize)
    }

    /// Lets it lead to another address.
    ///
    /// # Safety
    /// What lies there can be used as what lay there. The process has one thread.
    pub unsafe fn redirect(&self, target: usize) {
        kernel::overwrite(self.slot, target);
    }
}

impl Library {
    /// True when the library names a file among those that it needs for which `is_meant` is true.
    pub fn needs(&self, is_meant: impl Fn(&str) -> bool) -> bool {
        let names = dynamic_entries(&self.link_map).filter(|(tag, _)| *tag == DT_NEEDED);
        names.map(|(_, name)| self.memory().text::<200>(self.strings + name)).any(|name| is_meant(name.as_str()))
    }

    /// Everything that the library imports, and what it takes the address of in its data.
    pub fn imports(&self) -> impl Iterator<Item = Import> {
        let (memory, base) = (self.memory(), self.link_map.base);
        let is_address = |relocation: &Relocation| match relocation.r_type(LE, false) {
            R_X86_64_GLOB_DAT | R_X86_64_JUMP_SLOT => true,
            R_X86_64_64 => relocation.r_addend.get(LE) == 0,
            _ => false,
        };
        self.relocations().filter(is_address).filter_map(move |relocation| {
            let symbol = relocation.r_sym(LE, false);
            let entry: SymbolEntry = memory.read(self.symbols + symbol as usize * size_of::<SymbolEntry>())?;
            let (slot, name) = (base + relocation.r_offset.get(LE) as usize, self.strings + entry.st_name.get(LE) as usize);
            Some(Import { memory, slot, symbol, name, is_undefined: entry.st_shndx.get(LE) == SHN_UNDEF })
        })
    }

    /// The relocations that name a symbol: those of the PLT, and all others.
    fn relocations(&self) -> impl Iterator<Item = Relocation> + use<> {
        let (mut plt, mut others, mut without_symbol) = ((0, 0), (0, 0), 0);
        for (tag, value) in dynamic_entries(&self.link_map) {
            let address = self.link_map.relocated(value);
            match tag {
                DT_JMPREL => plt.0 = address,
                DT_PLTRELSZ => plt.1 = value,
                DT_RELA => others.0 = address,
                DT_RELASZ => others.1 = value,
                // They come first among the others.
                DT_RELACOUNT => without_symbol = value,
                _ => {}
            }
        }
        let (memory, size) = (self.memory(), size_of::<Relocation>());
        let of_table = move |((start, bytes), first): ((usize, usize), usize)| {
            (first..bytes / size).map_while(move |index| memory.read(start + index * size))
        };
        [(plt, 0), (others, without_symbol)].into_iter().flat_map(of_table)
    }
}

/// For each import that leads into the library at `target` (the loader's record) and begins with `prefix`, `by` tells what it shall lead to
/// instead; looked for in the libraries that name `needed` (a part of a file's name) among what they need. Imports that were never called
/// are not resolved, and stay so; with `unresolved` they are replaced, too, unless their library names another file among what it needs.
///
/// # Safety
/// The process has one thread. What `by` gives can be called as the function that it stands for.
pub unsafe fn redirect_imports(
    target: &Library,
    needed: &str,
    prefix: &str,
    unresolved: bool,
    mut by: impl FnMut(&str, usize) -> Option<usize>,
) {
    let target_map = target.link_map.address;
    let path = target.link_map.path();
    let file = path.as_str().rsplit('/').next().unwrap_or_default();
    // A lost thread may have been changing the list.
    let maps = link_maps(MemoryAccess::FAULT_PROOF, program()).filter(|map| belongs_to(map.dynamic, map.address));
    // SAFETY: the loader says that they are loaded, and no other thread could unload them.
    let libraries = maps.filter_map(|map| Library::of(&LinkMap::read(unsafe { MemoryAccess::direct() }, map.address)?));
    for library in libraries.filter(|library| library.needs(|name| name.contains(needed))) {
        let is_certain = unresolved && library.needs(|name| name == file);
        for import in library.imports().filter(|import| import.starts_with(prefix.as_bytes())) {
            let name = import.name();
            let function = match import.target().and_then(|now| Some((now, link_map_of(now)?))) {
                Some((now, to)) if to == target_map => Some(now),
                Some((_, to)) if to == library.link_map.address && is_certain => {
                    name.as_cstr().and_then(|name| target.function(&SymbolName::new(name, None)))
                }
                _ => None,
            };
            if let Some(instead) = function.and_then(|function| by(name.as_str(), function)) {
                // SAFETY: as the caller vouches.
                unsafe { import.redirect(instead) };
            }
        }
    }
}
