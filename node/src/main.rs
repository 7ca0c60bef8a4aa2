//! `touchstone-node`: one organisation's node.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program speaks to its user"
)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use touchstone_node::assembly::{self, NodeError};
use touchstone_node::config;
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A node of a Touchstone consortium.
#[derive(Parser)]
#[command(
    name = "touchstone-node",
    version,
    after_help = "Examples:\n  \
        touchstone-node init --config node.toml   create the data folder from the genesis document\n  \
        touchstone-node run --config node.toml    run until Ctrl-C\n\n\
        RUST_LOG sets what is logged (info by default). TOUCHSTONE_PASSPHRASE opens encrypted keys.\n\
        Exit codes: 0 stopped as asked, 1 could not start or failed."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Create the data folder: the database at genesis and, for a validator, the double-sign guard.
    Init {
        /// The configuration file.
        #[arg(long, default_value = "node.toml")]
        config: PathBuf,
    },
    /// Run the node until Ctrl-C or SIGTERM.
    Run {
        /// The configuration file.
        #[arg(long, default_value = "node.toml")]
        config: PathBuf,
        /// Log as JSON lines.
        #[arg(long)]
        log_json: bool,
    },
    /// Make a new double-sign guard where the old one is lost or damaged. Only after making sure
    /// that no other copy of this validator runs and that it signed nothing above `height`.
    ResetGuard {
        /// The configuration file.
        #[arg(long, default_value = "node.toml")]
        config: PathBuf,
        /// Nothing at or below this height will be signed.
        #[arg(long)]
        height: u64,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("touchstone-node: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), NodeError> {
    match command {
        Command::Init { config } => {
            let loaded = config::load(&config)?;
            assembly::initialise(&loaded)?;
            println!("data folder {} is ready", loaded.config.data.display());
            println!("chain id {}", hex::encode(loaded.genesis.chain_id));
            Ok(())
        }
        Command::Run { config, log_json } => {
            log_to_stderr(log_json);
            let loaded = config::load(&config)?;
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
                .map_err(NodeError::Thread)?;
            let (ready, _) = oneshot::channel();
            runtime.block_on(assembly::run(loaded, stop_signal(), ready))
        }
        Command::ResetGuard { config, height } => {
            let loaded = config::load(&config)?;
            assembly::reset_guard(&loaded, height)?;
            println!("the guard refuses every signature up to height {height}");
            Ok(())
        }
    }
}

async fn stop_signal() {
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
    tracing::info!("stopping");
}

fn log_to_stderr(json: bool) {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,arc_malachitebft_core_consensus=warn"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if json {
        builder.json().init();
    } else {
        builder.init();
    }
}
