//! The preload library writes lines where it must not allocate.
mod samples;

use forkguard_report::catalogue::Server;
use forkguard_report::cure::{Language, Program};
use forkguard_report::event::{Event, Finding};
use forkguard_report::summary::{self, Head};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Of this thread alone: the test harness allocates in others.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on to the system's allocator as it came.
#[allow(unsafe_code, reason = "an allocator cannot be written without")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn borrowed_lines_are_written_without_allocating() {
    assert_ne!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 0, "the counter counts");
    let lines = samples::lines().into_iter().chain(samples::lives()).collect::<Vec<_>>();
    let mut buffer = [0; 16 << 10];
    let size = buffer.len();
    for line in &lines {
        let mut rest = &mut buffer[..];
        assert_eq!(allocations(|| serde_json::to_writer(&mut rest, line).unwrap()), 0, "{:?}", line.event);
        let written = size - rest.len();
        assert_eq!(buffer[..written], *serde_json::to_vec(line).unwrap());
    }
}

/// Text up to a limit.
struct Fixed {
    bytes: [u8; 4096],
    len: usize,
}

impl std::fmt::Write for Fixed {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end).ok_or(std::fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

fn program(server: Server) -> Program {
    Program { server, language: Language::Python }
}

#[test]
fn the_summary_is_written_without_allocating() {
    let lines = samples::lines();
    let findings: Vec<&Finding> =
        lines.iter().filter_map(|line| if let Event::Finding(it) = &line.event { Some(it) } else { None }).collect();
    let head = Head {
        child: 9,
        leader: 7,
        program: program(Server::Gunicorn),
        report: Some("/tmp/forkguard-0/7.jsonl"),
        with_notes: true,
        cures: &[],
    };
    let mut out = Fixed { bytes: [0; 4096], len: 0 };
    assert_eq!(allocations(|| summary::write(&mut out, &head, findings.iter().copied()).unwrap()), 0);
    assert!(str::from_utf8(&out.bytes[..out.len]).unwrap().contains("PostgreSQL"));
}

#[test]
fn a_bite_is_written_without_allocating() {
    for line in &samples::lives() {
        let Event::Finding(finding) = &line.event else { continue };
        let head = Head { child: 9, leader: 7, program: program(Server::Uwsgi), report: None, with_notes: true, cures: &[] };
        let mut out = Fixed { bytes: [0; 4096], len: 0 };
        assert_eq!(allocations(|| summary::write_hit(&mut out, &head, finding).unwrap()), 0);
        assert!(str::from_utf8(&out.bytes[..out.len]).unwrap().contains("cure: "));
    }
}
