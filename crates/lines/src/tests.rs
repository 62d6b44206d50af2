//! Files made by hand, whole, cut short, damaged and hostile. (Compilers' own are compared with addr2line in the root package's
//! tests.) Debug builds panic on arithmetic that overflows.
use crate::{Found, INLINED, IsLibrary, Source, look};
use std::borrow::ToOwned;
use std::string::String;
use std::time::{Duration, Instant};
use std::vec::Vec;
use std::{format, vec};

const ID: [u8; 4] = [0xab, 0xcd, 0x01, 0x23];
const PLENTY: u64 = 1 << 20;

struct Memory(Vec<u8>);

impl Source for Memory {
    fn read_at(&self, at: u64, into: &mut [u8]) -> usize {
        let rest = usize::try_from(at).ok().and_then(|at| self.0.get(at..)).unwrap_or_default();
        let size = rest.len().min(into.len());
        into[..size].copy_from_slice(&rest[..size]);
        size
    }
}

/// An ELF file of these sections: name, kind, link, content.
fn elf(sections: &[(&str, u32, u32, Vec<u8>)]) -> Memory {
    let mut names = vec![0];
    let (mut contents, mut headers) = (Vec::new(), Vec::new());
    let header = |name: usize, kind: u32, link: u32, at: usize, size: usize| {
        let mut header = Vec::new();
        [name as u32, kind].iter().for_each(|word| header.extend(word.to_le_bytes()));
        [0, 0, at as u64, size as u64].iter().for_each(|word| header.extend(word.to_le_bytes()));
        header.extend(link.to_le_bytes());
        header.resize(64, 0);
        header
    };
    for (name, kind, link, content) in sections {
        headers.extend(header(names.len(), *kind, *link, 64 + contents.len(), content.len()));
        names.extend(name.bytes().chain([0]));
        contents.extend(content);
    }
    headers.extend(header(0, 3, 0, 64 + contents.len(), names.len()));
    contents.extend(names);
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(40, 0);
    file.extend((64 + contents.len() as u64).to_le_bytes());
    file.resize(58, 0);
    for half in [64, headers.len() / 64, headers.len() / 64 - 1] {
        file.extend((half as u16).to_le_bytes());
    }
    file.extend(contents);
    file.extend(headers);
    Memory(file)
}

/// With the length in front that DWARF's units have.
fn unit(content: Vec<u8>) -> Vec<u8> {
    [&(content.len() as u32).to_le_bytes()[..], &content].concat()
}

fn u16(value: u16) -> [u8; 2] {
    value.to_le_bytes()
}

fn u32(value: usize) -> [u8; 4] {
    (value as u32).to_le_bytes()
}

fn u64(value: u64) -> [u8; 8] {
    value.to_le_bytes()
}

const START: u64 = 0x1000;

/// A sequence from 0x1000: lines 10, 12 (from 0x1004), 30 of the second file (from 0x1009) and 31 (0x1029 to 0x1030).
fn sequence() -> Vec<u8> {
    let address = |at: u64| [&[0, 9, 2][..], &u64(at)].concat();
    // One that the linker dropped, of the same length.
    let dropped = [&address(0)[..], &[3, 98, 1, 9], &u16(0x2000), &[0, 1, 1]].concat();
    // Advance the line and copy; a special operation (4 bytes, 2 lines); by uleb, sleb and the file; by a constant; by a half word.
    let lines = [
        &address(START)[..],
        &[3, 9, 1],
        &[13 + 5 + 2 + 14 * 4],
        &[2, 5, 4, 2, 3, 18, 1],
        &[8, 2, 15, 3, 1, 1],
        &[9, 7, 0, 0, 1, 1],
    ];
    [dropped, lines.concat()].concat()
}

/// A line program of one version; what stands before the tables is the same in all.
fn line_program(version: u16, tables: &[u8], operations: &[u8]) -> Vec<u8> {
    let mut head = vec![1];
    if version >= 4 {
        head.push(1);
    }
    head.extend([1, -5i8 as u8, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1]);
    head.extend(tables);
    let mut content = u16(version).to_vec();
    if version >= 5 {
        content.extend([8, 0]);
    }
    content.extend(u32(head.len()));
    unit([content, head, operations.to_vec()].concat())
}

fn tables(version: u16) -> Vec<u8> {
    match version {
        // Paths in .debug_line_str at 0; a checksum of each file.
        5 => [
            &[1, 1, 0x1f, 2][..],
            &u32(0),
            &u32(5),
            &[3, 1, 0x08, 2, 0x0b, 5, 0x1e, 3],
            b"main.c\0\0",
            &[7; 16],
            b"main.c\0\0",
            &[7; 16],
            b"util.h\0\x01",
            &[7; 16],
        ]
        .concat(),
        _ => b"inc\0/usr/include\0\0main.c\0\0\0\0util.h\0\x01\0\0\0".to_vec(),
    }
}

/// An entry of a unit that covers 0x1000 to 0x1030 and was compiled in /src.
fn info(version: u16) -> (Vec<u8>, Vec<u8>) {
    let lines = if version < 4 { 0x06 } else { 0x17 };
    let high = if version < 4 { 0x01 } else { 0x07 };
    let abbreviations = vec![1, 0x11, 0, 0x10, lines, 0x1b, 0x08, 0x11, 0x01, 0x12, high, 0, 0, 0];
    let mut content = u16(version).to_vec();
    match version {
        5 => content.extend([&[1, 8][..], &u32(0)].concat()),
        _ => content.extend([&u32(0)[..], &[8]].concat()),
    }
    content.extend([&[1][..], &u32(0), b"/src\0", &u64(START), &u64(if version < 4 { START + 0x30 } else { 0x30 })].concat());
    (unit(content), abbreviations)
}

fn note() -> Vec<u8> {
    [&u32(4)[..], &u32(ID.len()), &u32(3), b"GNU\0", &ID].concat()
}

fn symbol(name: usize, kind: u8, start: u64, size: u64) -> Vec<u8> {
    [&u32(name)[..], &[kind, 0], &u16(1), &u64(start), &u64(size)].concat()
}

/// Whole: with symbols.
fn file_with(version: u16, line_program: Vec<u8>) -> Memory {
    let (info, abbreviations) = info(version);
    let symbols = [vec![0; 24], symbol(1, 2, START, 0x30), symbol(6, 2, START + 0x10, 8), symbol(12, 6, START, 0x30)].concat();
    elf(&[
        ("", 0, 0, vec![]),
        (".note.gnu.build-id", 7, 0, note()),
        (".debug_line", 1, 0, line_program),
        (".debug_line_str", 1, 0, b"/src\0inc\0".to_vec()),
        (".debug_info", 1, 0, info),
        (".debug_abbrev", 1, 0, abbreviations),
        (".symtab", 2, 7, symbols),
        (".strtab", 3, 0, b"\0work\0inner\0local\0".to_vec()),
    ])
}

fn file(version: u16) -> Memory {
    file_with(version, line_program(version, &tables(version), &sequence()))
}

fn id() -> String {
    ID.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is said of one address; None when there is no need to ask again.
fn ask(source: &dyn Source, id: &str, address: u64, is_library: IsLibrary, allowance: &mut u64) -> Option<Found> {
    let mut found = Found { symbol: None, place: None, inlined: [const { None }; INLINED], complete: false };
    look(source, id, &[address], is_library, allowance, |_, told| found = told).then_some(found)
}

fn found(source: &dyn Source, address: u64) -> Option<Found> {
    ask(source, &id(), address, &|_| false, &mut PLENTY.clone())
}

/// `file:line`.
fn place(found: &Found) -> Option<String> {
    let place = found.place.as_ref()?;
    Some(format!("{}:{}", std::str::from_utf8(place.file.as_bytes()).expect("UTF-8"), place.line))
}

fn at(source: &dyn Source, address: u64) -> Option<String> {
    place(&found(source, address)?)
}

#[test]
fn lines_of_every_version() {
    for version in 2..=5 {
        let file = file(version);
        let expected = [
            (START - 1, None),
            (START, Some("/src/main.c:10")),
            (START + 3, Some("/src/main.c:10")),
            (START + 4, Some("/src/main.c:12")),
            (START + 8, Some("/src/main.c:12")),
            (START + 9, Some("/src/inc/util.h:30")),
            (START + 0x28, Some("/src/inc/util.h:30")),
            (START + 0x29, Some("/src/inc/util.h:31")),
            (START + 0x30, None),
        ];
        for (address, expected) in expected {
            assert_eq!(at(&file, address).as_deref(), expected, "version {version}, {address:#x}");
        }
    }
}

#[test]
fn symbols_that_an_address_lies_in() {
    let name = |address| {
        let symbol = found(&file(4), address).expect("a file").symbol;
        symbol.map(|symbol| std::str::from_utf8(symbol.name.as_bytes()).expect("UTF-8").to_owned())
    };
    assert_eq!(name(START - 1), None);
    assert_eq!(name(START).as_deref(), Some("work"));
    assert_eq!(name(START + 0x10).as_deref(), Some("inner"));
    assert_eq!(name(START + 0x18).as_deref(), Some("work"));
    assert_eq!(name(START + 0x30), None);
}

#[test]
fn another_file_says_nothing() {
    for other in ["", "ab", "abcd0124", "abcd012345", "ABCD0123"] {
        assert!(ask(&file(4), other, START, &|_| false, &mut PLENTY.clone()).is_none(), "{other}");
    }
    assert!(found(&Memory(vec![]), START).is_none());
    assert!(found(&Memory(b"#!/bin/sh\n".to_vec()), START).is_none());
}

#[test]
fn no_more_is_read_than_is_allowed() {
    let file = file(5);
    let needed = {
        let mut left = PLENTY;
        assert!(ask(&file, &id(), START, &|_| false, &mut left).expect("a file").complete);
        PLENTY - left
    };
    for allowed in 0..needed {
        let mut left = allowed;
        let found = ask(&file, &id(), START, &|_| false, &mut left).expect("perhaps later");
        assert!(left <= allowed && (found.complete || found.place.is_none()), "{allowed}");
    }
}

/// Wherever a file ends, what is said of it is right or nothing.
#[test]
fn files_cut_short() {
    for version in [2, 5] {
        let whole = file(version).0;
        for length in 0..whole.len() {
            let cut = Memory(whole[..length].to_vec());
            let place = at(&cut, START + 4);
            assert!(place.is_none() || place.as_deref() == Some("/src/main.c:12"), "{length}: {place:?}");
        }
    }
}

/// Damage anywhere: no panic (debug builds check all arithmetic), and an end.
#[test]
fn damaged_files() {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let start = Instant::now();
    for round in 0..40_000 {
        let mut file = file(2 + round % 4);
        let size = file.0.len();
        for _ in 0..1 + random() % 4 {
            let value = match random() % 3 {
                0 => 0xff,
                1 => 0,
                _ => random() as u8,
            };
            file.0[random() as usize % size] = value;
        }
        let is_library = |_: &[u8]| round % 2 == 0;
        let mut left = PLENTY;
        let _ = ask(&file, &id(), START + random() % 0x30, &is_library, &mut left);
        assert!(left <= PLENTY);
    }
    assert!(start.elapsed() < Duration::from_secs(120), "{:?}", start.elapsed());
}

#[test]
fn hostile_line_programs() {
    let endless: [Vec<u8>; 6] = [
        // Entries without content, as many as there are numbers.
        [&[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1][..], &[0, 0]].concat(),
        // Entries whose form takes no room.
        vec![1, 1, 0x19, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
        // More formats than there are kinds of content.
        vec![0xff; 64],
        // A block that reaches beyond everything.
        vec![1, 1, 0x09, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
        // A form of a form of a form.
        vec![1, 1, 0x16, 1, 0x16, 0x16, 0x16, 0x16],
        vec![],
    ];
    for tables in endless {
        assert_eq!(at(&file_with(5, line_program(5, &tables, &sequence())), START), None);
    }
    let operations: [&[u8]; 5] = [
        // Operations without length, and with more than there is.
        &[0, 0, 0, 0, 0, 0],
        &[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2],
        // Numbers without end.
        &[0x83; 40],
        &[3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        // To the end of all addresses, and around.
        &[0, 9, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 8, 8, 8, 9, 0xff, 0xff, 2, 0xff, 1, 1, 0, 1, 1],
    ];
    for operations in operations {
        for version in 2..=5 {
            assert_eq!(at(&file_with(version, line_program(version, &tables(version), operations)), START), None);
        }
    }
    // A range of no lines, operations that begin at 0, a length beyond the section.
    for (place, byte) in [(13, 0), (14, 0), (0, 0xff)] {
        let mut program = line_program(3, &tables(3), &sequence());
        program[place] = byte;
        assert_eq!(at(&file_with(3, program), START), None, "{place}");
    }
}

/// A path that is too long is none.
#[test]
fn long_paths() {
    let name = |length| [&b"inc\0\0"[..], &vec![b'x'; length], b"\0\x01\0\0util.h\0\x01\0\0\0"].concat();
    let path = |length| at(&file_with(3, line_program(3, &name(length), &sequence())), START);
    assert_eq!(path(490), Some(format!("/src/inc/{}:10", "x".repeat(490))));
    assert_eq!(path(492), None);
}
