//! Compiles the one C++ file: the way to OpenJPH, whose interface is C++.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/codec/htj2k.cpp");
    if std::env::var_os("CARGO_FEATURE_HTJ2K").is_some() {
        cc::Build::new()
            .cpp(true)
            .std("c++14")
            .file("src/codec/htj2k.cpp")
            .compile("markgate_htj2k");
        println!("cargo:rustc-link-lib=dylib=openjph");
    }
}
