//! Compiles the .proto files with protox (no protoc needed).

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=touchstone");
    let files = protox::compile(
        [
            "touchstone/ledger.proto",
            "touchstone/node.proto",
            "touchstone/peer.proto",
            "touchstone/evidence.proto",
        ],
        ["."],
    )?;
    let services = std::env::var_os("CARGO_FEATURE_SERVICES").is_some();
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(
        out.join("descriptors.bin"),
        prost::Message::encode_to_vec(&files),
    )?;
    tonic_prost_build::configure()
        .build_client(services)
        .build_server(services)
        // A pulse is larger than all that other actions hold beside their lists.
        .boxed(".touchstone.ledger.v1.ShowPulse.pulse")
        .compile_fds(files)?;
    Ok(())
}
