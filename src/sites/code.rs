//! Where a call in the code leads to.
use super::stack_of::StackOf;
use forkguard_core::kernel::read_memory;
use forkguard_loader::{Library, LinkMap, MemoryAccess, SymbolName, SymbolTable, link_map_of, next_libraries};

/// True for code of this library.
pub(crate) fn is_own(address: usize) -> bool {
    link_map_of(address) == link_map_of(is_own as *const () as usize)
}

/// A call in the code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// Of the function that begins there.
    To(usize),
    /// Of whatever a register or memory pointed to.
    ByPointer,
}

/// The call that ends before `after`. Whose imports it goes by `of` says: a child may have resolved one that this process has not.
pub(super) fn call_before(of: StackOf, after: usize) -> Option<Call> {
    call_target(of, after).map(Call::To).or_else(|| is_by_pointer(after)?.then_some(Call::ByPointer))
}

/// Where the instruction before `after` calls to: a function of its own library, or one that it imports.
pub(crate) fn call_target(of: StackOf, after: usize) -> Option<usize> {
    let code: [u8; 6] = code_at(after.checked_sub(6)?)?;
    if code[..2] == [0xff, 0x15] {
        return of.word(relative(after, &code[2..])?);
    }
    let target = (code[1] == 0xe8).then_some(relative(after, &code[2..])?)?;
    behind_import(of, target)
}

/// Where a jump or call to `target` leads: behind the stub of an import.
pub(super) fn behind_import(of: StackOf, target: usize) -> Option<usize> {
    import_of(target).map_or(Some(target), |import| of.word(import))
}

/// The function that a hook of this library stands in front of.
pub(super) fn hooked_by(entry: usize) -> Option<usize> {
    let own = LinkMap::around(MemoryAccess::FAULT_PROOF, entry)?;
    let (_, name) = SymbolTable::of(Library::of(&own)?)?.around(entry - own.base)?;
    let name = SymbolName::new(name.as_cstr()?, None);
    next_libraries(MemoryAccess::FAULT_PROOF).find_map(|library| library.function(&name))
}

/// True when before `after` stands a call by a register, or by memory that one points to.
fn is_by_pointer(after: usize) -> Option<bool> {
    let code: [u8; 7] = code_at(after.checked_sub(7)?)?;
    /// The operation and how its operand is made (ModRM), where that ends the instruction after so many more bytes.
    const FORMS: [(usize, u8, u8); 6] =
        [(0, 0xf8, 0xd0), (0, 0xf8, 0x10), (1, 0xff, 0x14), (1, 0xf8, 0x50), (2, 0xff, 0x54), (4, 0xf8, 0x90)];
    let is_form = |(more, mask, value): (usize, u8, u8)| code[5 - more] == 0xff && code[6 - more] & mask == value;
    Some(FORMS.into_iter().any(is_form) || code[0] == 0xff && code[1] == 0x94)
}

/// The import that a stub of the PLT jumps through: endbr64 and bnd or none, then the jump.
fn import_of(stub: usize) -> Option<usize> {
    let code: [u8; 16] = code_at(stub)?;
    let jump = match code {
        [0xff, 0x25, ..] => 0,
        [0xf2, 0xff, 0x25, ..] => 1,
        [0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25, ..] => 4,
        [0xf3, 0x0f, 0x1e, 0xfa, 0xf2, 0xff, 0x25, ..] => 5,
        _ => return None,
    };
    relative(stub + jump + 6, &code[jump + 2..jump + 6])
}

pub(super) fn relative(to: usize, by: &[u8]) -> Option<usize> {
    let by = by.try_into().map(i32::from_ne_bytes).ok()?;
    Some(to.wrapping_add_signed(by as isize))
}

fn code_at<const N: usize>(address: usize) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    read_memory(address, &mut bytes).then_some(bytes)
}
