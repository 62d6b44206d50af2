//! A file of rules for FORKGUARD_SUPPRESS. Its first line is the text that the patterns are held against.
use forkguard_report::{pattern, suppress};

pub(super) fn run(bytes: &[u8]) -> usize {
    let Ok(text) = str::from_utf8(bytes) else { return 0 };
    let count = text.lines().count();
    assert!(suppress::invalid_lines(text).all(|line| (1..=count).contains(&line)));
    let mut lines = text.lines();
    let subject = lines.next().unwrap_or_default().as_bytes();
    for line in lines.filter(|line| line.len() < 24 && subject.len() < 64) {
        assert_eq!(pattern::matches(line.as_bytes(), subject), plainly(line.as_bytes(), subject), "{line:?} {subject:?}");
    }
    count - suppress::invalid_lines(text).count()
}

/// What a pattern means, written down as it is said.
fn plainly(pattern: &[u8], text: &[u8]) -> bool {
    // `possible[n]`: the pattern so far stands for the first n bytes.
    let mut possible: Vec<bool> = (0..=text.len()).map(|end| end == 0).collect();
    for &byte in pattern {
        let before = possible.clone();
        for end in 0..=text.len() {
            possible[end] = match byte {
                b'*' => before[..=end].contains(&true),
                _ => end > 0 && before[end - 1] && (byte == b'?' || byte == text[end - 1]),
            };
        }
    }
    possible[text.len()]
}
