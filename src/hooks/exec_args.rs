//! The arguments and the environment of a program that is started: the number of a descriptor may stand in them, which the program is then
//! meant to have.
use crate::entry::Registers;
use crate::guards::sockets;
use forkguard_core::numbers::{NamedDescriptors, Numbers};
use forkguard_core::{kernel, tls};
use std::ffi::c_char;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Strings that the new program is given: their addresses, with a null behind the last.
#[derive(Clone, Copy)]
pub(super) enum ArgStrings<'a> {
    /// One, such as a shell's command.
    Command(usize),
    /// A vector, as `main` gets it.
    Arguments(usize),
    /// As the call has them, from the second argument on.
    Listed(&'a Registers),
    /// Likewise.
    Environment(usize),
    /// The environment as the argument behind a list.
    BehindList(&'a Registers),
}

fn environment() -> usize {
    unsafe extern "C" {
        static environ: *const *const c_char;
    }
    // SAFETY: the C library's word; who changes it while another thread execs has lost already.
    unsafe { environ }.addr()
}

/// The caller's environment.
pub(super) fn own_environment<'a>() -> ArgStrings<'a> {
    ArgStrings::Environment(environment())
}

/// Where the variables lie that the program began with: from the first to behind the last. No descriptor that it made stands in them.
static FIRST_VARIABLE: AtomicUsize = AtomicUsize::new(0);
static BEHIND_VARIABLES: AtomicUsize = AtomicUsize::new(0);

/// In the constructor: the kernel has laid the variables out one behind the other.
pub(super) fn find_first_variables() {
    let strings = ArgStrings::Environment(environment());
    let mut end = 0;
    for address in (0..MOST_STRINGS).map_while(|index| strings.at(index).filter(|&address| address != 0)) {
        if end != 0 && address != end {
            return;
        }
        if end == 0 {
            FIRST_VARIABLE.store(address, Relaxed);
        }
        end = address;
        if each_byte(address, &mut { MOST_BYTES }, |_| end += 1).is_none() {
            return;
        }
        BEHIND_VARIABLES.store(end, Relaxed);
    }
}

/// True for a variable that the program began with: the same text at the same or another address.
fn is_first_variable(address: usize) -> bool {
    let mut at = FIRST_VARIABLE.load(Relaxed);
    let end = BEHIND_VARIABLES.load(Relaxed);
    while at < end {
        let start = at;
        let mut is_same = true;
        let read = each_byte(start, &mut { MOST_BYTES }, |byte| {
            is_same = is_same && kernel::read_value::<u8>(address + (at - start)) == Some(byte);
            at += 1;
        });
        if is_same && read.is_some() {
            return true;
        }
        if read.is_none() {
            break;
        }
    }
    false
}

/// True for a descriptor that the program is told of: by its number in an argument or in a variable that this process has set, or by
/// sd_listen_fds(3). Also where that cannot be read.
pub(super) fn is_named(args: ExecArgs<'_>, fd: i32) -> bool {
    let mut left = MOST_BYTES;
    args.into_iter().any(|strings| strings.name(fd, &mut left).unwrap_or(true))
}

/// Arguments and environment.
pub(super) type ExecArgs<'a> = [ArgStrings<'a>; 2];

/// This process is about to become the program or to start it: no guard closes the connections whose numbers it is given. Called inside
/// [`record`](crate::entry::record).
pub(super) fn spare_named(args: ExecArgs<'_>) {
    if sockets::any_closes_on_exec() {
        all_numbers(args, &mut sockets::keep_on_exec);
    }
}

/// The same in a vfork child: its descriptors are its own, its memory is its leader's.
pub(super) fn spare_named_in_vfork_child(args: ExecArgs<'_>) {
    if !in_sandbox() && sockets::any_closes_on_exec() {
        all_numbers(args, &mut sockets::keep_on_exec_of_vfork_child);
    }
}

/// True for a shell's command that ends in `&`.
pub(super) fn runs_in_background(command: usize) -> bool {
    let mut last = [0; 2];
    let read = each_byte(command, &mut { MOST_BYTES }, |byte| {
        if !byte.is_ascii_whitespace() && byte != 0 {
            last = [last[1], byte];
        }
    });
    read.is_none() || last[1] == b'&' && last[0] != b'&'
}

/// Strings and bytes that are read: the rest may name any descriptor.
const MOST_STRINGS: usize = 4096;
const MOST_BYTES: usize = 256 * 1024;

/// Gives the numbers that stand in those strings to `each`; None when they cannot be read to their end.
fn all_numbers(args: ExecArgs<'_>, each: &mut dyn FnMut(Option<i32>)) {
    let mut left = MOST_BYTES;
    let mut each_number = |number| each(Some(number));
    let read = args.into_iter().try_for_each(|strings| strings.numbers(&mut left, &mut each_number));
    if read.is_none() {
        each(None);
    }
}

impl ArgStrings<'_> {
    /// The address of a string; 0 behind the last.
    fn at(self, index: usize) -> Option<usize> {
        match self {
            ArgStrings::Command(string) => Some(if index == 0 { string } else { 0 }),
            ArgStrings::Arguments(0) | ArgStrings::Environment(0) => Some(0),
            ArgStrings::Arguments(vector) | ArgStrings::Environment(vector) => kernel::read_value(vector.wrapping_add(8 * index)),
            ArgStrings::Listed(registers) | ArgStrings::BehindList(registers) => registers.word(index + 1),
        }
    }

    fn reader(self) -> Numbers {
        match self {
            ArgStrings::Command(_) | ArgStrings::Arguments(_) | ArgStrings::Listed(_) => Numbers::of_argument(),
            ArgStrings::Environment(_) | ArgStrings::BehindList(_) => Numbers::of_variable(),
        }
    }

    fn numbers(self, left: &mut usize, each: &mut dyn FnMut(i32)) -> Option<()> {
        if let ArgStrings::BehindList(registers) = self {
            return ArgStrings::Environment(registers.word(behind_list(registers)?)?).numbers(left, each);
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

impl ArgStrings<'_> {
    fn is_environment(self) -> bool {
        matches!(self, ArgStrings::Environment(_) | ArgStrings::BehindList(_))
    }

    /// Whether one of them names the descriptor; None where they cannot be read to their end.
    fn name(self, fd: i32, left: &mut usize) -> Option<bool> {
        if let ArgStrings::BehindList(registers) = self {
            return ArgStrings::Environment(registers.word(behind_list(registers)?)?).name(fd, left);
        }
        for index in 0..MOST_STRINGS {
            let string = self.at(index)?;
            if string == 0 {
                return Some(false);
            }
            if self.names_in(string, fd, left)? {
                return Some(true);
            }
        }
        None
    }

    fn names_in(self, string: usize, fd: i32, left: &mut usize) -> Option<bool> {
        let mut found = false;
        if !self.is_environment() {
            let mut names = NamedDescriptors::default();
            each_byte(string, left, |byte| found |= names.take(byte) == Some(fd))?;
            return Some(found);
        }
        // Their numbers begin at 3, how many they are stands in the variable.
        const LISTEN: &[u8] = b"LISTEN_FDS=";
        let (mut numbers, mut index, mut hands_on) = (Numbers::of_variable(), 0, true);
        each_byte(string, left, |byte| {
            found |= numbers.take(byte) == Some(fd);
            hands_on &= LISTEN.get(index).is_none_or(|&wanted| wanted == byte);
            index += 1;
        })?;
        found |= hands_on && index > LISTEN.len();
        Some(found && !is_first_variable(string))
    }
}

/// The index of the word behind a list of arguments and its null.
fn behind_list(registers: &Registers) -> Option<usize> {
    let end = (0..MOST_STRINGS).find(|&index| registers.word(index + 1).is_none_or(|address| address == 0))?;
    Some(end + 2)
}

/// The bytes of a C string of the host's, the NUL too; None where it cannot be read to its end.
fn each_byte(mut address: usize, left: &mut usize, mut each: impl FnMut(u8)) -> Option<()> {
    loop {
        let mut chunk = [0u8; 128];
        // Never past the end of a page: the string may end just before memory that is not mapped.
        let chunk = &mut chunk[..128 - address % 128];
        *left = left.checked_sub(chunk.len())?;
        kernel::read_memory(address, chunk).then_some(())?;
        for &byte in chunk.iter() {
            each(byte);
            if byte == 0 {
                return Some(());
            }
        }
        address += chunk.len();
    }
}

/// True in a vfork child that set a filter of system calls.
pub(super) fn in_sandbox() -> bool {
    tls::inside() == tls::IN_SANDBOX
}
