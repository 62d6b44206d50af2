//! Against the real loader and the libraries of this process.
use crate::*;
use core::ffi::CStr;
use libc::{RTLD_DEFAULT, RTLD_NOW, c_void, dlclose, dlopen, dlsym, dlvsym};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// While it is held no other test loads or unloads a library.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    let guard = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: nobody unloads a library.
    unsafe { prepare() };
    guard
}

/// Both ways to read.
fn memories() -> [MemoryAccess; 2] {
    // SAFETY: what is read through it is loaded with the program.
    [MemoryAccess::FAULT_PROOF, unsafe { MemoryAccess::direct() }]
}

/// A library that nothing else loads.
struct Opened(*mut c_void);

impl Opened {
    fn new() -> Opened {
        // SAFETY: libm has no constructors that matter.
        let handle = unsafe { dlopen(c"libm.so.6".as_ptr(), RTLD_NOW) };
        assert!(!handle.is_null());
        Opened(handle)
    }

    fn address(&self, name: &CStr) -> usize {
        // SAFETY: an open library.
        unsafe { dlsym(self.0, name.as_ptr()) as usize }
    }

    fn library(&self) -> Library {
        Library::around(MemoryAccess::FAULT_PROOF, self.address(c"cos")).unwrap()
    }

    fn close(self) {
        let address = self.address(c"fesetround");
        // SAFETY: it was opened here.
        assert_eq!(unsafe { dlclose(self.0) }, 0);
        assert!(find_object(address).is_none(), "libm is unloaded");
    }
}

fn function(memory: MemoryAccess, name: &CStr, version: Option<&CStr>) -> Option<usize> {
    next_libraries(memory).find_map(|library| library.function(&SymbolName::new(name, version)))
}

#[test]
fn the_list_begins_with_the_program() {
    let _alone = alone();
    for memory in memories() {
        let own = own_and_next(memory).next().unwrap();
        assert!(own.is_program() && own.is_own());
        assert_eq!(own.path().as_str(), std::env::current_exe().unwrap().to_str().unwrap());
        assert_eq!(path_of(alone as *const () as usize).unwrap().as_str(), own.path().as_str());
        assert!(link_maps(memory, own.address).any(|map| map.path().as_str().ends_with("/libc.so.6")));
    }
}

#[test]
fn functions_are_those_that_dlsym_finds() {
    let _alone = alone();
    for memory in memories() {
        // The last two are chosen by a resolver.
        for name in [c"getpid", c"pthread_mutex_lock", c"_dl_find_object", c"strlen", c"time"] {
            // SAFETY: a lookup.
            let expected = unsafe { dlsym(RTLD_DEFAULT, name.as_ptr()) as usize };
            assert_eq!(function(memory, name, None), Some(expected), "{name:?}");
        }
        assert_eq!(function(memory, c"no_such_function", None), None);
        // A variable cannot be called.
        assert_eq!(function(memory, c"environ", None), None);
        assert!(next_libraries(memory).any(|library| library.range(c"environ").is_some_and(|range| range.len() == 8)));
    }
}

#[test]
fn versions_are_told_apart() {
    let _alone = alone();
    for memory in memories() {
        let versions = [c"GLIBC_2.2.5", c"GLIBC_2.3.2"].map(|version| {
            // SAFETY: a lookup.
            let expected = unsafe { dlvsym(RTLD_DEFAULT, c"pthread_cond_wait".as_ptr(), version.as_ptr()) as usize };
            assert_eq!(function(memory, c"pthread_cond_wait", Some(version)), Some(expected), "{version:?}");
            expected
        });
        assert_ne!(versions[0], versions[1]);
        assert_eq!(function(memory, c"pthread_cond_wait", None), Some(versions[1]));
        assert_eq!(function(memory, c"pthread_cond_wait", Some(c"GLIBC_9")), None);
    }
}

#[test]
fn an_address_leads_to_its_symbol() {
    let _alone = alone();
    let address = function(MemoryAccess::FAULT_PROOF, c"qsort_r", None).unwrap();
    assert!(is_in_c_library(address));
    assert!(!is_in_c_library(alone as *const () as usize));
    let library = Library::around(MemoryAccess::FAULT_PROOF, address).unwrap();
    let (start, name) = SymbolTable::of(library).unwrap().around(address + 1 - library.link_map.base).unwrap();
    assert_eq!(start + library.link_map.base, address);
    assert_eq!(name.as_str(), "qsort_r");
    assert_eq!(library.soname().as_str(), "libc.so.6");
}

#[test]
fn notes_hold_the_build_id() {
    let _alone = alone();
    let opened = Opened::new();
    let library = opened.library();
    let notes = Notes::read(&library.link_map, library.link_map.base);
    assert_eq!(notes.build_id.as_str().len(), 40);
    assert!(!notes.is_go);
    opened.close();
}

#[test]
fn nothing_of_an_unloaded_library_is_given_out() {
    let _alone = alone();
    let found = WhileLoaded::<usize>::new();
    assert!(found.still_loaded().is_none() && !found.was_unloaded());
    for _ in 0..6 {
        let opened = Opened::new();
        found.search(&opened.library(), |library| library.find(c"cos"));
        found.search(&opened.library(), |_| unreachable!("it was found"));
        let address = opened.address(c"fesetround");
        let (identity, tag) = (Identity::around(address), tagged(address));
        let kept = AtomicIdentity::new();
        kept.set(identity);
        assert!(found.still_loaded().is_some() && identity.still_loaded() && kept.still_loaded());
        assert_eq!(untagged(tag), address);
        opened.close();
        assert!(found.still_loaded().is_none() && found.was_unloaded());
        assert!(!identity.still_loaded() && !kept.still_loaded());
        assert_eq!(untagged(tag), address | UNLOADED);
    }
}

#[test]
fn what_is_loaded_with_the_program_stays() {
    let _alone = alone();
    assert!(Identity::around(alone as *const () as usize).still_loaded());
    assert!(AtomicIdentity::new().still_loaded());
}

#[test]
fn libraries_are_visited_when_some_were_loaded() {
    let _alone = alone();
    let watch = LibraryWatch::without_pause();
    let visit = || {
        let (mut count, mut has_libm) = (0, false);
        watch.visit(MemoryAccess::FAULT_PROOF, |library| {
            count += 1;
            has_libm |= library.soname().as_str() == "libm.so.6";
        });
        (count, has_libm)
    };
    assert!(matches!(visit(), (1.., false)));
    assert_eq!(visit(), (0, false));
    let opened = Opened::new();
    assert!(matches!(visit(), (1.., true)));
    assert_eq!(visit(), (0, false));
    watch.forget();
    assert!(matches!(visit(), (1.., true)));
    opened.close();
    assert!(matches!(visit(), (1.., false)));
}

#[test]
fn imports_lead_elsewhere() {
    extern "C" fn seven() -> i32 {
        7
    }
    let _alone = alone();
    let library = Library::of(&own_and_next(MemoryAccess::FAULT_PROOF).next().unwrap()).unwrap();
    assert!(library.needs(|name| name == "libc.so.6") && !library.needs(|name| name == "libm.so.6"));
    // SAFETY: it only asks the kernel.
    let parent = || unsafe { libc::getpgrp() };
    let before = parent();
    let is_meant = |import: &Import| import.name().as_str() == "getpgrp" && import.starts_with(b"getpg");
    let import = library.imports().find(is_meant).unwrap();
    let target = import.target().unwrap();
    assert_eq!(Some(target), function(MemoryAccess::FAULT_PROOF, c"getpgrp", None));
    // SAFETY: functions of one type; no other thread calls them.
    unsafe {
        import.redirect(seven as *const () as usize);
        assert_eq!(parent(), 7);
        import.redirect(target);
    }
    assert_eq!(parent(), before);
}

#[test]
fn variables_lie_in_segments_that_can_be_written() {
    static mut VARIABLE: u8 = 1;
    let _alone = alone();
    let address = (&raw const VARIABLE).addr();
    let own = own_and_next(MemoryAccess::FAULT_PROOF).next().unwrap();
    assert!(own.variables().any(|(start, length)| (start..start + length).contains(&address)));
    assert!(!own.variables().any(|(start, length)| (start..start + length).contains(&(alone as *const () as usize))));
}

#[test]
fn memory_that_is_not_there_is_an_answer() {
    let memory = MemoryAccess::FAULT_PROOF;
    assert_eq!(memory.read::<u64>(0), None);
    assert_eq!(memory.read::<u64>(8), None);
    assert!(memory.text::<16>(8).is_empty());
    assert_eq!(memory.text::<16>(c"text".as_ptr() as usize).as_str(), "text");
    assert_eq!(memory.text::<2>(c"text".as_ptr() as usize).as_str(), "te");
    assert!(LinkMap::read(memory, 8).is_none());
}

/// A mapped address in each library, the program and the vDSO included.
fn addresses() -> std::vec::Vec<usize> {
    link_maps(MemoryAccess::FAULT_PROOF, program()).map(|map| map.dynamic).collect()
}

#[test]
fn the_list_tells_libraries_as_the_loader_does() {
    let _alone = alone();
    for _ in 0..2 {
        for address in addresses() {
            let expected = find_object(address).unwrap();
            let found = listed::find(address).unwrap();
            assert_eq!((found.link_map, found.eh_frame), (expected.link_map, expected.eh_frame));
            assert!(found.start <= expected.start && expected.end <= found.end);
        }
    }
    assert!(listed::find(0x10).is_none() && listed::find((&raw const *std::boxed::Box::new(0)).addr()).is_none());
}

#[test]
fn the_programs_headers_are_where_the_kernel_says() {
    // SAFETY: reads what the loader keeps.
    let expected = [libc::AT_PHDR, libc::AT_PHNUM].map(|kind| unsafe { libc::getauxval(kind) } as usize);
    assert_eq!(listed::program_table(), expected);
}

#[test]
fn the_list_does_not_tell_what_is_unloaded() {
    let _alone = alone();
    for _ in 0..3 {
        let opened = Opened::new();
        let address = opened.address(c"cos");
        assert_eq!(listed::find(address).unwrap().link_map, opened.library().link_map.address);
        opened.close();
        assert!(listed::find(address).is_none());
    }
}

#[test]
fn a_record_that_is_freed_and_not_written_over_is_listed_no_more() {
    // Base, path, dynamic section, next and previous of three records.
    let mut records = [[0x1000u64, 0, 0x1100, 0, 0]; 3];
    let places = records.each_ref().map(|record| record.as_ptr().expose_provenance() as u64);
    (records[0][3], records[1][4]) = (places[1], places[0]);
    (records[1][3], records[2][4]) = (places[2], places[1]);
    let is_listed = |place| std::hint::black_box(LinkMap::listed(MemoryAccess::FAULT_PROOF, place as usize)).is_some();
    assert!(is_listed(places[1]) && is_listed(places[2]));
    // As dlclose does with the one in the middle.
    (records[0][3], records[2][4]) = (places[2], places[0]);
    std::hint::black_box(&mut records);
    assert!(!is_listed(places[1]) && is_listed(places[2]));
    assert!(!is_listed(places[0]), "it is the first, and not the program's");
    assert!(is_listed(program() as u64));
}
