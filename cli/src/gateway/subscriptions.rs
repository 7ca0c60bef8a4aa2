//! Subscriptions to named queries (EPCIS 2.0 §8.2.5): who is told of which events, and how far. Each is a file in
//! the folder of jobs, written before anything is acknowledged. It holds the place on the chain up to which its
//! address was told, so that a stop, a crash or a power cut loses nothing; what was told last may come again.

pub mod block_events;
pub mod delivery_loop;
pub mod destinations;
pub mod schedule;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Notify;
use touchstone_client::durable_file::sync_folder_of;
use touchstone_epcis::query::{Query, QueryParameters};

use self::schedule::{QuerySchedule, ScheduleFields};
use crate::failure::Failure;
use crate::file;

/// Subscriptions of a gateway, at most.
pub const SUBSCRIPTIONS: usize = 100;
/// Subscriptions that tell one server, at most.
pub const OF_ONE_DESTINATION: usize = 20;
/// How long an address is told in vain before its subscription is suspended.
const LIFE_MS: u64 = 3 * 24 * 3_600_000;
/// Blocks without a matching event after which the place is written down anyhow.
const WRITTEN_EVERY: u64 = 256;
const ENDING: &str = ".subscription";

/// A place between the events of the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ChainPlace {
    /// The next block that is read.
    pub height: u64,
    /// Its events before this one are dealt with.
    pub event: usize,
}

/// When a subscription is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryTiming {
    /// As soon as a block holds an event that fits.
    Stream,
    /// At these moments.
    Schedule(ScheduleFields),
}

/// A scheduled run under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduledRun {
    /// The moment that it is of, milliseconds.
    pub due_ms: u64,
    /// The last block that it reads.
    pub until: u64,
    /// Whether it told of anything.
    pub told: bool,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Its id.
    pub id: String,
    /// The query's name.
    pub query_name: String,
    /// The query's parameters, as they were when the subscription began.
    pub query: Value,
    /// Where events go.
    pub dest: String,
    /// What signs them.
    pub token: String,
    /// When.
    pub timing: DeliveryTiming,
    /// Whether a run without events is told of.
    pub report_if_empty: bool,
    /// Whether EPC URNs are written as Digital Links.
    pub digital_links: bool,
    /// When it began, milliseconds.
    pub created_ms: u64,
    /// Events that were recorded before aren't told of, milliseconds.
    pub initial_ms: Option<u64>,
    /// How far it is.
    pub next: ChainPlace,
    /// Time of the last block that was dealt with, milliseconds.
    pub read_ms: Option<u64>,
    /// The next moment of its schedule, milliseconds.
    pub due_ms: Option<u64>,
    /// The run of its schedule that is under way.
    pub run: Option<ScheduledRun>,
    /// When it was told last, milliseconds.
    pub notified_ms: Option<u64>,
    /// Since when it is told in vain, milliseconds.
    pub failing_ms: Option<u64>,
    /// Why it was told in vain last.
    pub error: Option<String>,
    /// Whether it is told no more.
    pub suspended: bool,
}

impl Subscription {
    /// What its query asks for.
    pub fn read_query(&self) -> Result<Query, String> {
        read_query(&self.query)
    }

    /// The moment of its schedule after this one, milliseconds.
    pub fn due_after(&self, now_ms: u64) -> Option<u64> {
        match &self.timing {
            DeliveryTiming::Stream => None,
            DeliveryTiming::Schedule(fields) => {
                QuerySchedule::read(fields).ok()?.next_after(now_ms)
            }
        }
    }

    /// Its address took what it was told, which reaches to `next`.
    fn was_told(&mut self, next: ChainPlace, read_ms: u64, now_ms: u64) {
        self.next = next;
        self.read_ms = Some(read_ms);
        self.notified_ms = Some(now_ms);
        self.failing_ms = None;
        self.error = None;
        if let Some(run) = &mut self.run {
            run.told = true;
        }
    }

    /// Its address didn't take it. After three days, or where it wants nothing more, it is told no more.
    fn was_not_told(&mut self, why: String, gone: bool, now_ms: u64) {
        let since = *self.failing_ms.get_or_insert(now_ms);
        self.error = Some(why);
        self.suspended = gone || now_ms.saturating_sub(since) > LIFE_MS;
    }
}

/// Reads a query that may be subscribed to: it names what fits, and nothing of a list.
pub fn read_query(query: &Value) -> Result<Query, String> {
    let parameters = QueryParameters::from_json(query).map_err(|bad| bad.to_string())?;
    let read = Query::read(&parameters).map_err(|bad| bad.to_string())?;
    let (limit, most) = (read.event_count_limit, read.max_event_count);
    if (read.order, limit, most) != (None, None, None) {
        return Err(
            "a query with orderBy, eventCountLimit or maxEventCount asks for one list; a subscription \
             tells of all events, in the order in which they are recorded"
                .to_owned(),
        );
    }
    if read.asks_for_master_data() {
        return Err(
            "a query with HASATTR_ or EQATTR_ asks what places are by now; a subscription tells of events as \
             they are recorded"
                .to_owned(),
        );
    }
    Ok(read)
}

/// Host and port of a destination.
fn server_of(dest: &str) -> String {
    dest.split('/')
        .nth(2)
        .unwrap_or_default()
        .to_ascii_lowercase()
}

/// Why a subscription isn't taken.
#[derive(Debug)]
pub enum NotSubscribed {
    /// There are as many as are kept; the text says of what.
    TooMany(String),
    /// It can't be kept.
    Failed(Failure),
}

/// All subscriptions.
#[derive(Clone)]
pub struct Subscriptions(Arc<Shared>);

struct Shared {
    folder: PathBuf,
    all: Mutex<BTreeMap<String, Subscription>>,
    changed: Notify,
}

impl Subscriptions {
    /// Opens or begins the folder of subscriptions in the folder of jobs.
    pub fn open(jobs: &Path) -> Result<Subscriptions, Failure> {
        let folder = jobs.join("subscriptions");
        file::create_private_folder(&folder)?;
        let failed = |e: std::io::Error| Failure::io("reading", &folder, &e);
        let mut all = BTreeMap::new();
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let Some(id) = name.strip_suffix(ENDING) else {
                continue;
            };
            let bytes = std::fs::read(&path).map_err(|e| Failure::io("reading", &path, &e))?;
            let read: Option<Subscription> = serde_json::from_slice(&bytes).ok();
            let read = read.filter(|read| read.id == id && read.read_query().is_ok());
            let read = read.ok_or_else(|| {
                Failure::Usage(format!(
                    "{} is damaged: remove it, and subscribe again",
                    path.display()
                ))
            })?;
            all.insert(read.id.clone(), read);
        }
        Ok(Subscriptions(Arc::new(Shared {
            folder,
            all: Mutex::new(all),
            changed: Notify::new(),
        })))
    }

    /// Keeps a new one; it is on the disk when this returns.
    pub fn begin(&self, subscription: Subscription) -> Result<(), NotSubscribed> {
        let mut all = self.lock();
        let server = server_of(&subscription.dest);
        let others = all.values();
        let of_one = others.filter(|o| server_of(&o.dest) == server).count();
        let too_many = match (all.len() >= SUBSCRIPTIONS, of_one >= OF_ONE_DESTINATION) {
            (true, _) => Some(format!("this gateway keeps {SUBSCRIPTIONS} subscriptions")),
            (_, true) => Some(format!(
                "{server} has {OF_ONE_DESTINATION} subscriptions, which are the most for one server"
            )),
            _ => None,
        };
        if let Some(what) = too_many {
            return Err(NotSubscribed::TooMany(what));
        }
        self.write(&subscription).map_err(NotSubscribed::Failed)?;
        all.insert(subscription.id.clone(), subscription);
        self.0.changed.notify_one();
        Ok(())
    }

    /// Ends one; whether there was one. It is gone from the disk when this returns.
    pub fn end(&self, query_name: &str, id: &str) -> Result<bool, Failure> {
        let mut all = self.lock();
        let known = all.get(id).is_some_and(|s| s.query_name == query_name);
        if known {
            self.remove(id)?;
            all.remove(id);
            self.0.changed.notify_one();
        }
        Ok(known)
    }

    /// One of a query's.
    pub fn get(&self, query_name: &str, id: &str) -> Option<Subscription> {
        let all = self.lock();
        all.get(id).filter(|s| s.query_name == query_name).cloned()
    }

    /// Those of a query, by their ids.
    pub fn of(&self, query_name: &str) -> Vec<Subscription> {
        let all = self.lock();
        let of = all.values().filter(|s| s.query_name == query_name);
        of.cloned().collect()
    }

    /// All of them.
    pub fn all(&self) -> Vec<Subscription> {
        self.lock().values().cloned().collect()
    }

    /// Waits until one begins or ends.
    pub async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// Changes one, on the disk first; what ended meanwhile stays ended.
    fn change(&self, id: &str, change: impl FnOnce(&mut Subscription)) -> Result<(), Failure> {
        let mut all = self.lock();
        let Some(subscription) = all.get_mut(id) else {
            return Ok(());
        };
        let mut changed = subscription.clone();
        change(&mut changed);
        self.write(&changed)?;
        *subscription = changed;
        Ok(())
    }

    /// No event up to `next` fits. That is written down now and then: read again, it comes out the same.
    fn passed_over(&self, id: &str, next: ChainPlace, read_ms: u64) -> Result<(), Failure> {
        let is_due = next.height.is_multiple_of(WRITTEN_EVERY);
        let pass = |subscription: &mut Subscription| {
            subscription.next = next;
            subscription.read_ms = Some(read_ms);
        };
        if is_due {
            return self.change(id, pass);
        }
        if let Some(subscription) = self.lock().get_mut(id) {
            pass(subscription);
        }
        Ok(())
    }

    fn write(&self, subscription: &Subscription) -> Result<(), Failure> {
        let bytes = serde_json::to_vec(subscription)
            .map_err(|e| Failure::Usage(format!("subscription: {e}")))?;
        file::write_private(&self.path(&subscription.id), &bytes)
    }

    fn remove(&self, id: &str) -> Result<(), Failure> {
        let path = self.path(id);
        let removed = std::fs::remove_file(&path).and_then(|()| sync_folder_of(&path));
        removed.map_err(|e| Failure::io("removing", &path, &e))
    }

    fn path(&self, id: &str) -> PathBuf {
        self.0.folder.join(format!("{id}{ENDING}"))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Subscription>> {
        // What is kept is whole after every statement.
        self.0.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
