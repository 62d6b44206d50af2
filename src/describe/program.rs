//! What this process runs.
use forkguard_core::fixed::Text;
use forkguard_core::kernel;
use forkguard_loader::program_path;
use forkguard_report::catalogue::Server;
use forkguard_report::cure::Program;
use std::ffi::CStr;

/// This process's name in the kernel, which is its main thread's.
pub(crate) fn own_name() -> Text<16> {
    if kernel::thread_id() == kernel::process_id() { kernel::own_thread_name() } else { read_name(c"/proc/self/comm") }
}

/// The server that this process is.
pub(super) fn own_server() -> Server {
    Server::recognise(program_path().as_str(), program_name().as_str())
}

/// What this process runs: its name in the kernel, or of a server that an interpreter was told to run (`python3 -m gunicorn`) the server's.
pub(crate) fn program_name() -> Text<16> {
    let (name, program) = (own_name(), program_path());
    let is_interpreter =
        Program::interpreter(program.as_str()).is_some() && Server::recognise("", name.as_str()) == Server::Other;
    let mut arguments = [0; 512];
    let script = is_interpreter.then(|| Server::script(kernel::read_file(c"/proc/self/cmdline", &mut arguments))).flatten();
    script.map_or(name, |script| Text::from_bytes(script.as_bytes()))
}

/// A name in a file of the kernel, without the end of its line.
pub(super) fn read_name(path: &CStr) -> Text<16> {
    let mut bytes = [0u8; 16];
    let read = kernel::read_file(path, &mut bytes).len();
    let end = bytes[..read].iter().position(|&b| b == b'\n').unwrap_or(read);
    Text::from_bytes(&bytes[..end])
}
