//! `touchstone-node`: one organisation's node.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program speaks to its user"
)]

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use touchstone_edge::core_files;
use touchstone_node::admin::{self, AdminRequest, LogFilter};
use touchstone_node::config;
use touchstone_node::fsck::{self, FsckReport};
use touchstone_node::lifecycle::{self, KeyHistory, NodeError};
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What is logged where `RUST_LOG` says nothing. Libraries of the network warn of what any peer can bring about.
const FILTER: &str = "info,arc_malachitebft_core_consensus=warn,libp2p_gossipsub=error,libp2p_swarm=error,yamux=error";

/// A node of a Touchstone consortium.
#[derive(Parser)]
#[command(
    name = "touchstone-node",
    version = touchstone_edge::release::VERSION,
    after_help = "Examples:\n  \
        touchstone-node init --config node.toml --new-key   create the data folder of a new validator\n  \
        touchstone-node init --config node.toml --used-key  the same after its disk was replaced\n  \
        touchstone-node run --config node.toml    run until Ctrl-C\n  \
        touchstone-node admin status              show where a running node is, and its peers\n\n\
        RUST_LOG sets what is logged (info by default). An encrypted key KEY.pem is opened by the passphrase in\n\
        KEY.pem.passphrase, systemd's credential touchstone-network-passphrase or touchstone-validator-passphrase,\n\
        TOUCHSTONE_PASSPHRASE, or a prompt.\n\
        Exit codes: 0 stopped as asked, 1 failed while it ran, 2 wrong command line, 3 configuration or key can't be\n\
        used, 4 the data folder needs its operator: starting again helps after 1 alone."
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
        #[command(flatten)]
        history: History,
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
    /// Examine a stopped node's data: guard, log, and the database, which is made anew from its blocks and compared.
    Fsck {
        /// The configuration file.
        #[arg(long, default_value = "node.toml")]
        config: PathBuf,
        /// Repair what follows from something sound; damaged files are set aside.
        #[arg(long)]
        repair: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Administrate a running node: who is connected, what is logged, a backup, the end.
    Admin {
        /// The configuration file.
        #[arg(long, default_value = "node.toml", global = true)]
        config: PathBuf,
        #[command(subcommand)]
        verb: AdminVerb,
    },
    /// Make a new double-sign guard: where a node that has only followed begins to vote, or where the old one is
    /// lost or damaged. Only after making sure that no other copy of this validator runs and that it signed
    /// nothing above `height`.
    ResetGuard {
        /// The configuration file.
        #[arg(long, default_value = "node.toml")]
        config: PathBuf,
        /// Nothing at or below this height will be signed; not below the chain's height here.
        #[arg(long)]
        height: u64,
    },
    /// Print the completions of this command line for a shell.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder, which must be there.
    Man {
        /// The folder.
        folder: PathBuf,
    },
}

/// What is asked of a running node, over the socket in its data folder.
#[derive(Subcommand)]
enum AdminVerb {
    /// Show where it is, and which nodes of the chain it is connected to; JSON.
    Status,
    /// Log by this filter from now on, such as info,touchstone_node=debug.
    Log {
        /// The filter, in the words of RUST_LOG.
        filter: String,
    },
    /// Copy the chain into a new folder, while the node goes on. The double-sign guard is never copied.
    Backup {
        /// The folder; it must not exist.
        to: PathBuf,
    },
    /// Stop it, as SIGTERM does.
    Stop,
}

impl AdminVerb {
    fn request(self) -> AdminRequest {
        match self {
            AdminVerb::Status => AdminRequest::Status,
            AdminVerb::Log { filter } => AdminRequest::Log { filter },
            // The node has another working directory. It refuses a path that can't be made absolute.
            AdminVerb::Backup { to } => AdminRequest::Backup {
                to: std::path::absolute(&to).unwrap_or(to),
            },
            AdminVerb::Stop => AdminRequest::Stop,
        }
    }
}

/// What the validator's key has signed on this chain before. A validator that forgets what it has
/// signed may sign twice, so `init` must be told.
#[derive(clap::Args)]
#[group(multiple = false)]
struct History {
    /// Nothing: the chain or the validator is new.
    #[arg(long)]
    new_key: bool,
    /// Nothing above this height.
    #[arg(long, value_name = "HEIGHT")]
    signed_to: Option<u64>,
    /// It isn't known: sign nothing until the others confirm a height.
    #[arg(long)]
    used_key: bool,
}

impl History {
    fn read(&self) -> Option<KeyHistory> {
        match self.signed_to {
            Some(height) => Some(KeyHistory::SignedTo(height)),
            None if self.new_key => Some(KeyHistory::New),
            None => self.used_key.then_some(KeyHistory::Unknown),
        }
    }
}

/// Asks the operator at the terminal; none if there is nobody to ask.
fn ask_for_history() -> Option<KeyHistory> {
    if !std::io::stdin().is_terminal() {
        return None;
    }
    loop {
        println!(
            "What has this validator's key signed on this chain before?\n  \
             new      nothing: the chain or the validator is new\n  \
             HEIGHT   nothing above this height\n  \
             used     it isn't known; sign nothing until the others confirm a height"
        );
        let mut answer = String::new();
        if std::io::stdin().read_line(&mut answer).ok()? == 0 {
            return None;
        }
        match (answer.trim(), answer.trim().parse()) {
            ("new", _) => return Some(KeyHistory::New),
            ("used", _) => return Some(KeyHistory::Unknown),
            (_, Ok(height)) => return Some(KeyHistory::SignedTo(height)),
            _ => {}
        }
    }
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("touchstone-node: {error}");
            if let Some(verb) = error.helps() {
                eprintln!("touchstone-node: {verb}");
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(command: Command) -> Result<(), NodeError> {
    match command {
        Command::Init { config, history } => {
            let loaded = config::load(&config)?;
            let mut history = history.read();
            if history.is_none() && loaded.validator_key.is_some() {
                history = ask_for_history();
            }
            lifecycle::initialise(&loaded, history)?;
            println!("data folder {} is ready", loaded.config.data.display());
            println!("chain id {}", hex::encode(loaded.genesis.chain_id));
            match &loaded.validator_key {
                Some(key) => {
                    let public = hex::encode(key.verifying_key().to_bytes());
                    println!("votes with the key {public}, which must never have signed elsewhere");
                }
                None => {
                    println!("follows without voting; validator_key and reset-guard make it vote")
                }
            }
            Ok(())
        }
        Command::Run { config, log_json } => {
            let log = log_to_stderr(log_json);
            if let Err(error) = core_files::forbid() {
                tracing::warn!(%error, "core files can't be forbidden: one would hold this node's keys");
            }
            let loaded = config::load(&config)?;
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
                .map_err(NodeError::Thread)?;
            let (ready, _) = oneshot::channel();
            runtime.block_on(lifecycle::run(loaded, log, stop_signal(), ready))
        }
        Command::Admin { config, verb } => {
            let folder = config::read_file(&config)?.admin_folder();
            let request = verb.request();
            let answer = admin::client::ask(&folder, &request)?;
            println!("{answer:#}");
            Ok(())
        }
        Command::Fsck {
            config,
            repair,
            json,
        } => {
            let config = config::read_file(&config)?;
            let genesis = config::read_genesis(&config)?;
            let told = |height, of| eprintln!("block {height} of {of} is sound");
            let report = fsck::examine(&config, &genesis, repair, told)?;
            print_report(&report, json);
            match report.left() {
                0 => Ok(()),
                damages => Err(NodeError::Unsound { damages }),
            }
        }
        Command::ResetGuard { config, height } => {
            let loaded = config::load(&config)?;
            lifecycle::reset_guard(&loaded, height)?;
            println!("the guard refuses every signature up to height {height}");
            Ok(())
        }
        Command::Completions { shell } => {
            let mut program = Arguments::command();
            clap_complete::generate(
                shell,
                &mut program,
                "touchstone-node",
                &mut std::io::stdout(),
            );
            Ok(())
        }
        Command::Man { folder } => clap_mangen::generate_to(Arguments::command(), &folder)
            .map_err(|error| NodeError::Manuals { folder, error }),
    }
}

fn print_report(report: &FsckReport, json: bool) {
    if json {
        println!("{:#}", serde_json::json!(report));
        return;
    }
    println!(
        "blocks 1 to {} of {} are sound",
        report.sound_to, report.height
    );
    for damage in &report.damages {
        println!("DAMAGED {}: {}", damage.part, damage.what);
        println!("        {}", damage.way_out);
    }
    for done in &report.repaired {
        println!("REPAIRED {done}");
    }
    if report.damages.is_empty() {
        println!("nothing is damaged");
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

/// Begins to log; what changes the filter.
fn log_to_stderr(json: bool) -> LogFilter {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(FILTER));
    let read = |text: &str| EnvFilter::try_new(text).map_err(|e| e.to_string());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // Colours are for people, not for files.
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if json {
        let builder = builder.json().with_filter_reloading();
        let handle = builder.reload_handle();
        builder.init();
        LogFilter::new(move |text| handle.reload(read(text)?).map_err(|e| e.to_string()))
    } else {
        let builder = builder.with_filter_reloading();
        let handle = builder.reload_handle();
        builder.init();
        LogFilter::new(move |text| handle.reload(read(text)?).map_err(|e| e.to_string()))
    }
}
