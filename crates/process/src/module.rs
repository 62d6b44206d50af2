//! The files that a process has loaded: where they lie, their symbols, their tables for unwinding.
use crate::maps::Mapping;
use object::elf::{PF_X, PT_LOAD};
use object::read::elf::ProgramHeader;
use object::{Architecture, Object, ObjectSection, ObjectSymbol, SymbolKind};
use std::cell::OnceCell;
use std::ops::Range;
use std::path::{Path, PathBuf};

type ElfFile<'a> = object::read::elf::ElfFile64<'a>;

/// A program or library of a process.
pub(crate) struct Module {
    /// Its path as the process names it.
    pub(crate) path: String,
    /// From its first to behind its last mapping.
    pub(crate) range: Range<usize>,
    /// Where its code lies, and at which offset of its file.
    code: (usize, usize),
    /// The same file as it is found here.
    file: PathBuf,
    contents: OnceCell<Option<Contents>>,
}

struct Contents {
    bytes: Vec<u8>,
    /// What is added to the file's addresses.
    bias: usize,
    build_id: Option<String>,
    /// By address.
    symbols: Vec<Symbol>,
}

struct Symbol {
    address: usize,
    size: usize,
    name: String,
    function: bool,
}

/// The files that are mapped with code, by address. `root` leads to the process's own root directory.
pub(crate) fn modules(mappings: &[Mapping], root: &Path) -> Vec<Module> {
    let mut modules: Vec<Module> = Vec::new();
    for mapping in mappings.iter().filter(|mapping| mapping.executable && mapping.path.starts_with('/')) {
        let same = |other: &&Mapping| other.path == mapping.path;
        let start = mappings.iter().filter(same).map(|other| other.range.start).min().unwrap_or(mapping.range.start);
        let mut end = mappings.iter().filter(same).map(|other| other.range.end).max().unwrap_or(mapping.range.end);
        // Zero-initialised data has no file.
        end = mappings.iter().find(|other| other.range.start == end && other.path.is_empty()).map_or(end, |bss| bss.range.end);
        if modules.iter().all(|module| module.path != mapping.path) {
            modules.push(Module {
                path: mapping.path.clone(),
                range: start..end,
                code: (mapping.range.start, mapping.offset),
                file: root.join(mapping.path.trim_start_matches('/')),
                contents: OnceCell::new(),
            });
        }
    }
    modules
}

impl Module {
    /// Its file's name.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    fn contents(&self) -> Option<&Contents> {
        self.contents.get_or_init(|| Contents::read(&self.file, self.code)).as_ref()
    }

    pub(crate) fn build_id(&self) -> Option<&str> {
        self.contents()?.build_id.as_deref()
    }

    /// What is added to the file's addresses.
    pub(crate) fn bias(&self) -> Option<usize> {
        Some(self.contents()?.bias)
    }

    /// The range of a symbol by its name.
    pub(crate) fn symbol(&self, name: &str) -> Option<Range<usize>> {
        let contents = self.contents()?;
        let symbol = contents.symbols.iter().find(|symbol| symbol.name == name)?;
        Some(contents.bias + symbol.address..contents.bias + symbol.address + symbol.size)
    }

    /// The name of what lies at an address: of a function or a variable, whichever the address is inside of.
    pub(crate) fn name_at(&self, address: usize, function: bool) -> Option<&str> {
        let contents = self.contents()?;
        let place = address.checked_sub(contents.bias)?;
        let after = contents.symbols.partition_point(|symbol| symbol.address <= place);
        let around = contents.symbols[..after].iter().rev().take_while(|symbol| place - symbol.address < 1 << 24);
        let inside = around.filter(|symbol| symbol.function == function && place < symbol.address + symbol.size.max(1));
        // Of several names for one thing: the public one.
        let start = inside.clone().next()?.address;
        inside
            .take_while(|symbol| symbol.address == start)
            .map(|symbol| symbol.name.as_str())
            .min_by_key(|name| name.starts_with('_'))
    }

    /// Its sections for unwinding.
    pub(crate) fn unwind_module(&self) -> Option<framehop::Module<Vec<u8>>> {
        let contents = self.contents()?;
        let file = ElfFile::parse(&contents.bytes[..]).ok()?;
        let section = |name| {
            let section = file.section_by_name(name)?;
            Some((section.address()..section.address() + section.size(), section.data().ok()?.to_vec()))
        };
        let (text_svma, text) = section(".text").unzip();
        let (eh_frame_svma, eh_frame) = section(".eh_frame").unzip();
        let (eh_frame_hdr_svma, eh_frame_hdr) = section(".eh_frame_hdr").unzip();
        let info = framehop::ExplicitModuleSectionInfo {
            text_svma,
            text,
            eh_frame_svma,
            eh_frame,
            eh_frame_hdr_svma,
            eh_frame_hdr,
            got_svma: section(".got").map(|got| got.0),
            ..Default::default()
        };
        let range = self.range.start as u64..self.range.end as u64;
        Some(framehop::Module::new(self.path.clone(), range, contents.bias as u64, info))
    }
}

impl Contents {
    fn read(file: &Path, (start, offset): (usize, usize)) -> Option<Contents> {
        // A path of the process's may lead to any kind of file.
        let bytes = file.metadata().ok()?.is_file().then(|| std::fs::read(file).ok())??;
        let elf = ElfFile::parse(&bytes[..]).ok()?;
        let endian = elf.endian();
        let segment = elf.elf_program_headers().iter().find(|header| {
            let (at, size) = (header.p_offset(endian) as usize, header.p_filesz(endian) as usize);
            header.p_type(endian) == PT_LOAD
                && header.p_flags(endian).contains(PF_X)
                && (at & !0xfff..at + size).contains(&offset)
        })?;
        let bias = (start - offset).wrapping_sub((segment.p_vaddr(endian) - segment.p_offset(endian)) as usize);
        let mut symbols: Vec<Symbol> = elf
            .dynamic_symbols()
            .chain(elf.symbols())
            .filter(|symbol| symbol.is_definition() && matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Data))
            .filter_map(|symbol| {
                let name = symbol.name().ok().filter(|name| !name.is_empty())?;
                let function = symbol.kind() == SymbolKind::Text;
                Some(Symbol { address: symbol.address() as usize, size: symbol.size() as usize, name: name.to_owned(), function })
            })
            .collect();
        symbols.sort_by_key(|symbol| symbol.address);
        let build_id = elf.build_id().ok().flatten().map(|id| id.iter().map(|byte| format!("{byte:02x}")).collect());
        Some(Contents { bias, build_id, symbols, bytes })
    }
}

/// True for a program of this architecture.
pub(crate) fn is_known(program: &Path) -> bool {
    let Ok(file) = std::fs::File::open(program) else { return true };
    let cache = object::read::ReadCache::new(file);
    object::File::parse(&cache).is_ok_and(|file| file.architecture() == Architecture::X86_64 && file.is_64())
}

/// The module that an address is in.
pub(crate) fn of(modules: &[Module], address: usize) -> Option<&Module> {
    modules.iter().find(|module| module.range.contains(&address))
}
