//! How the node was last seen. Nothing says reachable that wasn't: it takes a connection, and a
//! header that verifies.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::ledger_queries::Questions;
use crate::failure::Failure;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(5);

/// The node, as it was last seen.
#[derive(Clone, Default)]
pub struct Health(Arc<Mutex<Option<Seen>>>);

/// A look.
#[derive(Clone)]
struct Seen {
    at_ms: u64,
    /// Height and time of the newest block, proven; or why there is none.
    newest: Result<(u64, u64), String>,
}

impl Health {
    /// Looks again and again until `stop`, and logs what changes.
    pub async fn watch(&self, questions: &Questions, now_ms: fn() -> u64, stop: CancellationToken) {
        loop {
            let newest = questions.with_client(|mut client| async move {
                let header = client.validators().await?.header;
                Ok((header.height, header.time_ms))
            });
            let newest = tokio::select! {
                () = stop.cancelled() => return,
                newest = newest => newest,
            };
            self.saw(newest, now_ms());
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    fn saw(&self, newest: Result<(u64, u64), Failure>, at_ms: u64) {
        let before = self.is_reachable();
        match &newest {
            Ok((height, _)) if !before => tracing::info!(height, "the node answers"),
            Err(failure) if before => tracing::warn!(%failure, "the node doesn't answer"),
            _ => {}
        }
        let newest = newest.map_err(|failure| failure.to_string());
        *self.lock() = Some(Seen { at_ms, newest });
    }

    /// Whether it answered the last time.
    pub fn is_reachable(&self) -> bool {
        self.lock().as_ref().is_some_and(|seen| seen.newest.is_ok())
    }

    /// For programs.
    pub fn describe(&self) -> Value {
        let seen = self.lock().clone();
        let newest = seen.as_ref().and_then(|seen| seen.newest.as_ref().ok());
        let error = seen.as_ref().and_then(|seen| seen.newest.as_ref().err());
        json!({
            "reachable": newest.is_some(),
            "height": newest.map(|(height, _)| height),
            "time_ms": newest.map(|(_, time_ms)| time_ms),
            "seen_ms": seen.as_ref().map(|seen| seen.at_ms),
            "error": error,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
