//! Linkers' names of functions as people write them, as far as that takes no memory.
use core::fmt::{Display, Formatter, Result};

/// A linker's name, to be shown: Rust's as it is written in the source, C++'s without its parameters. Other names, and C++'s with templates or
/// abbreviations in them, stay as they are.
pub struct Readable<'n>(pub &'n str);

impl Display for Readable<'_> {
    fn fmt(&self, out: &mut Formatter) -> Result {
        if let Some(name) = rust(self.0) {
            // Without the hash behind it.
            return write!(out, "{name:#}");
        }
        match nested(self.0).or_else(|| plain(self.0)) {
            Some(parts) => parts.write(out),
            None => out.write_str(self.0),
        }
    }
}

/// A name of Rust's. Its older ones look like those of C++, but for the hash at their end.
fn rust(name: &str) -> Option<rustc_demangle::Demangle<'_>> {
    let is_rusts = name.starts_with("_R") || name.rsplit_once("17h").is_some_and(|(_, hash)| hash.len() == 17);
    rustc_demangle::try_demangle(name).ok().filter(|_| is_rusts)
}

/// The parts of a C++ name: numbers of bytes, each followed by so many.
struct Parts<'n> {
    text: &'n str,
    /// Constructors and destructors have no name of their own.
    last: Option<&'static str>,
}

/// `_ZN` qualifiers parts `E` (Itanium C++ ABI, 5.1.3).
fn nested(name: &str) -> Option<Parts<'_>> {
    let all = name.strip_prefix("_ZN")?.trim_start_matches(['r', 'V', 'K']);
    let rest = after_parts(all);
    let text = &all[..all.len() - rest.len()];
    let constructors = [("C1E", ""), ("C2E", ""), ("D0E", "~"), ("D1E", "~"), ("D2E", "~")];
    let last = constructors.into_iter().find(|(end, _)| rest.starts_with(end)).map(|(_, sign)| sign);
    (!text.is_empty() && (last.is_some() || rest.starts_with('E'))).then_some(Parts { text, last })
}

/// `_Z` part parameters, and `_ZL` for static functions.
fn plain(name: &str) -> Option<Parts<'_>> {
    let all = name.strip_prefix("_Z")?;
    let all = all.strip_prefix('L').unwrap_or(all);
    let (_, rest) = part(all)?;
    // A template's arguments.
    (!rest.starts_with('I')).then_some(Parts { text: &all[..all.len() - rest.len()], last: None })
}

/// The first part, and what follows it.
fn part(text: &str) -> Option<(&str, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (length, rest) = text.split_at(digits);
    rest.split_at_checked(length.parse().ok().filter(|&length: &usize| length > 0)?)
}

fn after_parts(mut text: &str) -> &str {
    while let Some((_, rest)) = part(text) {
        text = rest;
    }
    text
}

impl Parts<'_> {
    fn write(&self, out: &mut Formatter) -> Result {
        let (mut rest, mut before, mut innermost) = (self.text, "", "");
        while let Some((name, next)) = part(rest) {
            let name = if name.starts_with("_GLOBAL__N") { "(anonymous namespace)" } else { name };
            write!(out, "{before}{name}")?;
            (rest, before, innermost) = (next, "::", name);
        }
        self.last.map_or(Ok(()), |sign| write!(out, "::{sign}{innermost}"))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::Readable;
    use std::string::ToString;

    #[test]
    fn names_are_written_as_in_the_source() {
        for (name, readable) in [
            ("_ZN3std4sync5mutex14Mutex$LT$T$GT$4lock17h0123456789abcdefE", "std::sync::mutex::Mutex<T>::lock"),
            ("_RNvMs_NtCs1234_7mycrate3fooNtB4_3Bar3new", "<mycrate::foo::Bar>::new"),
            ("_ZN7Service5startEv", "Service::start"),
            ("_ZNK3net6Client4sendERKSs", "net::Client::send"),
            ("_ZN12_GLOBAL__N_14workEi", "(anonymous namespace)::work"),
            ("_ZN4PoolC2Ev", "Pool::Pool"),
            ("_ZN3app4PoolD1Ev", "app::Pool::~Pool"),
            ("_Z7refreshPv", "refresh"),
            ("_ZL4workv", "work"),
        ] {
            assert_eq!(Readable(name).to_string(), readable);
        }
    }

    #[test]
    fn what_cannot_be_read_stays() {
        let cut = "_ZN3std4sync5mutex14Mutex$LT$T$GT$4lock17h0123456789ab";
        for name in [
            "main",
            "",
            "_Z",
            "_ZN",
            "_ZNE",
            "_ZNSt6threadC1Ev",
            "_ZN3foo3barIiEEvT_",
            "_Z3maxIiET_S0_S0_",
            "_ZN99999999999999999999a",
            cut,
        ] {
            assert_eq!(Readable(name).to_string(), name);
        }
    }
}
