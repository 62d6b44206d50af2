//! The functions behind our hooks: found without a lock and without allocating, so that a hook works before the constructor, in
//! a signal handler and inside the loader.
//!
//! `dlsym(RTLD_NEXT)` takes the loader's lock: called lazily on the lock path it deadlocks against thread creation during dlopen.
//! What it looks up stands in memory already: the list of loaded libraries behind us, each with its table of symbols.
use forkguard_core::held::Door;
use libc::{c_char, c_void};
use std::ffi::CStr;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

/// One hooked function's real address. Until it is known, the address of a stub that finds it and goes on.
#[repr(C)]
pub struct Real {
    address: AtomicPtr<c_void>,
    name: &'static CStr,
    /// The door of a lock hook, which must know the function, too.
    door: Option<&'static Door>,
}

/// For functions that are hooked otherwise.
pub const NO_DOOR: Option<&'static Door> = None;

impl Real {
    /// For the macros of [`crate::hooks`].
    pub const fn new(early: unsafe extern "C" fn(), door: Option<&'static Door>, name: &'static CStr) -> Real {
        Real { address: AtomicPtr::new(early as *mut c_void), name, door }
    }

    /// The address to call.
    #[inline(always)]
    pub fn address(&self) -> *mut c_void {
        self.address.load(Relaxed)
    }

    /// Finds the real function now.
    pub fn resolve(&self) {
        let found = find(self.name).unwrap_or(missing as *mut c_void);
        let unknown = self.address.swap(found, Relaxed);
        if let Some(door) = self.door {
            door.real.store(found.cast(), Relaxed);
            let _ = door.current.compare_exchange(unknown.cast(), found.cast(), Relaxed, Relaxed);
        }
    }
}

/// Finds all of them: called once, in the constructor.
pub fn resolve_all() {
    #[expect(improper_ctypes, reason = "only this library's own code looks inside")]
    unsafe extern "C" {
        #[link_name = "__start_forkguard_reals"]
        static FIRST: Real;
        #[link_name = "__stop_forkguard_reals"]
        static END: Real;
    }
    // SAFETY: the linker puts every `Real` into one section and bounds it with these two symbols.
    let reals = unsafe {
        let (first, end) = (&raw const FIRST, &raw const END);
        std::slice::from_raw_parts(first, end.offset_from_unsigned(first))
    };
    reals.iter().for_each(Real::resolve);
}

/// Stands for a function that this C library does not have: fails with ENOSYS.
unsafe extern "C" fn missing() -> isize {
    crate::errno::set(libc::ENOSYS);
    -1
}

/// For the stubs of functions that are called before the constructor.
pub extern "C" fn resolve_early(real: &Real) {
    real.resolve();
}

/// The loader's struct link_map, as far as <link.h> shows it.
#[repr(C)]
pub(super) struct LinkMap {
    pub(super) base: usize,
    name: *const c_char,
    pub(super) dynamic: *const Dynamic,
    next: *const LinkMap,
    previous: *const LinkMap,
}

/// An entry of a dynamic section: Elf64_Dyn.
#[repr(C)]
pub(super) struct Dynamic {
    tag: i64,
    value: usize,
}

impl Dynamic {
    /// Tag and value.
    pub(super) fn parts(&self) -> (i64, usize) {
        (self.tag, self.value)
    }
}

/// The loader's struct r_debug, as far as <link.h> shows it.
#[repr(C)]
struct RDebug {
    version: i32,
    map: *const LinkMap,
}

/// Elf64_Sym.
#[repr(C)]
pub(super) struct Symbol {
    pub(super) name: u32,
    info: u8,
    other: u8,
    section: u16,
    value: usize,
    size: usize,
}

unsafe extern "C" {
    static _r_debug: RDebug;
    static _DYNAMIC: Dynamic;
}

/// The loader's record of this library.
fn own_map() -> *const LinkMap {
    // SAFETY: the libraries in front of ours (the program, other preloaded ones) are never unloaded.
    unsafe {
        let mut map = _r_debug.map;
        while !map.is_null() && !std::ptr::eq((*map).dynamic, &raw const _DYNAMIC) {
            map = (*map).next;
        }
        map
    }
}

/// Address of the loader's record of this library: those loaded after it follow.
pub(crate) fn own_link_map() -> usize {
    own_map() as usize
}

/// Address of the loader's first record: the program's.
pub(crate) fn first_link_map() -> usize {
    // SAFETY: the loader fills it before any of our code can run.
    unsafe { _r_debug.map as usize }
}

/// The first default definition of `name` in the libraries that were loaded after ours.
pub fn find(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: the loader's list of libraries is complete before any of our code can run, and what was loaded with the program
    // (all that is looked through here until the C library answers) is never unloaded.
    unsafe {
        let mut map = own_map();
        while !map.is_null() {
            map = (*map).next;
            if let Some(found) = map.as_ref().and_then(|m| Table::of(m)?.find(name)) {
                return Some(found);
            }
        }
        None
    }
}

/// The default definition of `name` in one library.
///
/// # Safety
/// The library must be loaded; `map` is the loader's record of it.
pub(crate) unsafe fn find_in(map: usize, name: &CStr) -> Option<usize> {
    // SAFETY: as the caller vouches.
    unsafe { Table::of(&*(map as *const LinkMap))?.find(name).map(|found| found as usize) }
}

/// A library's table of symbols.
struct Table {
    base: usize,
    symbols: *const Symbol,
    strings: *const c_char,
    hash: *const u32,
    versions: *const u16,
}

impl Table {
    /// # Safety
    /// The library must be loaded.
    unsafe fn of(map: &LinkMap) -> Option<Table> {
        let mut table = Table {
            base: map.base,
            symbols: std::ptr::null(),
            strings: std::ptr::null(),
            hash: std::ptr::null(),
            versions: std::ptr::null(),
        };
        // SAFETY: a dynamic section ends with a tag of zero.
        unsafe {
            let mut entry = map.dynamic;
            while (*entry).tag != 0 {
                // The loader relocates these addresses in place, but not those of the vDSO.
                let value = (*entry).value;
                let address = if value < map.base { value + map.base } else { value };
                match (*entry).tag {
                    libc_elf::DT_SYMTAB => table.symbols = address as *const _,
                    libc_elf::DT_STRTAB => table.strings = address as *const _,
                    libc_elf::DT_GNU_HASH => table.hash = address as *const _,
                    libc_elf::DT_VERSYM => table.versions = address as *const _,
                    _ => {}
                }
                entry = entry.add(1);
            }
        }
        (!table.symbols.is_null() && !table.strings.is_null() && !table.hash.is_null()).then_some(table)
    }

    /// Looks a name up through the GNU hash table. Of several versions the default one is taken, else the last of the hidden ones.
    ///
    /// # Safety
    /// The library must be loaded.
    unsafe fn find(&self, name: &CStr) -> Option<*mut c_void> {
        const HIDDEN: u16 = 0x8000;
        let hash = name.to_bytes().iter().fold(5381u32, |h, &b| h.wrapping_mul(33).wrapping_add(u32::from(b)));
        let mut hidden = None;
        // SAFETY: the layout of DT_GNU_HASH: counts, Bloom filter, buckets, chains whose last entry has its lowest bit set.
        unsafe {
            let [buckets, first, bloom] = [0, 1, 2].map(|i| *self.hash.add(i));
            if buckets == 0 {
                return None;
            }
            let bucket = self.hash.add(4 + bloom as usize * 2);
            let chain = bucket.add(buckets as usize);
            let mut index = *bucket.add((hash % buckets) as usize);
            if index < first {
                return None;
            }
            loop {
                let entry = *chain.add((index - first) as usize);
                let symbol = &*self.symbols.add(index as usize);
                if entry | 1 == hash | 1 && symbol.section != 0 && CStr::from_ptr(self.strings.add(symbol.name as usize)) == name
                {
                    let address = (self.base + symbol.value) as *mut c_void;
                    if self.versions.is_null() || *self.versions.add(index as usize) & HIDDEN == 0 {
                        return Some(address);
                    }
                    hidden = Some(address);
                }
                if entry & 1 != 0 {
                    return hidden;
                }
                index += 1;
            }
        }
    }
}

/// Tags of dynamic sections (<elf.h>).
mod libc_elf {
    pub(super) const DT_STRTAB: i64 = 5;
    pub(super) const DT_SYMTAB: i64 = 6;
    pub(super) const DT_GNU_HASH: i64 = 0x6fff_fef5;
    pub(super) const DT_VERSYM: i64 = 0x6fff_fff0;
}
