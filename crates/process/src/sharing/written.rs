//! What was written: a word of memory, told by what lies around it.
use super::pagemap::PAGE;
use crate::memory::ProcessMemory;
use forkguard_frames::Memory;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use std::io::IoSliceMut;

/// A page of a process.
pub(super) fn page(pid: u32, address: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; PAGE];
    let remote = [RemoteIoVec { base: address, len: bytes.len() }];
    let got = process_vm_readv(Pid::from_raw(pid as i32), &mut [IoSliceMut::new(&mut bytes)], &remote).ok()?;
    (got == bytes.len()).then_some(bytes)
}

/// In a process that runs CPython: the part of an object at an address, in words; None for anything else.
pub(super) fn python_word(memory: &ProcessMemory, type_of_types: usize, address: usize) -> Option<String> {
    // A word is the reference count of the object that begins there, or one of the two words that the collector has in front of it.
    let class = |object: usize| class_name(memory, type_of_types, object);
    let word = address & !7;
    if let Some(name) = class(word) {
        return Some(format!("reference count of {name}"));
    }
    (class(word + 16).or_else(|| class(word + 8))).map(|name| format!("garbage collector's links of {name}"))
}

/// The name of an object's class, if there is an object: its second word is a class, whose own class is a class.
fn class_name(memory: &ProcessMemory, type_of_types: usize, object: usize) -> Option<String> {
    let class = memory.value::<usize>(object + 8).filter(|&class| is_object(class))?;
    let of_class = memory.value::<usize>(class + 8).filter(|&class| is_object(class))?;
    // A metaclass is an object of `type`, too.
    if of_class != type_of_types && memory.value::<usize>(of_class + 8) != Some(type_of_types) {
        return None;
    }
    let name = memory.value::<usize>(class + 24)?;
    let bytes: Vec<u8> = (name..name + 64).map_while(|place| memory.value::<u8>(place)).take_while(|&byte| byte != 0).collect();
    String::from_utf8(bytes).ok().filter(|name| !name.is_empty() && name.chars().all(|letter| letter.is_ascii_graphic()))
}

fn is_object(address: usize) -> bool {
    address.is_multiple_of(8) && (4096..1 << 47).contains(&address)
}
