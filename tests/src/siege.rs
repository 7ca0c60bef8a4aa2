//! Honest clients of a consortium while strangers stand at its ports, or one member floods it: what each of them waits.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ed25519_dalek::SigningKey;
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};
use touchstone_core::hash::Hash;
use touchstone_proto::node::ledger_client::LedgerClient;
use touchstone_proto::node::transaction_status::Status;
use touchstone_proto::node::{GetItemRequest, SubmitRequest};

use crate::bench::latency::Latencies;
use crate::cluster::{Cluster, organisation_id};
use crate::{load, sink};

/// How long an honest client waits between two questions.
const THINKS: Duration = Duration::from_millis(100);
/// How long it waits where a node refuses it, or is gone.
const AGAIN: Duration = Duration::from_millis(50);
/// How often a client comes anew.
const COMES: Duration = Duration::from_secs(1);
/// How long it waits for an answer before it connects anew.
const PATIENCE: Duration = Duration::from_secs(10);
/// Another address of this machine than the attackers'.
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// Numbers of a flood's events begin here, beyond those of honest clients.
const FLOOD: u64 = 1_000_000;

/// Numbers of events are given once in a process.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// What honest clients saw.
#[derive(Clone, Debug)]
pub struct Honest {
    /// Milliseconds from a signed event to its block, retries included.
    pub records: Latencies,
    /// Milliseconds of an item's proven record.
    pub reads: Latencies,
    /// The same for clients that connect first, from the attackers' address.
    pub first_reads: Latencies,
    /// The same from another address.
    pub first_reads_elsewhere: Latencies,
    /// The longest of `records`, milliseconds, and the second of the window in which it began.
    pub slowest: (f64, f64),
    /// Events recorded in a second.
    pub records_per_s: f64,
}

impl Honest {
    /// What was seen in several windows of equal length, as if in one.
    pub fn together<'a>(windows: impl Iterator<Item = &'a Honest> + Clone) -> Honest {
        let rates: Vec<f64> = windows.clone().map(|one| one.records_per_s).collect();
        Honest {
            records: Latencies::together(windows.clone().map(|one| &one.records)),
            reads: Latencies::together(windows.clone().map(|one| &one.reads)),
            first_reads: Latencies::together(windows.clone().map(|one| &one.first_reads)),
            first_reads_elsewhere: Latencies::together(
                windows.clone().map(|one| &one.first_reads_elsewhere),
            ),
            slowest: longest(windows.map(|one| one.slowest)),
            records_per_s: rates.iter().sum::<f64>() / rates.len() as f64,
        }
    }
}

/// Who talks to a node.
#[derive(Clone)]
pub struct Member {
    pub(crate) node: SocketAddr,
    key: SigningKey,
    chain_id: Hash,
    organisation: String,
}

impl Member {
    /// A member with a port that it talks to, from a program's arguments: see [`crate::attackers::Attackers::flood`].
    pub fn read(words: &[&str]) -> Option<Member> {
        let [node, chain_id, organisation, key] = words else {
            return None;
        };
        let bytes = |text: &str| hex::decode(text).ok()?.try_into().ok();
        let key: [u8; 32] = bytes(key)?;
        Some(Member {
            node: node.parse().ok()?,
            key: SigningKey::from_bytes(&key),
            chain_id: bytes(chain_id)?,
            organisation: (*organisation).to_owned(),
        })
    }

    /// What [`Member::read`] reads.
    pub(crate) fn words(&self) -> [String; 4] {
        [
            self.node.to_string(),
            hex::encode(self.chain_id),
            self.organisation.clone(),
            hex::encode(self.key.to_bytes()),
        ]
    }

    pub(crate) fn of(cluster: &Cluster, index: usize) -> Member {
        Member {
            node: cluster.rpc(index),
            key: cluster.keys[index].clone(),
            chain_id: cluster.genesis.chain_id,
            organisation: organisation_id(index),
        }
    }

    fn envelope(&self, events: u64) -> Vec<u8> {
        let first = NEXT.fetch_add(events, Ordering::Relaxed);
        let events = (first..first + events).map(load::event).collect();
        let created_ms = load::recent(first);
        load::capture(
            &self.key,
            &self.chain_id,
            &self.organisation,
            created_ms,
            events,
        )
    }

    async fn connect(&self, from: Option<IpAddr>) -> Option<LedgerClient<Channel>> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.node)).ok()?;
        let endpoint = endpoint.local_address(from);
        let connected = tokio::time::timeout(PATIENCE, endpoint.connect()).await;
        Some(LedgerClient::new(connected.ok()?.ok()?).max_decoding_message_size(64 << 20))
    }
}

/// Honest clients of these members' nodes, so many of each kind at each: they are at work for a while before what they
/// see counts. And two of each node that come anew for each question, one of them from another address.
pub async fn honest(
    cluster: &Cluster,
    members: &[usize],
    clients: usize,
    before: Duration,
    time: Duration,
) -> Honest {
    let from = Instant::now() + before;
    let counted = from..from + time;
    let (mut writers, mut readers) = (JoinSet::new(), JoinSet::new());
    let (mut newcomers, mut elsewhere) = (JoinSet::new(), JoinSet::new());
    for index in members {
        let member = Member::of(cluster, *index);
        for _ in 0..clients {
            writers.spawn(write(member.clone(), counted.clone()));
            readers.spawn(read(member.clone(), counted.clone(), Comes::Once));
        }
        newcomers.spawn(read(member.clone(), counted.clone(), Comes::Anew(None)));
        elsewhere.spawn(read(member, counted.clone(), Comes::Anew(Some(ELSEWHERE))));
    }
    let writes = writers.join_all().await.concat();
    let reads = readers.join_all().await.concat();
    let first_reads = newcomers.join_all().await.concat();
    let first_reads_elsewhere = elsewhere.join_all().await.concat();
    let ms = |timed: &[Timed]| Latencies::new(timed.iter().map(|one| one.took_ms).collect());
    let slow = |one: &Timed| (one.took_ms, (one.begin - from).as_secs_f64());
    Honest {
        records_per_s: writes.len() as f64 / time.as_secs_f64(),
        records: ms(&writes),
        reads: ms(&reads),
        first_reads: ms(&first_reads),
        first_reads_elsewhere: ms(&first_reads_elsewhere),
        slowest: longest(writes.iter().map(slow)),
    }
}

fn longest(times: impl Iterator<Item = (f64, f64)>) -> (f64, f64) {
    times
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .unwrap_or_default()
}

/// Returns once an event of a member is recorded: what waited of it before is recorded, or refused, too.
pub async fn record_once(cluster: &Cluster, member: usize) {
    let now = Instant::now();
    write(Member::of(cluster, member), now..now).await;
}

/// What a client waited.
#[derive(Clone, Copy)]
struct Timed {
    begin: Instant,
    took_ms: f64,
}

/// Notes what began while it counts.
fn note(times: &mut Vec<Timed>, begin: Instant, counted: &Range<Instant>) {
    if counted.contains(&begin) {
        let took_ms = begin.elapsed().as_secs_f64() * 1e3;
        times.push(Timed { begin, took_ms });
    }
}

/// Records one event after the other, and one at least. What isn't recorded is sent again, and the time goes on.
async fn write(member: Member, counted: Range<Instant>) -> Vec<Timed> {
    let mut times = Vec::new();
    let mut client = None;
    loop {
        let envelope = member.envelope(1);
        let begin = Instant::now();
        loop {
            let request = SubmitRequest {
                envelope: envelope.clone(),
                wait: true,
            };
            let answer = match connected(&mut client, &member, None).await {
                Some(client) => tokio::time::timeout(PATIENCE, client.submit(request))
                    .await
                    .ok(),
                None => None,
            };
            match answer {
                Some(Ok(answer)) => match answer.into_inner().status {
                    Some(Status::Committed(_)) => break,
                    _ => tokio::time::sleep(AGAIN).await,
                },
                _ => {
                    client = None;
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
        note(&mut times, begin, &counted);
        tokio::time::sleep(THINKS).await;
        if Instant::now() >= counted.end {
            return times;
        }
    }
}

/// How a client comes to a node.
#[derive(Clone, Copy)]
enum Comes {
    /// Over one connection.
    Once,
    /// Over a new one each time, from an address of its own if there is any.
    Anew(Option<IpAddr>),
}

/// Asks for one item after the other.
async fn read(member: Member, counted: Range<Instant>, comes: Comes) -> Vec<Timed> {
    let (from, pause) = match comes {
        Comes::Once => (None, THINKS),
        Comes::Anew(from) => (from, COMES),
    };
    let mut times = Vec::new();
    let mut client = None;
    while Instant::now() < counted.end {
        let begin = Instant::now();
        loop {
            let request = GetItemRequest {
                id: "https://id.gs1.org/01/09521321000018/21/1".into(),
                ..GetItemRequest::default()
            };
            let answer = match connected(&mut client, &member, from).await {
                Some(client) => tokio::time::timeout(PATIENCE, client.get_item(request))
                    .await
                    .ok(),
                None => None,
            };
            if let Some(Ok(_)) = answer {
                break;
            }
            client = None;
            tokio::time::sleep(AGAIN).await;
        }
        match comes {
            Comes::Once => note(&mut times, begin, &counted),
            Comes::Anew(_) => {
                // The wait may be longer than a window: one that was kept out since before counts.
                if Instant::now() >= counted.start {
                    note(&mut times, begin, &(begin..counted.end));
                }
                client = None;
            }
        }
        tokio::time::sleep(pause).await;
    }
    times
}

async fn connected<'a>(
    client: &'a mut Option<LedgerClient<Channel>>,
    member: &Member,
    from: Option<IpAddr>,
) -> Option<&'a mut LedgerClient<Channel>> {
    if client.is_none() {
        *client = member.connect(from).await;
    }
    client.as_mut()
}

/// Captures of one member's flood.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flooded {
    /// Those that the node took.
    pub taken: u64,
    /// Those that it refused, or didn't answer.
    pub refused: u64,
}

/// A member that sends large captures over so many connections as fast as its node takes them, for a while.
pub async fn flood(member: &Member, connections: usize, events: u64, time: Duration) -> Flooded {
    let end = Instant::now() + time;
    NEXT.fetch_max(FLOOD, Ordering::Relaxed);
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        tasks.spawn(flood_one(member.clone(), events, end));
    }
    let each = tasks.join_all().await;
    each.iter().fold(Flooded::default(), |all, one| Flooded {
        taken: all.taken + one.taken,
        refused: all.refused + one.refused,
    })
}

async fn flood_one(member: Member, events: u64, end: Instant) -> Flooded {
    let mut flooded = Flooded::default();
    let mut client = None;
    while Instant::now() < end {
        let request = SubmitRequest {
            envelope: member.envelope(events),
            wait: false,
        };
        let answer = match connected(&mut client, &member, None).await {
            Some(client) => client.submit(request).await.ok(),
            None => None,
        };
        match answer {
            Some(_) => flooded.taken += 1,
            None => {
                flooded.refused += 1;
                client = None;
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
    flooded
}

/// The same captures, made and sent to a sink that refuses them all.
pub async fn flood_sink(member: &Member, connections: usize, events: u64, time: Duration) {
    let end = Instant::now() + time;
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let member = member.clone();
        tasks.spawn(async move {
            while Instant::now() < end {
                sink::send(member.node, &member.envelope(events)).await;
                tokio::time::sleep(AGAIN).await;
            }
        });
    }
    tasks.join_all().await;
}
