//! The command line of `touchstone-node`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use touchstone_language::{Language, help, usage};

use crate::admin::AdminRequest;
use crate::lifecycle::KeyHistory;
use crate::messages;

/// A node of a Touchstone consortium.
#[derive(Parser)]
#[command(
    name = "touchstone-node",
    version = touchstone_edge::release::VERSION,
    after_help = "Examples:\n  \
        touchstone-node init --config node.toml --new-key    create the data folder of a new validator\n  \
        touchstone-node init --config node.toml --used-key   the same after its disk was replaced\n  \
        touchstone-node run --config node.toml               run until Ctrl-C\n  \
        touchstone-node admin status                         show where a running node is, and its peers\n\n\
        RUST_LOG sets what is logged (info by default). An encrypted key KEY.pem is opened by the passphrase in\n\
        KEY.pem.passphrase, systemd's credential touchstone-network-passphrase or touchstone-validator-passphrase,\n\
        TOUCHSTONE_PASSPHRASE, or a prompt.\n\
        Exit codes: 0 stopped as asked, 1 failed while it ran, 2 wrong command line, 3 configuration or key can't be\n\
        used, 4 the data folder needs its operator: starting again helps after 1 alone."
)]
pub struct NodeArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: NodeCommand,
    /// Language of what is printed [default: that of LC_ALL, LC_MESSAGES or LANG]
    #[arg(long, global = true, env = "TOUCHSTONE_LANG", value_name = "LANG")]
    pub lang: Option<Language>,
}

/// What the program does.
#[derive(Subcommand)]
pub enum NodeCommand {
    /// Create the data folder: the database at genesis and, for a validator, the double-sign guard.
    Init {
        /// The configuration file.
        #[arg(long, default_value = "node.toml")]
        config: PathBuf,
        /// What a validator's key has signed on this chain before.
        #[command(flatten)]
        history: SigningHistory,
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
        /// What is asked of the node.
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
pub enum AdminVerb {
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
    /// The question over the socket.
    pub fn request(self) -> AdminRequest {
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
pub struct SigningHistory {
    /// Nothing: the chain or the validator is new.
    #[arg(long)]
    pub new_key: bool,
    /// Nothing above this height.
    #[arg(long, value_name = "HEIGHT")]
    pub signed_to: Option<u64>,
    /// It isn't known: sign nothing until the others confirm a height.
    #[arg(long)]
    pub used_key: bool,
}

impl SigningHistory {
    /// As the data folder is made with it; none where nothing was said.
    pub fn read(&self) -> Option<KeyHistory> {
        match self.signed_to {
            Some(height) => Some(KeyHistory::SignedTo(height)),
            None if self.new_key => Some(KeyHistory::New),
            None => self.used_key.then_some(KeyHistory::Unknown),
        }
    }
}

/// Why a command line isn't carried out.
pub struct NotParsed {
    /// Clap's own words and its exit code: help and version are answers, not errors.
    pub error: clap::Error,
    /// The same in the language that is asked for; none where clap's own are.
    pub text: Option<String>,
}

/// Reads a command line, its help in the language that it asks for.
pub fn parsed(arguments: &[OsString]) -> Result<NodeArguments, NotParsed> {
    let language = Language::of_arguments(arguments);
    let mut command = help::in_language(NodeArguments::command(), language, messages::help());
    let matches = command.try_get_matches_from_mut(help::asked_by_option(arguments, language));
    let read = matches.and_then(|matches| {
        NodeArguments::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    });
    read.map_err(|error| NotParsed {
        text: usage::explained(&error, language, messages::sentences()),
        error,
    })
}
