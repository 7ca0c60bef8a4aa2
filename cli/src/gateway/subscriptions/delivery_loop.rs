//! Tells the subscribers. One loop reads the chain for all of them; addresses are told side by side, so that a slow
//! one holds up nobody else. A notice's id names its first and its last event, so that what is sent again, after a
//! restart too, is known by it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ring::hmac;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use touchstone_epcis::query::Query;
use touchstone_epcis::{query_document, with_digital_links, with_record};

use super::block_events::{BlockEvents, BlockReader, PlacedEvent};
use super::destinations::{BadDestination, Destinations};
use super::{ChainPlace, DeliveryTiming, ScheduledRun, Subscription, Subscriptions};
use crate::failure::Failure;
use crate::gateway::webhooks::delivery::{NotTold, Posting, post};
use crate::gateway::webhooks::signed;
use crate::output::rfc3339;
use crate::settings::Settings;

/// Between two looks for a new block.
const LOOK: Duration = Duration::from_millis(500);
/// Between two attempts where the node is away.
const AWAY: Duration = Duration::from_secs(5);
/// Before a notice is sent again; then twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// Before a block that the node doesn't keep is asked for again.
const LOST: Duration = Duration::from_secs(60);
/// Events of a notice, and their bytes, at most; one event may be larger.
const EVENTS: usize = 100;
const BYTES: usize = 256 << 10;
/// Blocks that are read for one subscription before the next one has its turn.
const TURN: u64 = 32;
/// What every event of a notice has beside its own fields.
const RECORD: &str = "touchstone:record";
const CONTEXT: &str = "https://ref.gs1.org/standards/epcis/epcis-context.jsonld";

/// A notice that was sent, and what became of it.
struct Sent {
    id: String,
    /// What it reaches to, and the time of that block.
    reaches: (ChainPlace, u64),
    told: Result<(), NotTold>,
}

/// Events for one notice.
#[derive(Default)]
struct Batch {
    /// The places of the first and the last one.
    span: Option<[(u64, usize); 2]>,
    events: Vec<String>,
    bytes: usize,
}

/// What a turn came to.
enum Turn {
    /// Events to be told of, up to a place.
    Batch(Batch, ChainPlace, u64),
    /// Nothing fits up to a place.
    Passed(ChainPlace, u64),
    /// The next block isn't there yet.
    Waits,
    /// The run's last block was dealt with.
    Ended,
}

/// Tells subscribers until it is stopped.
pub struct DeliveryLoop {
    subscriptions: Subscriptions,
    destinations: Arc<Destinations>,
    reader: BlockReader,
    now_ms: fn() -> u64,
    sent: JoinSet<Sent>,
    /// Subscriptions that a notice is under way to.
    busy: BTreeSet<String>,
    /// When those that were told in vain are told again, and the pause after that.
    pauses: BTreeMap<String, (Instant, Duration)>,
    queries: BTreeMap<String, Query>,
    is_away: bool,
}

impl DeliveryLoop {
    /// Reads the chain from the node that these settings name.
    pub fn new(
        subscriptions: Subscriptions,
        destinations: Arc<Destinations>,
        settings: Settings,
        now_ms: fn() -> u64,
    ) -> DeliveryLoop {
        DeliveryLoop {
            subscriptions,
            destinations,
            reader: BlockReader::new(settings),
            now_ms,
            sent: JoinSet::new(),
            busy: BTreeSet::new(),
            pauses: BTreeMap::new(),
            queries: BTreeMap::new(),
            is_away: false,
        }
    }

    /// Tells until `stop`. Notices under way are let go: they are sent again by the next run.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let rested = tokio::select! {
                () = stop.cancelled() => return,
                rested = self.round() => rested,
            };
            let changes = self.subscriptions.clone();
            tokio::select! {
                () = stop.cancelled() => return,
                Some(sent) = self.sent.join_next() => match sent {
                    Ok(sent) => self.hear(sent),
                    Err(error) => {
                        tracing::error!(%error, "a notice was cut off");
                        self.busy.clear();
                    }
                },
                () = changes.changed() => {}
                () = tokio::time::sleep(rested) => {}
            }
        }
    }

    /// Gives each subscription its turn; gives how long to rest.
    async fn round(&mut self) -> Duration {
        let all = self.subscriptions.all();
        let known: BTreeSet<&String> = all.iter().map(|s| &s.id).collect();
        self.pauses.retain(|id, _| known.contains(id));
        self.queries.retain(|id, _| known.contains(id));
        let mut rest = LOOK;
        for subscription in &all {
            let paused = self.pauses.get(&subscription.id);
            let paused = paused.is_some_and(|(until, _)| *until > Instant::now());
            if paused || self.busy.contains(&subscription.id) || subscription.suspended {
                continue;
            }
            match self.turn(subscription).await {
                Ok(true) => rest = Duration::ZERO,
                Ok(false) => {}
                Err(Failure::NotFound(why)) => {
                    tracing::error!(subscription = subscription.id, why, "a block is missing");
                    let later = (Instant::now() + LOST, FIRST_PAUSE);
                    self.pauses.insert(subscription.id.clone(), later);
                    let told = |s: &mut Subscription| s.error = Some(why);
                    if let Err(failure) = self.subscriptions.change(&subscription.id, told) {
                        tracing::error!(%failure, "a subscription can't be kept");
                    }
                }
                Err(failure) => {
                    if !self.is_away {
                        tracing::warn!(%failure, "subscriptions are held up");
                    }
                    self.is_away = true;
                    return AWAY;
                }
            }
        }
        if self.is_away {
            tracing::info!("subscriptions go on");
        }
        self.is_away = false;
        rest
    }

    /// One subscription's turn; whether there may be more to do for it at once.
    async fn turn(&mut self, subscription: &Subscription) -> Result<bool, Failure> {
        let id = &subscription.id;
        let until = match (&subscription.timing, &subscription.run) {
            (DeliveryTiming::Stream, _) => None,
            (DeliveryTiming::Schedule(_), Some(run)) => Some(run.until),
            (DeliveryTiming::Schedule(_), None) => {
                if subscription.due_ms.is_none_or(|due| due > (self.now_ms)()) {
                    return Ok(false);
                }
                let until = self.reader.tip().await?;
                let due_ms = subscription.due_ms.unwrap_or_default();
                let run = ScheduledRun {
                    due_ms,
                    until,
                    told: false,
                };
                self.subscriptions.change(id, |s| s.run = Some(run))?;
                return Ok(true);
            }
        };
        match self.collect(subscription, until).await? {
            Turn::Batch(batch, next, read_ms) => {
                self.send(subscription, batch, (next, read_ms));
                Ok(false)
            }
            Turn::Passed(next, read_ms) => {
                self.subscriptions.passed_over(id, next, read_ms)?;
                Ok(true)
            }
            Turn::Waits => Ok(false),
            Turn::Ended => match &subscription.run {
                Some(run) if !run.told && subscription.report_if_empty => {
                    let read_ms = subscription.read_ms.unwrap_or_default();
                    self.send(subscription, Batch::default(), (subscription.next, read_ms));
                    Ok(false)
                }
                _ => {
                    let due = subscription.due_after((self.now_ms)());
                    self.subscriptions
                        .change(id, |s| (s.run, s.due_ms) = (None, due))?;
                    Ok(false)
                }
            },
        }
    }

    /// The next events that fit: of one block, or for a run of all blocks up to its last.
    async fn collect(
        &mut self,
        subscription: &Subscription,
        until: Option<u64>,
    ) -> Result<Turn, Failure> {
        let query = match self.queries.get(&subscription.id) {
            Some(query) => query.clone(),
            None => {
                let query = subscription.read_query().map_err(Failure::Usage)?;
                self.queries.insert(subscription.id.clone(), query.clone());
                query
            }
        };
        let (mut next, mut batch, mut read_ms) = (subscription.next, Batch::default(), None);
        for _ in 0..TURN {
            if until.is_some_and(|until| next.height > until) {
                if read_ms.is_none() {
                    return Ok(Turn::Ended);
                }
                break;
            }
            let Some(block) = self.reader.read(next.height).await? else {
                break;
            };
            read_ms = Some(block.time_ms);
            let is_early = subscription
                .initial_ms
                .is_some_and(|initial| block.time_ms < initial);
            let whole = is_early || batch.add(subscription, &query, &block, &mut next);
            if whole {
                next = ChainPlace {
                    height: next.height.saturating_add(1),
                    event: 0,
                };
            }
            // A run's notices are filled; others are of one block.
            if !whole || (until.is_none() && batch.span.is_some()) {
                break;
            }
        }
        Ok(match (read_ms, batch.span.is_some()) {
            (None, _) => Turn::Waits,
            (Some(read_ms), true) => Turn::Batch(batch, next, read_ms),
            (Some(read_ms), false) => Turn::Passed(next, read_ms),
        })
    }

    fn send(&mut self, subscription: &Subscription, batch: Batch, reaches: (ChainPlace, u64)) {
        let id = subscription.id.clone();
        let address = self.destinations.address(&subscription.dest);
        let destinations_error = match address {
            Err(BadDestination::Form(why) | BadDestination::NotAllowed(why)) => why,
            Ok(address) => {
                let seconds = (self.now_ms)() / 1000;
                let posting = posting(subscription, &batch, reaches, seconds);
                self.busy.insert(id.clone());
                self.sent.spawn(async move {
                    let told = post(&address, posting).await;
                    Sent { id, reaches, told }
                });
                return;
            }
        };
        // The operator's list was changed meanwhile.
        self.hear(Sent {
            id,
            reaches,
            told: Err(NotTold::Failed(destinations_error)),
        });
    }

    fn hear(&mut self, sent: Sent) {
        let Sent { id, reaches, told } = sent;
        self.busy.remove(&id);
        let now_ms = (self.now_ms)();
        let kept = match told {
            Ok(()) => {
                self.pauses.remove(&id);
                let (next, read_ms) = reaches;
                tracing::info!(subscription = id, height = next.height, "told");
                self.subscriptions
                    .change(&id, |s| s.was_told(next, read_ms, now_ms))
            }
            Err(not_told) => {
                let gone = matches!(not_told, NotTold::Gone);
                let pause = self
                    .pauses
                    .get(&id)
                    .map_or(FIRST_PAUSE, |(_, pause)| *pause);
                let next = (Instant::now() + pause, (pause * 2).min(LONGEST_PAUSE));
                self.pauses.insert(id.clone(), next);
                let why = not_told.to_string();
                tracing::warn!(subscription = id, why, gone, "not told");
                self.subscriptions
                    .change(&id, |s| s.was_not_told(why, gone, now_ms))
            }
        };
        if let Err(failure) = kept {
            // It stands where it stood, so that the same notice is sent again.
            tracing::error!(subscription = id, %failure, "a subscription can't be kept");
            let later = (Instant::now() + AWAY, FIRST_PAUSE);
            self.pauses.insert(id, later);
        }
    }
}

impl Batch {
    /// Adds a block's events that fit, from `next` on; whether all of the block is dealt with.
    fn add(
        &mut self,
        subscription: &Subscription,
        query: &Query,
        block: &BlockEvents,
        next: &mut ChainPlace,
    ) -> bool {
        for (place, event) in block.events.iter().enumerate().skip(next.event) {
            if query.matches(&event.subject) {
                let text = told(event, block, subscription.digital_links);
                let full = self.events.len() >= EVENTS || self.bytes + text.len() > BYTES;
                if full && !self.events.is_empty() {
                    next.event = place;
                    return false;
                }
                self.bytes += text.len();
                self.events.push(text);
                let last = (block.height, place);
                let first = self.span.map_or(last, |[first, _]| first);
                self.span = Some([first, last]);
            }
        }
        true
    }
}

/// An event as it is told.
fn told(event: &PlacedEvent, block: &BlockEvents, digital_links: bool) -> String {
    let links = digital_links.then(|| with_digital_links(&event.bytes).ok());
    let source = links.flatten();
    let source = source.unwrap_or_else(|| String::from_utf8_lossy(&event.bytes).into_owned());
    let time = rfc3339(block.time_ms);
    let record = json!({
        "touchstone:id": event.subject.id(),
        "touchstone:organisation": event.organisation,
        "touchstone:transaction": hex::encode(event.transaction),
        "touchstone:height": block.height,
        "touchstone:index": event.index,
        "touchstone:event": event.event,
        "touchstone:time": time,
    });
    with_record(&source, RECORD, &record, &time)
}

/// A notice: an EPCIS query document, and its signatures.
fn posting(
    subscription: &Subscription,
    batch: &Batch,
    (next, read_ms): (ChainPlace, u64),
    seconds: u64,
) -> Posting {
    let head = json!({
        "@context": [CONTEXT, { "touchstone": "urn:touchstone:epcis:" }],
        "type": "EPCISQueryDocument",
        "schemaVersion": "2.0",
        "creationDate": rfc3339(read_ms),
        "touchstone:subscriptionID": subscription.id,
        "touchstone:height": next.height.saturating_sub(u64::from(next.event == 0)),
        "touchstone:completeness": "checked block by block: no event that fits is left out",
    });
    let body = query_document(&head, &subscription.query_name, &batch.events);
    let id = match (batch.span, &subscription.run) {
        (Some([first, last]), _) => format!(
            "{}.{}-{}.{}-{}",
            subscription.id, first.0, first.1, last.0, last.1
        ),
        (None, Some(run)) => format!("{}.{}", subscription.id, rfc3339(run.due_ms)),
        (None, None) => subscription.id.clone(),
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, subscription.token.as_bytes());
    let tag = hmac::sign(&key, body.as_bytes());
    let mut headers = signed(&key, &id, seconds, &body);
    headers.push(("gs1-signature", format!("sha256={}", hex::encode(tag))));
    headers.push(("gs1-epcis-version", "2.0.0".to_owned()));
    Posting { headers, body }
}
