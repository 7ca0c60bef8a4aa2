//! `/queries/{name}/subscriptions` as EPCIS 2.0's REST binding has it: where events go, and when.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use touchstone_client::client::Client;
use touchstone_edge::http::negotiate::{self, EpcFormat};
use touchstone_edge::http::{Exception, Problem};

use super::{Http, Shared, as_json, failed, parameters, query_node, whole_of};
use crate::failure::Failure;
use crate::gateway::subscriptions::destinations::BadDestination;
use crate::gateway::subscriptions::schedule::{QuerySchedule, ScheduleFields};
use crate::gateway::subscriptions::{
    ChainPlace, DeliveryTiming, NotSubscribed, SUBSCRIPTIONS, Subscription, read_query,
};
use crate::output::rfc3339;

/// Bytes of what a client sends to subscribe.
const SUBSCRIPTION_BYTES: usize = 16 << 10;
/// Characters of what signs notices: enough that nobody guesses it.
const TOKEN: std::ops::RangeInclusive<usize> = 24..=512;

/// What a client sends to subscribe.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wish {
    dest: String,
    signature_token: Option<String>,
    initial_record_time: Option<String>,
    #[serde(default)]
    report_if_empty: bool,
    stream: Option<bool>,
    schedule: Option<ScheduleFields>,
}

/// `POST /queries/{name}/subscriptions`
pub(super) async fn begin(
    State(shared): Http,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    let [] = parameters(&uri, [])?;
    if !matches!(
        negotiate::media_type(&headers),
        negotiate::JSON | negotiate::JSON_LD
    ) {
        let detail = "a subscription is taken as application/json";
        return Err(Problem::new(Exception::UnsupportedMediaType, detail));
    }
    let name = segment(&uri, 1);
    let body = whole_of(body, SUBSCRIPTION_BYTES).await?;
    let wish: Wish = serde_json::from_slice(&body).map_err(|error| {
        let detail = format!(
            "the body is no subscription such as {{\"dest\": \"https://…\", \"signatureToken\": \"…\", \
             \"stream\": true}}: {error}"
        );
        Problem::new(Exception::Validation, detail)
    })?;
    let timing = timing(&wish)?;
    let token = wish.signature_token.unwrap_or_default();
    if !TOKEN.contains(&token.chars().count()) {
        let detail = format!(
            "signatureToken, with which notices are signed, has {} to {} characters",
            TOKEN.start(),
            TOKEN.end()
        );
        return Err(wrong(detail));
    }
    let initial_ms = wish
        .initial_record_time
        .as_deref()
        .map(moment)
        .transpose()?;
    shared
        .destinations
        .address(&wish.dest)
        .map_err(|bad| match bad {
            BadDestination::Form(why) => wrong(why),
            BadDestination::NotAllowed(why) => Problem::new(Exception::Forbidden, why),
        })?;
    let query = query_node(&shared)?.definition(&name).await?;
    read_query(&query).map_err(|why| wrong(format!("the query {name:?}: {why}")))?;
    // Where it begins is proven: what is recorded from here on isn't left out.
    let height = shared
        .questions
        .with_client(move |client| begins(client, initial_ms))
        .await
        .map_err(|failure| failed(&failure))?;
    let now_ms = (shared.now_ms)();
    let mut subscription = Subscription {
        id: new_id()?,
        query_name: name,
        query,
        dest: wish.dest,
        token,
        timing,
        report_if_empty: wish.report_if_empty,
        digital_links: negotiate::epc_format(&headers) == EpcFormat::DigitalLinks,
        created_ms: now_ms,
        initial_ms,
        next: ChainPlace { height, event: 0 },
        read_ms: None,
        due_ms: None,
        run: None,
        notified_ms: None,
        failing_ms: None,
        error: None,
        suspended: false,
    };
    subscription.due_ms = subscription.due_after(now_ms);
    let address = format!(
        "/queries/{}/subscriptions/{}",
        subscription.query_name, subscription.id
    );
    let told = describe(&subscription);
    let keeping = shared.clone();
    let kept = tokio::task::spawn_blocking(move || keeping.subscriptions.begin(subscription)).await;
    let kept = kept.map_err(|_| Problem::new(Exception::Implementation, "the gateway failed"))?;
    kept.map_err(|why| match why {
        NotSubscribed::TooMany(what) => wrong(format!("{what}; delete one first")),
        NotSubscribed::Failed(failure) => failed(&failure),
    })?;
    tracing::info!(address, "a subscription begins");
    let mut answer = as_json(StatusCode::CREATED, told.to_string());
    let location = HeaderValue::try_from(address);
    let location = location
        .map_err(|_| Problem::new(Exception::Implementation, "what was made has no address"))?;
    answer.headers_mut().insert(header::LOCATION, location);
    Ok(answer)
}

/// `GET /queries/{name}/subscriptions`
pub(super) async fn list(State(shared): Http, uri: Uri) -> Result<Response, Problem> {
    let [per_page, after] = parameters(&uri, ["perPage", "nextPageToken"])?;
    let per_page = per_page.map_or(Some(SUBSCRIPTIONS), |text| text.parse().ok());
    let per_page = per_page.filter(|n| *n > 0).ok_or_else(|| {
        let detail = "perPage is a number from 1 on";
        Problem::new(Exception::QueryParameter, detail)
    })?;
    let name = segment(&uri, 1);
    let of = shared.subscriptions.of(&name);
    if of.is_empty() {
        // Whether there is such a query at all, the node says.
        query_node(&shared)?.definition(&name).await?;
    }
    let after = after.unwrap_or_default();
    let mut rest = of.iter().filter(|subscription| subscription.id > after);
    let page: Vec<&Subscription> = rest.by_ref().take(per_page).collect();
    let mut answer = super::listed(page.iter().map(|s| describe(s)).collect());
    if let (Some(last), true) = (page.last(), rest.next().is_some()) {
        let path = uri.path();
        let next = format!(
            "<{path}?perPage={per_page}&nextPageToken={}>; rel=\"next\"",
            last.id
        );
        if let Ok(link) = HeaderValue::try_from(next) {
            answer.headers_mut().insert(header::LINK, link);
        }
    }
    Ok(answer)
}

/// `GET /queries/{name}/subscriptions/{id}`
pub(super) async fn one(State(shared): Http, uri: Uri) -> Result<Response, Problem> {
    let [] = parameters(&uri, [])?;
    let found = shared
        .subscriptions
        .get(&segment(&uri, 1), &segment(&uri, 3));
    let found = found.ok_or_else(unknown)?;
    Ok(as_json(StatusCode::OK, describe(&found).to_string()))
}

/// `DELETE /queries/{name}/subscriptions/{id}`
pub(super) async fn end(State(shared): Http, uri: Uri) -> Result<Response, Problem> {
    let [] = parameters(&uri, [])?;
    let ended = shared
        .subscriptions
        .end(&segment(&uri, 1), &segment(&uri, 3));
    match ended.map_err(|failure| failed(&failure))? {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(unknown()),
    }
}

/// Ends all of a query that is deleted.
pub(super) fn end_all_of(shared: &Shared, query_name: &str) -> Result<(), Problem> {
    for subscription in shared.subscriptions.of(query_name) {
        let ended = shared.subscriptions.end(query_name, &subscription.id);
        ended.map_err(|failure| failed(&failure))?;
    }
    Ok(())
}

/// One part of the path, from 0; what is escaped there is nobody's name.
fn segment(uri: &Uri, place: usize) -> String {
    let mut parts = uri.path().trim_start_matches('/').split('/');
    parts.nth(place).unwrap_or_default().to_owned()
}

fn timing(wish: &Wish) -> Result<DeliveryTiming, Problem> {
    match (wish.stream, &wish.schedule) {
        (Some(true), None) if wish.report_if_empty => Err(wrong(
            "reportIfEmpty is for schedules: a stream tells as soon as there is something",
        )),
        (Some(true), None) => Ok(DeliveryTiming::Stream),
        (None, Some(fields)) => match QuerySchedule::read(fields) {
            Ok(_) => Ok(DeliveryTiming::Schedule(fields.clone())),
            Err(why) => Err(wrong(why)),
        },
        _ => Err(wrong(
            "say when: \"stream\": true, as soon as an event is recorded; or a schedule, such as \
             {\"hour\": \"1\", \"minute\": \"5\"}",
        )),
    }
}

fn moment(text: &str) -> Result<u64, Problem> {
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok();
    let ms = moment.map(|moment| moment.unix_timestamp_nanos() / 1_000_000);
    ms.and_then(|ms| u64::try_from(ms).ok()).ok_or_else(|| {
        wrong(format!(
            "initialRecordTime is {text:?}, which is no date and time with zone since 1970, such as \
             2026-03-01T08:30:00Z"
        ))
    })
}

/// The first block that it reads: the one after the last, or the first of that time.
async fn begins(mut client: Client, initial_ms: Option<u64>) -> Result<u64, Failure> {
    let tip = match client.has_blocks().await? {
        true => client.validators().await?.header.height,
        false => 0,
    };
    let end = tip.saturating_add(1);
    let Some(initial_ms) = initial_ms else {
        return Ok(end);
    };
    // Times grow with heights.
    let (mut low, mut high) = (1, end);
    while low < high {
        let middle = low + (high - low) / 2;
        let (attested, _) = client.block(middle, false).await?;
        match attested.header.time_ms < initial_ms {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    Ok(low)
}

fn new_id() -> Result<String, Problem> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|_| Problem::new(Exception::Implementation, "there is no randomness"))?;
    Ok(hex::encode(bytes))
}

/// A subscription as the binding has it; what signs its notices is told to nobody.
fn describe(subscription: &Subscription) -> Value {
    let mut told = json!({
        "subscriptionID": subscription.id,
        "queryName": subscription.query_name,
        "dest": subscription.dest,
        "createdAt": rfc3339(subscription.created_ms),
        "epcFormat": match subscription.digital_links {
            true => EpcFormat::DigitalLinks.name(),
            false => EpcFormat::AsSigned.name(),
        },
        "touchstone:query": subscription.query,
        "touchstone:state": if subscription.suspended { "suspended" } else { "active" },
        "touchstone:nextBlock": subscription.next.height,
    });
    let Some(members) = told.as_object_mut() else {
        return told;
    };
    match &subscription.timing {
        DeliveryTiming::Stream => {
            members.insert("stream".into(), true.into());
        }
        DeliveryTiming::Schedule(fields) => {
            members.insert("schedule".into(), json!(fields));
            members.insert("reportIfEmpty".into(), subscription.report_if_empty.into());
        }
    }
    let least_ms = subscription.read_ms.or(subscription.initial_ms);
    for (name, ms) in [
        ("initialRecordTime", subscription.initial_ms),
        ("minRecordTime", least_ms),
        ("lastNotifiedAt", subscription.notified_ms),
        ("touchstone:nextRun", subscription.due_ms),
    ] {
        if let Some(ms) = ms {
            members.insert(name.into(), rfc3339(ms).into());
        }
    }
    if let Some(error) = &subscription.error {
        members.insert("touchstone:error".into(), error.as_str().into());
    }
    told
}

fn wrong(detail: impl Into<String>) -> Problem {
    Problem::new(Exception::SubscriptionControls, detail)
}

fn unknown() -> Problem {
    let detail = "this query has no such subscription; GET /queries/NAME/subscriptions lists them";
    Problem::new(Exception::NoSuchResource, detail)
}
