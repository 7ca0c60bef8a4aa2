//! What the gateway signs besides captures: offers of custody, their answers, claims, and declarations
//! of products. Each is one transaction, kept before it is acknowledged and sent with the same bytes
//! until its outcome is proven.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::Deserialize;
use touchstone_core::hash::Hash;
use touchstone_edge::http::{Exception, Problem};
use touchstone_proto::ledger::capture_events::Handover;
use touchstone_proto::ledger::{
    AnswerOffer, CaptureEvents, ClaimCustody, DeclareProduct, OfferCustody, Outcome,
    transaction::Action,
};

use super::captures::{document, events, warnings};
use super::{Http, Shared, failed, not_taken, parameters, refused, required, taken, whole};
use crate::capture::source::NOT_STATED;
use crate::gateway::jobs::DoubtfulEvent;
use crate::verbs::handover::{receipt_of_offer, span_ms};
use crate::verbs::product::class;

/// Until when an offer waits for its answer, where the client doesn't say.
const DEADLINE: &str = "7d";

/// `POST /handovers?to=ID&deadline=7d`: the body's events are recorded with the offer.
pub async fn offer(
    State(shared): Http,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let [to, deadline] = parameters(&uri, ["to", "deadline"])?;
    let to = required(to, "to")?;
    let span = span_ms(deadline.as_deref().unwrap_or(DEADLINE))
        .map_err(|detail| Problem::new(Exception::QueryParameter, detail))?;
    let deadline_ms = (shared.now_ms)().saturating_add(span);
    let handover = Handover::Offer(OfferCustody { to, deadline_ms });
    with_document(shared, &headers, body, handover, "offer").await
}

/// `POST /claims?reason=TEXT`: the body's events observe the goods.
pub async fn claim(
    State(shared): Http,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let [reason] = parameters(&uri, ["reason"])?;
    let reason = required(reason, "reason")?;
    let handover = Handover::Claim(ClaimCustody { reason });
    with_document(shared, &headers, body, handover, "claim").await
}

/// `POST /handovers/{offer}/accept`, `/reject` or `/withdraw`: with a document, its events are
/// recorded with the answer; without, one is written that names all of the offer.
pub async fn answer(
    State(shared): Http,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut parts = uri.path().rsplit('/');
    let (word, offer) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let [discrepancy] = parameters(&uri, ["discrepancy"])?;
    let discrepancy = discrepancy.unwrap_or_default();
    let (outcome, action) = match (word, discrepancy.is_empty()) {
        ("accept", true) => (Outcome::Accepted, "accept"),
        ("accept", false) => (Outcome::AcceptedWithDiscrepancy, "accept"),
        ("reject", true) => (Outcome::Rejected, "reject"),
        ("withdraw", true) => (Outcome::Withdrawn, "withdraw"),
        ("reject" | "withdraw", false) => {
            let detail = "a discrepancy is stated with accept, and only with it";
            return Err(Problem::new(Exception::QueryParameter, detail));
        }
        _ => {
            let detail = "an offer is answered by accept, reject or withdraw";
            return Err(Problem::new(Exception::NoSuchResource, detail));
        }
    };
    let id: Hash = hex::decode(offer)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| {
            let detail = "an offer's id has 64 hexadecimal digits";
            Problem::new(Exception::NoSuchResource, detail)
        })?;
    let handover = Handover::Answer(AnswerOffer {
        offer: id.to_vec(),
        outcome: outcome as i32,
        discrepancy,
    });
    // A generated client names a type for the body that it leaves out.
    let body = whole(body).await?;
    if !body.is_empty() {
        return with_document(shared, &headers, Body::from(body), handover, action).await;
    }
    let now_ms = (shared.now_ms)();
    let event = shared
        .questions
        .with_client(move |mut client| async move {
            receipt_of_offer(&mut client, &id, outcome, now_ms).await
        })
        .await
        .map_err(|failure| failed(&failure))?;
    let signed = capture(vec![event], handover);
    keep(&shared, signed, action, Vec::new(), &headers).await
}

/// A product's yield.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declaration {
    product: String,
    output: u64,
    input: u64,
    #[serde(default)]
    unit: String,
}

/// `POST /products`
pub async fn declare(
    State(shared): Http,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let body = whole(body).await?;
    let declared: Declaration = serde_json::from_slice(&body).map_err(|error| {
        let detail = format!(
            "the body is no declaration such as {{\"product\": \"https://id.gs1.org/01/…\", \"output\": 9, \
             \"input\": 10, \"unit\": \"KGM\"}}: {error}"
        );
        Problem::new(Exception::Validation, detail)
    })?;
    let product = class(&declared.product).map_err(|failure| failed(&failure))?;
    let action = Action::DeclareProduct(DeclareProduct {
        product: product.as_str().to_owned(),
        output: declared.output,
        input: declared.input,
        unit: declared.unit,
    });
    keep(&shared, action, "declare", Vec::new(), &headers).await
}

async fn with_document(
    shared: Arc<Shared>,
    headers: &HeaderMap,
    body: Body,
    handover: Handover,
    action: &'static str,
) -> Result<Response, Problem> {
    let document = document(headers, body).await?;
    let _turn = shared.documents.acquire().await;
    let input = events(&shared, &document)?;
    // The events are recorded together or not at all: one that breaks a rule stops it all.
    if let Some((index, wrong)) = input.events.iter().enumerate().find_map(|(index, event)| {
        let wrong = event.wrong.as_ref()?;
        Some((index, wrong))
    }) {
        return Err(refused(wrong, &format!("$.epcisBody.eventList[{index}]")));
    }
    let mut doubtful = warnings(&input, (shared.now_ms)());
    if input.elements() > 0 {
        doubtful.insert(
            0,
            DoubtfulEvent {
                index: 0,
                path: "$.epcisHeader.epcisMasterData".to_owned(),
                warning: "master-data-not-stated".to_owned(),
                message: NOT_STATED.to_owned(),
            },
        );
    }
    let events = input.events.into_iter().map(|event| event.bytes).collect();
    keep(
        &shared,
        capture(events, handover),
        action,
        doubtful,
        headers,
    )
    .await
}

fn capture(events: Vec<Vec<u8>>, handover: Handover) -> Action {
    Action::CaptureEvents(CaptureEvents {
        events,
        handover: Some(handover),
    })
}

/// Signs an action and keeps it, with what is doubtful in it; it is sent in its turn.
async fn keep(
    shared: &Shared,
    action: Action,
    name: &str,
    doubtful: Vec<DoubtfulEvent>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let now_ms = (shared.now_ms)();
    let chain_id = &shared.genesis.chain_id;
    let kept = shared
        .jobs
        .take_act(&shared.signer, chain_id, action, name, doubtful, now_ms);
    let id = kept.map_err(not_taken)?;
    tracing::info!(job = id, action = name, "an act came in");
    taken(shared, &id, headers, "jobs").await
}
