//! Why a node stopped or didn't start, and the exit code that says so.

use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;
use touchstone_core::Fault;
use touchstone_edge::descriptors::DescriptorError;
use touchstone_edge::tls::TlsError;

use crate::admin::client::AdminError;
use crate::config::ConfigError;
use crate::network::NetworkError;
use crate::storage::double_sign_guard::GuardError;
use crate::storage::files::FolderError;
use crate::storage::rocks::OpenError;
use crate::storage::wal::WalError;

/// Why a node stopped or didn't start.
#[derive(Debug, Error)]
pub enum NodeError {
    /// Configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database.
    #[error("the database in {path}: {error}")]
    Store {
        /// Its folder.
        path: PathBuf,
        /// What is wrong.
        error: OpenError,
    },
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The write-ahead log.
    #[error(transparent)]
    Wal(#[from] WalError),
    /// The double-sign guard.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// A validator without guard.
    #[error(
        "there is no double-sign guard in {path}, and the chain here is at height {height}. If this node has \
         only followed until now, make one: touchstone-node reset-guard --height {height}. If it has voted, \
         restore nothing: docs/operating.md, \"A lost guard\""
    )]
    NoGuard {
        /// The data folder.
        path: PathBuf,
        /// The chain's height here.
        height: u64,
    },
    /// A validator's folder whose creation was interrupted.
    #[error(
        "{path} has a chain without a block and no whole double-sign guard: touchstone-node init was interrupted, or \
         the validator's key came later. Run init again, with what the key has signed on this chain: --new-key, \
         --signed-to HEIGHT or --used-key"
    )]
    InitUnfinished {
        /// The data folder.
        path: PathBuf,
    },
    /// Nobody said what the validator's key has signed before.
    #[error(
        "a validator's data folder isn't made before it is known what its key has signed on this \
         chain: say --new-key (nothing: the chain or the validator is new), --signed-to HEIGHT \
         (nothing above that height), or --used-key (not known: the node signs nothing until more \
         than 2/3 of the voting power, others' alone, have confirmed a height)"
    )]
    KeyHistory,
    /// A guard is reset below what the node has committed itself.
    #[error(
        "the chain stands at height {tip} in this data folder, and the validator has signed up to \
         there: the guard isn't reset to {asked}, which is below"
    )]
    GuardTooLow {
        /// What was asked for.
        asked: u64,
        /// The store's height.
        tip: u64,
    },
    /// The voting key is nobody's.
    #[error(
        "the key in {path} (public key {public_key}) is no validator's at height {height}: is it the right file, or \
         has another key taken its place (touchstone validators)? Leave validator_key out to follow only; say \
         validator_candidate = true if the vote on it is still to come"
    )]
    NotAValidator {
        /// The key's file.
        path: PathBuf,
        /// Its public half, in hex.
        public_key: String,
        /// The chain's height.
        height: u64,
    },
    /// An examination has found damage.
    #[error("{damages} parts of the data folder are damaged")]
    Unsound {
        /// How many.
        damages: usize,
    },
    /// A damaged database is kept already.
    #[error("{path} is kept from an earlier repair: move it away first, nothing is overwritten")]
    DamagedKept {
        /// Where.
        path: PathBuf,
    },
    /// The network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A port for clients.
    #[error("{name} can't listen on {address}: {error}")]
    Port {
        /// What would be served there.
        name: &'static str,
        /// The address.
        address: SocketAddr,
        /// The system's words.
        error: std::io::Error,
    },
    /// The socket for administration can't be made.
    #[error(
        "the socket for administration in {folder}: {error} (the setting `admin` names another folder)"
    )]
    AdminSocket {
        /// Its folder.
        folder: PathBuf,
        /// The system's words.
        error: std::io::Error,
    },
    /// The folder of scans can't be used.
    #[error("the scans in {folder}: {error}")]
    Scans {
        /// The folder.
        folder: PathBuf,
        /// The system's words.
        error: std::io::Error,
    },
    /// A running node wasn't administrated.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// Too few files may be opened.
    #[error(transparent)]
    Descriptors(#[from] DescriptorError),
    /// A port's encryption.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The node failed.
    #[error("the node stops: {0}")]
    Fault(#[from] Fault),
    /// The manual pages.
    #[error("cannot write manual pages into {folder}: {error}")]
    Manuals {
        /// The folder.
        folder: PathBuf,
        /// The system's words.
        error: std::io::Error,
    },
    /// The program was built for newer processors.
    #[error(
        "this program computes checksums by instructions that this processor lacks (SSE4.2 and PCLMULQDQ): run it on \
         one made since 2011"
    )]
    Processor,
    /// A thread couldn't be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

impl NodeError {
    /// The verb that helps, where damage has stopped the node.
    pub fn helps(&self) -> Option<&'static str> {
        let is_damage = matches!(
            self,
            NodeError::Fault(Fault::Damaged(_))
                | NodeError::Store {
                    error: OpenError::Fault(Fault::Damaged(_)),
                    ..
                }
                | NodeError::Wal(WalError::Damaged { .. })
                | NodeError::Guard(GuardError::Damaged(_))
        );
        is_damage
            .then_some("touchstone-node fsck names all damage and what helps; --repair repairs it")
    }

    /// The exit code of a program that ends with it, so that who restarts it knows whether that can help.
    pub fn exit_code(&self) -> u8 {
        match self {
            NodeError::Config(_)
            | NodeError::NotAValidator { .. }
            | NodeError::Tls(_)
            | NodeError::Processor
            | NodeError::Fault(Fault::UnknownProtocol { .. }) => 3,
            NodeError::Store { .. }
            | NodeError::Folder(_)
            | NodeError::Wal(_)
            | NodeError::Guard(_)
            | NodeError::Unsound { .. }
            | NodeError::DamagedKept { .. }
            | NodeError::NoGuard { .. }
            | NodeError::InitUnfinished { .. }
            | NodeError::GuardTooLow { .. } => 4,
            NodeError::KeyHistory => 2,
            NodeError::Fault(Fault::Damaged(_)) => 4,
            NodeError::Network(_)
            | NodeError::Port { .. }
            | NodeError::AdminSocket { .. }
            | NodeError::Scans { .. }
            | NodeError::Admin(_)
            | NodeError::Descriptors(_)
            | NodeError::Fault(_)
            | NodeError::Manuals { .. }
            | NodeError::Thread(_) => 1,
        }
    }
}
