//! The tables through which the host's libraries call each other (the GOT): how calls are watched whose names must not be interposed.
//!
//! Who exports a name is found by everybody who looks for it: a weak reference or dlsym that asks whether there is an OpenMP runtime, and
//! each of the several copies of libgomp that Python's wheels bring along in scopes of their own. A resolved import says which function
//! its library calls; replaced in place, every lookup stays as it was.
use super::real::{self, LinkMap, Symbol};
use crate::sites::native;
use forkguard_core::raw;
use libc::c_char;
use std::ffi::CStr;

/// Elf64_Rela.
#[repr(C)]
struct Relocation {
    place: usize,
    kind: u32,
    symbol: u32,
    addend: i64,
}

/// What a dynamic section says of a library's imports.
#[derive(Default)]
struct Imports {
    symbols: usize,
    strings: usize,
    /// Address and size of the imports of the PLT, and of all others.
    plt: (usize, usize),
    others: (usize, usize),
    /// Relocations without a symbol, which come first among the others.
    relative: usize,
}

impl Imports {
    /// Those of a library that names `needed` (a part of a file's name) among what it needs, and whether that is this very `file`.
    ///
    /// # Safety
    /// The library must be loaded.
    unsafe fn of(map: &LinkMap, needed: &[u8], file: &[u8]) -> Option<(Imports, bool)> {
        let mut found = Imports::default();
        let entries = || {
            let mut entry = map.dynamic;
            std::iter::from_fn(move || {
                // SAFETY: a dynamic section ends with a tag of zero.
                let (tag, value) = unsafe { (*entry).parts() };
                entry = entry.wrapping_add(1);
                (tag != 0).then_some((tag, value))
            })
        };
        for (tag, value) in entries() {
            let address = if value < map.base { value + map.base } else { value };
            match tag {
                5 => found.strings = address,
                6 => found.symbols = address,
                23 => found.plt.0 = address,
                2 => found.plt.1 = value,
                7 => found.others.0 = address,
                8 => found.others.1 = value,
                0x6fff_fff9 => found.relative = value,
                _ => {}
            }
        }
        const NEEDED: i64 = 1;
        if found.strings == 0 || found.symbols == 0 {
            return None;
        }
        let strings = found.strings;
        // SAFETY: offsets into the library's strings.
        let name = |offset: usize| unsafe { CStr::from_ptr((strings + offset) as *const c_char) }.to_bytes();
        let needs = |what: &dyn Fn(&[u8]) -> bool| entries().any(|(tag, offset)| tag == NEEDED && what(name(offset)));
        let is_needed = needs(&|name| name.windows(needed.len()).any(|part| part == needed));
        is_needed.then(|| (found, needs(&|name| name == file)))
    }

    /// Names of imported functions and the places that hold their addresses.
    ///
    /// # Safety
    /// The library must be loaded.
    unsafe fn each(&self, base: usize, mut each: impl FnMut(&CStr, usize)) {
        const GLOB_DAT: u32 = 6;
        const JUMP_SLOT: u32 = 7;
        let size = size_of::<Relocation>();
        for (start, bytes, first) in [(self.plt.0, self.plt.1, 0), (self.others.0, self.others.1, self.relative)] {
            for index in first..if start == 0 { 0 } else { bytes / size } {
                // SAFETY: within the tables that the dynamic section tells the sizes of; their symbols and names are the library's.
                unsafe {
                    let relocation = &*((start + index * size) as *const Relocation);
                    if matches!(relocation.kind, GLOB_DAT | JUMP_SLOT) {
                        let symbol = &*(self.symbols as *const Symbol).add(relocation.symbol as usize);
                        each(CStr::from_ptr((self.strings as *const c_char).add(symbol.name as usize)), base + relocation.place);
                    }
                }
            }
        }
    }
}

/// In a forked child that has one thread: for each import that leads into the library at `target` (the loader's record) and begins with
/// `prefix`, `by` tells what it shall lead to instead. Imports that were never called are not resolved, and stay so; `lazily`: unless their
/// library names this very file among what it needs.
pub(crate) fn replace(
    target: usize,
    needed: &[u8],
    prefix: &[u8],
    lazily: bool,
    mut by: impl FnMut(&CStr, usize) -> Option<usize>,
) {
    let path = native::path_of(target);
    let file = path.as_str().rsplit('/').next().unwrap_or_default().as_bytes();
    let mut next = real::first_link_map() as *const LinkMap;
    // A lost thread may have been changing the list.
    for _ in 0..4096 {
        let Some([_, _, dynamic, following, _]) = raw::read_value::<[usize; 5]>(next as usize) else { return };
        if native::belongs_to(dynamic, next as usize) {
            // SAFETY: the loader says that it is there, and no other thread could unload it.
            unsafe {
                let map = &*next;
                if let Some((imports, is_own)) = Imports::of(map, needed, file) {
                    let meant = |name: &CStr, now: usize| match native::link_map_of(now)? {
                        to if to == target => Some(now),
                        to if to == next as usize && lazily && is_own => real::find_in(target, name),
                        _ => None,
                    };
                    imports.each(map.base, |name, place| {
                        if name.to_bytes().starts_with(prefix)
                            && let Some(function) = meant(name, *(place as *const usize))
                            && let Some(instead) = by(name, function)
                        {
                            raw::overwrite(place, instead);
                        }
                    });
                }
            }
        }
        if following == 0 {
            return;
        }
        next = following as *const LinkMap;
    }
}
