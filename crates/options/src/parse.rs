//! Values of options, from text.
use crate::values::*;
use forkguard_core::fixed::Text;
use forkguard_core::kernel;
use forkguard_core::registry::signals;

/// The longest that a fork may be asked to wait.
pub(crate) const SAFE_POINT_MS: u32 = 10_000;
/// What the profile `cure` gives a fork.
const CURE_SAFE_POINT_MS: u32 = 100;

/// Functions that FORKGUARD_FIXUPS may name.
pub const FIXUPS: usize = 64;

pub(crate) fn choose<T: Copy>(place: &mut T, value: &str, choices: &[(&str, T)]) -> bool {
    match choices.iter().find(|(name, _)| *name == value) {
        Some((_, choice)) => {
            *place = *choice;
            true
        }
        None => false,
    }
}

pub(crate) fn set<T>(place: &mut T, value: Option<T>) -> bool {
    value.map(|value| *place = value).is_some()
}

/// A number of bytes; K, M and G stand for powers of 1024.
pub(crate) fn bytes(value: &str) -> Option<u64> {
    let units = [("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30)];
    let (number, unit) = units.iter().find_map(|(name, unit)| Some((value.strip_suffix(name)?, *unit))).unwrap_or((value, 1));
    // The parser would take a sign.
    number.bytes().all(|digit| digit.is_ascii_digit()).then(|| number.parse::<u64>().ok()?.checked_mul(unit))?
}

/// What was written, if there is room for it.
pub(crate) fn list<const N: usize>(value: &str) -> Option<Text<N>> {
    (value.len() < N - 24).then(|| Text::of(format_args!("{value}")))
}

/// A lock's identity, and how long forks wait for it.
pub(crate) fn lock(value: &str) -> Option<Worst> {
    const DEFAULT_MS: u32 = 2000;
    let (id, ms) = value.split_once(':').map_or(Some((value, DEFAULT_MS)), |(id, ms)| Some((id, ms.parse().ok()?)))?;
    (id.len() == 16 && ms <= SAFE_POINT_MS).then(|| Some(Worst::Lock(u64::from_str_radix(id, 16).ok()?, ms)))?
}

pub(crate) fn is_pair(text: &str) -> bool {
    text.split_once(':').is_some_and(|(library, function)| !library.is_empty() && !function.is_empty())
}

/// The bits of signals, by name or number.
pub(crate) fn signals(value: &str) -> Option<u64> {
    let bit = |name: &str| {
        let number = signals::number(name).or_else(|| name.parse().ok())?;
        (matches!(number, 1..=64) && !matches!(number, libc::SIGKILL | libc::SIGSTOP | 32 | 33)).then(|| 1 << (number - 1))
    };
    value.split(',').try_fold(0, |bits, name| Some(bits | bit(name.trim())?))
}

pub(crate) fn take_signals(options: &mut Options, value: &str) -> bool {
    let named = [("auto", Signals::Auto), ("none", Signals::None), ("application", Signals::Application)];
    choose(&mut options.signals, value, &named) || set(&mut options.signals, signals(value).map(Signals::These))
}

pub(crate) fn take_threads(options: &mut Options, value: &str) -> bool {
    let named = || list(value.strip_prefix("revive:").filter(|patterns| !patterns.is_empty())?).map(Threads::Named);
    choose(&mut options.threads, value, &[("report", Threads::Report), ("revive", Threads::Consumers)])
        || set(&mut options.threads, named())
}

pub(crate) fn take_memory(options: &mut Options, value: &str) -> bool {
    let add = |mut memory: Memory, name: &str| {
        let place = match name.trim() {
            "freeze" => &mut memory.freeze,
            "trim" => &mut memory.trim,
            "ksm" => &mut memory.ksm,
            "nothp" => &mut memory.nothp,
            _ => return None,
        };
        *place = true;
        Some(memory)
    };
    let auto = Memory { trim: true, ksm: true, is_auto: true, ..Memory::KEEP };
    choose(&mut options.memory, value, &[("keep", Memory::KEEP), ("auto", auto)])
        || set(&mut options.memory, value.split(',').try_fold(Memory::KEEP, add))
}

pub(crate) fn take_suppress(options: &mut Options, value: &str) -> bool {
    let path = Text::<1024>::of(format_args!("{value}"));
    let Some(path) = path.as_cstr().filter(|_| value.starts_with('/') && value.len() <= 1000) else { return false };
    let mut bytes = [0; RULES];
    let read = kernel::read_file(path, &mut bytes);
    if read.len() >= RULES - 96 || !kernel::is_readable(path) {
        return false;
    }
    options.suppress = Text::from_bytes(read);
    true
}

/// Every guard that is safe together with the others.
pub(crate) fn take_profile(options: &mut Options, value: &str) -> bool {
    if value != "cure" {
        return false;
    }
    options.sockets = Sockets::Spare;
    options.locks = Locks::Reset;
    options.safe_point = CURE_SAFE_POINT_MS;
    options.threads = Threads::Consumers;
    options.openmp = OpenMp::Pause;
    options.epoll = Shared::Own;
    options.files = Shared::Own;
    options.timers = Timers::Rearm;
    options.buffers = Buffers::Drop;
    options.exec = Exec::Clean;
    options.signals_mask = SignalsMask::Unblock;
    options.signals_keep = 1 << (libc::SIGUSR1 - 1) | 1 << (libc::SIGUSR2 - 1);
    true
}

pub(crate) fn take_report(options: &mut Options, value: &str) -> bool {
    options.report = match value {
        "none" => Report::None,
        path if path.starts_with('/') && path.len() <= 1000 => {
            let mut text = Text::new();
            text.append(path.strip_suffix('/').filter(|p| !p.is_empty()).unwrap_or(path));
            Report::Directory(text)
        }
        _ => return false,
    };
    true
}
