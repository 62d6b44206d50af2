//! The functions that `atexit.register` and `weakref.finalize` were given: the interpreter runs them at its end, in a forked child, too.
//!
//! `weakref.finalize` keeps them in a dictionary (`tempfile.TemporaryDirectory` is one of its callers). Of `atexit` the interpreter tells
//! nobody which they are: they are read raw, with the GIL held, out of its state, fault-proof. The place is known for each minor version, but
//! not for each of its releases: a few words around it are tried, and what is found counts only where every entry is one.
use super::frames::{self, Reader};
use super::interpreter::{Interpreter, interpreter};
use crate::sites::languages::memory::Memory;
use crate::sites::store::SiteId;
use forkguard_frames::Memory as _;
use forkguard_frames::python::{LONGEST, Types};

/// Functions that are read at most.
const MOST: usize = 64;

/// Offset in the interpreter's state (PyInterpreterState): of `atexit.callbacks` since 3.10, of the module `atexit` in 3.9.
fn place(minor: u32) -> Option<usize> {
    Some(match minor {
        9 | 10 => 3488,
        11 => 3536,
        12 => 3944,
        13 => 10712,
        _ => return None,
    })
}

/// Words that are tried, with the place in their middle.
const WORDS: usize = 32;

/// Calls `each` with code object and site of the functions of Python code, if this thread has the GIL. False when it is not known which there are.
pub(crate) fn exit_functions(mut each: impl FnMut(usize, SiteId)) -> bool {
    let mut read = || {
        let python = interpreter()?;
        let state = python.api.state()?;
        let (minor, reader) = python.api.released_minor().zip(python.reader()).filter(|_| python.api.holds_gil(state))?;
        let callbacks = Callbacks { memory: Memory::careful(), types: &python.types };
        let start = python.api.main() + place(minor)? - WORDS / 2 * 8;
        let words: [usize; WORDS] = callbacks.words(start)?;
        let array = if minor == 9 { callbacks.in_module(&words) } else { callbacks.in_words(&words) };
        for function in array.iter().flat_map(|array| callbacks.functions(*array)).flatten().take(MOST) {
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
        api.values([c"weakref", c"finalize", c"_registry"], self.types.dictionary, |value| {
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

struct Callbacks<'a> {
    memory: Memory,
    types: &'a Types,
}

impl Callbacks<'_> {
    fn words<const N: usize>(&self, address: usize) -> Option<[usize; N]> {
        let mut bytes = [[0u8; 8]; N];
        let is_read = address.is_multiple_of(8) && self.memory.read(address, bytes.as_flattened_mut());
        is_read.then(|| bytes.map(usize::from_ne_bytes))
    }

    /// The array that two words next to each other describe: its address; its length, and its capacity in the upper half.
    fn in_words(&self, words: &[usize]) -> Option<Array> {
        words.windows(2).find_map(|pair| {
            let array = Array { address: pair[0], count: pair[1] & 0xffff_ffff };
            let could_be = array.address != 0 && (1..=pair[1] >> 32).contains(&array.count) && array.count <= MOST;
            (could_be && self.functions(array).all(|function| function.is_some())).then_some(array)
        })
    }

    /// The same in the state of a module to which one of the words points (PyModuleObject: its head, dictionary, definition, state).
    fn in_module(&self, words: &[usize]) -> Option<Array> {
        words.iter().find_map(|&object| {
            let [_, class, _, _, state] = self.words(object).filter(|_| object != 0)?;
            if class == self.types.module { self.in_words(&self.words::<2>(state)?) } else { None }
        })
    }

    /// The functions of an array; None for what is no callback.
    fn functions(&self, array: Array) -> impl Iterator<Item = Option<usize>> {
        let entries = (0..array.count).map(move |index| self.words::<1>(array.address + index * 8));
        entries.filter(|entry| *entry != Some([0])).map(|entry| self.function(entry?[0]))
    }

    fn function(&self, callback: usize) -> Option<usize> {
        let [function, arguments, names]: [usize; 3] = self.words(callback)?;
        let is = |object: usize, class: usize| Some(self.words::<2>(object)?[1] == class);
        let is_one = is(arguments, self.types.tuple)? && (names == 0 || is(names, self.types.dictionary)?);
        (is_one && self.words::<2>(function)?[1] != 0).then_some(function)
    }
}
