//! Who copies: page faults of a worker, sampled (perf_event_open(2), software page faults), with the thread's frames.
//!
//! A fault at a page that was the leader's when the watch began is a copy. The kernel gives its address, and registers and stack at that moment;
//! an interpreter's frames are read right after it, while the thread runs on: a function that ended meanwhile is missed.
use super::family::{Relation, addresses};
use super::pagemap::PAGE;
use super::written;
use crate::error::Error;
use crate::interpreters::Interpreters;
use crate::maps;
use crate::memory::ProcessMemory;
use crate::module::{self, Module};
use crate::status::tasks;
use crate::stop::Registers;
use crate::unwind::Unwinder;
use crate::view::{native_frame, stack_of};
use forkguard_report::event::Frame;
use perf_event::events::Software;
use perf_event::{Builder, Record, SampleFlag, Sampler};
use std::collections::HashSet;
use std::fmt::{Display, Formatter};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// How a worker is watched.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    pub leader: u32,
    pub worker: u32,
    /// Faults a second and thread that are looked at, at most.
    pub frequency: u32,
}

/// What was seen of a worker.
#[derive(Debug, Default)]
pub struct Copies {
    /// Samples of copied pages.
    pub samples: Vec<CopiedPage>,
    /// Samples of other faults: new memory, files.
    pub others: usize,
}

/// A page that was copied.
#[derive(Debug)]
pub struct CopiedPage {
    /// What was written, as far as it is known.
    pub what: Option<String>,
    /// Innermost first.
    pub stack: Vec<Frame<'static>>,
}

/// Why faults cannot be watched.
#[derive(Debug)]
pub enum Unwatched {
    /// The kernel forbids it: the value of /proc/sys/kernel/perf_event_paranoid.
    Forbidden(String),
    /// The kernel or the machine offers no such events.
    Unknown(io::Error),
    Process(Error),
}

impl Display for Unwatched {
    fn fmt(&self, out: &mut Formatter) -> std::fmt::Result {
        match self {
            Unwatched::Forbidden(paranoid) => write!(
                out,
                "the kernel forbids to watch page faults (/proc/sys/kernel/perf_event_paranoid is {paranoid}, or a container does); root may: \
                 sudo sysctl kernel.perf_event_paranoid=2, or --cap-add PERFMON"
            ),
            Unwatched::Unknown(error) => write!(out, "page faults cannot be watched here: {error}"),
            Unwatched::Process(error) => error.fmt(out),
        }
    }
}

/// Bytes of the stack that a sample has.
const STACK: u32 = 8 << 10;
/// One fault of so many is sampled by the kernel.
const PERIOD: u64 = 5;
/// In the order of their numbers (arch/x86/include/uapi/asm/perf_regs.h).
const BASE_STACK_INSTRUCTION: u64 = 1 << 6 | 1 << 7 | 1 << 8;
/// Of the buffer between the kernel and us.
const BUFFER: usize = 256 << 10;
/// Threads that are watched.
const MOST_THREADS: usize = 16;
/// Between two looks for new threads, and whether it is enough.
const TURN: Duration = Duration::from_millis(200);

/// Watches the threads of a worker until that is enough. All that costs much is read once a thread, so that the server keeps its processors.
///
/// # Errors
/// The kernel does not permit or offer it, or the process is gone.
pub fn watch(watch: Watch, is_enough: &AtomicBool) -> Result<Copies, Unwatched> {
    let shared: HashSet<usize> = addresses(watch.leader, watch.worker, &[Relation::Shared]).into_iter().collect();
    let (found, failed) = (Mutex::new(Copies::default()), Mutex::new(None));
    let mut known = HashSet::new();
    std::thread::scope(|scope| {
        while !is_enough.load(Relaxed) {
            for thread in tasks(watch.worker).into_iter().map(|task| task.id) {
                if known.len() == MOST_THREADS || !known.insert(thread) {
                    continue;
                }
                let (shared, found, failed) = (&shared, &found, &failed);
                scope.spawn(move || {
                    if let Err(error) = watch_thread(watch, thread, is_enough, shared, found)
                        && let Ok(mut failed) = failed.lock()
                    {
                        *failed = Some(error);
                    }
                });
            }
            std::thread::sleep(TURN);
        }
    });
    let found = found.into_inner().unwrap_or_default();
    match failed.into_inner().unwrap_or_default() {
        Some(error) if found.samples.is_empty() && found.others == 0 => Err(error),
        _ => Ok(found),
    }
}

fn reason(error: io::Error) -> Unwatched {
    match error.kind() {
        ErrorKind::PermissionDenied => {
            Unwatched::Forbidden(fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").unwrap_or_default().trim().to_owned())
        }
        _ => Unwatched::Unknown(error),
    }
}

fn sampler(thread: u32) -> io::Result<Sampler> {
    let sampled = SampleFlag::ADDR | SampleFlag::REGS_USER | SampleFlag::STACK_USER;
    let counter = Builder::new(Software::PAGE_FAULTS)
        .observe_pid(thread as i32)
        .any_cpu()
        .sample(sampled)
        .sample_regs_user(BASE_STACK_INSTRUCTION)
        .sample_stack_user(STACK)
        .sample_period(PERIOD)
        .wakeup_events(1)
        .enabled(true)
        .build()?;
    counter.sampled(BUFFER)
}

fn watch_thread(
    watch: Watch,
    thread: u32,
    is_enough: &AtomicBool,
    shared: &HashSet<usize>,
    found: &Mutex<Copies>,
) -> Result<(), Unwatched> {
    let place = Place::of(watch.worker).map_err(Unwatched::Process)?;
    let mut stacks = place.reader();
    let mut sampler = sampler(thread).map_err(reason)?;
    let pause = Duration::from_secs(1) / watch.frequency.max(1);
    while !is_enough.load(Relaxed) {
        let fault = match sampler.next_blocking(Some(TURN)).map(|record| Fault::of(&record)) {
            Some(fault) => fault,
            // Of a thread that has ended it returns at once.
            None if has_ended(watch.worker, thread) => break,
            None => continue,
        };
        let Some(Fault { address, registers, stack }) = fault else { continue };
        let is_copy = shared.contains(&(address & !(PAGE - 1)));
        let copy = is_copy.then(|| stacks.copy(address, registers, stack, thread == watch.worker));
        if let Ok(mut found) = found.lock() {
            found.others += usize::from(copy.is_none());
            found.samples.extend(copy);
        }
        // What comes before the next look is dropped: the thread does not stand there any more.
        std::thread::sleep(pause.min(TURN));
        while sampler.next_record().is_some() {}
    }
    Ok(())
}

fn has_ended(pid: u32, thread: u32) -> bool {
    !tasks(pid).iter().any(|task| task.id == thread && !matches!(task.state, 'Z' | 'X'))
}

/// A sampled fault.
struct Fault {
    address: usize,
    registers: Registers,
    /// From the stack pointer on.
    stack: Vec<u8>,
}

impl Fault {
    fn of(record: &Record) -> Option<Fault> {
        let Ok(perf_event::data::Record::Sample(sample)) = record.parse_record() else { return None };
        let &[base, stack, instruction] = &sample.regs_user()?.regs[..] else { return None };
        let [address, base, stack, instruction] = [sample.addr()?, base, stack, instruction].map(|word| word as usize);
        let registers = Registers { instruction, stack, base, thread: 0 };
        Some(Fault { address, registers, stack: sample.stack_user().unwrap_or_default().to_vec() })
    }
}

/// A process whose stacks are read again and again.
struct Place {
    memory: ProcessMemory,
    mappings: Vec<maps::Mapping>,
    modules: Vec<Module>,
    /// CPython's class of classes.
    type_of_types: Option<usize>,
}

impl Place {
    fn of(pid: u32) -> Result<Place, Error> {
        let root = format!("/proc/{pid}");
        let path = format!("{root}/maps");
        let mappings = maps::parse(&fs::read_to_string(&path).map_err(|error| Error::Unreadable(path, error))?);
        let modules = module::modules(&mappings, Path::new(&format!("{root}/root")));
        let type_of_types = modules.iter().find_map(|module| Some(module.symbol("PyType_Type")?.start));
        Ok(Place { memory: ProcessMemory::new(pid), mappings, modules, type_of_types })
    }

    fn reader(&self) -> Stacks<'_> {
        let interpreters = Interpreters::find(&self.modules, &self.memory);
        Stacks { place: self, interpreters, unwinder: Unwinder::new(&self.modules, &self.memory) }
    }
}

/// What is found once in it.
struct Stacks<'a> {
    place: &'a Place,
    interpreters: Interpreters<'a>,
    unwinder: Unwinder<'a>,
}

impl Stacks<'_> {
    /// `stack` begins where the stack pointer of `registers` leads.
    fn copy(&mut self, address: usize, registers: Registers, stack: Vec<u8>, is_main: bool) -> CopiedPage {
        let Place { memory, mappings, modules, type_of_types } = self.place;
        memory.renew(registers.stack, stack);
        let range = registers.stack..maps::of(mappings, registers.stack).map_or(registers.stack, |found| found.range.end);
        // First of all the interpreter's frames, which go on meanwhile.
        let interpreted = self.interpreters.frames(registers, range, is_main);
        let native = self.unwinder.stack(registers);
        let what = type_of_types.and_then(|class| written::python_word(memory, class, address));
        CopiedPage { what, stack: stack_of(&native, interpreted, &self.interpreters, |address| native_frame(modules, address)) }
    }
}
