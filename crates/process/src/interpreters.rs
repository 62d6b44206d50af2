//! Interpreters in a process, and the frames that its threads have in them.
use crate::memory::ProcessMemory;
use crate::module::Module;
use crate::program::server;
use crate::stop::Registers;
use forkguard_frames::Memory;
use forkguard_frames::perl::Perl;
use forkguard_frames::php::Php;
use forkguard_frames::python::{IMPORTING, LONGEST, Layout, Reader, Types};
use forkguard_frames::ruby::Ruby;
use forkguard_report::catalogue::Server;
use forkguard_report::event::Frame;
use std::cell::OnceCell;
use std::ffi::CStr;
use std::ops::Range;

/// The interpreters of a process.
pub(crate) struct Interpreters<'a> {
    memory: &'a ProcessMemory,
    python: Option<Python>,
    ruby: Option<Ruby>,
    perl: Option<Perl>,
    php: Option<Php>,
    server: Server,
    /// Where the code of each lies.
    code: Vec<Range<usize>>,
}

struct Python {
    layout: Layout,
    types: Types,
    runtime: Range<usize>,
    /// The states of its threads.
    states: OnceCell<Vec<usize>>,
}

impl<'a> Interpreters<'a> {
    /// Looks for interpreters in what the process has loaded.
    pub(crate) fn find(modules: &[Module], memory: &'a ProcessMemory) -> Interpreters<'a> {
        let server = server(memory.process());
        let mut found = Interpreters { memory, python: None, ruby: None, perl: None, php: None, server, code: Vec::new() };
        for (index, module) in modules.iter().enumerate() {
            // The program itself comes first; of libraries only those that are called so are looked into.
            let may_be = |name: &str| index == 0 || module.name().contains(name);
            let find = |name: &CStr| Some(module.symbol(name.to_str().ok()?)?.start);
            let before = found.code.len();
            if found.python.is_none() && may_be("python") {
                found.python = Python::of(module, memory);
                found.code.extend(found.python.is_some().then(|| module.range.clone()));
            }
            if found.ruby.is_none() && may_be("ruby") {
                found.ruby = Ruby::of(memory, find);
                found.code.extend(found.ruby.is_some().then(|| module.range.clone()));
            }
            if found.perl.is_none() && may_be("perl") {
                found.perl = Perl::of(find);
                found.code.extend(found.perl.is_some().then(|| module.range.clone()));
            }
            if found.php.is_none() && may_be("php") {
                found.php = find(c"executor_globals").map(Php::new);
                found.code.extend(found.php.is_some().then(|| module.range.clone()));
            }
            debug_assert!(found.code.len() <= before + 1, "a module is one interpreter");
        }
        found
    }

    /// True for code of an interpreter.
    pub(crate) fn own(&self, address: usize) -> bool {
        self.code.iter().any(|range| range.contains(&address))
    }

    /// True for an address in Python's own static state, where the condition of its lock lies.
    pub(crate) fn is_gil(&self, address: usize) -> bool {
        self.python.as_ref().is_some_and(|python| python.runtime.contains(&address))
    }

    /// The interpreted frames of a thread, innermost first. `stack` is where its native stack lies.
    pub(crate) fn frames(&self, registers: Registers, stack: Range<usize>, is_main: bool) -> Vec<Frame<'static>> {
        let mut frames = Vec::new();
        if let Some(python) = &self.python {
            python.frames(self.memory, registers, &stack, is_main, &mut frames);
        }
        let mut add = |language: &'static str, file: &str, line, function: &str| {
            frames.push(frame(language, file, line, Some(function).filter(|name| !name.is_empty())));
        };
        if let Some(ruby) = &self.ruby {
            ruby.frames(self.memory, registers.stack..stack.end, &mut |file, line, method| {
                add("ruby", file, self.server.line_in_file(file, line), method);
            });
        }
        if let Some(perl) = self.perl.as_ref().filter(|_| is_main) {
            perl.frames(self.memory, &mut |file, line| add("perl", file, line, ""));
        }
        if let Some(php) = self.php.as_ref().filter(|_| is_main) {
            let _ = php.frames_outside(self.memory, &mut |file, line, function| add("php", file, line, function));
        }
        frames
    }
}

fn frame(language: &'static str, file: &str, line: u32, function: Option<&str>) -> Frame<'static> {
    Frame {
        language: language.into(),
        function: function.map(|name| name.to_owned().into()),
        file: Some(file.to_owned().into()),
        line: Some(line).filter(|&line| line != 0),
        module: None,
        offset: None,
        build_id: None,
    }
}

/// Thread states that are looked at.
const MOST_THREADS: usize = 1024;

impl Python {
    fn of(module: &Module, memory: &ProcessMemory) -> Option<Python> {
        let runtime = module.symbol("_PyRuntime")?;
        let find = |name: &CStr| Some(module.symbol(name.to_str().ok()?)?.start);
        // Py_Version has the minor version in its third byte; before 3.11 only the file's name tells it.
        let told =
            find(c"Py_Version").and_then(|place| memory.value::<usize>(place)).map(|version| (version >> 16 & 0xff) as u32);
        let minor = told.or_else(|| minor(module.name()))?;
        Some(Python {
            layout: Layout::of(memory, minor, runtime.start)?,
            types: Types::of(find)?,
            runtime,
            states: OnceCell::new(),
        })
    }

    fn frames(
        &self,
        memory: &ProcessMemory,
        registers: Registers,
        stack: &Range<usize>,
        is_main: bool,
        into: &mut Vec<Frame<'static>>,
    ) {
        let states = self.states.get_or_init(|| self.find_states(memory));
        let handle = |state: usize| memory.value::<usize>(state + self.layout.thread);
        let is_it = |&&state: &&usize| match handle(state) {
            Some(handle) if registers.thread != 0 => handle == registers.thread,
            Some(handle) => stack.contains(&handle) || is_main && states.len() == 1,
            None => false,
        };
        let Some(&state) = states.iter().find(is_it) else { return };
        let reader = Reader { memory, layout: &self.layout, types: &self.types };
        reader.walk(state, |found| {
            let (mut file, mut name) = ([0; LONGEST], [0; LONGEST]);
            let (Some(file), Some(name)) = (reader.file_text(found.code, &mut file), reader.name_text(found.code, &mut name))
            else {
                return false;
            };
            if !file.starts_with(IMPORTING) {
                into.push(frame("python", file, reader.line(found).unwrap_or(0), Some(name)));
            }
            true
        });
    }

    /// The states of all threads of the first interpreter. A thread's state begins with the one before it, the one after it, and its
    /// interpreter: so its interpreter's list is told from all other words.
    fn find_states(&self, memory: &ProcessMemory) -> Vec<usize> {
        const RUNTIME_WORDS: usize = 64;
        const INTERPRETER_WORDS: usize = 2048;
        let words = |start: usize, count: usize| (0..count).filter_map(move |index| memory.value::<usize>(start + index * 8));
        let is_head = |state: &usize, interpreter: usize| {
            is_object(*state) && memory.value::<[usize; 3]>(*state).is_some_and(|head| head[0] == 0 && head[2] == interpreter)
        };
        let head = words(self.runtime.start, RUNTIME_WORDS)
            .filter(|&word| is_object(word))
            .find_map(|interpreter| words(interpreter, INTERPRETER_WORDS).find(|state| is_head(state, interpreter)));
        let next = |&state: &usize| memory.value::<usize>(state + 8).filter(|&next| next != 0);
        std::iter::successors(head, next).take(MOST_THREADS).collect()
    }
}

fn is_object(address: usize) -> bool {
    address.is_multiple_of(8) && (4096..1 << 47).contains(&address)
}

/// 11 for "python3.11" and "libpython3.11.so.1.0".
fn minor(name: &str) -> Option<u32> {
    let rest = name.split_once("python3.")?.1;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
