//! PHP's shutdown functions (8.0 and later, without thread safety): a table of calls, which stays as it is while they run.
use super::function::{Each, ExitFunction, MOST};
use forkguard_core::kernel::{self, read_memory, read_value};
use forkguard_loader::{Library, WhileLoaded};

/// The interpreter of a library: its `basic_globals`, which begin with the table's address.
pub(crate) struct Php {
    globals: usize,
}

pub(crate) static FOUND: WhileLoaded<Php> = WhileLoaded::new();

impl Php {
    /// The variable exists only in builds in which the main thread alone runs PHP.
    pub(crate) fn of(library: &Library) -> Option<Php> {
        library.find(c"append_user_shutdown_function")?;
        Some(Php { globals: library.find(c"basic_globals")? })
    }
}

/// What stands in the table.
pub(super) fn functions(each: Each<'_>) -> Option<()> {
    let php = FOUND.still_loaded().filter(|_| kernel::thread_id() == kernel::process_id())?;
    let table: usize = read_value(php.globals)?;
    if table == 0 {
        return Some(());
    }
    // struct _zend_array: counters and type, flags and mask, the elements, how many of them are used and valid.
    let [_, flags, elements, counts]: [usize; 4] = read_value(table)?;
    const PACKED: usize = 4;
    let count = (counts as u32 as usize).min(MOST);
    // Since 8.2 a table without keys is one of values, before that of buckets.
    let size =
        [16, 32].into_iter().find(|size| flags & PACKED != 0 && (0..count).all(|n| call(elements + n * size).is_some()))?;
    for n in 0..count {
        let Some(function) = call(elements + n * size) else { continue };
        let (mut file, mut name) = ([0; 256], [0; 256]);
        if let Some((file, line)) = definition(function, &mut file)
            && let Some(name) = read_value(function + 8).and_then(|string| text(string, &mut name))
        {
            each(ExitFunction { id: function, file, line, name });
        }
    }
    Some(())
}

/// The function that an element of the table, a pointer to an entry, calls: struct _zend_fcall_info, then the function.
fn call(element: usize) -> Option<usize> {
    const POINTER: usize = 13;
    let [entry, class]: [usize; 2] = read_value(element)?;
    let [size, head @ ..]: [usize; 9] = if class as u8 as usize == POINTER { read_value(entry)? } else { return None };
    (size == 64).then_some(head[7])
}

/// File and first line of a function of PHP code: the first word that is the text of a path, followed by first and last line.
fn definition(function: usize, bytes: &mut [u8; 256]) -> Option<(&str, u32)> {
    const USER: u8 = 2;
    const FIRST: usize = 8;
    let words: [usize; 32] = read_value(function)?;
    if words[0] as u8 != USER {
        return None;
    }
    let is_definition = |pair: &[usize]| {
        let (first, last) = (pair[1] as u32, (pair[1] >> 32) as u32);
        let mut start = [0; 1];
        (1..=last).contains(&first)
            && last < 1 << 20
            && pair[0].is_multiple_of(8)
            && read_memory(pair[0] + TEXT, &mut start)
            && start == *b"/"
    };
    let place = FIRST + words[FIRST..].windows(2).position(is_definition)?;
    Some((text(words[place], bytes)?, words[place + 1] as u32))
}

/// struct _zend_string: counters, hash, length, the bytes.
const TEXT: usize = 24;

fn text(string: usize, bytes: &mut [u8; 256]) -> Option<&str> {
    let length = read_value::<usize>(string + TEXT - 8)?.min(bytes.len());
    let bytes = &mut bytes[..length];
    read_memory(string + TEXT, bytes).then_some(())?;
    str::from_utf8(bytes).ok()
}
