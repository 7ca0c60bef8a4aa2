//! The chain's events, block after block, for subscriptions. Each block is checked whole: its header carries the
//! validators' certificate, and its transactions are all that the header counts. So a node can't leave an event
//! out, add one or change one without being noticed; it can only be silent.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use touchstone_client::client::Client;
use touchstone_core::encoding::decode_exact;
use touchstone_core::hash::Hash;
use touchstone_core::transaction;
use touchstone_epcis::query::QueriedEvent;
use touchstone_proto::ledger::{self, transaction::Action};

use crate::failure::Failure;
use crate::settings::Settings;

/// Blocks that are kept for the other subscriptions.
const KEPT: usize = 3;
/// How long a block that isn't there yet isn't asked for again.
const ABSENT: Duration = Duration::from_millis(250);
/// How the ledger names an event that has no `eventID`.
const OWN_ID: &str = "urn:touchstone:event:";

/// An event and where it is recorded.
pub struct PlacedEvent {
    /// Whose transaction holds it.
    pub organisation: String,
    /// The transaction.
    pub transaction: Hash,
    /// The transaction's index in its block.
    pub index: usize,
    /// The event's index in its transaction.
    pub event: usize,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
    /// What queries ask.
    pub subject: QueriedEvent,
}

/// A block's events.
pub struct BlockEvents {
    /// The block's height.
    pub height: u64,
    /// Its time, milliseconds.
    pub time_ms: u64,
    /// All of them, in the order in which they are recorded.
    pub events: Vec<PlacedEvent>,
}

/// Reads blocks.
pub struct BlockReader {
    settings: Settings,
    client: Option<Client>,
    kept: VecDeque<Arc<BlockEvents>>,
    /// A height at which there was no block yet, and when.
    absent: Option<(u64, Instant)>,
}

impl BlockReader {
    /// Asks the node that these settings name.
    pub fn new(settings: Settings) -> BlockReader {
        BlockReader {
            settings,
            client: None,
            kept: VecDeque::new(),
            absent: None,
        }
    }

    /// Height of the last block.
    pub async fn tip(&mut self) -> Result<u64, Failure> {
        let asked = async {
            let client = self.client().await?;
            Ok(client.validators().await?.header.height)
        };
        let tip: Result<u64, Failure> = asked.await;
        self.kept_up(tip)
    }

    /// A block's events; none where there is no such block yet. A block that the node keeps no more is not found.
    pub async fn read(&mut self, height: u64) -> Result<Option<Arc<BlockEvents>>, Failure> {
        if let Some(kept) = self.kept.iter().find(|block| block.height == height) {
            return Ok(Some(kept.clone()));
        }
        let absent = self.absent.filter(|(_, seen)| seen.elapsed() < ABSENT);
        if absent.is_some_and(|(absent, _)| absent <= height) {
            return Ok(None);
        }
        let asked = async {
            let client = self.client().await?;
            match client.block(height, true).await {
                Ok(block) => Ok((Some(block), 0)),
                Err(error) if error.is_not_found() => {
                    Ok((None, client.validators().await?.header.height))
                }
                Err(error) => Err(error.into()),
            }
        };
        let asked: Result<_, Failure> = asked.await;
        let (attested, envelopes) = match self.kept_up(asked)? {
            (Some(block), _) => block,
            (None, tip) if tip < height => {
                self.absent = Some((height, Instant::now()));
                return Ok(None);
            }
            (None, tip) => {
                return Err(Failure::NotFound(format!(
                    "the node keeps no block {height}, though it is at block {tip}: ask one that keeps all, or \
                     begin anew with a later initialRecordTime"
                )));
            }
        };
        let header = attested.header;
        let (chain_id, time_ms) = (header.chain_id, header.time_ms);
        // A large block takes its time, which others here need not wait for.
        let decoded = tokio::task::spawn_blocking(move || {
            let events = envelopes.iter().enumerate();
            let events =
                events.flat_map(|(index, envelope)| events_of(&chain_id, time_ms, index, envelope));
            events.collect()
        });
        let events = decoded.await;
        let block = Arc::new(BlockEvents {
            height,
            time_ms,
            events: events.map_err(|_| Failure::Unreachable("the gateway stops".into()))?,
        });
        self.kept.push_back(block.clone());
        while self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        Ok(Some(block))
    }

    async fn client(&mut self) -> Result<&mut Client, Failure> {
        if self.client.is_none() {
            self.client = Some(self.settings.sending_client().await?);
        }
        self.client
            .as_mut()
            .ok_or_else(|| Failure::Unreachable("no connection".into()))
    }

    /// What went wrong may be the connection's fault: the next question opens another.
    fn kept_up<T>(&mut self, asked: Result<T, Failure>) -> Result<T, Failure> {
        if asked.is_err() {
            self.client = None;
        }
        asked
    }
}

/// The events of a transaction that stands in a block; none where it does something else.
fn events_of(chain_id: &Hash, time_ms: u64, index: usize, envelope: &[u8]) -> Vec<PlacedEvent> {
    let decoded = || {
        let id = transaction::id_of_envelope(chain_id, envelope).ok()?;
        let signed: ledger::Envelope = decode_exact(envelope).ok()?;
        let body: ledger::Transaction = decode_exact(&signed.body).ok()?;
        match body.action? {
            Action::CaptureEvents(capture) => Some((id, body.organisation, capture.events)),
            _ => None,
        }
    };
    let Some((transaction, organisation, events)) = decoded() else {
        return Vec::new();
    };
    let recorded = i64::try_from(time_ms).unwrap_or(i64::MAX);
    let placed = events.into_iter().enumerate().filter_map(|(event, bytes)| {
        let id = format!("{OWN_ID}{}:{event}", hex::encode(transaction));
        Some(PlacedEvent {
            organisation: organisation.clone(),
            transaction,
            index,
            event,
            subject: QueriedEvent::read(&bytes, recorded, id).ok()?,
            bytes,
        })
    });
    placed.collect()
}
