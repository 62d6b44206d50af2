//! Output that waited in the C library's streams at a fork.
use super::descriptors;
use super::site::site;
use crate::entry::Arena;
use crate::sites::cpp;
use forkguard_core::fork::{BUFFERS, BufferRecord, Snapshot};
use forkguard_core::{glibc, registry};
use forkguard_report::catalogue::COMPRESSED;
use forkguard_report::event::{Role, Site};
use forkguard_report::text::Count;

/// A stream with such output.
pub(crate) struct Buffer<'a> {
    pub(crate) fd: i32,
    /// The stream and how much waited, in words.
    pub(crate) subject: &'a str,
    /// Where it was opened and last written to, and where the fork was.
    pub(crate) sites: &'a [Site<'a>],
}

/// The streams of a fork.
pub(crate) fn buffers<'a>(arena: &'a Arena, snapshot: &Snapshot) -> &'a [Buffer<'a>] {
    let mut list = arena.list(BUFFERS);
    snapshot.buffers().iter().for_each(|record| list.push(buffer(arena, snapshot, record)));
    list.done()
}

/// One stream of a fork.
pub(crate) fn buffer<'a>(arena: &'a Arena, snapshot: &Snapshot, record: &BufferRecord) -> Buffer<'a> {
    let fd = record.output.fd;
    let opened = registry::descriptors::record(fd).and_then(|made| site(arena, Role::Opened, made.thread, made.site));
    let fork = site(arena, Role::Fork, snapshot.thread, if record.site == 0 { snapshot.site } else { record.site });
    // What C++'s `cout` prints the C library is given by C++'s own code, which is nobody's line.
    let writer = if cpp::is_own_code(record.writer) { 0 } else { record.writer };
    let written = site(arena, Role::Written, 0, writer);
    let bytes = Count(record.output.length as u64, "byte");
    let subject = match (
        record.is_languages(),
        glibc::standard(record.stream),
        descriptors::describe(arena, fd).and_then(|described| described.path),
    ) {
        (true, _, Some(path)) if fd > 2 => {
            let more = if opened.as_ref().is_some_and(is_compressed) { COMPRESSED } else { "" };
            arena.format(format_args!("{path} (descriptor {fd}, {bytes} in {}'s buffer{more})", record.language))
        }
        (true, ..) => arena.format(format_args!("Python's sys.stdout ({bytes} in its buffer)")),
        (_, Some(standard), _) => {
            arena.format(format_args!("{} ({bytes} in its buffer)", ["stdin", "stdout", "stderr"][standard]))
        }
        (_, None, Some(path)) => arena.format(format_args!("{path} (descriptor {fd}, {bytes} in the stream's buffer)")),
        (_, None, None) => arena.format(format_args!("the stream of descriptor {fd} ({bytes} in its buffer)")),
    };
    Buffer { fd, subject, sites: arena.join([opened.as_slice(), written.as_slice(), fork.as_slice()]) }
}

/// True for a file that a module of Python's opened which compresses what is written to it.
fn is_compressed(opened: &Site<'_>) -> bool {
    const MODULES: [&str; 5] = ["/gzip.py", "/bz2.py", "/lzma.py", "/zipfile.py", "/zipfile/__init__.py"];
    let is_modules = |file: &str| MODULES.iter().any(|module| file.ends_with(module));
    opened.frames.iter().any(|frame| frame.language == "python" && frame.file.as_deref().is_some_and(is_modules))
}
