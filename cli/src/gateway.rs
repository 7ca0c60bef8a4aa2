//! The gateway: an HTTP server beside an ERP that takes EPCIS documents as the standard's REST
//! binding says, signs their events with the organisation's key, and records them. Whoever reaches
//! its address captures in the organisation's name, so it listens on this machine alone unless told
//! otherwise.

mod events;
mod http;
mod jobs;
mod worker;

use std::path::Path;

use tokio::net::TcpListener;
use tokio::sync::watch;
use touchstone_client::Signer;
use touchstone_client::client::Client;
use touchstone_edge::http::access::Access;

use crate::failure::Failure;

pub use jobs::{Behaviour, EventReport, Job, Jobs, Outcome};

/// What a gateway works with.
pub struct Gateway {
    /// The connection to the node.
    pub client: Client,
    /// Who signs.
    pub signer: Signer,
    /// Who may ask and write.
    pub access: Access,
    /// The clock, milliseconds.
    pub now_ms: fn() -> u64,
}

impl Gateway {
    /// Serves until `stop`: takes documents in over HTTP, and captures them one after another. What
    /// isn't finished then is taken up again by the next run with the same folder.
    pub async fn serve(
        mut self,
        listener: TcpListener,
        folder: &Path,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<(), Failure> {
        let parameters = self.client.trust().genesis().document.parameters.clone();
        let limits = http::Limits {
            transaction_bytes: parameters.max_transaction_bytes,
            transaction_events: parameters.max_events_per_transaction,
        };
        let chain_id = *self.client.trust().chain_id();
        let jobs = Jobs::open(folder, &chain_id, &self.signer.organisation)?;
        let (stopping, stopped) = watch::channel(false);
        let served = http::serve(
            listener,
            jobs.clone(),
            limits,
            self.access.clone(),
            self.now_ms,
            stopped.clone(),
        );
        let worked = worker::run(&mut self, &jobs, stopped);
        let ended = async {
            stop.await;
            stopping.send_replace(true);
        };
        tokio::join!(served, worked, ended);
        Ok(())
    }
}
