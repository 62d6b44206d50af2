//! Tells the linker the versions of symbols that the library exports. (rustc's own script knows none; GNU ld takes only one of the two kinds,
//! lld, the default of Rust's toolchains, takes both.)
fn main() {
    let versions = "src/hooks/versions.map";
    println!("cargo:rerun-if-changed={versions}");
    println!("cargo:rustc-cdylib-link-arg=-Wl,--version-script={}/{versions}", env!("CARGO_MANIFEST_DIR"));
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libforkguard.so");
    // The unwinder that std asks for comes with us: every program that is executed would load libgcc_s.so.1, whose constructor alone costs more.
    println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
    println!("cargo:rustc-cdylib-link-arg=-Wl,--exclude-libs,libgcc_eh.a");
}
