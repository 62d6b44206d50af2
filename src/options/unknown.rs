//! Variables whose names begin like options and are none: most are misspelt.
use std::ffi::{CStr, c_char};
use std::fmt::Arguments;

unsafe extern "C" {
    static environ: *const *const c_char;
}

/// One line for each of them, with the one of `options` that comes nearest.
pub(super) fn print_all<'o, O: Iterator<Item = &'o str>>(options: impl Fn() -> O, print: fn(Arguments<'_>)) {
    for name in names().filter(|name| name.starts_with("FORKGUARD_") && options().all(|option| option != *name)) {
        let nearest = options().min_by_key(|option| distance(name, option)).unwrap_or_default();
        print(format_args!("no option {name}; {nearest}?"));
    }
}

/// The names of all variables that are UTF-8. Called in the constructor, while nobody changes the environment.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let entry = |index| {
        // SAFETY: null, or a list that ends with a null, behind which nothing is asked for.
        let text = unsafe { if environ.is_null() { environ.cast() } else { *environ.add(index) } };
        (!text.is_null()).then_some(text)
    };
    // SAFETY: its entries are strings.
    let text = |entry| unsafe { CStr::from_ptr(entry) }.to_str().ok();
    (0..).map_while(entry).filter_map(move |entry| Some(text(entry)?.split_once('=')?.0))
}

/// How many letters must be put in, left out or changed to make one name of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    const LONGEST: usize = 64;
    let (one, other) = (one.as_bytes(), &other.as_bytes()[..other.len().min(LONGEST)]);
    let mut row: [usize; LONGEST + 1] = std::array::from_fn(|index| index);
    for (above, letter) in one.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (index, its) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != its);
            diagonal = row[index + 1];
            row[index + 1] = changed.min(diagonal + 1).min(row[index] + 1);
        }
    }
    row[other.len()]
}
