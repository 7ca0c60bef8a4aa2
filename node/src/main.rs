//! `touchstone-node`: one organisation's node.

use std::io::{ErrorKind, IsTerminal, Write, stderr, stdout};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::CommandFactory;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use touchstone_edge::{core_files, memory};
use touchstone_language::Language;
use touchstone_node::admin::{self, LogFilter};
use touchstone_node::command_line::{self, NodeArguments, NodeCommand};
use touchstone_node::config;
use touchstone_node::fsck::{self, FsckReport};
use touchstone_node::lifecycle::{self, KeyHistory, NodeError, processor};
use touchstone_node::messages::said;
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What is logged where `RUST_LOG` says nothing. Libraries of the network warn of what any peer can bring about.
const FILTER: &str = "info,arc_malachitebft_core_consensus=warn,libp2p_gossipsub=error,libp2p_swarm=error,yamux=error";

/// Whether a part of the answer couldn't be written.
static IS_LOST: AtomicBool = AtomicBool::new(false);

/// Prints a line. A reader that went away (`| head`) is no error; what else keeps a line from being written is.
fn print(mut to: impl Write, text: &str) {
    match writeln!(to, "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            IS_LOST.store(true, Ordering::Relaxed);
        }
        _ => {}
    }
}

/// Prints in the language that is asked for.
#[derive(Clone, Copy)]
struct Terminal(Language);

impl Terminal {
    /// A line of the answer.
    fn line(self, text: impl AsRef<str>) {
        print(stdout(), &said(self.0, text.as_ref()));
    }

    /// What belongs to the line before.
    fn under(self, text: &str) {
        print(stdout(), &format!("        {}", said(self.0, text)));
    }

    /// Why the program ends, and what helps.
    fn failure(self, text: impl AsRef<str>) {
        let text = said(self.0, text.as_ref());
        print(stderr(), &format!("touchstone-node: {text}"));
    }

    /// A line beside the answer.
    fn remark(self, text: impl AsRef<str>) {
        print(stderr(), &said(self.0, text.as_ref()));
    }
}

/// Asks the operator at the terminal; none if there is nobody to ask.
fn ask_for_history(terminal: Terminal) -> Option<KeyHistory> {
    if !std::io::stdin().is_terminal() {
        return None;
    }
    loop {
        terminal.line("What has this validator's key signed on this chain before?");
        terminal.line("  new      nothing: the chain or the validator is new");
        terminal.line("  HEIGHT   nothing above this height");
        terminal.line("  used     it isn't known; sign nothing until the others confirm a height");
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
    let arguments: Vec<_> = std::env::args_os().collect();
    let NodeArguments { command, lang } = match command_line::parsed(&arguments) {
        Ok(parsed) => parsed,
        Err(wrong) => {
            match wrong.text {
                Some(text) => print(stderr(), &text),
                None => _ = wrong.error.print(),
            }
            return u8::try_from(wrong.error.exit_code()).unwrap_or(2).into();
        }
    };
    let terminal = Terminal(lang.unwrap_or_else(Language::of_environment));
    match run(command, terminal) {
        Ok(()) if IS_LOST.load(Ordering::Relaxed) => {
            terminal.failure("the answer can't be written");
            ExitCode::FAILURE
        }
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal.failure(error.to_string());
            if let Some(verb) = error.helps() {
                terminal.failure(verb);
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(command: NodeCommand, terminal: Terminal) -> Result<(), NodeError> {
    processor::check()?;
    match command {
        NodeCommand::Init { config, history } => {
            let loaded = config::load(&config)?;
            let mut history = history.read();
            if history.is_none() && loaded.validator_key.is_some() {
                history = ask_for_history(terminal);
            }
            lifecycle::initialise(&loaded, history)?;
            let folder = loaded.config.data.display();
            terminal.line(format!("data folder {folder} is ready"));
            terminal.line(format!("chain id {}", hex::encode(loaded.genesis.chain_id)));
            match &loaded.validator_key {
                Some(key) => {
                    let public = hex::encode(key.verifying_key().to_bytes());
                    terminal.line(format!(
                        "votes with the key {public}, which must never have signed elsewhere"
                    ));
                }
                None => terminal
                    .line("follows without voting; validator_key and reset-guard make it vote"),
            }
            Ok(())
        }
        NodeCommand::Run { config, log_json } => {
            let log = log_to_stderr(log_json);
            if let Err(error) = core_files::forbid() {
                tracing::warn!(%error, "core files can't be forbidden: one would hold this node's keys");
            }
            if let Err(error) = memory::in_small_pages() {
                tracing::warn!(%error, "memory comes in huge pages: answers will cost more");
            }
            let loaded = config::load(&config)?;
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
                .map_err(NodeError::Thread)?;
            let (ready, _) = oneshot::channel();
            runtime.block_on(lifecycle::run(loaded, log, stop_signal(), ready))
        }
        NodeCommand::Admin { config, verb } => {
            let folder = config::read_file(&config)?.admin_folder();
            let request = verb.request();
            let answer = admin::client::ask(&folder, &request)?;
            print(stdout(), &format!("{answer:#}"));
            // The answer is for programs; what an operator does is said in the operator's language.
            for notice in [
                "halted",
                "idle_key",
                "silence",
                "clock_alarm",
                "failure_alarm",
            ] {
                if let Some(text) = answer.get(notice).and_then(|text| text.as_str()) {
                    terminal.remark(text);
                }
            }
            Ok(())
        }
        NodeCommand::Fsck {
            config,
            repair,
            json,
        } => {
            let config = config::read_file(&config)?;
            let genesis = config::read_genesis(&config)?;
            let told = |height, of| terminal.remark(format!("block {height} of {of} is sound"));
            let mut report = FsckReport::default();
            let ended = fsck::examine(&config, &genesis, repair, told, &mut report);
            // What was found and done before an error is told, too.
            if ended.is_ok() || report != FsckReport::default() {
                print_report(&report, json, terminal);
            }
            ended?;
            match report.left() {
                0 => Ok(()),
                damages => Err(NodeError::Unsound { damages }),
            }
        }
        NodeCommand::ResetGuard { config, height } => {
            let loaded = config::load(&config)?;
            lifecycle::reset_guard(&loaded, height)?;
            terminal.line(format!(
                "the guard refuses every signature up to height {height}"
            ));
            Ok(())
        }
        NodeCommand::Completions { shell } => {
            let mut program = NodeArguments::command();
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut program, "touchstone-node", &mut script);
            print(stdout(), String::from_utf8_lossy(&script).trim_end());
            Ok(())
        }
        NodeCommand::Man { folder } => clap_mangen::generate_to(NodeArguments::command(), &folder)
            .map_err(|error| NodeError::Manuals { folder, error }),
    }
}

fn print_report(report: &FsckReport, json: bool, terminal: Terminal) {
    if json {
        print(stdout(), &format!("{:#}", serde_json::json!(report)));
        return;
    }
    let (sound_to, height) = (report.sound_to, report.height);
    if report.is_complete || height > 0 {
        terminal.line(format!("blocks 1 to {sound_to} of {height} are sound"));
    }
    for damage in &report.damages {
        terminal.line(format!("DAMAGED {}: {}", damage.part, damage.what));
        terminal.under(damage.way_out);
    }
    for done in &report.repaired {
        terminal.line(format!("REPAIRED {done}"));
    }
    if report.is_complete && report.damages.is_empty() {
        terminal.line("nothing is damaged");
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
