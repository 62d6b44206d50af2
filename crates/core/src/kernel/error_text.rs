//! An error of the kernel's as words.
use core::fmt::{Display, Formatter, Result};
use rustix::io::Errno;

/// Displayed without the C library's strerror(3), which may translate, take locks and allocate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ErrorText(pub Errno);

impl Display for ErrorText {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let text = match self.0 {
            Errno::ACCESS => "permission denied",
            Errno::PERM => "operation not permitted",
            Errno::NOENT => "no such file or directory",
            Errno::ROFS => "read-only file system",
            Errno::NOSPC => "no space left on device",
            Errno::DQUOT => "disk quota exceeded",
            Errno::FBIG => "file too large",
            Errno::MFILE => "too many open files",
            Errno::NFILE => "too many open files in the system",
            Errno::NOMEM => "out of memory",
            Errno::NOSYS => "no such system call",
            Errno::NAMETOOLONG => "file name too long",
            Errno::NOTDIR => "not a directory",
            Errno::LOOP => "a link",
            Errno::INVAL => "invalid argument",
            Errno::IO => "input/output error",
            Errno::STALE => "stale file handle",
            Errno::BADF => "bad file descriptor",
            Errno::PIPE => "broken pipe",
            _ => return write!(out, "errno {}", self.0.raw_os_error()),
        };
        out.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorText;
    use crate::fixed::Text;
    use rustix::io::Errno;

    #[test]
    fn known_errors_have_words_and_others_their_number() {
        let text = |errno| Text::<64>::of(format_args!("{}", ErrorText(errno)));
        assert_eq!(text(Errno::ROFS).as_str(), "read-only file system");
        assert_eq!(text(Errno::XDEV).as_str(), "errno 18");
    }
}
