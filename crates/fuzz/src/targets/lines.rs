//! An ELF file with its symbols and lines. The search for a line ends within what may be read, and says what it used.
use forkguard_lines::{Readable, Source, look};
use std::cell::Cell;

struct File<'b> {
    bytes: &'b [u8],
    read: Cell<u64>,
}

impl Source for File<'_> {
    fn read_at(&self, at: u64, into: &mut [u8]) -> usize {
        let rest = usize::try_from(at).ok().and_then(|at| self.bytes.get(at..)).unwrap_or_default();
        let size = rest.len().min(into.len());
        into[..size].copy_from_slice(&rest[..size]);
        self.read.set(self.read.get() + size as u64);
        size
    }
}

/// The build id of the corpus's files (`gcc -Wl,--build-id=0xabcd0123`).
const BUILD_ID: &str = "abcd0123";
const ALLOWANCE: u64 = 1 << 20;

pub(super) fn run(bytes: &[u8]) -> usize {
    // A name alone, too.
    let mut places = str::from_utf8(bytes).map_or(0, |name| usize::from(Readable(name).to_string() != name));
    let file = File { bytes, read: Cell::new(0) };
    let mut allowance = ALLOWANCE;
    // The code of the corpus's files lies there.
    let addresses: [u64; 8] = std::array::from_fn(|index| index as u64 * 9 + 0x1000);
    look(&file, BUILD_ID, &addresses, &|path| path.starts_with(b"/usr/"), &mut allowance, |index, found| {
        assert!(index < addresses.len());
        places += usize::from(found.place.is_some_and(|place| place.line > 0 && !place.file.as_bytes().is_empty()));
    });
    assert!(allowance <= ALLOWANCE && file.read.get() <= ALLOWANCE, "{} bytes read", file.read.get());
    places
}
