//! How the pieces of a report read for a person; formatting allocates nothing.
use crate::event::{Frame, Site};
use std::fmt::{Display, Formatter, Result, Write};

/// A text from the host process on one line of a terminal: control characters are escaped.
pub struct Plain<'a>(pub &'a str);

impl Display for Plain<'_> {
    fn fmt(&self, out: &mut Formatter) -> Result {
        self.0.chars().try_for_each(|char| match char.is_control() {
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

/// `file:line in function` where the source is known, `library+0xoffset (symbol)` elsewhere; `{:#}` writes whole paths.
impl Display for Frame<'_> {
    fn fmt(&self, out: &mut Formatter) -> Result {
        let whole = out.alternate();
        let shown = |path| Plain(if whole { path } else { base(path) });
        match (&self.file, &self.module) {
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

/// The last part of a path.
fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl Site<'_> {
    /// The innermost frame whose source is known, or else the innermost of all.
    pub fn innermost(&self) -> Option<&Frame<'_>> {
        self.frames.iter().find(|frame| frame.file.is_some()).or(self.frames.first())
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
        let site = Site { role: crate::event::Role::Opened, thread: None, frames: vec![native, source].into() };
        assert_eq!(site.innermost().unwrap().to_string(), "app.py:13 in PQconnectdb");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(Plain("a\n\u{1b}[31mü").to_string(), "a\\n\\u{1b}[31mü");
    }
}
