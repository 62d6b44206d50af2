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

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        let cases = [
            ("127.0.0.1:5432", "127.0.0.1:5432", true),
            ("127.0.0.1:5432", "127.0.0.1:54321", false),
            ("*:5432", "127.0.0.1:5432", true),
            ("*:5432", "127.0.0.1:15432", false),
            ("10.?.0.1:*", "10.2.0.1:80", true),
            ("10.?.0.1:*", "10.22.0.1:80", false),
            ("[::1]:*", "[::1]:6379", true),
            ("*.s.PGSQL.*", "/run/.s.PGSQL.5432", true),
            ("@*bus*", "@/tmp/dbus-1", true),
            ("*a*b*c", "xaxbxbxc", true),
            ("*a*b*c", "xaxbxbx", false),
            ("fd:7", "fd:71", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }
}
