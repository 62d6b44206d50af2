//! Functions that take locks which no hook knows (GLib's, Rust's, abseil's, an application's own), by the words in their names.
use forkguard_report::event::{Frame, Site};

/// A function with one of these words in its name takes a lock,
const TAKES: &[&str] = &["lock", "rdlock", "wrlock", "rwlock", "spinlock"];
/// unless it has one of these: it waits for something else, or gives the lock back.
const WAITS_OTHERWISE: &[&str] =
    &["cond", "condvar", "condition", "await", "when", "once", "barrier", "channel", "recv", "unlock", "free"];

/// The function by which the thread at that site waits for a lock, with the frames of the library that has it: the innermost whose name says what it
/// does; the application's own only if it waits itself. None if that is no lock.
pub(crate) fn taken_in<'s>(site: &'s Site<'_>) -> Option<&'s str> {
    let native = site.frames.iter().take_while(|frame| frame.language == "native");
    let own = native.clone().position(Frame::is_application).unwrap_or(site.frames.len());
    let functions = native.take(own.max(1)).filter_map(|frame| frame.function.as_deref());
    let mut telling = functions.filter_map(|function| Some((function, takes_lock(function)?)));
    telling.next().filter(|(_, takes)| *takes).map(|(function, _)| function)
}

/// Whether a function of this name, mangled or not, takes a lock; None where the name does not say.
fn takes_lock(function: &str) -> Option<bool> {
    let is_among = |list: &[&str]| words(function).any(|word| list.iter().any(|known| known.eq_ignore_ascii_case(word)));
    match (is_among(WAITS_OTHERWISE), is_among(TAKES)) {
        (true, _) => Some(false),
        (false, true) => Some(true),
        (false, false) => None,
    }
}

/// The words of a name: parted by digits and signs (the lengths in mangled names, too), and before capitals (`LockSlow`).
fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|sign: char| !sign.is_ascii_alphabetic()).flat_map(|part| {
        let mut rest = part;
        std::iter::from_fn(move || {
            let (word, behind) = rest.split_at(first_word(rest));
            rest = behind;
            (!word.is_empty()).then_some(word)
        })
    })
}

/// How long the first word is of letters without a sign between them.
fn first_word(letters: &str) -> usize {
    let bytes = letters.as_bytes();
    let begins = |&at: &usize| {
        let in_word = bytes[at - 1].is_ascii_lowercase() || bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
        bytes[at].is_ascii_uppercase() && in_word
    };
    (1..bytes.len()).find(begins).unwrap_or(bytes.len())
}
