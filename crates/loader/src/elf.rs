//! The structures of ELF (elf(5)) that libraries have in memory.
pub(crate) use object::LittleEndian as LE;
use object::elf;

pub(crate) type FileHeader = elf::FileHeader64<LE>;
pub(crate) type ProgramHeader = elf::ProgramHeader64<LE>;
pub(crate) type Dynamic = elf::Dyn64<LE>;
pub(crate) type SymbolEntry = elf::Sym64<LE>;
pub(crate) type Relocation = elf::Rela64<LE>;
pub(crate) type SymbolVersion = elf::Versym<LE>;
pub(crate) type VersionDefinition = elf::Verdef<LE>;
pub(crate) type VersionName = elf::Verdaux<LE>;
pub(crate) type NeededVersions = elf::Verneed<LE>;
pub(crate) type NeededVersion = elf::Vernaux<LE>;
pub(crate) type GnuHashHeader = elf::GnuHashHeader<LE>;
pub(crate) type HashHeader = elf::HashHeader<LE>;
pub(crate) type NoteHeader = elf::NoteHeader64<LE>;
