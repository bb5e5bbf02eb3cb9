//! Compiles the two protocol files of the tree; protox needs no protoc on the machine.
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let files = ["guest.proto", "warden.proto"];
    for file in files {
        println!("cargo:rerun-if-changed={}", proto.join(file).display());
    }
    let set = protox::compile(files, [&proto])?;
    prost_build::Config::new().compile_fds(set)?;
    Ok(())
}
