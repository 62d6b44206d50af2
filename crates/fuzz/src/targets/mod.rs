//! What is fuzzed: one file a kind of reader.
mod frames;
mod lines;
mod options;
mod report;
mod suppress;

/// A reader, given bytes.
pub struct Target {
    /// Of its corpus, too.
    pub name: &'static str,
    /// Panics where a promise does not hold; gives how much was read: lines, rules, places, frames.
    pub run: fn(&[u8]) -> usize,
}

/// All of them.
pub const TARGETS: [Target; 8] = [
    Target { name: "report", run: report::run },
    Target { name: "options", run: options::run },
    Target { name: "suppress", run: suppress::run },
    Target { name: "lines", run: lines::run },
    Target { name: "python", run: frames::python },
    Target { name: "ruby", run: frames::ruby },
    Target { name: "perl", run: frames::perl },
    Target { name: "php", run: frames::php },
];
