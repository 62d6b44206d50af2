//! Tells the linker the versions of symbols that the library exports. (rustc's own script knows none; GNU ld takes only one of the two kinds,
//! lld, the default of Rust's toolchains, takes both.)
fn main() {
    let versions = "src/hooks/versions.map";
    println!("cargo:rerun-if-changed={versions}");
    println!("cargo:rustc-cdylib-link-arg=-Wl,--version-script={}/{versions}", env!("CARGO_MANIFEST_DIR"));
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libforkguard.so");
}
