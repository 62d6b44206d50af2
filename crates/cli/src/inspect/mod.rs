//! `forkguard inspect`: a running process from outside: what its threads wait for, and whether that can end.
mod descriptors;
mod facts;
mod library;
mod text;

use crate::input::Error;
use crate::symbols::{DebugFiles, Symbols};
use crate::terminal::columns;
pub(crate) use facts::{Inspected, Inspection, Sure};
use forkguard_process::{Error as ProcessError, look, may_be_stuck, processes, same_user, status};
pub(crate) use library::report_files as report_files_of;
use std::io::{self, Read, Write};
use std::process::{Command, ExitCode, Stdio};

/// Looks into a running, perhaps hung process: what each thread waits for, which lock, who holds it, the stacks.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  forkguard inspect 4711           a worker that does not answer
  forkguard inspect --all          every process of yours that looks hung or has the library
  forkguard inspect 4711 --json    for a program

Its threads are stopped one after the other for a moment and go on as before; the library need not be loaded.
Status: 0 no thread is stuck, 1 one waits for what no thread can give, 2 a process cannot be looked into.")]
pub(crate) struct Args {
    /// Processes, by the numbers that they have here
    #[arg(required_unless_present = "all", value_name = "PID")]
    pids: Vec<u32>,

    /// All processes of this user that look hung or have forkguard's library
    #[arg(long, conflicts_with = "pids")]
    all: bool,

    /// Print JSON, a line a process
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    debug_files: DebugFiles,
}

/// Status where a wait was found that no thread can end.
const STUCK: u8 = 1;
/// Status where a process cannot be looked into.
const UNSEEN: u8 = 2;

/// Prints what is found of the processes that `args` name.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Error> {
    let mut symbols = Symbols::new(&args.debug_files);
    let mut out = anstream::AutoStream::auto(io::stdout().lock());
    let (mut stuck, mut failed) = (false, false);
    let mut shown = 0;
    for pid in pids(args) {
        match inspect(pid, &mut symbols) {
            Ok(inspection) => {
                stuck |= inspection.is_stuck();
                shown += 1;
                print(&mut out, &inspection, args.json).map_err(Error::Output)?;
            }
            // Another process may end meanwhile, or forbid it.
            Err(_) if args.all => {}
            Err(error) => {
                failed = true;
                anstream::eprintln!("forkguard: {error}");
            }
        }
    }
    if shown == 0 && args.all && !args.json {
        writeln!(out, "No process of yours looks hung or has forkguard's library.").map_err(Error::Output)?;
    }
    Ok(match (stuck, failed) {
        (true, _) => ExitCode::from(STUCK),
        (false, true) => ExitCode::from(UNSEEN),
        (false, false) => ExitCode::SUCCESS,
    })
}

fn pids(args: &Args) -> Vec<u32> {
    if !args.all {
        return args.pids.clone();
    }
    let mut all: Vec<u32> = processes()
        .filter(|&pid| pid != std::process::id() && status(pid).is_ok_and(|status| same_user(&status)) && may_be_stuck(pid))
        .collect();
    all.sort_unstable();
    all
}

fn inspect(pid: u32, symbols: &mut Symbols) -> Result<Inspection, ProcessError> {
    let view = look(pid)?;
    let mut inspection = Inspection::of(&view);
    if let Some(parent) = view.parent.as_ref().filter(|_| inspection.is_suspect())
        && let Ok(parent) = look(parent.id)
    {
        inspection.add_lost_threads(&view, &parent);
    }
    inspection.add_findings(library::findings(&view.process));
    Ok(inspection.resolved(symbols))
}

/// What is found of a process by one of the tool's own that looks into it; None where it cannot. Whoever is traced then has another tracer than this
/// process, whose waits for its children are not mixed up with the stops.
pub(crate) fn apart(pid: u32) -> Option<Inspection> {
    let mut command = Command::new("/proc/self/exe");
    command.args(["inspect", "--json", &pid.to_string()]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut helper = command.spawn().ok()?;
    let mut found = Vec::new();
    let read = helper.stdout.take()?.read_to_end(&mut found);
    // It may have been waited for with the other children.
    let _ = helper.wait();
    read.ok().and_then(|_| serde_json::from_slice(&found).ok())
}

/// Prints all of it.
pub(crate) fn print_whole(out: &mut dyn Write, inspection: &Inspection, columns: Option<usize>) -> io::Result<()> {
    text::print(out, inspection, columns)
}

/// Prints the threads that are stuck, or perhaps are, with what holds them up.
pub(crate) fn print_stuck(out: &mut dyn Write, inspection: &Inspection, columns: Option<usize>) -> io::Result<()> {
    text::print_stuck(out, inspection, columns)
}

fn print(out: &mut dyn Write, inspection: &Inspection, json: bool) -> io::Result<()> {
    if json {
        return writeln!(out, "{}", serde_json::to_string(inspection)?);
    }
    text::print(out, inspection, columns())
}
