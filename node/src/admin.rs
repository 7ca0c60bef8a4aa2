//! Administration of a running node, over a Unix socket in its data folder: who is connected, what is logged, a
//! backup, the end. The folder is this user's alone, and so is whoever is answered. No port of the network
//! administrates anything.
//!
//! One line of JSON is asked, one is answered, and the connection ends.

pub mod client;
mod status;

use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use touchstone_edge::budget::Budget;
use tracing::level_filters::LevelFilter;

use crate::service::LedgerService;

/// The socket's name in its folder.
const SOCKET: &str = "socket";
/// Questions at once.
const QUESTIONS: usize = 8;
/// How long a question may take to come, and an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a question.
const LONGEST: u64 = 16 << 10;

/// What an operator asks of a running node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub enum AdminRequest {
    /// Where it is, and who is connected.
    Status,
    /// Log by this filter from now on, in the words of `RUST_LOG`.
    Log {
        /// The filter.
        filter: String,
    },
    /// Copy the chain into a new folder.
    Backup {
        /// The folder, absolute.
        to: PathBuf,
    },
    /// Stop as by SIGTERM.
    Stop,
}

/// The log's filter, which can be changed.
#[derive(Clone)]
pub struct LogFilter(Arc<ChangeFilter>);

type ChangeFilter = dyn Fn(&str) -> Result<(), String> + Send + Sync;

impl LogFilter {
    /// One that is changed by this function.
    pub fn new(change: impl Fn(&str) -> Result<(), String> + Send + Sync + 'static) -> LogFilter {
        LogFilter(Arc::new(change))
    }

    fn set(&self, text: &str) -> Result<(), String> {
        check_levels(text)?;
        (self.0)(text)
    }
}

/// A word alone is a level: a mistyped one would be taken for the name of a module, and all others fell silent.
fn check_levels(filter: &str) -> Result<(), String> {
    let words = filter.split(',').map(str::trim);
    // What has a level, or is about a span, is read by the filter itself.
    let mut words =
        words.filter(|word| !word.is_empty() && !word.contains(['=', '[', ']', '{', '}']));
    match words.find(|word| word.parse::<LevelFilter>().is_err()) {
        Some(word) => Err(format!(
            "{word} is no level of the log: write off, error, warn, info, debug or trace, or MODULE=LEVEL"
        )),
        None => Ok(()),
    }
}

/// What is administrated.
pub struct AdminParts {
    /// The node's answers.
    pub service: Arc<LedgerService>,
    /// Bytes under way at its ports.
    pub budget: Arc<Budget>,
    /// What is logged.
    pub log: LogFilter,
    /// Cancelled, the node stops.
    pub asked_to_stop: CancellationToken,
}

/// A socket that this user alone reaches.
#[derive(Debug)]
pub struct AdminSocket {
    listener: UnixListener,
    /// The user that this node runs as.
    own: u32,
}

impl AdminSocket {
    /// Makes the folder, for this user alone, and the socket in it. Whoever holds the data folder's lock may replace a
    /// socket that a killed node left.
    pub fn bind(folder: &Path) -> io::Result<AdminSocket> {
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => std::fs::set_permissions(folder, Permissions::from_mode(0o700))?,
        }
        let path = folder.join(SOCKET);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        let own = std::fs::metadata(&path)?.uid();
        Ok(AdminSocket { listener, own })
    }
}

/// Answers until `stop`.
pub async fn serve(socket: AdminSocket, parts: AdminParts, stop: CancellationToken) {
    let AdminSocket { listener, own } = socket;
    let parts = Arc::new(parts);
    let mut questions = JoinSet::new();
    loop {
        while questions.try_join_next().is_some() {}
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept(), if questions.len() < QUESTIONS => match accepted {
                Ok((stream, _)) => {
                    questions.spawn(converse(stream, own, parts.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "the admin socket accepts nothing");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            },
            Some(_) = questions.join_next() => {}
        }
    }
    // Who asked the node to stop is told that it does.
    let ended = async { while questions.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(Duration::from_secs(1), ended).await;
}

async fn converse(stream: UnixStream, own: u32, parts: Arc<AdminParts>) {
    let peer = stream.peer_cred().map(|credentials| credentials.uid());
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(reader.take(LONGEST));
    let answer = match peer {
        Ok(uid) if uid == own => {
            match tokio::time::timeout(PATIENCE, reader.read_line(&mut line)).await {
                Ok(Ok(_)) => answer(&line, &parts).await,
                _ => return,
            }
        }
        Ok(uid) => Err(not_own(uid, own)),
        Err(error) => Err(format!("who asks can't be told: {error}")),
    };
    let answer = match answer {
        Ok(value) => json!({ "ok": value }),
        Err(reason) => json!({ "error": reason }),
    };
    let text = format!("{answer}\n");
    let written = async {
        writer.write_all(text.as_bytes()).await?;
        writer.shutdown().await
    };
    // Who has gone needs no answer.
    let _ = tokio::time::timeout(PATIENCE, written).await;
}

fn not_own(uid: u32, own: u32) -> String {
    tracing::warn!(uid, "another user asked to administrate this node");
    format!("user {uid} may not administrate a node of user {own}")
}

async fn answer(line: &str, parts: &AdminParts) -> Result<Value, String> {
    let request: AdminRequest =
        serde_json::from_str(line).map_err(|e| format!("this can't be asked: {e}"))?;
    tracing::info!(?request, "administration");
    match request {
        AdminRequest::Status => {
            let (service, bytes) = (parts.service.clone(), parts.budget.under_way());
            threaded(move || status::status(&service, bytes).map_err(|e| e.to_string())).await
        }
        AdminRequest::Log { filter } => {
            parts.log.set(&filter)?;
            Ok(json!({ "filter": filter }))
        }
        AdminRequest::Backup { to } => {
            let reader = parts.service.parts.reader.clone();
            threaded(move || {
                let height = reader.back_up(&to).map_err(|fault| fault.to_string())?;
                Ok(json!({ "height": height, "folder": to }))
            })
            .await
        }
        AdminRequest::Stop => {
            parts.asked_to_stop.cancel();
            Ok(json!("stopping"))
        }
    }
}

/// What waits for the disk, off the network's threads.
async fn threaded(
    work: impl FnOnce() -> Result<Value, String> + Send + 'static,
) -> Result<Value, String> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(error.to_string()))
}

#[cfg(test)]
mod tests;
