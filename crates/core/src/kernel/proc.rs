//! The proc filesystem (proc(5)).
use super::fd::OwnedFd;
use super::memory::read_memory;
use super::private_fds::{fds_are_private, with_private_fds};
use crate::fixed::Text;
use core::ffi::CStr;
use core::mem::MaybeUninit;
use rustix::fd::{AsFd, AsRawFd};
use rustix::fs::OFlags;

/// Fills `into` from a small file of the proc filesystem; the bytes read.
pub fn read_file<'a>(path: &CStr, into: &'a mut [u8]) -> &'a [u8] {
    let mut length = 0;
    with_private_fds(|| {
        let Ok(file) = OwnedFd::new(path, OFlags::RDONLY | OFlags::CLOEXEC) else { return };
        while length < into.len() {
            match rustix::io::read(&file, &mut into[length..]) {
                Ok(n) if n > 0 => length += n,
                _ => break,
            }
        }
    });
    &into[..length]
}

/// True for a file that can be opened for reading.
pub fn is_readable(path: &CStr) -> bool {
    let mut readable = false;
    with_private_fds(|| readable = OwnedFd::new(path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK).is_ok());
    readable
}

/// Calls `each` for the entries of a directory of the proc filesystem, the dots left out.
pub fn each_entry(path: &CStr, mut each: impl FnMut(&CStr)) {
    each_entry_with(path, |_, name| each(name));
}

/// The same; `each` also gets the descriptor that the directory is read through, -1 where descriptors are private
/// (see [`super::private_fds`]).
pub fn each_entry_with(path: &CStr, mut each: impl FnMut(i32, &CStr)) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    with_private_fds(|| {
        let Ok(directory) = OwnedFd::new(path, flags) else { return };
        let number = if fds_are_private() { -1 } else { directory.as_fd().as_raw_fd() };
        each_entry_of(&directory, usize::MAX, |name| each(number, name));
    });
}

/// The same for an open directory, for at most so many entries; true when these were all.
pub fn each_entry_of(directory: &OwnedFd, most: usize, mut each: impl FnMut(&CStr)) -> bool {
    let mut buffer = [MaybeUninit::<u8>::uninit(); 4096];
    let mut entries = rustix::fs::RawDir::new(directory, &mut buffer);
    let mut count = 0;
    while let Some(Ok(entry)) = entries.next() {
        if count == most {
            return false;
        }
        count += 1;
        if !entry.file_name().to_bytes().starts_with(b".") {
            each(entry.file_name());
        }
    }
    true
}

/// True for a thread that is no zombie (proc(5), the third word of stat): a thread that ended while the process goes on is listed, too.
pub fn thread_is_alive(tid: u32) -> bool {
    let mut path = Text::<48>::new();
    let _ = core::fmt::Write::write_fmt(&mut path, format_args!("/proc/self/task/{tid}/stat"));
    let mut bytes = [0u8; 128];
    let stat = path.as_cstr().map(|p| read_file(p, &mut bytes)).unwrap_or_default();
    let after_name = stat.iter().rposition(|&b| b == b')').map_or(&[][..], |at| &stat[at..]);
    after_name.get(2).is_some_and(|state| !b"ZX".contains(state))
}

/// The context switches of a thread that sleeps now (proc(5)): how often it has run; None for a thread that does not sleep.
pub fn switches_of_sleeper(tid: u32) -> Option<u64> {
    let path = Text::<48>::of(format_args!("/proc/self/task/{tid}/status"));
    let mut bytes = [0u8; 3072];
    let text = core::str::from_utf8(read_file(path.as_cstr()?, &mut bytes)).ok()?;
    let field = |name: &str| text.lines().find_map(|line| Some(line.strip_prefix(name)?.trim()));
    let switches = |name| field(name)?.parse::<u64>().ok();
    field("State:")?.starts_with('S').then_some(())?;
    Some(switches("voluntary_ctxt_switches:")? + switches("nonvoluntary_ctxt_switches:")?)
}

/// The address that a thread waits for in futex(2), by /proc/self/task/TID/syscall (proc(5)); None for a thread in no such call.
pub fn futex_of(tid: u32) -> Option<usize> {
    let path = Text::<48>::of(format_args!("/proc/self/task/{tid}/syscall"));
    let mut bytes = [0u8; 256];
    let text = core::str::from_utf8(read_file(path.as_cstr()?, &mut bytes)).ok()?;
    let mut words = text.split_ascii_whitespace();
    (words.next()?.parse() == Ok(libc::SYS_futex)).then_some(())?;
    usize::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()
}

/// Where a sleeping thread of this process is: its program counter and its stack pointer, the last two words of /proc/self/task/TID/syscall (proc(5)).
pub fn sleeping_at(tid: u32) -> Option<(usize, usize)> {
    let path = Text::<48>::of(format_args!("/proc/self/task/{tid}/syscall"));
    let mut bytes = [0u8; 256];
    let text = core::str::from_utf8(read_file(path.as_cstr()?, &mut bytes)).ok()?;
    let mut words = text.trim_end().rsplit(' ').map(|word| usize::from_str_radix(word.strip_prefix("0x")?, 16).ok());
    Some((words.next()??, words.next()??))
}

/// A sleeping thread's stack pointer.
pub fn stack_pointer(tid: u32) -> Option<usize> {
    sleeping_at(tid).map(|(_, stack)| stack)
}

/// The newest child of this thread (/proc/self/task/TID/children, proc(5)); None where the kernel does not say.
pub fn newest_child() -> Option<u32> {
    let mut bytes = [0u8; 4096];
    let path = path_of_thread(format_args!("children"));
    let text = core::str::from_utf8(read_file(path.as_cstr()?, &mut bytes)).ok()?;
    text.split_ascii_whitespace().last()?.parse().ok()
}

/// False where the kernel does not list children (CONFIG_PROC_CHILDREN).
pub fn lists_children() -> bool {
    rustix::fs::stat(c"/proc/thread-self/children").is_ok()
}

/// A file of this thread in the proc filesystem, `/proc/PID/task/TID/NAME`: a path that means the same to every thread that opens it.
pub fn path_of_thread(name: core::fmt::Arguments<'_>) -> Text<80> {
    let mut bytes = [0u8; 40];
    let read = rustix::fs::readlinkat_raw(rustix::fs::CWD, c"/proc/thread-self", &mut bytes[..]).unwrap_or(0);
    let thread = core::str::from_utf8(&bytes[..read]).unwrap_or_default();
    Text::of(format_args!("/proc/{thread}/{name}"))
}

/// This process's working directory; empty where it is longer than there is room, or not to be read.
pub fn working_directory<const N: usize>() -> Text<N> {
    link(c"/proc/self/cwd")
}

/// The same of a directory that is open.
pub fn open_directory<const N: usize>(fd: i32) -> Text<N> {
    Text::<40>::of(format_args!("/proc/self/fd/{fd}")).as_cstr().map(link).unwrap_or_default()
}

/// The signals that a signalfd takes (bit n: signal n + 1); None of what is no such descriptor (proc_pid_fdinfo(5)).
pub fn signals_of(signalfd: i32) -> Option<u64> {
    let path = Text::<40>::of(format_args!("/proc/self/fdinfo/{signalfd}"));
    let mut bytes = [0; 256];
    let text = core::str::from_utf8(read_file(path.as_cstr()?, &mut bytes)).ok()?;
    let mask = text.lines().find_map(|line| line.strip_prefix("sigmask:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

fn link<const N: usize>(path: &CStr) -> Text<N> {
    let mut bytes = [0u8; N];
    let read = rustix::fs::readlinkat_raw(rustix::fs::CWD, path, &mut bytes[..]).unwrap_or(0);
    let path = bytes.get(..read).filter(|path| path.len() < N).and_then(|path| core::str::from_utf8(path).ok());
    Text::of(format_args!("{}", path.unwrap_or_default()))
}

/// Whether processes share the memory at this address, by its page, or by its mapping where the kernel refuses that (to a process that gave
/// up rights); None when both are refused.
pub fn is_shared(address: usize) -> Option<bool> {
    // A page that nobody touched since the fork is not there yet.
    read_memory(address, &mut [0u8]).then(|| page_is_shared(address).or_else(|| mapping_is_shared(address)))?
}

/// By bit 61 of the page's word in /proc/self/pagemap, proc(5): a page of a file, or one that processes share.
fn page_is_shared(address: usize) -> Option<bool> {
    const OF_FILE_OR_SHARED: u64 = 1 << 61;
    const IN_MEMORY_OR_SWAP: u64 = 3 << 62;
    let mut word = [0u8; 8];
    let mut read = false;
    with_private_fds(|| {
        let Ok(file) = OwnedFd::new(c"/proc/self/pagemap", OFlags::RDONLY | OFlags::CLOEXEC) else { return };
        read = rustix::io::pread(&file, &mut word, (address / 4096 * 8) as u64) == Ok(8);
    });
    let word = u64::from_ne_bytes(word);
    (read && word & IN_MEMORY_OR_SWAP != 0).then_some(word & OF_FILE_OR_SHARED != 0)
}

/// By the fourth letter of the mapping's rights in /proc/self/maps, proc(5).
pub fn mapping_is_shared(address: usize) -> Option<bool> {
    let mut shared = None;
    with_private_fds(|| {
        let maps = OwnedFd::new(c"/proc/self/maps", OFlags::RDONLY | OFlags::CLOEXEC).ok();
        shared = maps.and_then(|maps| listed_as_shared(&maps, address));
    });
    shared
}

fn listed_as_shared(maps: &OwnedFd, address: usize) -> Option<bool> {
    // A path may be as long as PATH_MAX.
    let (mut bytes, mut kept) = ([0u8; 4096 + 256], 0);
    loop {
        let read = rustix::io::read(maps, &mut bytes[kept..]).ok().filter(|&read| read > 0)?;
        let filled = kept + read;
        let end = bytes[..filled].iter().rposition(|&byte| byte == b'\n')?;
        if let Some(shared) = bytes[..end].split(|&byte| byte == b'\n').find_map(|line| shared_in(line, address)) {
            return Some(shared);
        }
        bytes.copy_within(end + 1..filled, 0);
        kept = filled - end - 1;
    }
}

/// `START-END RIGHTS …`: None of another mapping.
fn shared_in(line: &[u8], address: usize) -> Option<bool> {
    let mut words = core::str::from_utf8(&line[..line.len().min(48)]).ok()?.split(' ');
    let (start, end) = words.next()?.split_once('-')?;
    let number = |text| usize::from_str_radix(text, 16).ok();
    (number(start)?..number(end)?).contains(&address).then_some(())?;
    Some(words.next()?.ends_with('s'))
}
