//! How the pieces of a report read for a person; formatting allocates nothing.
use crate::event::{Finding, Frame, Role, Site};
use std::fmt::{Display, Formatter, Result, Write};
use std::ops::RangeInclusive;

/// A text from the host process on one line of a terminal: what would steer the terminal, or read otherwise than it is, is escaped. All
/// that is printed passes here.
pub struct Plain<'a>(pub &'a str);

/// Characters without a shape of their own, beside control characters: soft hyphen, joiners, directions, fillers, separators, tags
/// (Unicode's format characters and those that its security mechanisms, UTS 39, call default-ignorable).
const UNSEEN: [RangeInclusive<char>; 15] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{600}'..='\u{605}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff9}'..='\u{fffb}',
    '\u{e0000}'..='\u{e0fff}',
];

/// True for a character that must not reach a terminal.
fn is_unseen(char: char) -> bool {
    char.is_control() || !char.is_ascii() && UNSEEN.iter().any(|range| range.contains(&char))
}

/// True for a line of which [`Plain`] makes no other.
pub fn is_plain(line: &str) -> bool {
    !line.chars().any(is_unseen)
}

impl Display for Plain<'_> {
    fn fmt(&self, out: &mut Formatter) -> Result {
        self.0.chars().try_for_each(|char| match is_unseen(char) {
            true => write!(out, "{}", char.escape_default()),
            false => out.write_char(char),
        })
    }
}

/// A number of things: "1 finding", "2 findings".
pub struct Count<'a>(pub u64, pub &'a str);

impl Display for Count<'_> {
    fn fmt(&self, out: &mut Formatter) -> Result {
        write!(out, "{} {}{}", self.0, self.1, if self.0 == 1 { "" } else { "s" })
    }
}

/// `file:line in function` where the source is known, `library+0xoffset (symbol)` elsewhere; `{:#}` writes whole paths, without it
/// an installed package's files begin with the package and all others are their last part.
impl Display for Frame<'_> {
    fn fmt(&self, out: &mut Formatter) -> Result {
        let whole = out.alternate();
        let shown = |path| Plain(if whole { path } else { in_package(path).unwrap_or_else(|| base(path)) });
        let source = self.file.as_deref().filter(|_| whole || !self.is_interpreters());
        match (source, &self.module) {
            (Some(file), _) => {
                write!(out, "{}", shown(file))?;
                self.line.map_or(Ok(()), |line| write!(out, ":{line}"))?;
                self.function.as_ref().map_or(Ok(()), |function| write!(out, " in {}", Plain(function)))
            }
            (None, Some(module)) => {
                write!(out, "{}", shown(module))?;
                self.offset.map_or(Ok(()), |offset| write!(out, "+{offset:#x}"))?;
                self.function.as_ref().map_or(Ok(()), |function| write!(out, " ({})", Plain(function)))
            }
            (None, None) => write!(out, "{}", Plain(self.function.as_deref().unwrap_or("unknown code"))),
        }
    }
}

/// A frame's file and line, without its function.
pub struct Place<'a>(&'a Frame<'a>);

impl Display for Place<'_> {
    fn fmt(&self, out: &mut Formatter) -> Result {
        let Place(frame) = self;
        let Some(file) = &frame.file else { return write!(out, "{frame}") };
        write!(out, "{}", Plain(in_package(file).unwrap_or_else(|| base(file))))?;
        frame.line.map_or(Ok(()), |line| write!(out, ":{line}"))
    }
}

/// The last part of a path.
fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The part of a path that begins with the installed package.
pub fn in_package(path: &str) -> Option<&str> {
    ["/site-packages/", "/dist-packages/", "/gems/"].iter().find_map(|place| path.rsplit_once(place)).map(|(_, rest)| rest)
}

/// Parts of the paths of what somebody else wrote: installed packages, and the languages' own libraries.
const NOT_APPLICATION: [&str; 13] = [
    "/site-packages/",
    "/dist-packages/",
    "/lib/python3.",
    "/gems/",
    "/lib/ruby/",
    "/share/ruby/",
    "/vendor/",
    "/share/php/",
    "/share/perl/",
    "/share/perl5/",
    "/lib/perl5/",
    "-linux-gnu/perl",
    "/site_perl/",
];

/// Interpreters, wherever they are installed, and forkguard itself.
const RUNTIMES: [&str; 11] =
    ["libforkguard", "libpython", "python", "libruby", "ruby", "libphp", "php-fpm", "php-cgi", "php", "libperl", "perl"];

/// True for the path of an interpreter, or of forkguard.
pub fn is_runtime(module: &str) -> bool {
    let versioned = |rest: &str| rest.bytes().next().is_none_or(|byte| byte == b'.' || byte.is_ascii_digit());
    RUNTIMES.iter().any(|runtime| base(module).strip_prefix(runtime).is_some_and(versioned))
}

/// Parts of the paths of native code that is compiled into programs from elsewhere: system headers, the compiler's own, Rust's
/// standard library and packages from a registry.
const LIBRARY_SOURCES: [&str; 5] = ["/usr/include/", "/usr/lib/gcc/", "/rustc/", "/lib/rustlib/src/", "/.cargo/registry/src/"];

/// True for the path of native code that others wrote than the application's authors: of the system's packages, of an interpreter, of an
/// installed package, forkguard's own.
pub fn is_installed(module: &str) -> bool {
    is_system_path(module) || is_runtime(module) || NOT_APPLICATION.iter().any(|part| module.contains(part))
}

/// True for the path of native code that is a library's, whatever program it was compiled into.
pub fn is_library_source(file: &str) -> bool {
    LIBRARY_SOURCES.iter().any(|part| file.contains(part))
}

/// True for the path of what the system's packages install.
pub fn is_system_path(path: &str) -> bool {
    ["/usr/", "/lib"].iter().any(|place| path.starts_with(place)) && !path.starts_with("/usr/local/")
}

impl Frame<'_> {
    /// True for a frame of forkguard's own, which stands between two of the program's.
    pub fn is_forkguard(&self) -> bool {
        self.module.as_deref().is_some_and(|module| base(module).starts_with("libforkguard."))
    }

    /// True for code of an interpreter's own, whose lines are nobody's to edit.
    pub fn is_interpreters(&self) -> bool {
        self.language == "native" && self.module.as_deref().is_some_and(is_runtime)
    }

    /// True for a line that the application's authors can edit: not of an installed package, the language's own library or code
    /// that is no file, and not of the script that starts an installed program.
    pub fn is_application(&self) -> bool {
        let Some(file) = self.file.as_deref() else { return false };
        if self.language == "native" {
            return self.module.as_deref().is_some_and(|module| !is_installed(module)) && !is_library_source(file);
        }
        let script = file.rsplit_once('/').is_some_and(|(directory, name)| directory.ends_with("/bin") && !name.contains('.'));
        // `(eval)` of Ruby's, `(eval 7)` of Perl's: a text without a line to edit.
        let is_text = file.starts_with('<') || file.starts_with("(eval");
        !script && !is_text && !NOT_APPLICATION.iter().any(|part| file.contains(part))
    }

    /// Its file and line alone.
    pub fn place(&self) -> Place<'_> {
        Place(self)
    }

    /// Who wrote it: the application (no name), or an installed package; None for the language's own library.
    pub fn party(&self) -> Option<&str> {
        if self.is_application() { Some("") } else { self.package() }
    }

    /// The installed package that it is of.
    pub fn package(&self) -> Option<&str> {
        in_package(self.file.as_deref()?)?.split('/').next()
    }
}

impl Site<'_> {
    /// The innermost frame of the application's own; the interpreter that runs it is none of that.
    pub fn application(&self) -> Option<&Frame<'_>> {
        let mut own = self.frames.iter().filter(|frame| frame.is_application());
        own.clone().find(|frame| frame.language != "native").or_else(|| own.next())
    }

    /// The application's own frames, innermost first; the interpreter that runs them is none of that, nor what a server has put around a file's
    /// text without a line of its own.
    pub fn application_frames(&self) -> impl Iterator<Item = &Frame<'_>> {
        let shown = self.application();
        let interpreted = shown.is_some_and(|frame| frame.language != "native");
        let own = self.frames.iter().filter(move |frame| frame.is_application() && (frame.language != "native") == interpreted);
        own.filter(move |frame| !interpreted || frame.line.is_some() || shown.is_some_and(|shown| std::ptr::eq(shown, *frame)))
    }

    /// The frame to show: the application's, else an installed package's, else the innermost whose source is known (an interpreter's own C files
    /// are nobody's line to edit), or else the function by which the innermost library was entered.
    pub fn innermost(&self) -> Option<&Frame<'_>> {
        let mut sources = self.frames.iter().filter(|frame| frame.file.is_some() && !frame.is_interpreters());
        let package = sources.clone().find(|frame| frame.file.as_deref().and_then(in_package).is_some());
        let mut library = self.frames.iter().take_while(|frame| frame.module == self.frames[0].module);
        let entry = library.find(|frame| frame.function.is_some()).or(self.frames.first());
        self.application().or(package).or_else(|| sources.next()).or(entry)
    }

    /// Where `shown`, a function of an installed package, was called in another file of a package: what a package wraps for itself (its
    /// log, its locks) tells less than who used it.
    pub fn caller(&self, shown: &Frame<'_>) -> Option<&Frame<'_>> {
        let packaged = |frame: &&Frame<'_>| frame.file.as_deref().and_then(in_package).is_some();
        let outer = self.frames.iter().skip_while(|frame| !std::ptr::eq(*frame, shown));
        Some(shown).filter(packaged).and_then(|_| outer.filter(packaged).find(|frame| frame.file != shown.file))
    }
}

impl Role {
    /// Causes come first, then where the cause stood at the fork, then what the child did.
    const fn turn(self) -> u8 {
        match self {
            Role::Waits | Role::Used | Role::Reset => 2,
            Role::Stood => 1,
            _ => 0,
        }
    }

    /// True for a site of the child.
    pub const fn is_effect(self) -> bool {
        self.turn() == Role::Waits.turn()
    }
}

impl<'a> Finding<'a> {
    /// Its sites from cause to effect.
    pub fn story(&self) -> impl Iterator<Item = &Site<'a>> + Clone {
        (0..=Role::Waits.turn()).flat_map(move |turn| self.sites.iter().filter(move |site| site.role.turn() == turn))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_read_as_the_field_writes_them() {
        let native = Frame {
            language: "native".into(),
            function: Some("PQconnectdb".into()),
            file: None,
            line: None,
            module: Some("/usr/lib/libpq.so.5".into()),
            offset: Some(0x1234),
            build_id: None,
        };
        assert_eq!(native.to_string(), "libpq.so.5+0x1234 (PQconnectdb)");
        assert_eq!(format!("{native:#}"), "/usr/lib/libpq.so.5+0x1234 (PQconnectdb)");
        let source = Frame { language: "python".into(), file: Some("/srv/app.py".into()), line: Some(13), ..native.clone() };
        assert_eq!(format!("{source:#}"), "/srv/app.py:13 in PQconnectdb");
        let nowhere = Frame { function: None, module: None, ..native.clone() };
        assert_eq!(nowhere.to_string(), "unknown code");
        let inside = Frame { function: None, ..native.clone() };
        let site = |frames: &[&Frame<'static>]| {
            let frames = frames.iter().map(|&frame| frame.clone()).collect();
            Site { role: crate::event::Role::Opened, thread: None, frames }
        };
        assert_eq!(site(&[&native, &source]).innermost().unwrap().to_string(), "app.py:13 in PQconnectdb");
        assert_eq!(site(&[&inside, &native]).innermost().unwrap().to_string(), "libpq.so.5+0x1234 (PQconnectdb)");
        assert!(site(&[]).innermost().is_none());
    }

    #[test]
    fn the_line_to_edit_is_the_applications_own() {
        let frame = |file: &'static str, line| Frame {
            language: "python".into(),
            function: Some("f".into()),
            file: Some(file.into()),
            line: Some(line),
            module: None,
            offset: None,
            build_id: None,
        };
        let site =
            |frames: &[Frame<'static>]| Site { role: crate::event::Role::Started, thread: None, frames: frames.to_vec().into() };
        let shown = |frames: &[Frame<'static>]| format!("{:#}", site(frames).innermost().unwrap());
        let library = [
            frame("/usr/lib/python3.11/threading.py", 957),
            frame("<frozen runpy>", 1),
            frame("/srv/venv/lib/python3.11/site-packages/redis/connection.py", 5),
            frame("/usr/lib/python3/dist-packages/gunicorn/arbiter.py", 6),
            frame("/srv/venv/bin/gunicorn", 8),
        ];
        assert!(site(&library).application().is_none());
        assert_eq!(shown(&library[..2]), "/usr/lib/python3.11/threading.py:957 in f");
        assert_eq!(site(&library).innermost().unwrap().to_string(), "redis/connection.py:5 in f");
        let with_application = [library.to_vec(), vec![frame("/srv/app/db.py", 12), frame("/srv/app/wsgi.py", 3)]].concat();
        assert_eq!(shown(&with_application), "/srv/app/db.py:12 in f");
        let wrapper = Frame { line: None, ..frame("/srv/app/config.ru", 0) };
        let lines = |frames: &[Frame<'static>]| site(frames).application_frames().map(|frame| frame.line).collect::<Vec<_>>();
        assert_eq!(lines(&[frame("/srv/app/config.ru", 4), wrapper.clone()]), [Some(4)]);
        assert_eq!(lines(&[wrapper]), [None]);
        for evaluated in ["(eval)", "(eval at /srv/app/shop.rb:3)", "(eval 7)"] {
            assert_eq!(shown(&[frame(evaluated, 3), frame("/srv/app/db.py", 12)]), "/srv/app/db.py:12 in f");
        }
    }

    #[test]
    fn interpreters_are_not_the_applications_own() {
        let application = |module: &'static str| {
            let (language, file, line) = ("native".into(), Some("./main.c".into()), Some(3));
            Frame { language, function: None, file, line, module: Some(module.into()), offset: Some(1), build_id: None }
                .is_application()
        };
        for module in ["/srv/bin/server", "/usr/local/lib/libshop.so", "/srv/bin/pythonista", "/srv/bin/rubyfmt"] {
            assert!(application(module), "{module}");
        }
        for module in [
            "/usr/lib/libpq.so.5",
            "/usr/local/bin/python3.11",
            "/opt/python/lib/libpython3.11.so.1.0",
            "/home/me/.rbenv/bin/ruby",
            "/usr/local/sbin/php-fpm",
            "/opt/forkguard/libforkguard.so",
        ] {
            assert!(!application(module), "{module}");
        }
    }

    #[test]
    fn native_lines_to_edit_are_not_those_of_headers() {
        let frame = |module: &'static str, file: &'static str| Frame {
            language: "native".into(),
            function: None,
            file: Some(file.into()),
            line: Some(7),
            module: Some(module.into()),
            offset: Some(1),
            build_id: None,
        };
        assert!(frame("/srv/server", "/build/main.c").is_application());
        assert!(frame("/usr/local/bin/server", "main.c").is_application());
        assert!(!frame("/opt/forkguard/libforkguard.so", "src/hooks/fork.rs").is_application());
        assert!(!frame("/usr/lib/libpq.so.5", "/build/fe-connect.c").is_application());
        for header in [
            "/usr/include/c++/12/bits/std_mutex.h",
            "/usr/lib/gcc/x86_64-linux-gnu/12/include/xmmintrin.h",
            "/rustc/59807616/library/std/src/thread/mod.rs",
            "/home/me/.cargo/registry/src/index.crates.io-1/rayon-core-1.12.1/src/registry.rs",
        ] {
            assert!(!frame("/srv/server", header).is_application(), "{header}");
        }
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(Plain("a\n\u{1b}[31mü").to_string(), "a\\n\\u{1b}[31mü");
        assert_eq!(Plain("\u{9b}31m\u{7f}").to_string(), "\\u{9b}31m\\u{7f}");
    }

    #[test]
    fn nothing_reads_otherwise_than_it_is() {
        for unseen in "\u{202e}\u{2066}\u{200b}\u{200d}\u{feff}\u{ad}\u{2028}\u{e0041}\u{3164}".chars() {
            assert_eq!(Plain(&format!("a{unseen}b")).to_string(), format!("a\\u{{{:x}}}b", unseen as u32));
        }
        for text in ["naïve — 日本語 עברית", "\u{1f980}"] {
            assert_eq!(Plain(text).to_string(), text);
        }
    }
}
