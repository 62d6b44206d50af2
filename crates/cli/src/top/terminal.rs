//! The terminal: taken, drawn on, and given back however the tool ends.
use super::keys::{Page, Steering};
use super::screen::draw;
use super::shared::{Seen, Shared};
use crate::input::Error;
use crate::server::Ended;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use std::io;
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

/// The screen is drawn anew after this time, or after a key.
const FRAME: Duration = Duration::from_millis(250);

/// Shows the processes until a key or a signal ends it. A panic gives the terminal back, too.
pub(super) fn show(root: Option<u32>) -> Result<ExitCode, Error> {
    let signal = Arc::new(AtomicUsize::new(0));
    for number in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
        signal_hook::flag::register_usize(number, signal.clone(), number as usize).map_err(Error::Output)?;
    }
    thread::spawn(end_without_terminal);
    let mut terminal = ratatui::try_init().map_err(Error::Output)?;
    let shared = Shared::watch(root);
    let shown = steer(&mut terminal, &shared, &signal);
    ratatui::restore();
    shared.end();
    shown.map_err(Error::Output)?;
    Ok(match signal.load(Relaxed) {
        0 => ExitCode::SUCCESS,
        number => Ended::Signal(number as i32).as_own(),
    })
}

/// Ends the tool when its terminal is gone: crossterm would read the end of file without end.
fn end_without_terminal() {
    let stdin = io::stdin();
    // No event is asked for: what is left is that the terminal hangs up.
    let mut fds = [PollFd::new(&stdin, PollFlags::empty())];
    while poll(&mut fds, None) == Err(Errno::INTR) {}
    process::exit(128 + SIGHUP);
}

fn steer(terminal: &mut DefaultTerminal, shared: &Shared, signal: &AtomicUsize) -> io::Result<()> {
    let mut steering = Steering::default();
    while !steering.ends && signal.load(Relaxed) == 0 {
        let (rows, details) = shared.with(|seen| (steering.order.sorted(&seen.rows), told(seen, steering)));
        steering = steering.within(rows.len());
        terminal.draw(|frame| draw(frame, &steering, &rows, details.as_deref()))?;
        let pids: Vec<u32> = rows.iter().map(|row| row.pid).collect();
        let before = steering.page;
        if let Some(key) = next_key()? {
            steering = steering.press(key, &pids, details.map_or(0, |lines| lines.len()));
        }
        if shown_process(before) != shown_process(steering.page) {
            shared.ask(shown_process(steering.page));
        }
    }
    Ok(())
}

/// The next key, if one comes soon. What a signal interrupts goes on.
fn next_key() -> io::Result<Option<event::KeyEvent>> {
    match event::poll(FRAME).and_then(|ready| ready.then(event::read).transpose()) {
        Ok(Some(Event::Key(key))) if key.kind != KeyEventKind::Release => Ok(Some(key)),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
        Err(error) => Err(error),
    }
}

fn shown_process(page: Page) -> Option<u32> {
    if let Page::Details { pid, .. } = page { Some(pid) } else { None }
}

/// The lines about the process that is on the screen.
fn told(seen: &Seen, steering: Steering) -> Option<Vec<String>> {
    let pid = shown_process(steering.page)?;
    seen.details.as_ref().filter(|(known, _)| *known == pid).map(|(_, lines)| lines.clone())
}
