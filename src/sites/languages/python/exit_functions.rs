//! The functions that `atexit.register` and `weakref.finalize` were given: the interpreter runs them at its end, in a forked child, too.
//!
//! `weakref.finalize` keeps them in a dictionary (`tempfile.TemporaryDirectory` is one of its callers). Of `atexit` the interpreter tells
//! nobody which they are: they are read raw, with the GIL held, out of its state, fault-proof. The place is known for each minor version, but
//! not for each of its releases: a few words around it are tried, and what is found counts only where every entry is one.
use super::frames::{self, Reader};
use super::interpreter::{Interpreter, interpreter};
use crate::sites::store::SiteId;
use forkguard_core::kernel;
use forkguard_frames::Memory as _;
use forkguard_frames::python::{LONGEST, Types};

/// Functions that are read at most.
const MOST: usize = 64;

/// Offset in the interpreter's state (PyInterpreterState): of `atexit.callbacks` since 3.10 (a list in 3.14), of the module `atexit` in 3.9.
fn place(minor: u32) -> Option<usize> {
    Some(match minor {
        9 | 10 => 3488,
        11 => 3536,
        12 => 3944,
        13 => 10712,
        14 => 10792,
        _ => return None,
    })
}

/// Finalizers that are looked at, the oldest ones: programs may have one for each of their objects.
const FINALIZERS: usize = 1024;

/// Words that are tried, with the place in their middle.
const WORDS: usize = 32;

/// Calls `each` with code object and site of the functions of Python code, if this thread has the GIL. False when it is not known which there are.
pub(crate) fn exit_functions(mut each: impl FnMut(usize, SiteId)) -> bool {
    let mut read = || {
        let python = interpreter()?;
        let state = python.api.state()?;
        let (minor, reader) = python.api.released_minor().zip(python.reader()).filter(|_| python.api.holds_gil(state))?;
        let callbacks = Callbacks { types: &python.types, before: if minor >= 14 { BEFORE_ITEMS } else { 0 } };
        let words: [usize; WORDS] = read(python.api.main() + place(minor)? - WORDS / 2 * 8)?;
        let functions = match minor {
            9 => callbacks.in_module(&words),
            10..14 => callbacks.in_words(&words),
            _ => callbacks.in_lists(&words),
        };
        for &function in functions.iter().flat_map(|functions| &functions.all[..functions.count]) {
            let code = python.api.code_of(&python.types, function);
            let site = frames::function(&reader, code);
            if site != 0 {
                each(code, site);
            }
        }
        python.finalizers(&reader, &mut each)
    };
    read().is_some()
}

impl Interpreter {
    /// The same for those of `weakref.finalize`. Their values have the words `args`, `atexit`, `func` and others, in this order.
    fn finalizers(&self, reader: &Reader<'_>, each: &mut dyn FnMut(usize, SiteId)) -> Option<()> {
        let api = &self.api;
        if !api.has_no_exception() {
            return None;
        }
        api.values(&self.types, [c"weakref", c"finalize", c"_registry"], FINALIZERS, |value| {
            let mut is_one = false;
            api.class_name(value, |name| is_one = name == "_Info");
            let function = if is_one { reader.memory.value::<usize>(value + 32) } else { None };
            let code = function.map_or(0, |function| api.code_of(&self.types, function));
            let site = frames::function(reader, code);
            if site != 0 {
                each(code, site);
            }
        })
    }
}

/// The code that this thread's outermost frame runs, below those of `weakref`, which calls what it keeps: the function itself, while the
/// interpreter runs its exit functions.
pub(crate) fn outermost_code() -> Option<usize> {
    let python = interpreter()?;
    let state = python.api.state()?;
    let reader = python.reader()?;
    // `_exitfunc` and `__call__`.
    let mut outermost = [0; 3];
    reader.walk(state, |frame| {
        outermost = [frame.code, outermost[0], outermost[1]];
        true
    });
    let mut bytes = [0; LONGEST];
    let mut is_of_weakref = |code| reader.file_text(code, &mut bytes).is_some_and(|file| file.ends_with("/weakref.py"));
    outermost.into_iter().find(|&code| code != 0 && !is_of_weakref(code))
}

/// An array of pointers to callbacks, each of which is a function, a tuple of arguments, and a dictionary of them or null. Null stands for one
/// that was unregistered.
#[derive(Clone, Copy)]
struct Array {
    address: usize,
    count: usize,
}

/// The functions of such an array.
struct Functions {
    all: [usize; MOST],
    count: usize,
}

/// Objects that are read by one system call.
const TOGETHER: usize = 16;

struct Callbacks<'a> {
    types: &'a Types,
    /// Bytes of a callback before its function.
    before: usize,
}

/// Bytes of a tuple before its items: since 3.14 it knows its hash.
const BEFORE_ITEMS: usize = 32;

impl Callbacks<'_> {
    /// The functions that two words next to each other lead to: an array's address; its length, and its capacity in the upper half.
    fn in_words(&self, words: &[usize]) -> Option<Functions> {
        words.windows(2).find_map(|pair| {
            let array = Array { address: pair[0], count: pair[1] & 0xffff_ffff };
            let could_be = array.address != 0 && (1..=pair[1] >> 32).contains(&array.count) && array.count <= MOST;
            if could_be { self.functions(array) } else { None }
        })
    }

    /// The same of a list of tuples to which one of the words points (PyListObject: its head, length, items): the one in the middle as a rule,
    /// where it may have none.
    fn in_lists(&self, words: &[usize]) -> Option<Functions> {
        let list = |least: usize, object: usize| {
            let [_, class, count, address] = read(object)?;
            let could_be = class == self.types.list && (least..=MOST).contains(&count);
            if could_be { self.functions(Array { address, count }) } else { None }
        };
        let middle = words.get(words.len() / 2).and_then(|&object| list(0, object));
        middle.or_else(|| words.iter().find_map(|&object| list(1, object)))
    }

    /// The same in the state of a module to which one of the words points (PyModuleObject: its head, dictionary, definition, state).
    fn in_module(&self, words: &[usize]) -> Option<Functions> {
        words.iter().find_map(|&object| {
            let [_, class, _, _, state] = read(object)?;
            if class == self.types.module { self.in_words(&read::<2>(state)?) } else { None }
        })
    }

    /// None for an array of which one entry is no callback.
    fn functions(&self, array: Array) -> Option<Functions> {
        let mut found = Functions { all: [0; MOST], count: 0 };
        for first in (0..array.count).step_by(TOGETHER) {
            let mut bytes = [[0; 8]; TOGETHER];
            let count = TOGETHER.min(array.count - first);
            if !kernel::read_memory(array.address + first * 8, bytes[..count].as_flattened_mut()) {
                return None;
            }
            self.add(&bytes.map(usize::from_ne_bytes), &mut found)?;
        }
        Some(found)
    }

    fn add(&self, callbacks: &[usize; TOGETHER], found: &mut Functions) -> Option<()> {
        let callbacks = read_together::<3>(&callbacks.map(|callback| if callback == 0 { 0 } else { callback + self.before }))?;
        let each = |index: usize| callbacks.map(|callback| callback[index]);
        let classes = |objects: [usize; TOGETHER]| Some(read_together::<2>(&objects)?.map(|[_, class]| class));
        let [functions, arguments, names] = [classes(each(0))?, classes(each(1))?, classes(each(2))?];
        for (index, callback) in callbacks.iter().enumerate().filter(|(_, callback)| **callback != [0; 3]) {
            let has_names = ![0, self.types.none].contains(&callback[2]);
            let is_one = functions[index] != 0
                && arguments[index] == self.types.tuple
                && (!has_names || names[index] == self.types.dictionary);
            *found.all.get_mut(found.count).filter(|_| is_one)? = callback[0];
            found.count += 1;
        }
        Some(())
    }
}

/// The words at an address; None where that is no place of an object.
fn read<const N: usize>(address: usize) -> Option<[usize; N]> {
    let mut bytes = [[0; 8]; N];
    let is_object = address != 0 && address.is_multiple_of(8);
    (is_object && kernel::read_memory(address, bytes.as_flattened_mut())).then(|| bytes.map(usize::from_ne_bytes))
}

/// The words at each address, in order; zeros for address 0. None where one is no place of an object.
fn read_together<const N: usize>(addresses: &[usize; TOGETHER]) -> Option<[[usize; N]; TOGETHER]> {
    let mut words = [[0usize; N]; TOGETHER];
    let mut ranges = [[libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; TOGETHER]; 2];
    let mut count = 0;
    for (place, &address) in words.iter_mut().zip(addresses).filter(|(_, address)| **address != 0) {
        if !address.is_multiple_of(8) {
            return None;
        }
        let size = size_of_val(place);
        for (range, start) in ranges.iter_mut().zip([address, (&raw mut *place).addr()]) {
            range[count] = libc::iovec { iov_base: start as *mut _, iov_len: size };
        }
        count += 1;
    }
    let [from, into] = &ranges;
    (count == 0 || kernel::read_scattered(&from[..count], &into[..count])).then_some(words)
}
