//! Lines of `NAME=value`, as the environment has them: a value that is refused changes nothing, and every other name is near to some option's.
//! (FORKGUARD_SUPPRESS names a file; what may stand in it is `suppress`.)
use forkguard_options::{DEFAULTS, named, nearest};

pub(super) fn run(bytes: &[u8]) -> usize {
    let Ok(text) = str::from_utf8(bytes) else { return 0 };
    let mut options = DEFAULTS;
    let mut taken = 0;
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        match named(name) {
            Some(row) if name != "FORKGUARD_SUPPRESS" => {
                let before = options;
                let is_taken = options.take(row, value);
                assert!(is_taken || options == before, "{name}={value}");
                taken += usize::from(is_taken);
            }
            Some(_) => {}
            None => assert!(named(nearest(name)).is_some()),
        }
    }
    taken
}
