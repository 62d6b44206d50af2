//! The functions behind our hooks: found without a lock and without allocating, so that a hook works before the constructor, in
//! a signal handler and inside the loader.
//!
//! `dlsym(RTLD_NEXT)` takes the loader's lock: called lazily on the lock path it deadlocks against thread creation during dlopen.
//! What it looks up stands in memory already: the list of loaded libraries behind us, each with its table of symbols.
use forkguard_core::held::Door;
use libc::{c_char, c_void};
use std::ffi::CStr;
use std::iter::successors;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

/// One hooked function's real address. Until it is known, the address of a stub that finds it and goes on.
#[repr(C)]
pub struct Real {
    address: AtomicPtr<c_void>,
    name: &'static CStr,
    /// Of a function of which the C library has more than one.
    version: Option<&'static CStr>,
    /// The door of a lock hook, which must know the function, too.
    door: Option<&'static Door>,
}

/// For functions that are hooked otherwise.
pub const NO_DOOR: Option<&'static Door> = None;

impl Real {
    /// For the macros of [`crate::hooks`].
    pub const fn new(
        early: unsafe extern "C" fn(),
        door: Option<&'static Door>,
        name: &'static CStr,
        version: Option<&'static CStr>,
    ) -> Real {
        Real { address: AtomicPtr::new(early as *mut c_void), name, version, door }
    }

    /// The address to call.
    #[inline(always)]
    pub fn address(&self) -> *mut c_void {
        self.address.load(Relaxed)
    }

    /// Finds the real function now.
    pub fn resolve(&self) {
        self.set(find_version(self.name, self.version));
    }

    fn set(&self, found: Option<*mut c_void>) {
        let found = found.unwrap_or(missing as *mut c_void);
        let unknown = self.address.swap(found, Relaxed);
        if let Some(door) = self.door {
            door.targets.real.store(found.cast(), Relaxed);
            let _ = door.current.compare_exchange(unknown.cast(), found.cast(), Relaxed, Relaxed);
        }
    }
}

/// So many libraries are looked into once for all names: as a rule the C library is one of them.
const NEAR: usize = 8;

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
    let mut libraries = behind_ours();
    let near: [Option<Table>; NEAR] = std::array::from_fn(|_| libraries.next());
    for real in reals {
        let name = Name::new(real.name);
        // SAFETY: what was loaded with the program is never unloaded.
        let find = |table: &Table| unsafe { table.find(&name, real.version) };
        real.set(near.iter().flatten().find_map(find).or_else(|| libraries.clone().find_map(|table| find(&table))));
    }
}

/// Stands for a function that this C library does not have: fails with ENOSYS.
unsafe extern "C" fn missing() -> isize {
    crate::entry::errno::set(libc::ENOSYS);
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

/// The memory of this library's variables: start and length.
pub(crate) fn own_variables() -> impl Iterator<Item = (usize, usize)> {
    const LOADED: u32 = 1;
    const WRITABLE: u32 = 2;
    // SAFETY: a library's first segment begins with its header, which tells where its program headers are: Elf64_Phdr.
    let (base, headers) = unsafe {
        let base = (*own_map()).base;
        let header = base as *const u8;
        let (place, count) = (*header.add(32).cast::<usize>(), *header.add(56).cast::<u16>());
        (base, std::slice::from_raw_parts((base + place) as *const [u64; 7], count as usize))
    };
    let is_meant = |[kind, ..]: &&[u64; 7]| *kind as u32 == LOADED && (*kind >> 32) as u32 & WRITABLE != 0;
    headers.iter().filter(is_meant).map(move |[_, _, address, _, _, length, _]| (base + *address as usize, *length as usize))
}

/// The first default definition of `name` in the libraries that were loaded after ours.
pub fn find(name: &CStr) -> Option<*mut c_void> {
    find_version(name, None)
}

/// The first definition of `name` in the libraries that were loaded after ours: that of a version, or the default one.
fn find_version(name: &CStr, version: Option<&CStr>) -> Option<*mut c_void> {
    let name = Name::new(name);
    // SAFETY: see `behind_ours`.
    behind_ours().find_map(|table| unsafe { table.find(&name, version) })
}

/// Tables of the libraries that were loaded after ours, in this order. The loader's list is complete before any of our code can run, and
/// what was loaded with the program (all that is looked through until the C library answers) is never unloaded.
fn behind_ours() -> impl Iterator<Item = Table> + Clone {
    // SAFETY: as above.
    let next = |map: &&'static LinkMap| unsafe { map.next.as_ref() };
    // SAFETY: as above.
    let (own, table) = (unsafe { own_map().as_ref() }, |map: &LinkMap| unsafe { Table::of(map) });
    successors(own.and_then(|own| next(&own)), next).filter_map(table)
}

/// The default definition of `name` in one library.
///
/// # Safety
/// The library must be loaded; `map` is the loader's record of it.
pub(crate) unsafe fn find_in(map: usize, name: &CStr) -> Option<usize> {
    // SAFETY: as the caller vouches.
    unsafe { Table::of(&*(map as *const LinkMap))?.find(&Name::new(name), None).map(|found| found as usize) }
}

/// What is looked for, with its hash by DT_GNU_HASH.
struct Name<'a> {
    text: &'a CStr,
    hash: u32,
}

impl Name<'_> {
    fn new(text: &CStr) -> Name<'_> {
        let hash = text.to_bytes().iter().fold(5381u32, |h, &b| h.wrapping_mul(33).wrapping_add(u32::from(b)));
        Name { text, hash }
    }
}

/// A library's table of symbols.
struct Table {
    base: usize,
    symbols: *const Symbol,
    strings: *const c_char,
    hash: Hash,
    /// A version's index for each symbol; null: the library knows no versions.
    versions: *const u16,
    /// The versions that it defines.
    definitions: *const VersionDefinition,
}

/// By which hash table names are looked up.
enum Hash {
    /// DT_GNU_HASH.
    Gnu(*const u32),
    /// DT_HASH.
    SystemV(*const u32),
}

/// Elf64_Verdef, with the offset of its first Elf64_Verdaux and of the next one.
#[repr(C)]
struct VersionDefinition {
    revision: u16,
    flags: u16,
    index: u16,
    names: u16,
    hash: u32,
    name: u32,
    next: u32,
}

impl Table {
    /// # Safety
    /// The library must be loaded.
    unsafe fn of(map: &LinkMap) -> Option<Table> {
        let mut table = Table {
            base: map.base,
            symbols: std::ptr::null(),
            strings: std::ptr::null(),
            hash: Hash::Gnu(std::ptr::null()),
            versions: std::ptr::null(),
            definitions: std::ptr::null(),
        };
        let (mut gnu, mut system_v) = (0, 0);
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
                    libc_elf::DT_HASH => system_v = address,
                    libc_elf::DT_GNU_HASH => gnu = address,
                    libc_elf::DT_VERSYM => table.versions = address as *const _,
                    libc_elf::DT_VERDEF => table.definitions = address as *const _,
                    _ => {}
                }
                entry = entry.add(1);
            }
        }
        table.hash = if gnu != 0 { Hash::Gnu(gnu as *const _) } else { Hash::SystemV(system_v as *const _) };
        (!table.symbols.is_null() && !table.strings.is_null() && gnu | system_v != 0).then_some(table)
    }

    /// The definition of a name: of a version, or the default one. Where there is no default one, the last of the hidden ones.
    ///
    /// # Safety
    /// The library must be loaded.
    unsafe fn find(&self, name: &Name, version: Option<&CStr>) -> Option<*mut c_void> {
        let mut hidden = None;
        let mut choose = |index: u32| {
            // SAFETY: an index from the library's own hash table.
            let (symbol, is_meant) = unsafe { (self.defined(index, name.text)?, self.is_of(index, version)) };
            if !is_meant && version.is_none() {
                hidden = Some(symbol);
            }
            is_meant.then_some(symbol)
        };
        // SAFETY: the library is loaded.
        let found = unsafe {
            match self.hash {
                Hash::Gnu(table) => each_of_gnu(table, name.hash, &mut choose),
                Hash::SystemV(table) => each_of_system_v(table, name.text, &mut choose),
            }
        };
        found.or(hidden).map(|symbol| symbol.address(self.base))
    }

    /// The symbol at an index, if others may find it by this name.
    unsafe fn defined(&self, index: u32, name: &CStr) -> Option<&Symbol> {
        // SAFETY: an index from the library's own hash table, whose symbols have names.
        unsafe {
            let symbol = &*self.symbols.add(index as usize);
            (symbol.is_exported() && CStr::from_ptr(self.strings.add(symbol.name as usize)) == name).then_some(symbol)
        }
    }

    /// Whether the loader lets a reference to this version (or, without one, what asks for the default one) lead to the symbol.
    unsafe fn is_of(&self, index: u32, version: Option<&CStr>) -> bool {
        const GLOBAL: u16 = 1;
        if self.versions.is_null() {
            return true;
        }
        // SAFETY: there is one for each symbol.
        let own = unsafe { *self.versions.add(index as usize) };
        match version {
            Some(_) if own <= GLOBAL => true,
            // SAFETY: as vouched for the library.
            Some(version) => unsafe { self.version_name(own & !HIDDEN).is_some_and(|name| name == version) },
            None => own & HIDDEN == 0,
        }
    }

    /// The name of the version that the library defines by this index.
    unsafe fn version_name(&self, index: u16) -> Option<&CStr> {
        let mut place = self.definitions;
        // SAFETY: offsets lead from one definition to the next, the last one has none; each has a name among the strings.
        unsafe {
            while let Some(definition) = place.as_ref() {
                if definition.index == index {
                    let name = *place.byte_add(definition.name as usize).cast::<u32>();
                    return Some(CStr::from_ptr(self.strings.add(name as usize)));
                }
                place = if definition.next == 0 { std::ptr::null() } else { place.byte_add(definition.next as usize) };
            }
        }
        None
    }
}

/// In a symbol's version: only references to that very version may lead to it.
const HIDDEN: u16 = 0x8000;

impl Symbol {
    /// What the loader lets a reference of another library lead to, but for thread-local variables.
    fn is_exported(&self) -> bool {
        let (bind, kind, visibility) = (self.info >> 4, self.info & 0xf, self.other & 3);
        let is_defined = self.section != 0 && (self.value != 0 || self.section == libc_elf::SHN_ABS);
        is_defined
            && matches!(bind, libc_elf::STB_GLOBAL | libc_elf::STB_WEAK | libc_elf::STB_GNU_UNIQUE)
            && matches!(kind, libc_elf::STT_NOTYPE | libc_elf::STT_OBJECT | libc_elf::STT_FUNC | libc_elf::STT_GNU_IFUNC)
            && !matches!(visibility, libc_elf::STV_INTERNAL | libc_elf::STV_HIDDEN)
    }

    /// Where it lies; of an indirect function the address that its resolver chooses.
    fn address(&self, base: usize) -> *mut c_void {
        let address = if self.section == libc_elf::SHN_ABS { self.value } else { base + self.value };
        if self.info & 0xf != libc_elf::STT_GNU_IFUNC {
            return address as *mut c_void;
        }
        // SAFETY: the resolver of a loaded library, called as the loader calls it.
        unsafe { std::mem::transmute::<usize, extern "C" fn() -> *mut c_void>(address)() }
    }
}

/// Calls `choose` with the indices that DT_GNU_HASH (counts, Bloom filter, buckets, chains whose last entry has its lowest bit set) has for
/// a name of this hash, until it takes one.
unsafe fn each_of_gnu<T>(table: *const u32, hash: u32, choose: &mut impl FnMut(u32) -> Option<T>) -> Option<T> {
    // SAFETY: the layout as above.
    unsafe {
        let [buckets, first, bloom, shift] = [0, 1, 2, 3].map(|i| *table.add(i));
        if buckets == 0 || bloom == 0 {
            return None;
        }
        let filter = *table.add(4).cast::<u64>().add((hash / 64 % bloom) as usize);
        if filter >> (hash % 64) & filter >> ((hash >> (shift % 32)) % 64) & 1 == 0 {
            return None;
        }
        let bucket = table.add(4 + bloom as usize * 2);
        let chain = bucket.add(buckets as usize);
        let mut index = *bucket.add((hash % buckets) as usize);
        if index == 0 || index < first {
            return None;
        }
        loop {
            let entry = *chain.add((index - first) as usize);
            if entry | 1 == hash | 1
                && let Some(chosen) = choose(index)
            {
                return Some(chosen);
            }
            if entry & 1 != 0 {
                return None;
            }
            index += 1;
        }
    }
}

/// The same by DT_HASH: counts of buckets and symbols, buckets, chains that end with zero.
unsafe fn each_of_system_v<T>(table: *const u32, name: &CStr, choose: &mut impl FnMut(u32) -> Option<T>) -> Option<T> {
    let hash = name.to_bytes().iter().fold(0u32, |h, &b| {
        let h = (h << 4).wrapping_add(u32::from(b));
        (h ^ (h >> 24 & 0xf0)) & 0x0fff_ffff
    });
    // SAFETY: the layout as above.
    unsafe {
        let buckets = *table;
        if buckets == 0 {
            return None;
        }
        let bucket = table.add(2);
        let chain = bucket.add(buckets as usize);
        let mut index = *bucket.add((hash % buckets) as usize);
        while index != 0 {
            let chosen = choose(index);
            if chosen.is_some() {
                return chosen;
            }
            index = *chain.add(index as usize);
        }
        None
    }
}

/// Numbers of <elf.h>: tags of dynamic sections, and what symbols are.
mod libc_elf {
    pub(super) const DT_HASH: i64 = 4;
    pub(super) const DT_STRTAB: i64 = 5;
    pub(super) const DT_SYMTAB: i64 = 6;
    pub(super) const DT_GNU_HASH: i64 = 0x6fff_fef5;
    pub(super) const DT_VERSYM: i64 = 0x6fff_fff0;
    pub(super) const DT_VERDEF: i64 = 0x6fff_fffc;
    pub(super) const SHN_ABS: u16 = 0xfff1;
    pub(super) const STB_GLOBAL: u8 = 1;
    pub(super) const STB_WEAK: u8 = 2;
    pub(super) const STB_GNU_UNIQUE: u8 = 10;
    pub(super) const STT_NOTYPE: u8 = 0;
    pub(super) const STT_OBJECT: u8 = 1;
    pub(super) const STT_FUNC: u8 = 2;
    pub(super) const STT_GNU_IFUNC: u8 = 10;
    pub(super) const STV_INTERNAL: u8 = 1;
    pub(super) const STV_HIDDEN: u8 = 2;
}
