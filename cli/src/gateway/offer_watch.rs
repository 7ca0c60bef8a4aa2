//! Watches for offers that others make to this organisation, and has the webhooks told of each once.
//! Only what is proven to be open is told of.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::ledger_queries::Questions;
use super::webhooks::Webhooks;
use crate::failure::Failure;
use crate::file;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(5);

/// Offers that the webhooks were told of and that are open still.
pub struct Offers {
    path: PathBuf,
    told: BTreeSet<String>,
}

impl Offers {
    /// What was told before. What can't be read is told again.
    pub fn open(jobs: &Path) -> Offers {
        let path = jobs.join("offers.json");
        let told = std::fs::read(&path).ok();
        let told = told.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Offers {
            path,
            told: told.unwrap_or_default(),
        }
    }

    /// Looks again and again until `stop`.
    pub async fn watch(
        mut self,
        questions: &Questions,
        organisation: &str,
        webhooks: &Webhooks,
        stop: CancellationToken,
    ) {
        loop {
            let words = ["handover", "list"].map(str::to_owned).into_iter();
            let words = words.chain([format!("--of={organisation}")]).collect();
            let open = tokio::select! {
                () = stop.cancelled() => return,
                open = questions.ask(words) => open,
            };
            // A node that is away is told of elsewhere.
            if let Ok(open) = open
                && let Err(failure) = self.tell(&open, organisation, webhooks)
            {
                tracing::error!(%failure, "an offer can't be told of");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    fn tell(
        &mut self,
        open: &[Value],
        organisation: &str,
        webhooks: &Webhooks,
    ) -> Result<(), Failure> {
        let mut now = BTreeSet::new();
        for offer in open.iter().filter(|offer| offer["to"] == organisation) {
            let Some(id) = offer["offer"].as_str() else {
                continue;
            };
            now.insert(id.to_owned());
            if !self.told.contains(id) {
                tracing::info!(offer = id, from = %offer["from"], "an offer came in");
                webhooks.keep("offer.received", id, offer.clone())?;
            }
        }
        if now != self.told {
            let bytes =
                serde_json::to_vec(&now).map_err(|e| Failure::Usage(format!("offers: {e}")))?;
            file::write(&self.path, &bytes)?;
            self.told = now;
            webhooks.send();
        }
        Ok(())
    }
}
