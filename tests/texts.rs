//! What forkguard reads out of options and out of what programs are given.

use forkguard_core::numbers::Numbers;
use forkguard_report::pattern::matches;

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

fn read(mut numbers: Numbers, text: &str) -> Vec<i32> {
    text.bytes().chain([0]).filter_map(|byte| numbers.take(byte)).collect()
}

#[test]
fn numbers_in_arguments() {
    let cases: [(&str, &[i32]); 6] =
        [("7", &[7]), ("--fd=12", &[12]), ("-f7 /dev/fd/8", &[7, 8]), ("99999999999", &[]), ("none", &[]), ("", &[])];
    for (text, expected) in cases {
        assert_eq!(read(Numbers::of_argument(), text), expected, "{text}");
    }
}

#[test]
fn numbers_in_the_environment() {
    let cases: [(&str, &[i32]); 7] = [
        ("HELPER_FD=7", &[7]),
        ("HELPER_FDS=7,8:9 10", &[7, 8, 9, 10]),
        ("LANG=C.UTF-8", &[]),
        ("NGINX=6;7;", &[6, 7]),
        // Too much: a descriptor that is spared wrongly leaks as it would have without the library.
        ("LS_COLORS=di=01;34:ln=01;36", &[1, 34, 1, 36]),
        ("A7=x7", &[]),
        ("LIMIT=99999999999", &[]),
    ];
    for (text, expected) in cases {
        assert_eq!(read(Numbers::of_variable(), text), expected, "{text}");
    }
}
