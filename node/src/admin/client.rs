//! The other end of the socket: `touchstone-node admin`.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use serde_json::Value;
use thiserror::Error;

use super::{AdminRequest, SOCKET};

/// Why a running node wasn't administrated.
#[derive(Debug, Error)]
pub enum AdminError {
    /// There is no socket, or nobody behind it.
    #[error("no node runs with the data folder of {0}: start it with touchstone-node run")]
    NotRunning(PathBuf),
    /// The socket is another user's.
    #[error("{0} is another user's: ask as the user that the node runs as (sudo -u USER)")]
    NotOurs(PathBuf),
    /// The connection broke.
    #[error("{path}: {error}")]
    Broken {
        /// The socket.
        path: PathBuf,
        /// The system's words.
        error: std::io::Error,
    },
    /// The node's answer isn't one.
    #[error("the node's answer can't be read; is it of another version?")]
    Unreadable,
    /// The node refuses.
    #[error("the node refuses: {0}")]
    Refused(String),
}

/// Asks the node whose socket is in this folder.
pub fn ask(folder: &Path, request: &AdminRequest) -> Result<Value, AdminError> {
    let path = folder.join(SOCKET);
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => AdminError::NotRunning(path.clone()),
        ErrorKind::PermissionDenied => AdminError::NotOurs(path.clone()),
        _ => AdminError::Broken {
            path: path.clone(),
            error,
        },
    };
    let mut stream = UnixStream::connect(&path).map_err(failed)?;
    let question = serde_json::to_string(request).map_err(|_| AdminError::Unreadable)?;
    stream
        .write_all(format!("{question}\n").as_bytes())
        .map_err(failed)?;
    let mut line = String::new();
    BufReader::new(stream)
        .read_line(&mut line)
        .map_err(failed)?;
    let answer: Value = serde_json::from_str(&line).map_err(|_| AdminError::Unreadable)?;
    match (
        answer.get("ok"),
        answer.get("error").and_then(Value::as_str),
    ) {
        (Some(value), _) => Ok(value.clone()),
        (None, Some(reason)) => Err(AdminError::Refused(reason.to_owned())),
        (None, None) => Err(AdminError::Unreadable),
    }
}
