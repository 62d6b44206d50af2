//! Native stacks, by the tables for unwinding.
use crate::memory::ProcessMemory;
use crate::module::{self, Module};
use crate::stop::Registers;
use forkguard_frames::Memory;
use framehop::x86_64::{CacheX86_64, UnwindRegsX86_64, UnwinderX86_64};
use framehop::{FrameAddress, Unwinder as _};

/// Frames that are walked at most.
const DEPTH: usize = 256;

/// Walks stacks; the tables of a module are loaded when the first frame in it is met.
pub(crate) struct Unwinder<'a> {
    modules: &'a [Module],
    memory: &'a ProcessMemory,
    tables: UnwinderX86_64<Vec<u8>>,
    cache: CacheX86_64,
    loaded: Vec<usize>,
}

impl<'a> Unwinder<'a> {
    pub(crate) fn new(modules: &'a [Module], memory: &'a ProcessMemory) -> Unwinder<'a> {
        Unwinder { modules, memory, tables: UnwinderX86_64::new(), cache: CacheX86_64::new(), loaded: Vec::new() }
    }

    /// The addresses of the code of a stack's frames, innermost first: of calls where they are known by the return address.
    pub(crate) fn stack(&mut self, registers: Registers) -> Vec<usize> {
        let Registers { instruction, stack, base, .. } = registers;
        let mut state = UnwindRegsX86_64::new(instruction as u64, stack as u64, base as u64);
        let mut address = FrameAddress::from_instruction_pointer(instruction as u64);
        let mut frames = Vec::new();
        while frames.len() < DEPTH {
            let place = address.address_for_lookup() as usize;
            frames.push(if frames.is_empty() { self.before_system_call(place) } else { place });
            self.load(place);
            let memory = self.memory;
            let mut read = |address: u64| memory.value::<usize>(address as usize).map(|word| word as u64).ok_or(());
            match self.tables.unwind_frame(address, &mut state, &mut self.cache, &mut read) {
                Ok(Some(next)) => match FrameAddress::from_return_address(next) {
                    Some(next) => address = next,
                    None => break,
                },
                _ => break,
            }
        }
        frames
    }

    /// Who waits in a system call stands behind that instruction, which may be another line's.
    fn before_system_call(&self, instruction: usize) -> usize {
        const SYSCALL: [u8; 2] = [0x0f, 0x05];
        let call = instruction.wrapping_sub(SYSCALL.len());
        let mut code = [0; SYSCALL.len()];
        if self.memory.read(call, &mut code) && code == SYSCALL { call } else { instruction }
    }

    fn load(&mut self, address: usize) {
        let Some(module) = module::of(self.modules, address) else { return };
        if !self.loaded.contains(&module.range.start) {
            self.loaded.push(module.range.start);
            if let Some(tables) = module.unwind_module() {
                self.tables.add_module(tables);
            }
        }
    }
}
