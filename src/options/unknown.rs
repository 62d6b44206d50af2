//! Variables whose names begin like options and are none: most are misspelt.
use forkguard_options::{named, nearest};
use std::ffi::{CStr, c_char};
use std::fmt::Arguments;

unsafe extern "C" {
    static environ: *const *const c_char;
}

/// One line for each of them, with the option that comes nearest.
pub(super) fn print_all(print: fn(Arguments<'_>)) {
    for name in names().filter(|name| name.starts_with("FORKGUARD_") && named(name).is_none()) {
        print(format_args!("no option {name}; {}?", nearest(name)));
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
