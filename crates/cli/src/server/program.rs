//! The program that is to be started: where it is, and whether the library can be loaded into it.
use object::Endianness;
use object::elf::{EM_X86_64, FileHeader64};
use object::read::ReadCache;
use object::read::elf::{FileHeader, ProgramHeader};
use rustix::fs::{Access, access, getxattr};
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Interpreters of interpreters that the kernel follows (BINPRM_BUF_SIZE and the limit in fs/exec.c).
const DEPTH: usize = 4;

/// The file that a shell would run for this name.
pub(super) fn find(name: &OsStr) -> Option<PathBuf> {
    if name.as_bytes().contains(&b'/') {
        return Some(PathBuf::from(name)).filter(|path| path.exists());
    }
    let path = env::var_os("PATH").unwrap_or_else(|| OsString::from("/bin:/usr/bin"));
    let candidates: Vec<_> = env::split_paths(&path).map(|place| place.join(name)).filter(|path| path.is_file()).collect();
    candidates.iter().find(|path| access(path.as_path(), Access::EXEC_OK).is_ok()).or(candidates.first()).cloned()
}

/// Why the library cannot be loaded into the program; None where it can, or where nothing is known.
pub(super) fn unfit(path: &Path) -> Option<&'static str> {
    let mut path = path.to_owned();
    for _ in 0..DEPTH {
        if is_privileged(&path) {
            return Some(
                "it changes its privileges (set-user-ID, set-group-ID or capabilities), and such a program loads nothing that its caller names",
            );
        }
        match interpreter(&path) {
            Some(next) => path = next,
            None => return File::open(&path).ok().and_then(|file| unfit_binary(&ReadCache::new(file))),
        }
    }
    None
}

/// True for a program that the kernel starts with other rights than its caller's (execve(2), AT_SECURE).
fn is_privileged(path: &Path) -> bool {
    const SET_USER: u32 = 0o4000;
    const SET_GROUP: u32 = 0o2010;
    let Ok(metadata) = path.metadata() else { return false };
    let user = metadata.mode() & SET_USER != 0 && metadata.uid() != rustix::process::geteuid().as_raw();
    let group = metadata.mode() & SET_GROUP == SET_GROUP && metadata.gid() != rustix::process::getegid().as_raw();
    let capable = || getxattr(path, "security.capability", &mut [0u8; 64][..]).is_ok_and(|length| length > 0);
    user || group || !rustix::process::geteuid().is_root() && capable()
}

/// The program that a script names in its first line; what `env` is to find there.
fn interpreter(path: &Path) -> Option<PathBuf> {
    let mut start = [0u8; 256];
    let length = File::open(path).and_then(|mut file| file.read(&mut start)).ok()?;
    let line = start[..length].strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).map(OsStr::from_bytes);
    let interpreter = words.next()?;
    match Path::new(interpreter).file_name().is_some_and(|name| name == "env") {
        true => find(words.find(|word| !word.as_bytes().starts_with(b"-"))?),
        false => Some(interpreter.into()),
    }
}

fn unfit_binary(data: &ReadCache<File>) -> Option<&'static str> {
    const CLASS: usize = 4;
    let start = object::ReadRef::read_bytes_at(data, 0, 20).ok().filter(|start| start.starts_with(b"\x7fELF"))?;
    if start[CLASS] == object::elf::ELFCLASS32.0 {
        return Some("it is a 32-bit program, and the library has 64 bits");
    }
    let header = FileHeader64::<Endianness>::parse(data).ok()?;
    let endian = header.endian().ok()?;
    if header.e_machine(endian) != EM_X86_64 {
        return Some("it is not made for x86_64");
    }
    let segments = header.program_headers(endian, data).ok()?;
    let loader = segments.iter().find_map(|segment| segment.interpreter(endian, data).ok().flatten());
    match loader {
        None => Some("it is statically linked, and loads no library"),
        Some(loader) if Path::new(OsStr::from_bytes(loader)).file_name()?.as_bytes().starts_with(b"ld-musl") => {
            Some("it is linked to musl, and the library needs glibc")
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn file(directory: &Path, name: &str, content: &[u8], mode: u32) -> PathBuf {
        let path = directory.join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// An ELF header of this class and machine, without segments, or with one that names a loader.
    fn elf(class: u8, machine: u8, loader: &str) -> Vec<u8> {
        let mut bytes = vec![0u8; 64 + 56];
        bytes[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', class, 1, 1]);
        (bytes[16], bytes[18], bytes[20], bytes[32]) = (2, machine, 1, 64);
        (bytes[52], bytes[54], bytes[56]) = (64, 56, u8::from(!loader.is_empty()));
        (bytes[64], bytes[64 + 8], bytes[64 + 32]) = (3, 120, loader.len() as u8 + 1);
        bytes.extend(loader.as_bytes());
        bytes.push(0);
        bytes
    }

    #[test]
    fn what_cannot_be_preloaded_is_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path();
        let why = |name: &str, content: &[u8]| unfit(&file(place, name, content, 0o755)).unwrap_or_default();
        assert_eq!(why("fits", &elf(2, 62, "/lib64/ld-linux-x86-64.so.2")), "");
        assert_eq!(why("text", b"echo hello\n"), "");
        assert!(why("static", &elf(2, 62, "")).contains("statically linked"));
        assert!(why("musl", &elf(2, 62, "/lib/ld-musl-x86_64.so.1")).contains("musl"));
        assert!(why("short", &elf(1, 3, "/lib/ld-linux.so.2")).contains("32-bit"));
        assert!(why("arm", &elf(2, 183, "/lib/ld-linux-aarch64.so.1")).contains("x86_64"));
        let script = format!("#!{} -x\n", place.join("static").display());
        assert!(why("script", script.as_bytes()).contains("statically linked"));
        assert_eq!(why("by-env", b"#!/usr/bin/env -S sh\n"), "");
        assert_eq!(why("loop", format!("#!{}\n", place.join("loop").display()).as_bytes()), "");
    }

    #[test]
    fn programs_are_found_as_a_shell_does() {
        assert!(find(OsStr::new("sh")).is_some_and(|path| path.ends_with("sh")));
        assert_eq!(find(OsStr::new("no-such-program-anywhere")), None);
        assert_eq!(find(OsStr::new("/no/such/program")), None);
    }
}
