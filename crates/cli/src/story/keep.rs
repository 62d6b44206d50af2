//! Texts, frames and stacks of a report, each kept once whoever reads it.
use forkguard_report::event::{Frame, Site};
use forkguard_report::text::{Plain, is_plain};
use indexmap::IndexSet;
use parking_lot::RwLock;
use std::hash::Hash;

/// Characters of a text that are kept.
const LONGEST: usize = 2000;

/// A text; the first one is empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Text(u32);

/// A stack of frames; the first one is empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Stack(u32);

/// A frame with its texts by number.
#[derive(Clone, PartialEq, Eq, Hash)]
struct FrameKey {
    language: Text,
    function: Option<Text>,
    file: Option<Text>,
    line: Option<u32>,
    module: Option<Text>,
    offset: Option<u64>,
    build_id: Option<Text>,
}

/// Values of which each is kept once, found by number.
pub(crate) struct Kept<T>(RwLock<IndexSet<T>>);

impl<T> Default for Kept<T> {
    fn default() -> Kept<T> {
        Kept(RwLock::default())
    }
}

impl<T: Eq + Hash + Clone> Kept<T> {
    pub(crate) fn keep(&self, value: T) -> u32 {
        let known = self.0.read().get_index_of(&value);
        known.unwrap_or_else(|| self.0.write().insert_full(value).0) as u32
    }

    pub(crate) fn get(&self, number: u32) -> T {
        self.0.read()[number as usize].clone()
    }
}

/// All that is kept of the reports.
pub(crate) struct Keep {
    texts: RwLock<IndexSet<Box<str>>>,
    frames: Kept<FrameKey>,
    stacks: Kept<Box<[u32]>>,
}

impl Default for Keep {
    fn default() -> Keep {
        let keep = Keep { texts: RwLock::default(), frames: Kept::default(), stacks: Kept::default() };
        keep.texts.write().insert("".into());
        keep.stacks.keep([].into());
        keep
    }
}

impl Keep {
    /// Keeps a text, fit for a terminal and no longer than is shown: a report may be anybody's.
    pub(crate) fn text(&self, text: &str) -> Text {
        if text.len() <= LONGEST && is_plain(text) {
            return self.plain(text);
        }
        let mut plain: String = Plain(text).to_string();
        if let Some((cut, _)) = plain.char_indices().nth(LONGEST) {
            plain.truncate(cut);
            plain.push('…');
        }
        self.plain(&plain)
    }

    fn plain(&self, text: &str) -> Text {
        let known = self.texts.read().get_index_of(text);
        Text(known.unwrap_or_else(|| self.texts.write().insert_full(text.into()).0) as u32)
    }

    /// A text that was kept.
    pub(crate) fn read(&self, text: Text) -> String {
        self.texts.read()[text.0 as usize].to_string()
    }

    /// Keeps the frames of a site, but forkguard's own.
    pub(crate) fn stack(&self, site: &Site) -> Stack {
        let frames = site.frames.iter().filter(|frame| !frame.is_forkguard()).map(|frame| self.frames.keep(self.key(frame)));
        Stack(self.stacks.keep(frames.collect()))
    }

    fn key(&self, frame: &Frame) -> FrameKey {
        let text = |text: &Option<std::borrow::Cow<str>>| text.as_deref().map(|text| self.text(text));
        FrameKey {
            language: self.text(&frame.language),
            function: text(&frame.function),
            file: text(&frame.file),
            line: frame.line,
            module: text(&frame.module),
            offset: frame.offset,
            build_id: text(&frame.build_id),
        }
    }

    /// The frames of a stack.
    pub(crate) fn frames(&self, stack: Stack) -> Vec<Frame<'static>> {
        self.stacks.get(stack.0).iter().map(|&frame| self.frame(self.frames.get(frame))).collect()
    }

    fn frame(&self, key: FrameKey) -> Frame<'static> {
        let text = |text: Option<Text>| text.map(|text| self.read(text).into());
        Frame {
            language: self.read(key.language).into(),
            function: text(key.function),
            file: text(key.file),
            line: key.line,
            module: text(key.module),
            offset: key.offset,
            build_id: text(key.build_id),
        }
    }
}

impl Stack {
    /// True for one without frames.
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::Keep;

    #[test]
    fn texts_are_kept_once_plain_and_short() {
        let keep = Keep::default();
        assert_eq!(keep.text("a"), keep.text("a"));
        assert_eq!(keep.read(keep.text("\u{1b}[2J")), "\\u{1b}[2J");
        let long = keep.read(keep.text(&"\u{202e}".repeat(1_000_000)));
        assert_eq!(long.chars().count(), super::LONGEST + 1);
        assert_eq!(keep.read(keep.text("")), "");
    }
}
