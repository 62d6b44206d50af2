//! FORKGUARD_KEEP and `forkguard_keep_descriptor`: descriptors that are meant for the children. No guard touches them, and that the children
//! have them, or use them, is no finding.
use super::*;
use crate::describe::descriptors;
use crate::hooks::note;
use forkguard_core::descriptor::{self, Kind as Made, Record, mark, role};
use std::ffi::c_int;

/// True for such a descriptor.
pub(crate) fn is_kept(fd: i32, record: &Record) -> bool {
    record.marks & mark::KEPT != 0 || is_named(fd, record)
}

/// The same, of what is recorded under a number.
pub(crate) fn keeps(fd: i32) -> bool {
    descriptor::record(fd).is_some_and(|record| is_kept(fd, &record))
}

/// True for one that a pattern of FORKGUARD_KEEP matches.
fn is_named(fd: i32, record: &Record) -> bool {
    let patterns = options::get().keep.as_str();
    if patterns.is_empty() {
        return false;
    }
    let connected = record.kind == Made::Socket && record.role & role::CONNECTED != 0;
    let peer = connected.then(|| descriptors::peer_name(fd, record)).flatten();
    let port = connected.then(|| descriptors::loopback_port(record)).flatten();
    let number = Text::<24>::of(format_args!("fd:{}", descriptor::number_at_fork(fd)));
    let local = port.map(|port| Text::<24>::of(format_args!("localhost:{port}")));
    let names = [Some(number.as_str()), peer.as_ref().map(Text::as_str), local.as_ref().map(Text::as_str)];
    let mut patterns = patterns.split(',').map(str::trim);
    patterns.any(|pattern| names.iter().flatten().any(|name| matches(pattern.as_bytes(), name.as_bytes())))
}

/// `*` stands for anything, `?` for one byte. Where a `*` was too short it takes one byte more: the last one is enough to go back to.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star = None;
    while read < text.len() {
        match (pattern.get(at), star) {
            (Some(b'*'), _) => {
                star = Some((at, read));
                at += 1;
            }
            (Some(&byte), _) if byte == b'?' || byte == text[read] => (at, read) = (at + 1, read + 1),
            (_, Some((begin, taken))) => {
                star = Some((begin, taken + 1));
                (at, read) = (begin + 1, taken + 1);
            }
            (_, None) => return false,
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

/// `include/forkguard.h`: this descriptor is meant for the children.
#[unsafe(no_mangle)]
pub extern "C" fn forkguard_keep_descriptor(fd: c_int) -> c_int {
    if fd < 0 || !raw::is_open(fd) {
        crate::errno::set(libc::EBADF);
        return -1;
    }
    note(|_| {
        // One that no hook saw made.
        if descriptor::record(fd).is_none() {
            descriptor::open(fd, Made::Start, 0, 0, 0, 0);
        }
        descriptor::add_mark(fd, mark::KEPT);
    });
    0
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        let cases = [
            ("127.0.0.1:5432", "127.0.0.1:5432", true),
            ("127.0.0.1:5432", "127.0.0.1:54321", false),
            ("*:5432", "127.0.0.1:5432", true),
            ("*:5432", "127.0.0.1:15432", false),
            ("10.?.0.1:*", "10.2.0.1:80", true),
            ("10.?.0.1:*", "10.22.0.1:80", false),
            ("[::1]:*", "[::1]:6379", true),
            ("*.s.PGSQL.*", "/run/.s.PGSQL.5432", true),
            ("@*bus*", "@/tmp/dbus-1", true),
            ("*a*b*c", "xaxbxbxc", true),
            ("*a*b*c", "xaxbxbx", false),
            ("fd:7", "fd:71", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }
}
