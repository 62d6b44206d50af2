//! Where a call in the code leads to.
use super::stack_of::StackOf;
use forkguard_core::kernel::read_memory;
use forkguard_loader::link_map_of;

/// True for code of this library.
pub(crate) fn is_own(address: usize) -> bool {
    link_map_of(address) == link_map_of(is_own as *const () as usize)
}

/// True when the instruction before `after` calls that function, directly or through an import.
pub(super) fn calls(after: usize, function: usize) -> bool {
    call_target(StackOf::Thread, after).is_some_and(|target| target == function)
}

/// Where the instruction before `after` calls to: a function of its own library, or one that it imports. Whose import that is `of` says: a child may have
/// resolved one that this process has not.
pub(crate) fn call_target(of: StackOf, after: usize) -> Option<usize> {
    let code: [u8; 6] = code_at(after.checked_sub(6)?)?;
    if code[..2] == [0xff, 0x15] {
        return of.word(relative(after, &code[2..])?);
    }
    let target = (code[1] == 0xe8).then_some(relative(after, &code[2..])?)?;
    import_of(target).map_or(Some(target), |import| of.word(import))
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

fn relative(to: usize, by: &[u8]) -> Option<usize> {
    let by = by.try_into().map(i32::from_ne_bytes).ok()?;
    Some(to.wrapping_add_signed(by as isize))
}

fn code_at<const N: usize>(address: usize) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    read_memory(address, &mut bytes).then_some(bytes)
}
