//! Who made a call: the application, or what it runs on.
use super::program::own_server;
use super::site::interpreted_frames;
use crate::sites::{self, SiteId};
use forkguard_loader::{path_of, program_path};
use forkguard_report::catalogue::Server;
use forkguard_report::event::Frame;
use forkguard_report::text::is_installed;

/// True when code of the application made the call of a site, if through a language's own library; false for servers, installed packages and
/// interpreters. Of native code that is any function on the stack, whether its source is known or not.
pub(crate) fn is_by_application(site: SiteId) -> bool {
    let mut interpreted = interpreted_frames(site).peekable();
    if interpreted.peek().is_some() {
        return interpreted.find(|frame| frame.party().is_some()).is_some_and(|frame| frame.is_application());
    }
    let outer = sites::frames_of(site).map(|stored| stored.address);
    [sites::address_of(site)].into_iter().chain(outer).any(is_applications)
}

/// True when the application called the one installed package that made the call of a site, as `rasterio.open(path)`; not when the package was
/// loaded only.
pub(crate) fn is_by_called_package(site: SiteId) -> bool {
    let mut frames = interpreted_frames(site).filter(|frame| frame.party().is_some());
    let Some(first) = frames.next().filter(|first| first.package().is_some() && !is_loaded(first)) else { return false };
    let caller = frames.find(|frame| frame.package() != first.package() || is_loaded(frame));
    caller.is_some_and(|frame| frame.is_application())
}

/// True for the lines of a file that is loaded.
fn is_loaded(frame: &Frame<'_>) -> bool {
    matches!(frame.function.as_deref(), Some("<module>" | "<top (required)>"))
}

/// True for an address in native code that the system does not install, in no server's program.
fn is_applications(address: usize) -> bool {
    path_of(address).is_some_and(|path| !is_installed(path.as_str()) && !is_servers_program(path.as_str()))
}

fn is_servers_program(path: &str) -> bool {
    path == program_path().as_str() && own_server() != Server::Other
}
