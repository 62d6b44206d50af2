//! Tells the linker the versions of symbols that the library exports. (rustc's own script knows none; GNU ld takes only one of the two kinds,
//! lld, the default of Rust's toolchains, takes both.)
use std::path::Path;
use std::{env, fs};

const VERSIONS: &str = "src/hooks/versions.map";

fn main() {
    println!("cargo:rerun-if-changed={VERSIONS}");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libforkguard.so");
    let linker = env::var("RUSTC_LINKER").unwrap_or_default();
    match Path::new(&linker).file_name().is_some_and(|name| name.to_string_lossy().starts_with("zigcc")) {
        true => zig(),
        false => lld(),
    }
}

fn lld() {
    println!("cargo:rustc-cdylib-link-arg=-Wl,--version-script={}/{VERSIONS}", env!("CARGO_MANIFEST_DIR"));
    // The unwinder that std asks for comes with us: every program that is executed would load libgcc_s.so.1, whose constructor alone costs more.
    println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
    println!("cargo:rustc-cdylib-link-arg=-Wl,--exclude-libs,libgcc_eh.a");
}

/// zig, the linker of packages, reads the last script only, and brings an unwinder of its own: ours must hide what rustc's would
/// (`scripts/check-symbols` compares both builds).
fn zig() {
    const HIDDEN: &str =
        "_R*; _ZN*; rust_*; forkguard_*_GLIBC_*; _Unwind_*; unw_*; __unw_*; __register_frame*; __deregister_frame*;";
    let versions = fs::read_to_string(VERSIONS).expect(VERSIONS);
    let script = Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("versions.map");
    fs::write(&script, versions.replacen("{ }", &format!("{{ local: {HIDDEN} }}"), 1)).expect("OUT_DIR");
    println!("cargo:rustc-cdylib-link-arg=-Wl,--version-script={}", script.display());
}
