//! Other processes, as /proc tells of them.
use super::proc::read_file;
use crate::fixed::Text;

/// A small file of another process, as text.
pub fn read<'b>(bytes: &'b mut [u8], process: impl core::fmt::Display, file: &str) -> &'b str {
    let path = Text::<48>::of(format_args!("/proc/{process}/{file}"));
    let read = path.as_cstr().map(|path| read_file(path, bytes)).unwrap_or_default();
    core::str::from_utf8(read).unwrap_or_default()
}

/// Of the words of /proc/PID/stat (proc_pid_stat(5)) behind the name in parentheses: the state.
pub const STATE: usize = 0;
/// The parent.
pub const PARENT: usize = 1;
/// The start, in ticks since boot.
pub const START: usize = 19;
/// Where the stack begins.
pub const STACK: usize = 25;

/// The words of /proc/PID/stat, by index; none of a process that is gone.
pub fn stat<'b>(bytes: &'b mut [u8], process: impl core::fmt::Display) -> impl Fn(usize) -> Option<&'b str> {
    let words = read(bytes, process, "stat").rsplit_once(')').map_or("", |(_, words)| words);
    move |index| words.split_ascii_whitespace().nth(index)
}

/// The parent of another process, as its number is in this one's namespace (0: it is not there); None for one that is gone.
pub fn parent_of(process: u32) -> Option<u32> {
    stat(&mut [0; 1024], process)(PARENT)?.parse().ok()
}
