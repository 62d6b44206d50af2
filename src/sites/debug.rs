//! Lines of native code, from the files that it was loaded from.
//!
//! A file is read with pread, never mapped: one that is cut short meanwhile is an answer then, not a SIGBUS. How much is read comes out
//! of a bucket of bytes, so that neither a report nor a fork storm takes longer for a large program: what is beyond it the tool finds.
use super::store::{self, TextId};
use crate::entry::scratch::aside;
use forkguard_core::fixed::Text;
use forkguard_core::kernel::{self, OwnedFd};
pub(super) use forkguard_lines::{INLINED, TOGETHER};
use forkguard_lines::{Readable, Source};
use forkguard_report::text::is_library_source;
use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// So many bytes at once, then one an interval (a megabyte a second): what they hold is read in half a millisecond each.
const BURST: u64 = 512 << 10;
const INTERVAL_NS: u64 = 1000;
static NEXT: AtomicU64 = AtomicU64::new(0);

/// What a module's file says of an address.
pub(super) struct Found {
    /// The innermost function or variable, and where it begins.
    pub(super) symbol: Option<(usize, Text<96>)>,
    /// Of inlined code where that stands; 0 when unknown.
    pub(super) file: TextId,
    pub(super) line: u32,
    /// Functions that were inlined there, innermost first, each with the place of its call.
    pub(super) inlined: [Inlined; INLINED],
    /// False when more would have to be read than is allowed now.
    pub(super) complete: bool,
}

/// A function that was inlined, and where it was called; file 0: none.
#[derive(Clone, Copy, Default)]
pub(super) struct Inlined {
    pub(super) function: TextId,
    pub(super) file: TextId,
    pub(super) line: u32,
}

/// An open file.
struct File(OwnedFd);

impl Source for File {
    fn read_at(&self, at: u64, into: &mut [u8]) -> usize {
        rustix::io::pread(&self.0, into, at).unwrap_or(0)
    }
}

/// None for what is no file.
fn open(path: &str) -> rustix::io::Result<Option<File>> {
    // Nothing that is not a file is waited for, or becomes this process's terminal.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let path = Text::<201>::from_bytes(path.as_bytes());
    let file = OwnedFd::new(path.as_cstr().ok_or(Errno::NAMETOOLONG)?, flags)?;
    let regular = FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode) == FileType::RegularFile;
    Ok(regular.then_some(File(file)))
}

/// Tells `each` what the file of a module says of some addresses (offsets in it); false when there is no need to ask again.
pub(super) fn look(path: &str, build_id: &str, offsets: &[u64], each: impl FnMut(usize, Found)) -> bool {
    aside(|| look_aside(path, build_id, offsets, each)).unwrap_or(false)
}

fn look_aside(path: &str, build_id: &str, offsets: &[u64], mut each: impl FnMut(usize, Found)) -> bool {
    let file = match open(path) {
        Ok(Some(file)) => file,
        // Those pass.
        Err(Errno::MFILE | Errno::NFILE | Errno::INTR) => return true,
        _ => return false,
    };
    let now = kernel::monotonic();
    let next = NEXT.load(Relaxed).max(now);
    let allowed = BURST.saturating_sub((next - now) / INTERVAL_NS);
    let mut left = allowed;
    let is_library = |path: &[u8]| std::str::from_utf8(path).is_ok_and(is_library_source);
    let more = forkguard_lines::look(&file, build_id, offsets, &is_library, &mut left, |index, found| {
        let symbol = found.symbol.map(|symbol| (symbol.start as usize, readable(symbol.name.as_bytes())));
        let inlined = found.inlined.map(|call| call.and_then(|call| called(&call)).unwrap_or_default());
        let file = found.place.as_ref().and_then(|place| text(place.file.as_bytes()));
        let line = found.place.filter(|_| file.is_some()).map_or(0, |place| place.line);
        // What is too much at once is so the next time.
        let complete = found.complete || (allowed == BURST && offsets.len() == 1);
        each(index, Found { symbol, file: file.unwrap_or(0), line, inlined, complete });
    });
    NEXT.store(next + (allowed - left) * INTERVAL_NS, Relaxed);
    more
}

/// A linker's name as people write it.
pub(super) fn readable(name: &[u8]) -> Text<96> {
    std::str::from_utf8(name).map_or_else(|_| Text::from_bytes(name), |name| Text::of(format_args!("{}", Readable(name))))
}

fn text(bytes: &[u8]) -> Option<TextId> {
    store::text(std::str::from_utf8(bytes).ok()?)
}

fn called(call: &forkguard_lines::Inlined) -> Option<Inlined> {
    let function = call.function.as_ref().and_then(|name| store::text(readable(name.as_bytes()).as_str())).unwrap_or(0);
    Some(Inlined { function, file: text(call.called.file.as_bytes())?, line: call.called.line })
}
