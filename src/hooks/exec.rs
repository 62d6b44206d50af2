//! exec: the last thing that a forked child may do. Noted before the call, which does not come back when it works.
use super::*;
use crate::{child, cures, emit};
use forkguard_core::numbers::Numbers;
use std::sync::atomic::AtomicU8;

/// Not zero in a forked child: nobody else's exec is an event.
pub(crate) static IN_CHILD: AtomicU8 = AtomicU8::new(0);

macro_rules! execs {
    ($(fn $name:ident: $call:literal, $program:expr, $given:expr;)*) => {
        $(pass! {
            /// exec(3); see the module.
            fn $name, IN_CHILD; |registers| {
                let program: fn(&Registers) -> child::Program = $program;
                let given: for<'a> fn(&'a Registers) -> [Strings<'a>; 2] = $given;
                let numbers = |each: &mut dyn FnMut(Option<i32>)| all_numbers(given(registers), each);
                if spawn::in_vfork_child() {
                    cures::sockets::hand_over(numbers);
                } else if emit::wanted() || cures::sockets::may_hand_over() {
                    note_at_length(|at| child::exec(at, $call, program(registers), numbers, || registers.capture()));
                }
            }
        })*
    };
}

/// The first argument: a path as it stands.
fn path(registers: &Registers) -> child::Program {
    child::Program::Path(libc::AT_FDCWD, registers.argument[0])
}

/// The first argument: a name that is looked up in PATH unless it has a slash.
fn name(registers: &Registers) -> child::Program {
    child::Program::Name(registers.argument[0])
}

/// Strings that the new program is given: their addresses, a null behind the last.
#[derive(Clone, Copy)]
enum Strings<'a> {
    /// A vector, as `main` gets it.
    Arguments(usize),
    /// One that a shell is given.
    Command(usize),
    /// As the call has them, from the second argument on.
    Listed(&'a Registers),
    /// Likewise.
    Environment(usize),
    /// The environment as the argument behind a list.
    BehindList(&'a Registers),
}

fn own_environment<'a>() -> Strings<'a> {
    unsafe extern "C" {
        static environ: *const *const libc::c_char;
    }
    // SAFETY: the C library's word; who changes it while another thread execs has lost already.
    Strings::Environment(unsafe { environ }.addr())
}

/// A vector of arguments, and the caller's environment.
fn vector(registers: &Registers) -> [Strings<'_>; 2] {
    [Strings::Arguments(registers.argument[1]), own_environment()]
}

/// Two vectors, the first of them the argument of that index.
fn vectors(registers: &Registers, first: usize) -> [Strings<'_>; 2] {
    [Strings::Arguments(registers.argument[first]), Strings::Environment(registers.argument[first + 1])]
}

/// A list, and the caller's environment.
fn list(registers: &Registers) -> [Strings<'_>; 2] {
    [Strings::Listed(registers), own_environment()]
}

execs! {
    fn execve: "execve", path, |registers| vectors(registers, 1);
    fn execv: "execv", path, vector;
    fn execl: "execl", path, list;
    fn execle: "execle", path, |registers| [Strings::Listed(registers), Strings::BehindList(registers)];
    fn execvp: "execvp", name, vector;
    fn execvpe: "execvpe", name, |registers| vectors(registers, 1);
    fn execlp: "execlp", name, list;
    fn fexecve: "fexecve", |registers| child::Program::Descriptor(registers.argument[0] as i32), |registers| vectors(registers, 1);
    fn execveat: "execveat", |registers| child::Program::Path(registers.argument[0] as i32, registers.argument[1]),
        |registers| vectors(registers, 2);
}

/// posix_spawn(3): a program is about to be started.
pub(super) fn hand_over_by_spawn(registers: &Registers) {
    hand_over([Strings::Arguments(registers.argument[4]), Strings::Environment(registers.argument[5])]);
}

/// system(3), popen(3): a shell is about to be started.
pub(super) fn hand_over_by_shell(command: usize) {
    hand_over([Strings::Command(command), own_environment()]);
}

fn hand_over(given: [Strings<'_>; 2]) {
    cures::sockets::hand_over(|each| all_numbers(given, each));
}

/// Strings and bytes that are looked at; in what is more than that anything may stand.
const MOST_STRINGS: usize = 4096;
const MOST_BYTES: usize = 256 * 1024;

/// Gives the numbers that stand in those strings to `each`; None when they cannot be read to their end.
fn all_numbers(given: [Strings<'_>; 2], each: &mut dyn FnMut(Option<i32>)) {
    let mut left = MOST_BYTES;
    let mut each_number = |number| each(Some(number));
    let read = given.into_iter().try_for_each(|strings| strings.numbers(&mut left, &mut each_number));
    if read.is_none() {
        each(None);
    }
}

impl Strings<'_> {
    /// The address of a string; 0 behind the last.
    fn at(self, index: usize) -> Option<usize> {
        match self {
            Strings::Arguments(0) | Strings::Environment(0) => Some(0),
            Strings::Arguments(vector) | Strings::Environment(vector) => raw::read_value(vector + 8 * index),
            Strings::Command(command) => Some(if index == 0 { command } else { 0 }),
            Strings::Listed(registers) | Strings::BehindList(registers) => registers.word(index + 1),
        }
    }

    fn reader(self) -> Numbers {
        match self {
            Strings::Arguments(_) | Strings::Command(_) | Strings::Listed(_) => Numbers::of_argument(),
            Strings::Environment(_) | Strings::BehindList(_) => Numbers::of_variable(),
        }
    }

    fn numbers(self, left: &mut usize, each: &mut dyn FnMut(i32)) -> Option<()> {
        if let Strings::BehindList(registers) = self {
            let end = (0..MOST_STRINGS).find(|&index| registers.word(index + 1).is_none_or(|address| address == 0))?;
            return Strings::Environment(registers.word(end + 2)?).numbers(left, each);
        }
        for index in 0..MOST_STRINGS {
            let string = self.at(index)?;
            if string == 0 {
                return Some(());
            }
            let mut numbers = self.reader();
            each_byte(string, left, |byte| numbers.take(byte).into_iter().for_each(&mut *each))?;
        }
        None
    }
}

/// The bytes of a C string of the host's, the NUL too; None where it cannot be read to its end.
fn each_byte(mut address: usize, left: &mut usize, mut each: impl FnMut(u8)) -> Option<()> {
    loop {
        let mut chunk = [0u8; 128];
        // Never past the end of a page: the string may end just before memory that is not mapped.
        let chunk = &mut chunk[..128 - address % 128];
        *left = left.checked_sub(chunk.len())?;
        raw::read_memory(address, chunk).then_some(())?;
        for &byte in chunk.iter() {
            each(byte);
            if byte == 0 {
                return Some(());
            }
        }
        address += chunk.len();
    }
}
