//! Openings of labels, recorded for people who have the thing and no key (docs/verdicts.md, "Codes under a cover").
//! Somebody types the code under the cover into the page. The gateway has it proven that the thing's maker recorded
//! this code, and that nobody opened the label before; then its organisation records the opening, and vouches with
//! that for having been asked with the code.
//!
//! The ledger is the only memory. Who is cut off asks again, and hears what is recorded. Nothing is signed for a code
//! that doesn't fit, and one thing is looked up once a minute however often it is asked about.

pub mod door;
mod label_proof;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::Semaphore;
use touchstone_client::{Client, ClientError, Signer};
use touchstone_proto::ledger::{CaptureEvents, transaction::Action};

use self::label_proof::{MakersWord, OpeningLog, makers_word, opening_log};
use super::ledger_queries::Questions;
use crate::failure::Failure;
use crate::label::activation::{RecordedCode, letters};
use crate::output::rfc3339;
use crate::settings::Settings;

/// Questions to the ledger at once; an opening is one for as long as its block takes.
const AT_ONCE: usize = 8;
/// People who wait for that.
const WAITING: usize = 64;
/// How long what was proven of a thing's making serves.
const FRESH: Duration = Duration::from_secs(60);
/// Things of which that is kept.
const KNOWN: usize = 4096;

/// A label's first opening, as it is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelOpening {
    /// Who recorded it.
    pub organisation: String,
    /// The block's time, milliseconds.
    pub time_ms: u64,
    /// The block's height.
    pub height: u64,
    /// The transaction, in hexadecimal.
    pub transaction: String,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// This request's is the first.
    Now(LabelOpening),
    /// The label was opened before.
    Before(LabelOpening),
    /// The transaction is sent, and its outcome isn't proven yet.
    Sent(String),
}

/// Why nothing is recorded.
#[derive(Debug)]
pub enum NotOpened {
    /// Nothing is recorded under the thing's identifier, which is proven.
    Unknown,
    /// Its maker recorded no code.
    NoCode,
    /// It has more events than are read here.
    TooLong,
    /// The code is another.
    WrongCode,
    /// A member recorded something under the label without its code, so that nobody else's opening is taken.
    Taken,
    /// Too many wait.
    Busy,
    /// The question to the ledger failed.
    Failed(Failure),
}

/// What is known of a thing's label.
#[derive(Default)]
struct KnownLabel {
    proven: Option<(Instant, MakersWord)>,
    first: Option<LabelOpening>,
}

/// Records openings, one of a thing after the other.
pub struct Openings {
    questions: Questions,
    signer: Arc<Signer>,
    now_ms: fn() -> u64,
    waiting: Arc<Semaphore>,
    labels: Mutex<HashMap<String, Arc<tokio::sync::Mutex<KnownLabel>>>>,
}

impl Openings {
    /// Asks where these settings say, and signs as this organisation.
    pub fn new(settings: Settings, signer: Arc<Signer>, now_ms: fn() -> u64) -> Arc<Openings> {
        Arc::new(Openings {
            questions: Questions::at_once(settings, now_ms, AT_ONCE),
            signer,
            now_ms,
            waiting: Arc::new(Semaphore::new(WAITING)),
            labels: Mutex::default(),
        })
    }

    /// Records the opening of the thing with this canonical identifier, unless it is recorded already. It goes on
    /// where whoever asked goes away: the next who asks waits for it.
    pub async fn open(self: &Arc<Self>, item: String, code: String) -> Result<Opened, NotOpened> {
        let Ok(place) = self.waiting.clone().try_acquire_owned() else {
            return Err(NotOpened::Busy);
        };
        let openings = self.clone();
        let opening = tokio::spawn(async move {
            let _place = place;
            openings.open_in_turn(&item, &code).await
        });
        let cut_off = |_| Failure::Unreachable("the opening was cut off".into());
        opening
            .await
            .map_err(cut_off)
            .unwrap_or_else(|failure| Err(NotOpened::Failed(failure)))
    }

    async fn open_in_turn(&self, item: &str, code: &str) -> Result<Opened, NotOpened> {
        let label = self.label(item);
        let mut label = label.lock().await;
        let recorded = self.recorded(&mut label, item).await?;
        if !recorded.fits(code) {
            return Err(NotOpened::WrongCode);
        }
        if let Some(first) = &label.first {
            return Ok(Opened::Before(first.clone()));
        }
        let opened = self.record(recorded, letters(code)).await?;
        if let Opened::Now(first) | Opened::Before(first) = &opened {
            label.first = Some(first.clone());
        }
        Ok(opened)
    }

    fn label(&self, item: &str) -> Arc<tokio::sync::Mutex<KnownLabel>> {
        // What is kept is whole after every statement.
        let mut labels = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        if labels.len() >= KNOWN && !labels.contains_key(item) {
            // Those that nobody asks about now: at most as many are asked about as may wait.
            labels.retain(|_, label| Arc::strong_count(label) > 1);
        }
        labels.entry(item.to_owned()).or_default().clone()
    }

    /// The code that the maker recorded, as it was proven within the last minute.
    async fn recorded(
        &self,
        label: &mut KnownLabel,
        item: &str,
    ) -> Result<RecordedCode, NotOpened> {
        let known = label.proven.as_ref();
        let word = match known.filter(|(at, _)| at.elapsed() < FRESH) {
            Some((_, word)) => word.clone(),
            None => {
                let asked = item.to_owned();
                let question = move |client| makers_word(client, asked);
                let word = self.questions.with_client(question).await;
                let word = word.map_err(NotOpened::Failed)?;
                label.proven = Some((Instant::now(), word.clone()));
                word
            }
        };
        match word {
            MakersWord::Code(recorded) => Ok(recorded),
            MakersWord::Unknown => Err(NotOpened::Unknown),
            MakersWord::NoCode => Err(NotOpened::NoCode),
            MakersWord::TooLong => Err(NotOpened::TooLong),
        }
    }

    async fn record(&self, recorded: RecordedCode, code: String) -> Result<Opened, NotOpened> {
        let (signer, now_ms) = (self.signer.clone(), (self.now_ms)());
        let question =
            move |client| async move { record(client, &recorded, &code, &signer, now_ms).await };
        let outcome = self.questions.with_client(question).await;
        outcome.map_err(NotOpened::Failed)?.ok_or(NotOpened::Taken)
    }
}

/// Looks for openings, and records one where there is none; none where somebody took the identifier without the code.
async fn record(
    mut client: Client,
    recorded: &RecordedCode,
    code: &str,
    signer: &Signer,
    now_ms: u64,
) -> Result<Option<Opened>, Failure> {
    if let OpeningLog::First(first) = opening_log(&mut client, recorded).await? {
        return Ok(Some(Opened::Before(first)));
    }
    let event = json!({
        "@context": [
            "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
            { "touchstone": "urn:touchstone:epcis:" },
        ],
        "type": "ObjectEvent",
        "eventTime": rfc3339(now_ms),
        "eventTimeZoneOffset": "+00:00",
        "action": "OBSERVE",
        "epcList": [recorded.openings()],
        "touchstone:openingCode": code,
    });
    let action = Action::CaptureEvents(CaptureEvents {
        events: vec![event.to_string().into_bytes()],
        handover: None,
    });
    let sent = match client.act(signer, now_ms, action).await {
        Ok(recorded) => Ok(hex::encode(recorded.id)),
        Err(ClientError::Undecided { id, .. }) => {
            return Ok(Some(Opened::Sent(hex::encode(id))));
        }
        // Another member was first, between the two questions; or a rule about this one.
        Err(refused @ ClientError::Refused { .. }) => Err(refused),
        Err(other) => return Err(other.into()),
    };
    told(opening_log(&mut client, recorded).await?, sent)
}

/// What is said of an opening, once the ledger was asked again: it is the first one where the first one's transaction
/// is the one that was recorded. Somebody else may have been faster.
fn told(log: OpeningLog, sent: Result<String, ClientError>) -> Result<Option<Opened>, Failure> {
    match (log, sent) {
        (OpeningLog::First(first), Ok(own)) if first.transaction == own => {
            Ok(Some(Opened::Now(first)))
        }
        (OpeningLog::First(first), _) => Ok(Some(Opened::Before(first))),
        (OpeningLog::Taken, Err(_)) => Ok(None),
        (OpeningLog::Empty, Err(refused)) => Err(refused.into()),
        (_, Ok(_)) => Err(Failure::Unreachable(
            "the opening is recorded, and not shown yet; ask again".into(),
        )),
    }
}

#[cfg(test)]
mod tests;
