//! One look at a process.
use crate::error::Error;
use crate::interpreters::Interpreters;
use crate::lock::{Evidence, Kind, Lock};
use crate::maps::{self, Mapping};
use crate::memory::ProcessMemory;
use crate::module::{self, Module};
use crate::priority::Highest;
use crate::status::{Status, status, tasks};
use crate::stop::{Registers, Stopped};
use crate::unwind::Unwinder;
use crate::verdict::{Situation, Verdict};
use crate::wait::Wait;
use forkguard_report::event::Frame;
use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

/// A process as it was at one moment.
#[derive(Debug)]
pub struct View {
    pub process: Status,
    /// The program that it runs.
    pub program: String,
    pub parent: Option<Status>,
    pub threads: Vec<Thread>,
    /// How long a thread of it stood still, the longest.
    pub stopped: Duration,
}

/// A thread of it.
#[derive(Debug)]
pub struct Thread {
    pub status: Status,
    /// The kernel's function that it sleeps in.
    pub kernel_function: Option<String>,
    pub wait: Wait,
    /// What it waits for, where that is a lock.
    pub lock: Option<Lock>,
    pub verdict: Option<Verdict>,
    /// Innermost first: native code up to the interpreter, then interpreted code.
    pub stack: Vec<Frame<'static>>,
}

/// Looks at a process.
///
/// # Errors
/// There is none, or it may not be looked into.
pub fn look(pid: u32) -> Result<View, Error> {
    let process = status(pid)?;
    let root = format!("/proc/{pid}");
    let text = fs::read_to_string(format!("{root}/maps")).map_err(|error| denied(&process, error))?;
    let mappings = maps::parse(&text);
    if mappings.is_empty()
        || fs::read_to_string(format!("{root}/syscall")).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
    {
        return Err(denied(&process, ErrorKind::PermissionDenied.into()));
    }
    if !module::is_known(Path::new(&format!("{root}/exe"))) {
        return Err(Error::OtherArchitecture(pid));
    }
    let modules = module::modules(&mappings, Path::new(&format!("{root}/root")));
    let parent = status(process.parent).ok();
    let look = Look { memory: ProcessMemory::new(pid), parent, process, mappings, modules };
    Ok(look.view())
}

fn denied(process: &Status, error: std::io::Error) -> Error {
    if error.kind() == ErrorKind::NotFound {
        return Error::NoProcess(process.id);
    }
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok().and_then(|text| text.trim().parse().ok());
    let users = [process.user, nix::unistd::geteuid().as_raw()];
    Error::Forbidden { pid: process.id, users, ptrace_scope: scope.unwrap_or(0) }
}

struct Look {
    process: Status,
    parent: Option<Status>,
    mappings: Vec<Mapping>,
    modules: Vec<Module>,
    memory: ProcessMemory,
}

/// What is known of a thread before its stack is named.
struct Seen {
    status: Status,
    kernel_function: Option<String>,
    wait: Wait,
    native: Vec<usize>,
    interpreted: Vec<Frame<'static>>,
}

/// Of a stack: bytes that are read at once while the thread stands still.
const STACK: usize = 128 << 10;

impl Look {
    fn view(mut self) -> View {
        // Its files are read before anything stands still.
        let interpreters = Interpreters::find(&self.modules, &self.memory);
        let mut unwinder = Unwinder::new(&self.modules, &self.memory);
        let waits: Vec<(Status, Wait)> =
            tasks(self.process.id).into_iter().map(|task| (self.wait(task.id), task)).map(|(w, t)| (t, w)).collect();
        let mut registers: HashMap<u32, Registers> = HashMap::new();
        let mut longest = Duration::ZERO;
        let may_stop =
            |task: &Status, wait: &Wait| task.state != 'D' && wait.call().is_none_or(|call| call.goes_on_after_a_stop());
        let highest = Highest::take();
        for (task, wait) in waits.iter().filter(|(task, wait)| may_stop(task, wait)) {
            let Some(stopped) = Stopped::new(task.id) else { continue };
            if let Some(found) = stopped.registers() {
                registers.insert(task.id, found);
                // The stack of one that waits does not change when it waits on.
                if *wait == Wait::Running {
                    self.fetch_stack(found.stack);
                }
            }
            longest = longest.max(stopped.release());
        }
        drop(highest);
        let mut seen = Vec::new();
        for (task, wait) in waits {
            let registers = registers.get(&task.id).copied().unwrap_or_else(|| known_registers(wait));
            let stack = self.stack_of(registers.stack);
            let is_main = task.id == self.process.id;
            seen.push(Seen {
                kernel_function: self.kernel_function(task.id),
                native: if registers.stack == 0 { Vec::new() } else { unwinder.stack(registers) },
                interpreted: interpreters.frames(registers, stack, is_main),
                status: task,
                wait,
            });
        }
        // Once more, behind the waits: one that still booted at the first look has set its own signal handlers since.
        if let Ok(now) = status(self.process.id) {
            self.process = now;
        }
        let threads = self.threads(seen, &interpreters);
        let program = self.modules.first().map(|module| module.path.clone()).unwrap_or_default();
        View { program, process: self.process, parent: self.parent, threads, stopped: longest }
    }

    fn wait(&self, tid: u32) -> Wait {
        let text = fs::read_to_string(format!("/proc/{}/task/{tid}/syscall", self.process.id));
        text.map_or(Wait::Elsewhere, |text| Wait::parse(&text))
    }

    fn kernel_function(&self, tid: u32) -> Option<String> {
        let text = fs::read_to_string(format!("/proc/{}/task/{tid}/wchan", self.process.id)).ok()?;
        Some(text).filter(|text| !text.is_empty() && text != "0")
    }

    /// From the stack pointer to the stack's end.
    fn stack_of(&self, pointer: usize) -> Range<usize> {
        pointer..maps::of(&self.mappings, pointer).map_or(pointer, |mapping| mapping.range.end)
    }

    fn fetch_stack(&self, pointer: usize) {
        let bytes = self.stack_of(pointer).len().min(STACK);
        if bytes > 0 {
            self.memory.fetch(pointer, bytes.div_ceil(4096));
        }
    }

    fn threads(&self, seen: Vec<Seen>, interpreters: &Interpreters) -> Vec<Thread> {
        let locks: Vec<Option<Lock>> = seen.iter().map(|thread| self.lock(thread, interpreters)).collect();
        let ids: Vec<u32> = seen.iter().map(|thread| thread.status.own_id).collect();
        let endless = |thread: &Seen| thread.wait.futex().is_some_and(|futex| !futex.timed);
        let all_wait = seen.iter().all(endless);
        let waits: Vec<(u32, Lock)> = ids.iter().zip(&locks).filter_map(|(&id, lock)| Some((id, lock.clone()?))).collect();
        let parents: Vec<u32> = self.parent.iter().flat_map(|parent| tasks(parent.id)).map(|task| task.own_id).collect();
        let same_namespace = |parent: &&Status| parent.namespaces == self.process.namespaces;
        let handlers = signal_names(self.process.caught);
        let mut threads = Vec::new();
        for (thread, lock) in seen.into_iter().zip(locks) {
            let situation = Situation {
                thread: thread.status.own_id,
                threads: &ids,
                all_wait,
                process: self.process.own_id,
                parent: self.parent.as_ref().filter(same_namespace).map(|parent| (parent.id, &parents[..])),
                private: thread.wait.futex().is_some_and(|futex| self.is_private(futex.address)),
                waits: &waits,
                handlers: &handlers,
                may_expect_signal: may_expect_signal(&thread.interpreted, &handlers),
            };
            let is_endless = endless(&thread) || lock.as_ref().is_some_and(|lock| lock.kind == Kind::Gil);
            threads.push(Thread {
                verdict: lock.as_ref().filter(|_| is_endless).and_then(|lock| situation.verdict(lock)),
                stack: stack_of(&thread.native, thread.interpreted, interpreters, |address| native_frame(&self.modules, address)),
                status: thread.status,
                kernel_function: thread.kernel_function,
                wait: thread.wait,
                lock,
            });
        }
        threads
    }

    /// True for memory that no other process has.
    fn is_private(&self, address: usize) -> bool {
        maps::of(&self.mappings, address).is_some_and(|mapping| mapping.private)
    }

    fn lock(&self, thread: &Seen, interpreters: &Interpreters) -> Option<Lock> {
        let futex = thread.wait.futex()?;
        let in_library = |address| module::of(&self.modules, address).filter(|module| is_c_library(module.name()));
        let innermost = thread.native.iter().take_while(|&&address| in_library(address).is_some());
        let functions: Vec<String> =
            innermost.filter_map(|&address| Some(in_library(address)?.name_at(address, true)?.to_owned())).collect();
        let evidence = Evidence {
            futex,
            functions: &functions,
            in_library: in_library(futex.address).is_some(),
            is_gil: interpreters.is_gil(futex.address),
            memory: &self.memory,
        };
        let mut lock = evidence.lock();
        // The GIL lies in what holds all of Python's state.
        let module = Some(lock.address).filter(|_| lock.kind != Kind::Gil).and_then(|address| module::of(&self.modules, address));
        lock.name = module.and_then(|module| Some(module.name_at(lock.address, false)?.to_owned()));
        Some(lock)
    }
}

/// Native code down to the first frame of the interpreter, then the interpreted code; without any, all native code.
pub(crate) fn stack_of(
    native: &[usize],
    interpreted: Vec<Frame<'static>>,
    interpreters: &Interpreters,
    frame: impl Fn(usize) -> Frame<'static>,
) -> Vec<Frame<'static>> {
    let own = |&&address: &&usize| interpreted.is_empty() || !interpreters.own(address);
    let mut frames: Vec<_> = native.iter().take_while(own).map(|&address| frame(address)).collect();
    frames.extend(interpreted);
    frames
}

/// The frame of an address in native code.
pub(crate) fn native_frame(modules: &[Module], address: usize) -> Frame<'static> {
    let module = module::of(modules, address);
    let name = module.and_then(|module| module.name_at(address, true));
    Frame {
        language: "native".into(),
        function: name.map(|name| name.to_owned().into()),
        file: None,
        line: None,
        module: module.map(|module| module.path.clone().into()),
        offset: module.and_then(Module::bias).map(|bias| address.wrapping_sub(bias) as u64),
        build_id: module.and_then(Module::build_id).map(|id| id.to_owned().into()),
    }
}

fn known_registers(wait: Wait) -> Registers {
    let call = wait.call();
    Registers {
        instruction: call.map_or(0, |call| call.program_counter),
        stack: call.map_or(0, |call| call.stack_pointer),
        ..Registers::default()
    }
}

fn is_c_library(name: &str) -> bool {
    ["libc.so", "libc-", "libpthread", "libdl.", "libdl-", "libanl", "ld-linux", "ld-musl"]
        .iter()
        .any(|start| name.starts_with(start))
}

/// True for Python code inside an event's or a condition's wait, called by nothing of the standard library: what programs that wait for a signal do.
fn may_expect_signal(stack: &[Frame], handlers: &str) -> bool {
    let is_wait = |frame: &Frame| {
        let in_file = frame.file.as_deref().is_some_and(|file| file.ends_with("/threading.py"));
        in_file && frame.function.as_deref().is_some_and(|function| function.rsplit('.').next() == Some("wait"))
    };
    let standard =
        |frame: &&Frame| frame.file.as_deref().is_some_and(|file| file.contains("/python3") && !file.contains("-packages/"));
    let inside: Vec<&Frame> = stack.iter().take_while(standard).collect();
    // Native programs wait for their handlers on a semaphore.
    stack.is_empty() && !handlers.is_empty() || !inside.is_empty() && inside.iter().all(|frame| is_wait(frame))
}

/// The signals that a mask has.
fn signal_names(mask: u64) -> String {
    // The C library uses 32 and 33 itself.
    let numbers = (1..32).filter(|number| mask >> (number - 1) & 1 != 0);
    let names = numbers.filter_map(|number| nix::sys::signal::Signal::try_from(number).ok());
    names.map(|signal| signal.as_str()).collect::<Vec<_>>().join(", ")
}
