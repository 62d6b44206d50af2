//! The lines that files get while somebody reads along.
use crate::input::Input;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes that are read of a file in one turn.
const TURN: u64 = 1 << 20;

/// How far each file is read.
#[derive(Default)]
pub(super) struct Tail {
    files: HashMap<PathBuf, Followed>,
}

/// A file that is read so far; `rest` is the beginning of a line that is not whole yet.
#[derive(Default)]
struct Followed {
    offset: u64,
    rest: Vec<u8>,
}

impl Tail {
    /// Calls `each` with every whole line that came since the last turn; true when there was any. Files may come and go.
    pub(super) fn turn<E>(&mut self, input: &Input, mut each: impl FnMut(&Path, &[u8]) -> Result<(), E>) -> Result<bool, E> {
        let mut any = false;
        for file in input.present() {
            let known = self.files.entry(file.path.clone()).or_default();
            for line in known.lines(&file.path).unwrap_or_default() {
                any = true;
                each(&file.path, &line)?;
            }
        }
        Ok(any)
    }
}

impl Followed {
    /// The lines that are whole now.
    fn lines(&mut self, path: &Path) -> io::Result<Vec<Vec<u8>>> {
        let mut file = File::open(path)?;
        if file.metadata()?.len() < self.offset {
            // Another file of that name.
            *self = Followed::default();
        }
        file.seek(SeekFrom::Start(self.offset))?;
        self.offset += file.take(TURN).read_to_end(&mut self.rest)? as u64;
        let Some(end) = memchr::memrchr(b'\n', &self.rest) else { return Ok(Vec::new()) };
        let rest = self.rest.split_off(end + 1);
        let whole = std::mem::replace(&mut self.rest, rest);
        Ok(whole.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).map(<[u8]>::to_vec).collect())
    }
}
