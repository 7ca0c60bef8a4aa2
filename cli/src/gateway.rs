//! The gateway: an HTTP server beside an ERP that takes EPCIS documents as the standard's REST
//! binding says, signs their events with the organisation's key, and records them; it hands goods
//! over, and gives what the ledger proves. It starts and takes documents while its node is away.
//!
//! Whoever may write at its address acts in the organisation's name: it listens on this machine
//! alone, or asks for a token, and takes nothing from foreign web pages.

mod health;
mod http;
mod jobs;
mod ledger_queries;
mod offer_watch;
pub mod openings;
mod relay;
mod subscriptions;
pub mod webhooks;
mod worker;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use touchstone_client::Signer;
use touchstone_edge::http::access::Access;
use touchstone_edge::tls::Tls;

use self::health::Health;
use self::ledger_queries::Questions;
use self::offer_watch::Offers;
use self::openings::Openings;
use self::openings::door::{self, OpeningsDoor};
use self::relay::QueryNode;
use self::subscriptions::Subscriptions;
use self::subscriptions::delivery_loop::DeliveryLoop;
use self::subscriptions::destinations::Destinations;
use self::webhooks::Webhooks;
use self::webhooks::address::Roots;
use self::worker::Worker;
use crate::capture::table::Mapping;
use crate::failure::Failure;
use crate::settings::Settings;

pub use jobs::{
    Act, Contents, ErrorBehaviour, EventReport, Job, JobOutcome, Jobs, StatementReport,
    StatementResult,
};

/// Where queries are asked, and whom subscriptions may tell.
#[derive(Clone, Debug, Default)]
pub struct QuerySettings {
    /// The node's HTTP interface, such as `http://127.0.0.1:26660`; none where no queries are handed on.
    pub node: Option<String>,
    /// What the node asks writers for.
    pub token: Option<String>,
    /// Servers that subscriptions may tell, such as `https://erp.example.org`.
    pub destinations: Vec<String>,
}

/// What a gateway works with.
pub struct Gateway {
    /// Where the node is, and which genesis document is trusted.
    pub settings: Settings,
    /// Who signs.
    pub signer: Signer,
    /// Who may ask and write.
    pub access: Access,
    /// How it encrypts, if it does.
    pub tls: Option<Arc<Tls>>,
    /// Who is told of what happens.
    pub webhooks: webhooks::WebhookSettings,
    /// Queries and subscriptions.
    pub queries: QuerySettings,
    /// Mappings of tables, by name.
    pub mappings: BTreeMap<String, Mapping>,
    /// Folder of the receipts that certificates need.
    pub receipts: PathBuf,
    /// Where pages have openings of labels recorded, if they do.
    pub openings: Option<OpeningsDoor>,
    /// The clock, milliseconds.
    pub now_ms: fn() -> u64,
}

impl Gateway {
    /// Serves until `stop`: takes documents in over HTTP, and captures them one after another. What
    /// isn't finished then is taken up again by the next run with the same folder. `ready` is called once nothing
    /// keeps it from serving.
    pub async fn serve(
        self,
        listener: TcpListener,
        folder: &Path,
        ready: impl FnOnce(),
        stop: impl Future<Output = ()> + Send,
    ) -> Result<(), Failure> {
        let genesis = Arc::new(self.settings.genesis()?);
        let organisation = self.signer.organisation.clone();
        let jobs = Jobs::open(folder, &genesis.chain_id, &organisation)?;
        let webhooks = Webhooks::new(&self.webhooks, folder, self.now_ms)?;
        let destinations = Arc::new(self.destinations()?);
        let queries = self.query_node()?;
        let subscriptions = Subscriptions::open(folder)?;
        let signer = Arc::new(self.signer);
        let questions = Questions::new(self.settings.clone(), self.now_ms);
        let health = Health::default();
        tracing::info!(organisation, jobs = jobs.waiting(), "the gateway begins");
        let shared = http::Shared {
            jobs: jobs.clone(),
            questions: questions.clone(),
            signer: signer.clone(),
            genesis: genesis.clone(),
            access: self.access,
            mappings: self.mappings,
            receipts: self.receipts,
            health: health.clone(),
            queries,
            subscriptions: subscriptions.clone(),
            destinations: destinations.clone(),
            now_ms: self.now_ms,
            documents: http::Shared::turns(),
        };
        let deliveries = DeliveryLoop::new(
            subscriptions,
            destinations,
            self.settings.clone(),
            self.now_ms,
        );
        let openings = Openings::new(self.settings.clone(), signer.clone(), self.now_ms);
        let mut worker = Worker::new(
            self.settings,
            genesis,
            signer,
            webhooks.clone(),
            self.now_ms,
        );
        let stopping = CancellationToken::new();
        let told = async {
            if let Some(webhooks) = &webhooks {
                let offers = Offers::open(folder);
                tokio::join!(
                    offers.watch(&questions, &organisation, webhooks, stopping.clone()),
                    webhooks.deliver(stopping.clone()),
                );
            }
        };
        let opened = async {
            if let Some(door) = self.openings {
                door::serve(door, openings, stopping.clone()).await;
            }
        };
        let ended = async {
            stop.await;
            stopping.cancel();
        };
        ready();
        tokio::join!(
            http::serve(listener, self.tls, Arc::new(shared), stopping.clone()),
            worker.run(&jobs, stopping.clone()),
            health.watch(&questions, self.now_ms, stopping.clone()),
            told,
            deliveries.run(stopping.clone()),
            opened,
            ended,
        );
        tracing::info!("the gateway ends");
        Ok(())
    }

    fn query_node(&self) -> Result<Option<QueryNode>, Failure> {
        let roots = self.settings.tls_roots().map(Roots::read).transpose()?;
        let token = self.queries.token.as_deref();
        let node = self.queries.node.as_ref();
        node.map(|url| QueryNode::read(url, roots.as_ref(), token))
            .transpose()
    }

    fn destinations(&self) -> Result<Destinations, Failure> {
        let roots = self.webhooks.roots.as_deref();
        let roots = roots.map(Roots::read).transpose()?;
        Destinations::read(&self.queries.destinations, roots)
    }
}
