//! Names that patterns stand for, as a shell writes them.

/// `*` stands for anything, `?` for one byte. Where a `*` was too short it takes one byte more: the last one is enough to go back to.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star = None;
    while read < text.len() {
        match (pattern.get(at), star) {
            (Some(b'*'), _) => {
                star = Some((at, read));
                at += 1;
            }
            (Some(&byte), _) if byte == b'?' || byte == text[read] => (at, read) = (at + 1, read + 1),
            (_, Some((begin, taken))) => {
                star = Some((begin, taken + 1));
                (at, read) = (begin + 1, taken + 1);
            }
            (_, None) => return false,
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}
