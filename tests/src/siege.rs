//! Honest clients of a consortium while strangers stand at its ports, or one member floods it: what each of them waits,
//! what the nodes hold in memory, and whether all go on.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
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
use crate::flood::Attack;
use crate::load;

/// How long an honest client waits between two questions.
const THINKS: Duration = Duration::from_millis(100);
/// How long it waits where a node refuses it, or is gone.
const AGAIN: Duration = Duration::from_millis(50);
/// How long it waits for an answer before it connects anew.
const PATIENCE: Duration = Duration::from_secs(10);
/// Honest clients of each node, of each kind.
const CLIENTS: usize = 2;

/// Numbers of events are given once in a process.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// What honest clients saw.
#[derive(Clone, Debug)]
pub struct Honest {
    /// Milliseconds from a signed event to its block, retries included.
    pub records: Latencies,
    /// Milliseconds of an item's proven record.
    pub reads: Latencies,
    /// Events recorded in a second.
    pub records_per_s: f64,
}

/// Who talks to a node.
#[derive(Clone)]
struct Member {
    node: SocketAddr,
    key: SigningKey,
    chain_id: Hash,
    organisation: String,
}

impl Member {
    fn of(cluster: &Cluster, index: usize) -> Member {
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

    async fn connect(&self) -> Option<LedgerClient<Channel>> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.node)).ok()?;
        let connected = tokio::time::timeout(PATIENCE, endpoint.connect()).await;
        Some(LedgerClient::new(connected.ok()?.ok()?).max_decoding_message_size(64 << 20))
    }
}

/// Honest clients of these members' nodes, for a while.
pub async fn honest(cluster: &Cluster, members: &[usize], time: Duration) -> Honest {
    let begin = Instant::now();
    let end = begin + time;
    let (mut writers, mut readers) = (JoinSet::new(), JoinSet::new());
    for index in members {
        for _ in 0..CLIENTS {
            writers.spawn(write(Member::of(cluster, *index), end));
            readers.spawn(read(Member::of(cluster, *index), end));
        }
    }
    let writes: Vec<f64> = writers.join_all().await.concat();
    let reads: Vec<f64> = readers.join_all().await.concat();
    Honest {
        records_per_s: writes.len() as f64 / time.as_secs_f64(),
        records: Latencies::new(writes),
        reads: Latencies::new(reads),
    }
}

/// Records one event after the other. What isn't recorded is sent again, and the time goes on.
async fn write(member: Member, end: Instant) -> Vec<f64> {
    let mut times = Vec::new();
    let mut client = None;
    while Instant::now() < end {
        let envelope = member.envelope(1);
        let begin = Instant::now();
        loop {
            let request = SubmitRequest {
                envelope: envelope.clone(),
                wait: true,
            };
            let answer = match connected(&mut client, &member).await {
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
        times.push(begin.elapsed().as_secs_f64() * 1e3);
        tokio::time::sleep(THINKS).await;
    }
    times
}

/// Asks for one item after the other.
async fn read(member: Member, end: Instant) -> Vec<f64> {
    let mut times = Vec::new();
    let mut client = None;
    while Instant::now() < end {
        let begin = Instant::now();
        loop {
            let request = GetItemRequest {
                id: "https://id.gs1.org/01/09521321000018/21/1".into(),
                ..GetItemRequest::default()
            };
            let answer = match connected(&mut client, &member).await {
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
        times.push(begin.elapsed().as_secs_f64() * 1e3);
        tokio::time::sleep(THINKS).await;
    }
    times
}

async fn connected<'a>(
    client: &'a mut Option<LedgerClient<Channel>>,
    member: &Member,
) -> Option<&'a mut LedgerClient<Channel>> {
    if client.is_none() {
        *client = member.connect().await;
    }
    client.as_mut()
}

/// A member that sends large captures as fast as its node takes them, until it is dropped.
pub struct MembersFlood {
    _tasks: JoinSet<()>,
    /// Captures that were taken.
    pub taken: Arc<AtomicU64>,
}

impl MembersFlood {
    /// So many connections of a member to its own node, with so many events in each capture.
    pub fn start(
        cluster: &Cluster,
        member: usize,
        connections: usize,
        events: u64,
    ) -> MembersFlood {
        let taken = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..connections {
            tasks.spawn(flood(Member::of(cluster, member), events, taken.clone()));
        }
        MembersFlood {
            _tasks: tasks,
            taken,
        }
    }
}

async fn flood(member: Member, events: u64, taken: Arc<AtomicU64>) {
    let mut client = None;
    loop {
        let request = SubmitRequest {
            envelope: member.envelope(events),
            wait: false,
        };
        let answer = match connected(&mut client, &member).await {
            Some(client) => client.submit(request).await.ok(),
            None => None,
        };
        match answer {
            Some(_) => _ = taken.fetch_add(1, Ordering::Relaxed),
            None => {
                client = None;
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// Strangers in processes of their own, so that they take no time of the honest clients' threads; ended when dropped.
#[derive(Default)]
pub struct Strangers(Vec<Child>);

impl Strangers {
    /// Lets so many come to a port.
    pub fn come(&mut self, attack: Attack, count: usize, time: Duration, port: SocketAddr) {
        let program = crate::cluster::binary("attack");
        let child = Command::new("nice")
            .args(["-n", "10"])
            .arg(program)
            .args([attack.name(), &count.to_string()])
            .args([&time.as_secs().to_string(), &port.to_string()])
            .stdout(Stdio::null())
            .spawn();
        self.0
            .push(child.expect("attack is built, and nice is there"));
    }
}

impl Drop for Strangers {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The most memory that a node's process has held so far, MiB.
pub fn peak_memory(cluster: &Cluster, node: usize) -> Option<u64> {
    let process = cluster.process_id(node)?;
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}

/// Nodes that don't run.
pub fn stopped(cluster: &mut Cluster) -> usize {
    (0..cluster.size())
        .filter(|node| !cluster.is_running(*node))
        .count()
}
